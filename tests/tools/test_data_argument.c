/* test_data_argument.c - data as a word, from a file, from standard input. */
#include "support/check.h"
#include "tools/varve/data_argument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(const struct text *text, const char *expected)
{
    assert_true(varve_view_equal(text_view(text), varve_view_str(expected)));
}

static void a_word_is_itself(void **state)
{
    struct text text = { 0 };
    struct varve_error error;

    assert_int_equal(data_argument_read("{\"a\":1}", &text, &error), VARVE_OK);
    expect(&text, "{\"a\":1}");
    text_free(&text);
}

static void a_file_is_read_whole(void **state)
{
    char path[] = "/tmp/varve-data-XXXXXX", word[sizeof(path) + 1];
    struct text text = { 0 };
    struct varve_error error;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    close(fd);
    snprintf(word, sizeof(word), "@%s", path);
    assert_int_equal(data_argument_read(word, &text, &error), VARVE_OK);
    assert_int_equal(text.size, 3);
    assert_memory_equal(text.bytes, "a\0b", 3);
    unlink(path);
    assert_int_equal(data_argument_read(word, &text, &error), VARVE_IO);
    assert_string_equal(error.field, "data");
    assert_non_null(strstr(error.message, path));
    text_free(&text);
}

static void more_than_any_store_takes_is_not_read_to_its_end(void **state)
{
    struct text text = { 0 };
    struct varve_error error;

    assert_int_equal(data_argument_read("@/dev/zero", &text, &error), VARVE_EVENT_TOO_LARGE);
    assert_true(text.size < 20u << 20);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_itself),
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(more_than_any_store_takes_is_not_read_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
