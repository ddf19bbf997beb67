// SPDX-License-Identifier: BSD-3-Clause

// What a signal handler may do on the way out: a crash report, or a tidy end while the data is
// still being loaded. Everything that is written is either constant, copied beforehand into the
// static buffers below, or a number; nothing here allocates, formats or locks.
//
// The handlers run on a stack of their own, so that an overflow of the stack can be reported too.

#define _GNU_SOURCE
#include "CProcess.h"

#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAME_LIMIT = 100, STACK_BYTES = 64 << 10, TEXT_BYTES = 256 };

static char log_path[PATH_MAX];
static char version[TEXT_BYTES];
static char ending_line[TEXT_BYTES];
static char ending_files[2][PATH_MAX];
static char handler_stack[STACK_BYTES];

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
enum { CRASH_SIGNAL_COUNT = sizeof crash_signals / sizeof crash_signals[0] };

static void copy(char *room, size_t size, const char *text) {
    const size_t length = strnlen(text, size - 1);
    memcpy(room, text, length);
    room[length] = 0;
}

void process_describe(const process_report *report) {
    copy(log_path, sizeof log_path, report->log_path);
    copy(version, sizeof version, report->version);
}

// MARK: - Writing without a library

static void put(int file, const char *text) {
    size_t length = strlen(text);
    while (length > 0) {
        const ssize_t count = write(file, text, length);
        if (count <= 0) {
            return;
        }
        text += count;
        length -= (size_t)count;
    }
}

static void put_number(int file, uint64_t number, unsigned base) {
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    put(file, digits + at);
}

static void put_integer(int file, int number) {
    if (number < 0) {
        put(file, "-");
    }
    put_number(file, (uint64_t)(number < 0 ? -(int64_t)number : number), 10);
}

static void put_address(int file, const char *label, uint64_t address) {
    put(file, label);
    put(file, "0x");
    put_number(file, address, 16);
    put(file, "\n");
}

static int open_log(void) {
    if (!log_path[0]) {
        return STDOUT_FILENO;
    }
    const int file = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return file < 0 ? STDERR_FILENO : file;
}

// MARK: - Crashes

static void put_machine(int file, const ucontext_t *context) {
#if defined(__x86_64__)
    put_address(file, "Instruction: ", (uint64_t)context->uc_mcontext.gregs[REG_RIP]);
    put_address(file, "Stack: ", (uint64_t)context->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
    put_address(file, "Instruction: ", (uint64_t)context->uc_mcontext.pc);
    put_address(file, "Stack: ", (uint64_t)context->uc_mcontext.sp);
#else
    (void)file;
    (void)context;
#endif
}

static void report_crash(int signal_number, siginfo_t *info, void *context) {
    const int file = open_log();
    put(file, "\n=== REDIS BUG REPORT START: ");
    put(file, version);
    put(file, ", process ");
    put_integer(file, getpid());
    put(file, " ===\n");
    put(file, version);
    put(file, " crashed by signal: ");
    put_integer(file, signal_number);
    put(file, ", si_code: ");
    put_integer(file, info->si_code);
    put(file, "\n");
    if (info->si_code <= 0) {
        put(file, "Sent by process ");
        put_integer(file, info->si_pid);
        put(file, " of user ");
        put_integer(file, (int)info->si_uid);
        put(file, "\n");
    } else {
        put_address(file, "Accessing address: ", (uint64_t)(uintptr_t)info->si_addr);
    }
    put_machine(file, context);
    put(file, "\n------ STACK TRACE ------\n");
    void *frames[FRAME_LIMIT];
    backtrace_symbols_fd(frames, backtrace(frames, FRAME_LIMIT), file);
    put(file, "\n=== REDIS BUG REPORT END. Please report it, with the lines before it. ===\n");
    // The handler is gone (SA_RESETHAND) and the signal not blocked (SA_NODEFER).
    raise(signal_number);
}

void process_report_crashes(bool on) {
    struct sigaction action = {0};
    sigemptyset(&action.sa_mask);
    if (on) {
        // The first call loads a library, which no handler may do.
        void *frame;
        backtrace(&frame, 1);
        const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
        sigaltstack(&stack, NULL);
        action.sa_sigaction = report_crash;
        action.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    } else {
        action.sa_handler = SIG_DFL;
    }
    for (size_t index = 0; index < CRASH_SIGNAL_COUNT; index++) {
        sigaction(crash_signals[index], &action, NULL);
    }
}

// MARK: - The end before the beginning

static void end_process(int signal_number) {
    (void)signal_number;
    const int file = open_log();
    put(file, ending_line);
    for (size_t index = 0; index < 2; index++) {
        if (ending_files[index][0]) {
            unlink(ending_files[index]);
        }
    }
    _exit(0);
}

void process_end_on_signals(const char *line, const char *pid_file, const char *socket_file) {
    copy(ending_line, sizeof ending_line, line);
    copy(ending_files[0], sizeof ending_files[0], pid_file);
    copy(ending_files[1], sizeof ending_files[1], socket_file);
    struct sigaction action = {0};
    sigfillset(&action.sa_mask);
    action.sa_handler = end_process;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}
