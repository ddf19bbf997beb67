/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libuv for Swift, and the few things that Swift cannot say. No logic. */
#ifndef MINIREDIS_CUVSHIM_H
#define MINIREDIS_CUVSHIM_H

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <uv.h>

/* accept4 of Linux: the C library declares it only under _GNU_SOURCE, which Swift does not set. */
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

/* Accepts one connection, non-blocking and closed on exec. -1 and errno if there is none. */
static inline int cuv_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
    return accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#endif
