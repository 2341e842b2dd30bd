/* test_metrics_tell_outbox.c - an outbox whose Kafka is away: its state, its lag, what it counted and measured. */
#include "metrics_scrape.h"

#include <stdlib.h>

#include "server/outboxes.h"

static struct fixture *f;
static struct client *c;

static int setup(void **state)
{
    f = fixture_open("--kafka 127.0.0.1:1"); /* Nobody listens there. */
    c = client_open(f);
    return 0;
}

static int teardown(void **state)
{
    client_close(c);
    fixture_close(f);
    return 0;
}

/* How many of its states it is in. */
static int states_that_are(const char *value)
{
    int count = 0;

    for (unsigned phase = 0; phase < VARVE_OUTBOX_PHASES; phase++) {
        char sample[128];

        snprintf(sample, sizeof(sample), "varve_outbox_state{outbox=\"kafka\",state=\"%s\"}",
                 varve_outbox_phase_name((enum varve_outbox_phase)phase));
        assert_non_null(scraped(sample));
        count += strcmp(scraped(sample), value) == 0;
    }
    return count;
}

static void how_it_is(void **state)
{
    client_append(c, "a-1", 5);
    scrape(f);
    assert_int_equal(states_that_are("1"), 1);
    assert_int_equal(states_that_are("0"), VARVE_OUTBOX_PHASES - 1);
    expect_scraped("varve_outbox_info{outbox=\"kafka\",mode=\"exactly_once\"}", "1");
    expect_scraped("varve_outbox_halted{outbox=\"kafka\",reason=\"SUPERSEDED\"}", "0");
    assert_true(strtoul(scraped("varve_outbox_breaker_state{outbox=\"kafka\"}"), NULL, 10) <= 2);
    expect_scraped("varve_outbox_lag_events{outbox=\"kafka\"}", "5");
    expect_scraped("varve_outbox_position{outbox=\"kafka\"}", "0");
    expect_scraped("varve_outbox_queue_size", "5");
    assert_non_null(scraped("varve_event_queue_lag_seconds"));
    assert_true(strtod(scraped("varve_outbox_state_since_timestamp_seconds{outbox=\"kafka\"}"), NULL) > 1.5e9);
}

static void what_it_counted_and_measured(void **state)
{
    struct outbox_figures *figures = outbox_figures_of(outboxes_at(&f->server, 0));

    atomic_fetch_add(&figures->events_published, 11);
    atomic_fetch_add(&figures->filtered[OUTBOX_FILTER_NO_ROUTE], 3);
    outbox_figures_count_code(figures, &figures->delivery_errors, "MSG_SIZE_TOO_LARGE");
    outbox_figures_measure(figures, OUTBOX_MEASURE_COMMIT_US, 2000);
    outbox_figures_measure(figures, OUTBOX_MEASURE_COMMIT_US, 3000000);
    outbox_figures_measure(figures, OUTBOX_MEASURE_TRANSACTION_EVENTS, 9);
    scrape(f);
    expect_scraped("varve_outbox_events_published_total{outbox=\"kafka\"}", "11");
    expect_scraped("varve_outbox_events_filtered_total{outbox=\"kafka\",reason=\"no_route\"}", "3");
    expect_scraped("varve_outbox_events_filtered_total{outbox=\"kafka\",reason=\"system\"}", "0");
    expect_scraped("varve_outbox_delivery_errors_total{outbox=\"kafka\",code=\"MSG_SIZE_TOO_LARGE\"}", "1");
    expect_scraped("varve_outbox_commit_duration_seconds_count{outbox=\"kafka\"}", "2");
    expect_scraped("varve_outbox_commit_duration_seconds_sum{outbox=\"kafka\"}", "3.002");
    expect_scraped("varve_outbox_commit_duration_seconds_bucket{outbox=\"kafka\",le=\"0.002048\"}", "1");
    expect_scraped("varve_outbox_transaction_events_bucket{outbox=\"kafka\",le=\"8\"}", "0");
    expect_scraped("varve_outbox_transaction_events_bucket{outbox=\"kafka\",le=\"16\"}", "1");
    expect_scraped("varve_outbox_ack_duration_seconds_count{outbox=\"kafka\"}", "0");
}

static bool has_failed(void *user)
{
    return strstr(scrape(f), "\nvarve_event_publish_failures_total{outbox=\"kafka\",reason=\"") != NULL;
}

static void what_fails_is_counted_by_reason(void **state)
{
    client_append(c, "a-1", 1);
    fixture_wait(f, has_failed, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(how_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_counted_and_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(what_fails_is_counted_by_reason, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
