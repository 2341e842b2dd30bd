/* test_metrics_figures.c - what is worked out for a scrape: lags, the bound of memory, overdue sagas, snapshots. */
#include "metrics_scrape.h"

#include <stdlib.h>

#include "varve/transact.h"

static void the_store_in_one_number_each(void **state)
{
    struct fixture *f = fixture_open("--memory-budget 100MiB --disk-reserve 32MiB");
    struct client *c = client_open(f);
    struct server_memory memory;
    char text[32];

    client_append(c, "a-1", 5);
    server_memory_bound(&f->server, &memory);
    scrape(f);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)memory.total_bytes);
    expect_scraped("varve_memory_bound_bytes", text);
    expect_scraped("varve_memory_budget_bytes", "104857600");
    expect_scraped("varve_disk_reserve_bytes", "33554432");
    expect_scraped("varve_settle_lag_events", "5");
    assert_true(strtod(scraped("varve_settle_lag_seconds"), NULL) < 600);
    assert_true(strtod(scraped("varve_start_time_seconds"), NULL) > 1.5e9);
    assert_int_equal(varve_store_settle(f->store), VARVE_OK);
    scrape(f);
    expect_scraped("varve_settle_lag_events", "0");
    expect_scraped("varve_settle_lag_seconds", "0");
    client_close(c);
    fixture_close(f);
}

static void a_server_that_stops_is_not_ready(void **state)
{
    struct fixture *f = fixture_open("");

    scrape(f);
    expect_scraped("varve_live", "1");
    expect_scraped("varve_ready", "1");
    expect_scraped("varve_health_check{check=\"stopping\"}", "1");
    f->server.stopping = true;
    scrape(f);
    f->server.stopping = false;
    expect_scraped("varve_live", "1");
    expect_scraped("varve_ready", "0");
    expect_scraped("varve_health_check{check=\"stopping\"}", "0");
    expect_scraped("varve_health_check{check=\"store\"}", "1");
    fixture_close(f);
}

static void without_outboxes_nothing_waits(void **state)
{
    struct fixture *f = fixture_open("");

    scrape(f);
    expect_scraped("varve_outbox_queue_size", "0");
    expect_scraped("varve_event_queue_lag_seconds", "0");
    fixture_close(f);
}

static void begin(struct fixture *f, const char *id, int64_t in_us)
{
    const struct varve_os *os = varve_os_default();
    const struct varve_saga_change change = {
        .action = VARVE_SAGA_BEGIN, .type = varve_view_str("order"), .id = varve_view_str(id),
        .deadline_us = in_us == 0 ? VARVE_TIME_NONE : os->now_us(os->self) + in_us,
    };
    const struct varve_transact whole = { .sagas = &change, .saga_count = 1 };
    struct varve_append *append = NULL;

    assert_int_equal(varve_transact_create(f->store, &whole, &append, NULL), VARVE_OK);
    assert_int_equal(varve_append_wait(append, NULL), VARVE_OK);
    varve_append_free(append);
}

/* The loop stands still meanwhile, so nobody fires them. */
static void overdue_sagas_are_those_that_should_have_timed_out(void **state)
{
    struct fixture *f = fixture_open("");

    begin(f, "1", -1000000);
    begin(f, "2", 3600000000);
    begin(f, "3", 0);
    scrape(f);
    expect_scraped("varve_sagas_overdue", "1");
    expect_scraped("varve_sagas{saga_type=\"order\",status=\"running\"}", "3");
    expect_scraped("varve_sagas{saga_type=\"order\",status=\"failed\"}", "0");
    fixture_close(f);
}

static void snapshots_are_told_when_there_is_a_cache(void **state)
{
    struct fixture *f = fixture_open("--snapshots-keep 0");

    assert_null(strstr(scrape(f), "varve_snapshots"));
    fixture_close(f);
    f = fixture_open("");
    scrape(f);
    expect_scraped("varve_snapshots", "0");
    expect_scraped("varve_snapshot_hits_total", "0");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_in_one_number_each),
        cmocka_unit_test(a_server_that_stops_is_not_ready),
        cmocka_unit_test(without_outboxes_nothing_waits),
        cmocka_unit_test(overdue_sagas_are_those_that_should_have_timed_out),
        cmocka_unit_test(snapshots_are_told_when_there_is_a_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
