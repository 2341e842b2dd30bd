/* test_fold_report.c - what came of a build or a verification, as people and programs see it. */
#include "support/check.h"
#include "tools/varve/fold_report.h"

#include <jansson.h>
#include <stdlib.h>

static char *printed(struct fold_report *report, enum output_format format)
{
    struct output output;
    char *text = NULL;
    size_t size = 0;

    output_init(&output, format);
    output.file = open_memstream(&text, &size);
    output.width = 0;
    output.colour = false;
    fold_report_print(report, &output);
    fclose(output.file);
    return text;
}

static void expect(struct fold_report *report, const char *member, json_int_t value)
{
    char *text = printed(report, OUTPUT_JSON);
    json_t *object = json_loads(text, 0, NULL);

    if (json_integer_value(json_object_get(object, member)) != value)
        fail_msg("%s is not %lld in %s", member, (long long)value, text);
    json_decref(object);
    free(text);
}

static const struct fold_pass pass = {
    .done = true,
    .plan = { .streams = 10, .due = 4, .events = 400, .up_to_date = 5, .not_due = 1 },
    .counts = { .folded = 4, .events = 400, .stored = 3, .failed = 1, .same = 8 },
    .took_us = 2000000,
};

static void a_build_says_what_it_did(void **state)
{
    struct fold_report report = { .build = pass };

    expect(&report, "streams", 10);
    expect(&report, "up_to_date", 5);
    expect(&report, "not_due", 1);
    expect(&report, "folded", 4);
    expect(&report, "stored", 3);
    expect(&report, "failed", 1);
    expect(&report, "too_short", 0);
    expect(&report, "events_per_second", 200);
    expect(&report, "milliseconds", 2000);
    assert_true(fold_report_is_bad(&report));
    char *text = printed(&report, OUTPUT_TABLE);
    assert_non_null(strstr(text, "not_due            1\n"));
    assert_null(strstr(text, "too_short")); /* nothing to say */
    assert_null(strstr(text, "different"));
    free(text);
}

static void a_dry_run_says_what_it_would_do(void **state)
{
    struct fold_report report = { .dry_run = true, .build = pass };

    report.build.counts = (struct fold_counts){ 0 };
    expect(&report, "to_fold", 4);
    expect(&report, "events", 400);
    assert_false(fold_report_is_bad(&report));
    char *text = printed(&report, OUTPUT_TABLE);
    assert_null(strstr(text, "stored"));
    free(text);
}

static void differences_are_listed(void **state)
{
    struct fold_report report = { .verify = pass };

    report.verify.counts.failed = 0;
    assert_false(fold_report_is_bad(&report));
    report.verify.counts.different = 2;
    assert_true(fold_report_is_bad(&report));
    fold_report_differs(&report, varve_view_str("a-\"1"), 7);
    fold_report_differs(&report, varve_view_str("b"), 0);
    char *text = printed(&report, OUTPUT_JSON);
    assert_non_null(strstr(text, "\"differing\":[{\"stream\":\"a-\\\"1\",\"version\":7},"
                           "{\"stream\":\"b\",\"version\":0}]"));
    free(text);
    text = printed(&report, OUTPUT_TABLE);
    assert_non_null(strstr(text, "differs  version\na-\"1           7\nb              0\n\n"));
    assert_non_null(strstr(text, "same               8\n"));
    free(text);
    for (unsigned i = 0; i < 2 * FOLD_DIFFERING_MAX; i++)
        fold_report_differs(&report, varve_view_str("c"), i);
    assert_int_equal(report.row_count, FOLD_DIFFERING_MAX);
    fold_report_free(&report);
}

static void a_build_with_verification_says_both(void **state)
{
    struct fold_report report = { .build = pass, .verify = pass };

    report.verify.counts.events = 9999;
    expect(&report, "events", 400);
    expect(&report, "same", 8);
    expect(&report, "different", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_says_what_it_did),
        cmocka_unit_test(a_dry_run_says_what_it_would_do),
        cmocka_unit_test(differences_are_listed),
        cmocka_unit_test(a_build_with_verification_says_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
