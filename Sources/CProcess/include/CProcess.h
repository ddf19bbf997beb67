// SPDX-License-Identifier: BSD-3-Clause

// What a server process is to the system around it, as far as Swift cannot say it: reports of
// crashes, the end during a load (both run inside signal handlers, where only what is
// async-signal-safe may be called), the title that `ps` shows, syslog, and the socket of a service
// manager. Knows nothing of the server. For one thread, but for the handlers.

#ifndef CPROCESS_H
#define CPROCESS_H

#include <stdbool.h>

/// What handlers write, and where. Texts are copied and cut to their room.
typedef struct {
    /// The log file, or an empty text for standard output.
    const char *log_path;
    /// What the first line of a crash report says of the program: names and versions.
    const char *version;
} process_report;

/// Takes over what later reports say; to be called again when the log file changes.
void process_describe(const process_report *report);

/// Writes a report with a stack trace to the log when the process crashes (SIGSEGV, SIGBUS, SIGFPE,
/// SIGILL, SIGTRAP, SIGABRT), then lets the signal have its default effect. With false: no more.
void process_report_crashes(bool on);

/// Until somebody else handles them, SIGTERM and SIGINT write `line` to the log, remove the files
/// (an empty path is none) and end the process with status 0.
void process_end_on_signals(const char *line, const char *pid_file, const char *socket_file);

/// Changes the title that `ps` shows. False if there is no room, which does not change it.
bool process_set_title(const char *title);

/// From now on `process_syslog` writes under this name; `facility` is 0 to 7 for local0 to local7,
/// or negative for user.
void process_open_syslog(const char *name, int facility);

/// Writes a line to syslog; `level` is 0 debug, 1 info, 2 notice, 3 warning.
void process_syslog(int level, const char *text);

/// Sends a message to the socket that NOTIFY_SOCKET names. 1: sent; 0: there is none; -1: errno.
int process_notify(const char *message);

#endif
