/* SPDX-License-Identifier: BSD-3-Clause
 *
 * LZF, the compression of long strings in a dump. */
#ifndef MINIREDIS_CLZF_H
#define MINIREDIS_CLZF_H

#include <liblzf/lzf.h>

#endif
