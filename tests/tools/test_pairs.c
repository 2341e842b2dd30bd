/* test_pairs.c - one thing as names and values, aligned. */
#include "support/check.h"
#include "tools/varve/pairs.h"

#include <stdlib.h>
#include <string.h>

static void names_and_values_are_aligned(void **state)
{
    struct output output = { .format = OUTPUT_TABLE };
    char *printed = NULL;
    size_t size = 0;

    output.file = open_memstream(&printed, &size);
    struct table *table = pairs_begin(&output);
    pairs_text(table, "type", varve_view_str("order"));
    pairs_printf(table, "version", "%d of %d", 3, 7);
    pairs_time(table, "at", 1500000);
    pairs_text(table, "error", varve_view_str("none"));
    table_end(table);
    fclose(output.file);
    assert_string_equal(printed, "type     order\nversion  3 of 7\nat       1970-01-01T00:00:01.500000Z\n"
                        "error    none\n");
    free(printed);
}

static void a_long_value_is_cut(void **state)
{
    struct output output = { .format = OUTPUT_TABLE };
    char *printed = NULL;
    char longer[200];
    size_t size = 0;

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    output.file = open_memstream(&printed, &size);
    struct table *table = pairs_begin(&output);
    pairs_printf(table, "a", "%s", longer);
    table_end(table);
    fclose(output.file);
    assert_int_equal(strlen(printed), 3 + 127 + 1);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_are_aligned),
        cmocka_unit_test(a_long_value_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
