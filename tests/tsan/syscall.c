/* syscall.c - libc's syscall(), for programs with the thread sanitizer, which then sees libuv close descriptors.
 *
 * libuv closes by syscall(SYS_close), which the sanitizer (clang 14) does not know. When another thread then gets the
 * same number from opendir(), which it does not know either, its closedir() looks like a race with the socket() of long
 * ago. So that closing goes through close(), which the sanitizer does know; everything else goes to libc as it came. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARGUMENTS = 6 }; /* The most that a system call has; what a call has not got, the kernel does not look at. */

typedef long (*system_call)(long number, ...);

__attribute__((no_sanitize("thread"))) static system_call of_libc(void)
{
    static system_call found; /* Whoever finds it finds the same. */

    if (found == NULL)
        *(void **)&found = dlsym(RTLD_NEXT, "syscall");
    if (found == NULL)
        abort();
    return found;
}

__attribute__((no_sanitize("thread"))) long syscall(long number, ...)
{
    long a[ARGUMENTS];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < ARGUMENTS; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    return number == SYS_close ? close((int)a[0]) : of_libc()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
