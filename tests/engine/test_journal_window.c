/* test_journal_window.c - a window shows the bytes of its file, wherever it is asked to stand. */
#include "engine/journal_window.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)9 << 20) /* many pieces */

static int make_file(const char *directory, const uint8_t *bytes, size_t size)
{
    char path[TEMP_DIR_PATH + 16];

    snprintf(path, sizeof(path), "%s/file", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, 0), size);
    return fd;
}

static void test_reads_anywhere(void **state)
{
    char directory[TEMP_DIR_PATH];
    uint64_t random = 5;
    uint8_t *bytes = malloc(FILE_BYTES);

    assert_non_null(bytes);
    temp_dir_make(directory);
    for (size_t i = 0; i < FILE_BYTES; i += 8) {
        uint64_t value = random_next(&random);
        memcpy(bytes + i, &value, 8);
    }
    struct window window = { .os = varve_os_default(), .fd = -1, .piece = 1 << 20 };
    int fd = make_file(directory, bytes, FILE_BYTES);
    window_reset(&window, fd);
    for (int i = 0; i < 200; i++) {
        size_t size = 1 + random_below(&random, i % 20 == 0 ? FILE_BYTES : 100000);
        uint64_t offset = random_below(&random, FILE_BYTES);
        const uint8_t *seen;
        int result = window_read(&window, offset, size, &seen);
        assert_int_equal(result, offset + size <= FILE_BYTES);
        if (result == 1)
            assert_memory_equal(seen, bytes + offset, size);
    }
    const uint8_t *seen;
    assert_int_equal(window_read(&window, FILE_BYTES, 1, &seen), 0);
    assert_int_equal(window_read(&window, FILE_BYTES + 5000, 1, &seen), 0);
    close(fd);
    window_reset(&window, -1);
    assert_int_equal(window_read(&window, 0, 1, &seen), -EBADF);
    window_free(&window);
    temp_dir_remove(directory);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_reads_anywhere) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
