/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk that fails, for one process: preloaded, it looks into the file that FAILING_DISK names
 * before each call that a save makes, and does what stands there:
 *
 *     write ENOSPC     that call, on a temporary dump, fails with this errno
 *     short write      a write takes half of what it was given
 *     slow 5000        a write takes so many microseconds
 *     free 1000        the file system has so many bytes free
 *     hang             a write does not return until the file says something else
 *
 * What was called is noted, a line each, in the file that FAILING_DISK_CALLS names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_close)(int);
static int (*real_renameat)(int, const char *, int, const char *);

__attribute__((constructor)) static void find(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_close = dlsym(RTLD_NEXT, "close");
    real_renameat = dlsym(RTLD_NEXT, "renameat");
}

static void order(char *text, size_t size) {
    const char *path = getenv("FAILING_DISK");
    int file = path ? open(path, O_RDONLY) : -1;
    ssize_t count = file < 0 ? 0 : read(file, text, size - 1);
    if (file >= 0) real_close(file);
    text[count > 0 ? count : 0] = 0;
    text[strcspn(text, "\n")] = 0;
}

static int is_dump(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    return strstr(path, "/temp-") && strstr(path, ".rdb");
}

static int is_directory(int file) {
    struct stat status;
    return fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

static void note(const char *call) {
    const char *path = getenv("FAILING_DISK_CALLS");
    if (!path) return;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0) return;
    char line[64];
    real_write(file, line, (size_t)snprintf(line, sizeof line, "%s\n", call));
    real_close(file);
}

static int fails(const char *call) {
    char text[128], name[64], code[64];
    order(text, sizeof text);
    note(call);
    if (sscanf(text, "%63s %63s", name, code) != 2 || strcmp(name, call)) return 0;
    errno = !strcmp(code, "ENOSPC") ? ENOSPC : !strcmp(code, "EROFS") ? EROFS : EIO;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (!is_dump(file)) return real_write(file, bytes, count);
    char text[128];
    order(text, sizeof text);
    if (!strncmp(text, "slow ", 5)) usleep((useconds_t)atoi(text + 5));
    while (!strcmp(text, "hang")) {
        usleep(10000);
        order(text, sizeof text);
    }
    if (!strcmp(text, "short write") && count > 1) count /= 2;
    if (fails("write")) return -1;
    return real_write(file, bytes, count);
}

int statvfs(const char *path, struct statvfs *status) {
    int (*real)(const char *, struct statvfs *) = dlsym(RTLD_NEXT, "statvfs");
    int result = real(path, status);
    char text[128];
    order(text, sizeof text);
    if (!strncmp(text, "free ", 5)) {
        status->f_frsize = 1;
        status->f_bavail = (fsblkcnt_t)atoll(text + 5);
    }
    return result;
}

int fsync(int file) {
    if (is_dump(file) && fails("fsync")) return -1;
    if (is_directory(file) && fails("fsync-directory")) return -1;
    return real_fsync(file);
}

int close(int file) {
    if (is_dump(file) && fails("close")) {
        int code = errno;
        real_close(file);
        errno = code;
        return -1;
    }
    return real_close(file);
}

int renameat(int from, const char *old, int to, const char *new) {
    if (strstr(old, "temp-") && fails("rename")) return -1;
    return real_renameat(from, old, to, new);
}
