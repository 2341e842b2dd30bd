/* fault_os.c - the real disk with faults. */
#include "tests/support/fault_os.h"

#include <errno.h>
#include <fcntl.h>

/* The negative errno that this call must fail with, or 0. */
static int verdict(struct fault_os *fault)
{
    unsigned call = atomic_fetch_add(&fault->calls, 1) + 1;
    unsigned fail_at = atomic_load(&fault->fail_at);

    if (fail_at == 0 || call < fail_at || (call > fail_at && !atomic_load(&fault->dead_from_there)))
        return 0;
    atomic_store(&fault->fired, true);
    return -atomic_load(&fault->error);
}

static const struct varve_os *real(void)
{
    return varve_os_default();
}

static int fault_open(void *self, const char *path, int flags, int mode)
{
    if ((flags & O_CREAT) == 0)
        return real()->open(real()->self, path, flags, mode);
    fault_os_hold(self);
    int result = verdict(self);
    if (result == 0)
        result = real()->open(real()->self, path, flags, mode);
    fault_os_release(self);
    return result;
}

static int fault_pwrite(void *self, int fd, const void *bytes, size_t size, uint64_t offset)
{
    struct fault_os *fault = self;

    fault_os_hold(fault);
    bool first = !atomic_load(&fault->fired);
    int result = verdict(fault);
    if (result == 0)
        result = real()->pwrite(real()->self, fd, bytes, size, offset);
    else if (first && atomic_load(&fault->tear))
        (void)real()->pwrite(real()->self, fd, bytes, size / 2, offset);
    fault_os_release(fault);
    return result;
}

static int fault_fdatasync(void *self, int fd)
{
    struct fault_os *fault = self;

    atomic_fetch_add(&fault->syncs, 1);
    return verdict(fault);
}

static int fault_ftruncate(void *self, int fd, uint64_t size)
{
    fault_os_hold(self);
    int result = verdict(self);
    if (result == 0)
        result = real()->ftruncate(real()->self, fd, size);
    fault_os_release(self);
    return result;
}

static int fault_rename(void *self, const char *from, const char *to)
{
    fault_os_hold(self);
    int result = verdict(self);
    if (result == 0)
        result = real()->rename(real()->self, from, to);
    fault_os_release(self);
    return result;
}

static int fault_sync_directory(void *self, const char *path)
{
    return verdict(self);
}

static int64_t fault_free_bytes(void *self, const char *path)
{
    struct fault_os *fault = self;
    int64_t told = atomic_load(&fault->free_bytes);

    return told >= 0 ? told : real()->free_bytes(real()->self, path);
}

void fault_os_init(struct fault_os *fault)
{
    fault->os = *real();
    fault->os.self = fault;
    fault->os.open = fault_open;
    fault->os.pwrite = fault_pwrite;
    fault->os.fdatasync = fault_fdatasync;
    fault->os.ftruncate = fault_ftruncate;
    fault->os.rename = fault_rename;
    fault->os.sync_directory = fault_sync_directory;
    fault->os.free_bytes = fault_free_bytes;
    atomic_init(&fault->calls, 0);
    atomic_init(&fault->fail_at, 0);
    atomic_init(&fault->dead_from_there, false);
    atomic_init(&fault->error, EIO);
    atomic_init(&fault->tear, false);
    atomic_init(&fault->fired, false);
    atomic_init(&fault->free_bytes, -1);
    atomic_init(&fault->syncs, 0);
    pthread_mutex_init(&fault->still, NULL);
}

void fault_os_hold(struct fault_os *fault)
{
    pthread_mutex_lock(&fault->still);
}

void fault_os_release(struct fault_os *fault)
{
    pthread_mutex_unlock(&fault->still);
}

void fault_os_arm(struct fault_os *fault, unsigned nth, int error, bool dead_from_there)
{
    atomic_store(&fault->fail_at, 0);
    atomic_store(&fault->fired, false);
    atomic_store(&fault->error, error);
    atomic_store(&fault->dead_from_there, dead_from_there);
    if (nth > 0)
        atomic_store(&fault->fail_at, atomic_load(&fault->calls) + nth);
}
