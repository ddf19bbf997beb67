/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two machine instructions that Swift has no word for. Header only: they are inlined into Swift. */
#ifndef MINIREDIS_CINTRINSICS_H
#define MINIREDIS_CINTRINSICS_H

#include <stdint.h>
#include <time.h>

/* Asks the processor to bring a cache line near. Any address is allowed; a wrong one costs time. */
static inline void cin_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/* A counter that grows at one constant rate on all cores; CycleClock measures the rate. */
static inline uint64_t cin_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

#endif
