/* test_lines.c - lines of files and pipes: ends, lengths, numbers. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/check.h"
#include "tools/varve/lines.h"

/* A pipe that holds the bytes (at most 64 KiB) and is closed. */
static int pipe_with(const char *bytes, size_t size)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), (ssize_t)size);
    close(ends[1]);
    return ends[0];
}

static void check_next(struct lines *lines, const char *expected, uint64_t number)
{
    struct varve_view line;

    assert_int_equal(lines_next(lines, &line, NULL), VARVE_OK);
    assert_int_equal(lines->number, number);
    if (expected == NULL) {
        assert_null(line.data);
        return;
    }
    assert_non_null(line.data);
    assert_int_equal(line.size, strlen(expected));
    assert_memory_equal(line.data, expected, line.size);
}

static void lines_come_one_by_one(void **state)
{
    struct lines lines;
    int fd = pipe_with("one\n\ntwo\r\nthree", 15);

    lines_begin(&lines, fd);
    check_next(&lines, "one", 1);
    assert_int_equal(lines.bytes, 4);
    check_next(&lines, "", 2);
    check_next(&lines, "two", 3);
    check_next(&lines, "three", 4);
    check_next(&lines, NULL, 5);
    assert_int_equal(lines.bytes, 15);
    lines_end(&lines);
    close(fd);
}

static void an_empty_file_has_no_line(void **state)
{
    struct lines lines;
    int fd = pipe_with("", 0);

    lines_begin(&lines, fd);
    check_next(&lines, NULL, 1);
    lines_end(&lines);
    close(fd);
}

static void long_lines_grow_the_buffer_and_the_longest_are_refused(void **state)
{
    FILE *file = tmpfile();
    struct lines lines;
    struct varve_view line;
    struct varve_error error;
    size_t size = 1000000;
    char *block = malloc(size);

    assert_non_null(file);
    assert_non_null(block);
    memset(block, 'x', size);
    fprintf(file, "short\n");
    fwrite(block, 1, size, file);
    fprintf(file, "\n");
    for (size_t i = 0; i <= LINE_MAX_BYTES / size + 1; i++)
        fwrite(block, 1, size, file);
    fflush(file);
    lseek(fileno(file), 0, SEEK_SET);
    lines_begin(&lines, fileno(file));
    check_next(&lines, "short", 1);
    assert_int_equal(lines_next(&lines, &line, NULL), VARVE_OK);
    assert_int_equal(line.size, size);
    assert_int_equal(lines_next(&lines, &line, &error), VARVE_INVALID_ARGUMENT);
    lines_end(&lines);
    free(block);
    fclose(file);
}

static void a_directory_cannot_be_read(void **state)
{
    struct lines lines;
    struct varve_view line;
    int fd = open("/", O_RDONLY | O_DIRECTORY);

    lines_begin(&lines, fd);
    assert_int_equal(lines_next(&lines, &line, NULL), VARVE_IO);
    lines_end(&lines);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(an_empty_file_has_no_line),
        cmocka_unit_test(long_lines_grow_the_buffer_and_the_longest_are_refused),
        cmocka_unit_test(a_directory_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
