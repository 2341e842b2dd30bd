/* test_listing.c - lists in pages: how far they are asked for, and what is printed before, between and behind them. */
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/listing.h"

enum { PAGE = 3 };

/* Somebody who has this many entries, or breaks when asked for a page. */
struct source {
    uint64_t entries, given;
    unsigned asked, breaks_at;
};

static enum varve_status ask(void *user, struct listing *listing, uint32_t limit, size_t *ret_count, bool *ret_end,
                             struct varve_error *error)
{
    struct source *source = user;

    assert_true(limit > 0 && limit <= PAGE);
    if (++source->asked == source->breaks_at)
        return varve_fail(error, VARVE_DISCONNECTED, NULL, "gone");
    listing_begin(listing);
    for (; *ret_count < limit && source->given < source->entries; (*ret_count)++, source->given++) {
        text_clear(&listing->text);
        text_printf(&listing->text, "%llu", (unsigned long long)source->given);
        if (listing->table == NULL) {
            output_list_object(listing->output, &listing->text);
        } else {
            table_cell(listing->table, text_view(&listing->text));
            table_row_end(listing->table);
        }
    }
    *ret_end = source->given == source->entries;
    return VARVE_OK;
}

static void page_after_page(void **state)
{
    static const struct table_column columns[] = { { "number", true, 0 } };
    static const struct {
        const char *label;
        enum output_format format;
        uint64_t entries, limit;
        unsigned breaks_at, asked;
        const char *printed;
    } cases[] = {
        { "none", OUTPUT_JSON, 0, UINT64_MAX, 0, 1, "[]\n" },
        { "one page", OUTPUT_NDJSON, 3, UINT64_MAX, 0, 1, "0\n1\n2\n" },
        { "two pages", OUTPUT_NDJSON, 4, UINT64_MAX, 0, 2, "0\n1\n2\n3\n" },
        { "a limit within a page", OUTPUT_JSON, 9, 2, 0, 1, "[\n 0,\n 1\n]\n" },
        { "a limit in the second", OUTPUT_NDJSON, 9, 4, 0, 2, "0\n1\n2\n3\n" },
        { "a limit between two", OUTPUT_NDJSON, 9, 3, 0, 1, "0\n1\n2\n" },
        { "a table", OUTPUT_TABLE, 2, UINT64_MAX, 0, 1, "number\n     0\n     1\n" },
        { "no answer", OUTPUT_JSON, 9, UINT64_MAX, 1, 1, "" },
        { "no table without an answer", OUTPUT_TABLE, 9, UINT64_MAX, 1, 1, "" },
        { "a second page that does not come", OUTPUT_JSON, 9, UINT64_MAX, 2, 2, "[\n 0,\n 1,\n 2\n]\n" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *printed = NULL;
        size_t size = 0;
        struct source source = { .entries = cases[i].entries, .breaks_at = cases[i].breaks_at };
        struct output output = { .file = open_memstream(&printed, &size), .format = cases[i].format };
        struct listing listing = { .output = &output, .columns = columns, .column_count = 1, .page = PAGE,
                                   .left = cases[i].limit };
        struct varve_error error;

        enum varve_status status = listing_run(&listing, ask, &source, &error);
        fclose(output.file);
        CHECK_CASE(status == (cases[i].breaks_at > 0 ? VARVE_DISCONNECTED : VARVE_OK), cases[i].label);
        CHECK_CASE(source.asked == cases[i].asked, cases[i].label);
        CHECK_CASE(strcmp(printed, cases[i].printed) == 0, printed);
        free(printed);
    }
}

static void nobody_reads_on(void **state)
{
    struct source source = { .entries = UINT64_MAX };
    struct output output = { .file = fopen("/dev/full", "we"), .format = OUTPUT_NDJSON };
    struct listing listing = { .output = &output, .page = PAGE, .left = UINT64_MAX };

    assert_non_null(output.file);
    setvbuf(output.file, NULL, _IONBF, 0);
    assert_int_equal(listing_run(&listing, ask, &source, NULL), VARVE_OK);
    assert_int_equal(source.asked, 1);
    fclose(output.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_after_page),
        cmocka_unit_test(nobody_reads_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
