/* test_journal_segment.c - how a journal's files come to be, and which are told apart. */
#include "engine/journal_segment.h"
#include "tests/support/check.h"
#include "tests/support/journal_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void touch(const struct journal_fixture *f, const char *name)
{
    char path[TEMP_DIR_PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_which_names_are_segments(void **state)
{
    static const char *const others[] = { "next.tmp", "0000002", "000000002", "00000000", "00000003x", "x00000003",
                                          "-0000003", " 00000003", "99999999999999999999", "00000003.tmp" };
    struct journal_fixture f;
    uint64_t *numbers;
    size_t count;

    journal_fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        touch(&f, others[i]);
    touch(&f, "00000012");
    touch(&f, "00000003");
    touch(&f, "100000000");
    assert_int_equal(segment_list(&f.options, &numbers, &count, NULL), VARVE_OK);
    assert_int_equal(count, 4);
    assert_true(numbers[0] == 1 && numbers[1] == 3 && numbers[2] == 12 && numbers[3] == 100000000);
    free(numbers);
    journal_fixture_free(&f);
}

static void read_header(const struct journal_fixture *f, uint64_t number, uint8_t block[JOURNAL_BLOCK])
{
    char path[TEMP_DIR_PATH + 32];

    journal_fixture_path(f, number, path);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, block, JOURNAL_BLOCK, 0), JOURNAL_BLOCK);
    close(fd);
}

static void test_header(void **state)
{
    struct journal_fixture f;
    uint8_t block[JOURNAL_BLOCK];
    uint32_t size = 0;

    journal_fixture_init(&f);
    read_header(&f, 1, block);
    assert_int_equal(segment_parse_header(&f.options, 1, block, &size, &f.error), VARVE_OK);
    assert_int_equal(size, FIXTURE_SEGMENT);
    assert_int_equal(segment_parse_header(&f.options, 2, block, &size, &f.error), VARVE_CORRUPT);
    assert_string_equal(f.error.message, "the file was written as number 1");
    f.options.database_id.bytes[3] ^= 1;
    assert_int_equal(segment_parse_header(&f.options, 1, block, &size, &f.error), VARVE_CORRUPT);
    assert_string_equal(f.error.message, "the file belongs to another store");
    f.options.database_id.bytes[3] ^= 1;
    for (unsigned i = 0; i < JOURNAL_BLOCK; i++) {
        block[i] ^= 0x10;
        assert_int_equal(segment_parse_header(&f.options, 1, block, &size, &f.error), VARVE_CORRUPT);
        block[i] ^= 0x10;
    }
    assert_int_equal(segment_parse_header(&f.options, 1, block, &size, &f.error), VARVE_OK);
    journal_fixture_free(&f);
}

/* Whatever call fails, no file bears a number that is not whole. */
static void test_a_number_means_whole(void **state)
{
    for (unsigned nth = 1; nth <= 6; nth++) { /* open, zeros, header, sync, rename, sync of the directory */
        for (int retired = 0; retired < 2; retired++) {
            struct journal_fixture f;
            struct stat status;
            char path[TEMP_DIR_PATH + 32];
            int fd;

            journal_fixture_init(&f);
            fault_os_arm(&f.fault, nth, nth % 2 == 0 ? EIO : ENOSPC, true);
            enum varve_status result = segment_make(&f.options, 2, retired == 1, &fd, &f.error);
            assert_int_equal(result == VARVE_OK, retired == 1 && nth == 6);
            if (result == VARVE_OK)
                close(fd);
            else
                assert_int_equal(result, nth % 2 == 0 ? VARVE_IO : VARVE_DISK_FULL);
            journal_fixture_path(&f, 2, path);
            assert_int_equal(stat(path, &status) == 0, nth == 6 || (nth == 5 && retired == 1));
            journal_fixture_free(&f);
        }
    }
}

/* What an interrupted making left behind becomes part of the next one, zeroed. */
static void test_leftovers_are_zeroed(void **state)
{
    struct journal_fixture f;
    char path[TEMP_DIR_PATH + 32];
    uint8_t bytes[FIXTURE_SEGMENT];
    int fd;

    journal_fixture_init(&f);
    snprintf(path, sizeof(path), "%s/next.tmp", f.directory);
    fd = open(path, O_CREAT | O_RDWR, 0600);
    memset(bytes, 0xaa, sizeof(bytes));
    assert_int_equal(pwrite(fd, bytes, 9000, 0), 9000);
    close(fd);
    assert_int_equal(segment_make(&f.options, 2, false, &fd, &f.error), VARVE_OK);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    for (size_t i = JOURNAL_BLOCK; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
    close(fd);
    journal_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_names_are_segments),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_a_number_means_whole),
        cmocka_unit_test(test_leftovers_are_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
