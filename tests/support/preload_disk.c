/* preload_disk.c - LD_PRELOAD: a store is being opened for as long as a test likes, and its disk is full when a test
 * says so.
 *
 * flock() waits while the file $VARVE_TEST_DISK.hold exists, and makes $VARVE_TEST_DISK.held then; so does, with
 * .hold_snapshots and .held_snapshots, whoever opens the file of the snapshots. statvfs() tells of no room while
 * $VARVE_TEST_DISK.full exists. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *sign(const char *what, char path[4096])
{
    const char *base = getenv("VARVE_TEST_DISK");

    snprintf(path, 4096, "%s.%s", base != NULL ? base : "/nonexistent", what);
    return path;
}

static bool is_there(const char *what)
{
    char path[4096];

    return access(sign(what, path), F_OK) == 0;
}

static void wait_while(const char *hold, const char *held)
{
    char path[4096];

    if (is_there(hold))
        close(open(sign(held, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    while (is_there(hold))
        usleep(1000);
}

int flock(int fd, int operation)
{
    int (*next)(int fd, int operation);

    *(void **)&next = dlsym(RTLD_NEXT, "flock");
    wait_while("hold", "held");
    return next(fd, operation);
}

int open(const char *path, int flags, ...)
{
    int (*next)(const char *path, int flags, ...);
    const char *name = strrchr(path, '/');
    va_list more;

    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    *(void **)&next = dlsym(RTLD_NEXT, "open");
    if (name != NULL && strcmp(name, "/snapshots.mdb") == 0)
        wait_while("hold_snapshots", "held_snapshots");
    return next(path, flags, mode);
}

int statvfs(const char *path, struct statvfs *ret)
{
    int (*next)(const char *path, struct statvfs *ret);

    *(void **)&next = dlsym(RTLD_NEXT, "statvfs");
    int status = next(path, ret);
    if (status == 0 && is_there("full"))
        ret->f_bavail = 0;
    return status;
}
