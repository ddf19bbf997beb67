/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libuv for Swift, and the few things that Swift cannot say: a prefetch, the cycle counter. No logic. */
#ifndef MINIREDIS_CUVSHIM_H
#define MINIREDIS_CUVSHIM_H

#include <uv.h>

/* Where a libuv handle keeps its owner's state. */
static inline void *cuv_handle_data(const uv_handle_t *handle) {
    return handle->data;
}

#endif
