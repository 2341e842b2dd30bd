/* test_output.c - lists as arrays or lines, and numbers for people. */
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/output.h"

static void lists_are_arrays_or_lines(void **state)
{
    static const struct { enum output_format format; size_t objects; const char *printed; } cases[] = {
        { OUTPUT_JSON, 0, "[]\n" },
        { OUTPUT_JSON, 1, "[\n {}\n]\n" },
        { OUTPUT_JSON, 2, "[\n {},\n {}\n]\n" },
        { OUTPUT_NDJSON, 0, "" },
        { OUTPUT_NDJSON, 2, "{}\n{}\n" },
    };
    struct text object = { 0 };

    text_add_str(&object, "{}");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *printed = NULL;
        size_t size = 0;
        struct output output = { .file = open_memstream(&printed, &size), .format = cases[i].format };

        assert_non_null(output.file);
        output_list_begin(&output);
        for (size_t n = 0; n < cases[i].objects; n++)
            output_list_object(&output, &object);
        output_list_end(&output);
        fclose(output.file);
        assert_string_equal(printed, cases[i].printed);
        free(printed);
    }
    text_free(&object);
}

static void numbers_are_readable(void **state)
{
    char text[32];

    assert_string_equal(format_count(0, text), "0");
    assert_string_equal(format_count(999, text), "999");
    assert_string_equal(format_count(262200, text), "262,200");
    assert_string_equal(format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    assert_string_equal(format_bytes(1023, text), "1023 B");
    assert_string_equal(format_bytes(1536, text), "1.5 KiB");
    assert_string_equal(format_bytes(64u << 20, text), "64.0 MiB");
    assert_string_equal(format_bytes(UINT64_MAX, text), "16.0 EiB");
}

static void formats_have_names(void **state)
{
    enum output_format format = OUTPUT_JSON;

    assert_true(output_format_parse(varve_view_str("table"), &format) && format == OUTPUT_TABLE);
    assert_true(output_format_parse(varve_view_str("json"), &format) && format == OUTPUT_JSON);
    assert_true(output_format_parse(varve_view_str("ndjson"), &format) && format == OUTPUT_NDJSON);
    assert_false(output_format_parse(varve_view_str("JSON"), &format));
    assert_false(output_format_parse(varve_view_str(""), &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_arrays_or_lines),
        cmocka_unit_test(numbers_are_readable),
        cmocka_unit_test(formats_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
