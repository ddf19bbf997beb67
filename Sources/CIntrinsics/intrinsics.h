/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Machine instructions that Swift has no word for, and a system call that it does not see. Header
 * only: they become part of the Swift module. */
#ifndef MINIREDIS_CINTRINSICS_H
#define MINIREDIS_CINTRINSICS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* sync_file_range(2): brings a part of a file to the disk. 0, or -1 and errno. */
static inline int cin_sync_range(int descriptor, int64_t offset, int64_t count, unsigned flags) {
    extern long syscall(long number, ...);
    return (int)syscall(SYS_sync_file_range, descriptor, offset, count, flags);
}

/* Carry-less multiplication, with which a checksum takes 64 bytes in a step: a block of 16 bytes is
 * a polynomial, and moving it n bits further in the message multiplies it by x^n modulo the
 * checksum's polynomial. Bits are reflected, so that a product of two reflected numbers stands one
 * place too low, and the constants are the reflected remainders of x^(n - 1).
 *
 * Source: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel, 2009. */
#if defined(__x86_64__)
typedef long long cin_pair __attribute__((vector_size(16)));

/* Whether the processor has the instruction. */
static inline int cin_has_carryless(void) {
    unsigned a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c >> 1) & 1;
}

__attribute__((target("pclmul"))) static inline cin_pair cin_fold(
    cin_pair block, cin_pair constants, cin_pair next) {
    return __builtin_ia32_pclmulqdq128(block, constants, 0x00) ^
           __builtin_ia32_pclmulqdq128(block, constants, 0x11) ^ next;
}

/* Reduces `count` bytes, a multiple of 64 and at least 64, with the checksum `start` before
 * them, to the 16 bytes at `rest` that have the same checksum with nothing before them. */
__attribute__((target("pclmul"))) static inline void cin_crc64_fold(
    uint64_t start, const void *bytes, size_t count, void *rest) {
    const cin_pair far = {(long long)0xaf86efb16d9ab4fbull, (long long)0xf49784a634f014e4ull};
    const cin_pair near = {(long long)0xd9d7be7d505da32cull, (long long)0x381d0015c96f4444ull};
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *end = at + count;
    cin_pair block[4], next[4];
    memcpy(block, at, 64);
    block[0][0] ^= (long long)start;
    for (at += 64; at < end; at += 64) {
        memcpy(next, at, 64);
        for (int i = 0; i < 4; i++) block[i] = cin_fold(block[i], far, next[i]);
    }
    for (int i = 1; i < 4; i++) block[i] = cin_fold(block[i - 1], near, block[i]);
    memcpy(rest, &block[3], 16);
}
#else
static inline int cin_has_carryless(void) { return 0; }
static inline void cin_crc64_fold(
    uint64_t start, const void *bytes, size_t count, void *rest) {
    (void)start, (void)bytes, (void)count, (void)rest;
}
#endif

#endif
