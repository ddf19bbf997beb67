/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jemalloc's extended interface: allocation and release with a known size, and its statistics. */
#ifndef MINIREDIS_CJEMALLOC_H
#define MINIREDIS_CJEMALLOC_H

#include <jemalloc/jemalloc.h>

#endif
