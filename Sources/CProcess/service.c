// SPDX-License-Identifier: BSD-3-Clause

// A process among others: its title, syslog, and its service manager.
//
// The title. The kernel shows the bytes where it put the arguments, and the environment right
// behind them; whoever writes there changes what `ps` shows. The start of that room is handed to
// constructors by the C library. The environment's texts move to the heap first, once.

#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

// MARK: - The title

static char *title_room;
static size_t title_size;
static bool is_environment_moved;

__attribute__((constructor)) static void find_title_room(int count, char **arguments,
                                                         char **environment) {
    if (count < 1) {
        return;
    }
    title_room = arguments[0];
    char *end = title_room;
    for (int index = 0; index < count && arguments[index] == end; index++) {
        end += strlen(end) + 1;
    }
    for (char **variable = environment; *variable == end; variable++) {
        end += strlen(end) + 1;
    }
    title_size = (size_t)(end - title_room);
}

static bool move_environment(void) {
    program_invocation_name = strdup(program_invocation_name);
    program_invocation_short_name = strdup(program_invocation_short_name);
    if (!program_invocation_name || !program_invocation_short_name) {
        return false;
    }
    for (char **variable = environ; *variable; variable++) {
        char *moved = strdup(*variable);
        if (!moved) {
            return false;
        }
        *variable = moved;
    }
    return true;
}

bool process_set_title(const char *title) {
    if (title_size < 2 || (!is_environment_moved && !move_environment())) {
        return false;
    }
    is_environment_moved = true;
    const size_t length = strnlen(title, title_size - 1);
    memset(title_room, 0, title_size);
    memcpy(title_room, title, length);
    return true;
}

// MARK: - Syslog

void process_open_syslog(const char *name, int facility) {
    static char kept[64];
    strncpy(kept, name, sizeof kept - 1);
    openlog(kept, LOG_PID | LOG_NDELAY | LOG_NOWAIT,
            facility < 0 ? LOG_USER : LOG_LOCAL0 + (facility << 3));
}

void process_syslog(int level, const char *text) {
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    syslog(priorities[level & 3], "%s", text);
}

// MARK: - The service manager

int process_notify(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || !path[0]) {
        return 0;
    }
    const size_t length = strlen(path);
    if (length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
        errno = EINVAL;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = 0;
    }
    const int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -1;
    }
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    const ssize_t sent = sendto(file, message, strlen(message), MSG_NOSIGNAL,
                                (const struct sockaddr *)&address, size);
    const int error = errno;
    close(file);
    errno = error;
    return sent < 0 ? -1 : 1;
}
