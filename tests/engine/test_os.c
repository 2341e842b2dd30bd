/* test_os.c - the real table does what os.h says, and reports errors as negative errnos. */
#include "support/check.h"
#include "support/temp_dir.h"
#include "varve/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    const struct varve_os *os;
    char dir[TEMP_DIR_PATH];
    char path[TEMP_DIR_PATH + 16];
    int fd;
};

static int set_up(void **state)
{
    static struct fixture f;

    f.os = varve_os_default();
    temp_dir_make(f.dir);
    snprintf(f.path, sizeof(f.path), "%s/file", f.dir);
    f.fd = f.os->open(f.os->self, f.path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(f.fd >= 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->os->close(f->os->self, f->fd), 0);
    temp_dir_remove(f->dir);
    return 0;
}

static void what_is_written_is_read(void **state)
{
    struct fixture *f = *state;
    char bytes[16] = "";

    assert_int_equal(f->os->pwrite(f->os->self, f->fd, "hello", 5, 3), 0);
    assert_int_equal(f->os->pwrite(f->os->self, f->fd, "", 0, 3), 0);
    assert_int_equal(f->os->fdatasync(f->os->self, f->fd), 0);
    assert_int_equal(f->os->pread(f->os->self, f->fd, bytes, 5, 3), 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_int_equal(f->os->pread(f->os->self, f->fd, bytes, sizeof(bytes), 0), 8); /* Short at the end of file. */
    assert_memory_equal(bytes, "\0\0\0hello", 8);
    assert_int_equal(f->os->pread(f->os->self, f->fd, bytes, sizeof(bytes), 8), 0);
}

static void files_grow_and_never_shrink(void **state)
{
    struct fixture *f = *state;
    struct stat status;

    assert_int_equal(f->os->ftruncate(f->os->self, f->fd, 4096), 0);
    assert_int_equal(f->os->ftruncate(f->os->self, f->fd, 4096), 0);
    assert_int_equal(f->os->ftruncate(f->os->self, f->fd, 4095), -EINVAL);
    assert_int_equal(f->os->ftruncate(f->os->self, f->fd, UINT64_MAX), -EINVAL);
    assert_int_equal(fstat(f->fd, &status), 0);
    assert_int_equal(status.st_size, 4096);
}

static void descriptors_do_not_leak_into_children(void **state)
{
    struct fixture *f = *state;

    assert_true((fcntl(f->fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void names_and_directories(void **state)
{
    struct fixture *f = *state;
    char other[TEMP_DIR_PATH + 16];

    snprintf(other, sizeof(other), "%s/other", f->dir);
    assert_int_equal(f->os->rename(f->os->self, f->path, other), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(f->os->rename(f->os->self, f->path, other), -ENOENT);
    assert_int_equal(f->os->sync_directory(f->os->self, f->dir), 0);
    assert_int_equal(f->os->sync_directory(f->os->self, other), -ENOTDIR);
    assert_true(f->os->free_bytes(f->os->self, f->dir) > 0);
    assert_int_equal(f->os->free_bytes(f->os->self, "/nowhere/at/all"), -ENOENT);
}

static void errors_are_negative_errnos(void **state)
{
    struct fixture *f = *state;
    char byte;

    assert_int_equal(f->os->open(f->os->self, "/nowhere/at/all", O_RDONLY, 0), -ENOENT);
    assert_int_equal(f->os->close(f->os->self, -1), -EBADF);
    assert_int_equal(f->os->pread(f->os->self, -1, &byte, 1, 0), -EBADF);
    assert_int_equal(f->os->pwrite(f->os->self, -1, &byte, 1, 0), -EBADF);
    assert_int_equal(f->os->fdatasync(f->os->self, -1), -EBADF);
    assert_int_equal(f->os->ftruncate(f->os->self, -1, 1), -EBADF);
}

static void clocks_and_chance(void **state)
{
    struct fixture *f = *state;
    uint64_t before = f->os->monotonic_us(f->os->self);
    uint8_t some[300] = { 0 }, zero[300] = { 0 };

    assert_true(f->os->now_us(f->os->self) > INT64_C(1600000000000000));
    assert_true(f->os->monotonic_us(f->os->self) >= before);
    assert_int_equal(f->os->random_bytes(f->os->self, some, sizeof(some)), 0);
    assert_memory_not_equal(some, zero, sizeof(some));
    assert_memory_not_equal(some + 280, zero, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_grow_and_never_shrink, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors_do_not_leak_into_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_directories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_are_negative_errnos, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clocks_and_chance, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
