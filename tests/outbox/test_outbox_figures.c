/* test_outbox_figures.c - measures as they are listed, codes that find no place, names of the list. */
#include "support/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/outbox/outbox_figures.h"

enum { THREADS = 3, EACH = 5000 };

static int setup(void **state)
{
    struct outbox_figures *figures = malloc(sizeof(*figures));

    assert_non_null(figures);
    memset(figures, 0xff, sizeof(*figures));
    outbox_figures_init(figures);
    *state = figures;
    return 0;
}

static int teardown(void **state)
{
    outbox_figures_end(*state);
    free(*state);
    return 0;
}

/* ---- threads ---- */

static void *count_many(void *argument)
{
    struct outbox_figures *figures = argument;

    for (uint64_t i = 1; i <= EACH; i++)
        outbox_figures_count_code(figures, &figures->delivery_errors, i % 2 == 0 ? "EVEN" : "ODD");
    return NULL;
}

static void *list_many(void *argument)
{
    struct varve_stat list[OUTBOX_FIGURE_STATS];
    char texts[OUTBOX_FIGURE_TEXTS];

    for (int i = 0; i < 100; i++)
        assert_true(outbox_figures_list(argument, list, texts) > 0);
    return NULL;
}

/* ---- the list ---- */

static const struct varve_stat *find(const struct varve_stat *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (varve_view_equal(list[i].name, varve_view_str(name)))
            return &list[i];
    return NULL;
}

static uint64_t number_of(struct outbox_figures *figures, const char *name)
{
    struct varve_stat list[OUTBOX_FIGURE_STATS];
    char texts[OUTBOX_FIGURE_TEXTS];
    size_t count = outbox_figures_list(figures, list, texts);
    const struct varve_stat *found = find(list, count, name);

    if (found == NULL)
        fail_msg("no figure is called %s", name);
    assert_false(found->is_text);
    return found->number;
}

/* Measures have one writer, this one. */
static void threads_lose_nothing(void **state)
{
    struct outbox_figures *figures = *state;
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i == 0 ? list_many : count_many, figures), 0);
    for (uint64_t i = 1; i <= EACH; i++)
        outbox_figures_measure(figures, OUTBOX_MEASURE_COMMIT_US, i);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(number_of(figures, "commit_us_count"), EACH);
    assert_int_equal(number_of(figures, "commit_us_sum"), (uint64_t)EACH * (EACH + 1) / 2);
    assert_int_equal(number_of(figures, "commit_us_max"), EACH);
    assert_int_equal(number_of(figures, "delivery_error_EVEN"), (THREADS - 1) * EACH / 2);
    assert_int_equal(number_of(figures, "delivery_error_ODD"), (THREADS - 1) * EACH / 2);
}

static void the_list_has_everything_by_name(void **state)
{
    struct outbox_figures *figures = *state;

    figures->events_published = 11;
    figures->bytes_published = 12;
    figures->filtered[OUTBOX_FILTER_NO_ROUTE] = 13;
    for (int i = 0; i < 100; i++)
        outbox_figures_measure(figures, OUTBOX_MEASURE_TAKEOVER_US, 1000);
    outbox_figures_measure(figures, OUTBOX_MEASURE_TAKEOVER_US, 90000);
    outbox_figures_count_code(figures, &figures->delivery_errors, "MSG_SIZE_TOO_LARGE");
    outbox_figures_count_code(figures, &figures->rebuild_reasons, "_TRANSPORT");
    outbox_figures_count_code(figures, &figures->rebuild_reasons, "_TRANSPORT");
    assert_int_equal(number_of(figures, "events_published"), 11);
    assert_int_equal(number_of(figures, "bytes_published"), 12);
    assert_int_equal(number_of(figures, "transactions"), 0);
    assert_int_equal(number_of(figures, "filtered_no_route"), 13);
    assert_int_equal(number_of(figures, "filtered_system"), 0);
    assert_int_equal(number_of(figures, "takeover_us_count"), 101);
    assert_int_equal(number_of(figures, "takeover_us_max"), 90000);
    assert_in_range(number_of(figures, "takeover_us_p50"), 1000, 1249);
    assert_in_range(number_of(figures, "takeover_us_p99"), 1000, 1249);
    assert_int_equal(number_of(figures, "delivery_error_MSG_SIZE_TOO_LARGE"), 1);
    assert_int_equal(number_of(figures, "rebuild__TRANSPORT"), 2);
}

static void the_digest_of_the_broker_is_a_text(void **state)
{
    struct outbox_figures *figures = *state;
    struct varve_stat list[OUTBOX_FIGURE_STATS];
    char texts[OUTBOX_FIGURE_TEXTS];

    assert_null(find(list, outbox_figures_list(figures, list, texts), "broker_stats"));
    snprintf(figures->broker_stats, sizeof(figures->broker_stats), "{\"rtt\":1}");
    const struct varve_stat *found = find(list, outbox_figures_list(figures, list, texts), "broker_stats");
    assert_non_null(found);
    assert_true(found->is_text && varve_view_equal(found->text, varve_view_str("{\"rtt\":1}")));
}

static void codes_without_a_place_are_counted_as_other(void **state)
{
    struct outbox_figures *figures = *state;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            char code[24];
            snprintf(code, sizeof(code), "CODE_%d", i);
            outbox_figures_count_code(figures, &figures->delivery_errors, code);
        }
    }
    assert_int_equal(figures->delivery_errors.count, OUTBOX_MAX_CODES);
    assert_int_equal(number_of(figures, "delivery_error_CODE_0"), 2);
    assert_int_equal(number_of(figures, "delivery_error_CODE_30"), 2);
    assert_int_equal(number_of(figures, "delivery_error_other"), 2 * (100 - (OUTBOX_MAX_CODES - 1)));
}

static void a_code_is_made_fit_for_a_name(void **state)
{
    struct outbox_figures *figures = *state;
    char longest[200];

    outbox_figures_count_code(figures, &figures->rebuild_reasons, "no such: \xc3\xa4\n");
    outbox_figures_count_code(figures, &figures->rebuild_reasons, "");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    outbox_figures_count_code(figures, &figures->rebuild_reasons, longest);
    outbox_figures_count_code(figures, &figures->rebuild_reasons, longest);
    assert_int_equal(number_of(figures, "rebuild_no_such_____"), 1);
    assert_int_equal(number_of(figures, "rebuild_unknown"), 1);
    assert_int_equal(figures->rebuild_reasons.count, 3);
}

static void everything_at_its_fullest_fits_the_list(void **state)
{
    struct outbox_figures *figures = *state;
    struct varve_stat list[OUTBOX_FIGURE_STATS];
    char texts[OUTBOX_FIGURE_TEXTS];

    for (int i = 0; i < OUTBOX_MAX_CODES + 1; i++) {
        char code[96];
        snprintf(code, sizeof(code), "%02d_%060d", i, i);
        outbox_figures_count_code(figures, &figures->delivery_errors, code);
        outbox_figures_count_code(figures, &figures->rebuild_reasons, code);
    }
    memset(figures->broker_stats, 's', sizeof(figures->broker_stats) - 1);
    size_t count = outbox_figures_list(figures, list, texts);
    assert_in_range(count, 100, OUTBOX_FIGURE_STATS - 1);
    const struct varve_stat *stats = find(list, count, "broker_stats");
    assert_non_null(stats);
    assert_int_equal(stats->text.size, sizeof(figures->broker_stats) - 1);
    assert_non_null(find(list, count, "rebuild_other"));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(varve_view_equal(list[i].name, list[j].name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_lose_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_list_has_everything_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(the_digest_of_the_broker_is_a_text, setup, teardown),
        cmocka_unit_test_setup_teardown(codes_without_a_place_are_counted_as_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_code_is_made_fit_for_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_at_its_fullest_fits_the_list, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
