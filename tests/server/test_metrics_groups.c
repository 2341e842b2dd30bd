/* test_metrics_groups.c - groups as they are now, and those above the bound together. */
#include "group_client.h"
#include "metrics_scrape.h"

static void a_group_by_its_name(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_settings settings = group_test_settings();

    group_make(c, "mail \"x\"", &settings);
    client_append(c, "a-1", 3);
    scrape(f);
    expect_scraped("varve_group_members{group=\"mail \\\"x\\\"\"}", "0");
    expect_scraped("varve_group_checkpoint{group=\"mail \\\"x\\\"\"}", "0");
    struct worker *w = worker_join(f, "mail \"x\"", "one", 1);
    uint64_t first = worker_take(w).position;
    scrape(f);
    expect_scraped("varve_group_members{group=\"mail \\\"x\\\"\"}", "1");
    assert_int_equal(worker_nack(w, first, VARVE_NACK_PARK, 0, "odd"), VARVE_OK);
    assert_int_equal(worker_ack(w, worker_take(w).position), VARVE_OK);
    scrape(f);
    expect_scraped("varve_group_parked_events{group=\"mail \\\"x\\\"\"}", "1");
    expect_scraped("varve_groups_parked_events", "1");
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

static void groups_above_the_bound_are_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_group_settings settings = group_test_settings();
    static const char *const names[] = { "d", "a", "c", "b" };

    f->config.metrics_label_values = 2;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        group_make(c, names[i], &settings);
    struct worker *w = worker_join(f, "c", "one", 1), *v = worker_join(f, "d", "one", 1);
    scrape(f);
    expect_scraped("varve_group_members{group=\"a\"}", "0");
    expect_scraped("varve_group_members{group=\"b\"}", "0");
    expect_scraped("varve_group_members{group=\"other\"}", "2");
    assert_null(scraped("varve_group_members{group=\"c\"}"));
    assert_non_null(scraped("varve_group_checkpoint{group=\"b\"}"));
    assert_null(scraped("varve_group_checkpoint{group=\"other\"}"));
    worker_free(w);
    worker_free(v);
    client_close(c);
    fixture_close(f);
}

/* The same labels twice, and Prometheus would drop one of them. */
static void a_group_may_be_called_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_group_settings settings = group_test_settings();
    static const char *const names[] = { "a", "other", "p", "q" };

    f->config.metrics_label_values = 2;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        group_make(c, names[i], &settings);
    struct worker *w = worker_join(f, "other", "one", 1), *v = worker_join(f, "q", "one", 1);
    const char *text = scrape(f), *found = strstr(text, "varve_group_members{group=\"other\"}");
    assert_non_null(found);
    assert_null(strstr(found + 1, "varve_group_members{group=\"other\"}"));
    expect_scraped("varve_group_members{group=\"a\"}", "0");
    expect_scraped("varve_group_members{group=\"other\"}", "2");
    worker_free(w);
    worker_free(v);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_by_its_name),
        cmocka_unit_test(groups_above_the_bound_are_other),
        cmocka_unit_test(a_group_may_be_called_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
