/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libuv for Swift, and the few things that Swift cannot say. No logic. */
#ifndef MINIREDIS_CUVSHIM_H
#define MINIREDIS_CUVSHIM_H

#include <sys/eventfd.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* accept4 of Linux: the C library declares it only under _GNU_SOURCE, which Swift does not set. */
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

/* Accepts one connection, non-blocking and closed on exec. -1 and errno if there is none. */
static inline int cuv_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
    return accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The first version of sched_setattr's argument (sched_setattr(2)), which the C library does not
 * declare. Of a thread of the normal policy, `runtime` is the length of its slice. */
typedef struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
} cuv_scheduling;

/* The calling thread lets others go first: `nicer` is added to its nice value, and whoever wakes up
 * takes its processor after a tenth of a millisecond instead of after its whole slice (Linux 6.12
 * and later). What the system refuses is left as it was. */
static inline void cuv_be_patient(int nicer) {
    const uint64_t shortest_slice_nanoseconds = 100000;
    cuv_scheduling attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) {
        return;
    }
    const int nice = attributes.nice + nicer;
    attributes.nice = nice > 19 ? 19 : nice;
    attributes.runtime = shortest_slice_nanoseconds;
    attributes.flags = 0;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

#endif
