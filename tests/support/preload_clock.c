/* preload_clock.c - LD_PRELOAD: the wall clock of a program, not that of its libraries, is as many seconds off as the
 * file $VARVE_CLOCK_FILE says, and jumps when that changes.
 *
 * Libraries wait for moments of the wall clock, and the system that they wait in knows only the true one. */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The program comes first in the list of what is loaded. */
static int take_first(struct dl_phdr_info *info, size_t size, void *ret)
{
    *(struct dl_phdr_info *)ret = *info;
    return 1;
}

static int is_of_program(const void *caller)
{
    struct dl_phdr_info program;
    ElfW(Addr) at = (ElfW(Addr))caller;

    dl_iterate_phdr(take_first, &program);
    for (int i = 0; i < program.dlpi_phnum; i++) {
        ElfW(Addr) start = program.dlpi_addr + program.dlpi_phdr[i].p_vaddr;

        if (program.dlpi_phdr[i].p_type == PT_LOAD && at >= start && at - start < program.dlpi_phdr[i].p_memsz)
            return 1;
    }
    return 0;
}

static long seconds_off(void)
{
    const char *path = getenv("VARVE_CLOCK_FILE");
    char text[32] = "";
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    return size > 0 ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static int (*next)(clockid_t clock, struct timespec *ret);

    if (next == NULL)
        next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, ret);
    if (result == 0 && clock == CLOCK_REALTIME && is_of_program(__builtin_return_address(0)))
        ret->tv_sec += seconds_off();
    return result;
}
