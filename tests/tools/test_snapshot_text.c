/* test_snapshot_text.c - snapshots as people and programs see them. */
#include "support/check.h"
#include "tools/varve/snapshot_text.h"

#include <stdlib.h>

static struct varve_snapshot example(enum varve_content_type type, const char *data)
{
    struct varve_snapshot snapshot = {
        .stream = varve_view_str("account-1"), .version = 41, .type = varve_view_str("account"), .schema_version = 2,
        .content_type = type, .created_at_us = 1714557600123456, .size = 9, .data = varve_view_str(data),
    };

    return snapshot;
}

static void an_object_has_its_data_if_there_is_some(void **state)
{
    static const struct { enum varve_content_type type; const char *data, *says; } cases[] = {
        { VARVE_CONTENT_JSON, NULL, "\"content_type\":\"application/json\",\"size\":9,\"created_at\":"
          "\"2024-05-01T10:00:00.123456Z\"}" },
        { VARVE_CONTENT_JSON, "{\"n\": 1.0}", "\"created_at\":\"2024-05-01T10:00:00.123456Z\",\"data\":{\"n\": 1.0}}" },
        { VARVE_CONTENT_MSGPACK, "\x01", "\"created_at\":\"2024-05-01T10:00:00.123456Z\",\"data\":\"AQ==\"}" },
    };
    struct text text = { 0 };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_snapshot snapshot = example(cases[i].type, cases[i].data);

        snapshot_format(&text, &snapshot);
        text_add(&text, varve_view_of("", 1));
        const char *begin = "{\"stream\":\"account-1\",\"version\":41,\"type\":\"account\",\"schema_version\":2,";
        assert_memory_equal(text.bytes, begin, strlen(begin));
        assert_non_null(strstr(text.bytes, cases[i].says));
    }
    text_free(&text);
}

/* What is printed, as text. */
static char *printed(void (*print)(struct output *output))
{
    struct output output;
    char *text = NULL;
    size_t size = 0;

    output_init(&output, OUTPUT_TABLE);
    output.file = open_memstream(&text, &size);
    output.width = 0;
    output.colour = false;
    print(&output);
    fclose(output.file);
    return text;
}

static void print_rows(struct output *output)
{
    struct table *table = table_begin(output, snapshot_columns, snapshot_column_count);
    struct varve_snapshot snapshot = example(VARVE_CONTENT_JSON, NULL);

    snapshot_print_row(table, &snapshot);
    table_end(table);
}

static void print_one(struct output *output)
{
    struct varve_snapshot snapshot = example(VARVE_CONTENT_JSON, "{\"n\":1}");

    snapshot_print(output, &snapshot);
}

static void tables_show_them(void **state)
{
    char *rows = printed(print_rows), *one = printed(print_one);

    assert_non_null(strstr(rows, "account-1@41    account       2  application/json     9  2024-05-01T10:00:00.123Z"));
    assert_non_null(strstr(one, "version         41\n"));
    assert_non_null(strstr(one, "data            {\"n\":1}\n"));
    free(rows);
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_has_its_data_if_there_is_some),
        cmocka_unit_test(tables_show_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
