/* test_metrics_tell.c - what has labels: requests, series, types of sagas, groups; and what becomes of too many. */
#include "group_client.h"
#include "metrics_scrape.h"
#include "saga_client.h"

#include "server/metrics_parts.h"

static void requests_by_operation_and_outcome(void **state)
{
    struct fixture *f = fixture_open("");
    struct metrics *metrics = f->server.metrics;

    metrics_request(metrics, VARVE_OP_READ, VARVE_OK, 100);
    metrics_request(metrics, VARVE_OP_READ, VARVE_OK, 200);
    metrics_request(metrics, VARVE_OP_READ, VARVE_STREAM_NOT_FOUND, 300);
    metrics_request(metrics, 0x7f, VARVE_UNSUPPORTED, METRICS_NO_DURATION);
    metrics_request(metrics, VARVE_OP_SUBSCRIBE, VARVE_OK, METRICS_NO_DURATION);
    scrape(f);
    expect_scraped("varve_requests_total{operation=\"READ\",code=\"OK\"}", "2");
    expect_scraped("varve_requests_total{operation=\"READ\",code=\"STREAM_NOT_FOUND\"}", "1");
    expect_scraped("varve_requests_total{operation=\"UNKNOWN\",code=\"UNSUPPORTED\"}", "1");
    expect_scraped("varve_requests_total{operation=\"PING\",code=\"OK\"}", "0");
    assert_null(scraped("varve_requests_total{operation=\"UNKNOWN\",code=\"OK\"}"));
    expect_scraped("varve_request_duration_seconds_count{operation=\"READ\"}", "3");
    expect_scraped("varve_request_duration_seconds_sum{operation=\"READ\"}", "0.0006");
    expect_scraped("varve_request_duration_seconds_bucket{operation=\"READ\",le=\"0.000128\"}", "1");
    expect_scraped("varve_request_duration_seconds_bucket{operation=\"READ\",le=\"0.000256\"}", "2");
    expect_scraped("varve_request_duration_seconds_bucket{operation=\"READ\",le=\"+Inf\"}", "3");
    assert_null(scraped("varve_request_duration_seconds_count{operation=\"SUBSCRIBE\"}"));
    fixture_close(f);
}

static void series_by_their_labels(void **state)
{
    struct fixture *f = fixture_open("");
    struct metrics *metrics = f->server.metrics;

    metrics_published(metrics, varve_view_str("offer.made"), varve_view_str("sales"), 3);
    metrics_published(metrics, varve_view_str("offer.made"), varve_view_of(NULL, 0), 1);
    metrics_publish_failed(metrics, "kafka", "_TRANSPORT", 7);
    metrics_consumed(metrics, varve_view_str("offer.made"), varve_view_str("sales"), varve_view_str("mail"), 2000000);
    metrics_saga_ended(metrics, varve_view_str("order"), 90000000);
    metrics_http_request(metrics, "stream_read", 200, 1000);
    scrape(f);
    expect_scraped("varve_events_published_total{event_type=\"offer.made\",service=\"sales\"}", "3");
    expect_scraped("varve_events_published_total{event_type=\"offer.made\",service=\"unknown\"}", "1");
    assert_null(scraped("varve_events_published_total{event_type=\"other\",service=\"other\"}"));
    expect_scraped("varve_event_publish_failures_total{outbox=\"kafka\",reason=\"_TRANSPORT\"}", "7");
    expect_scraped("varve_events_consumed_total{event_type=\"offer.made\",service=\"sales\"}", "1");
    expect_scraped("varve_event_processing_duration_seconds_sum{event_type=\"offer.made\",handler=\"mail\"}", "2");
    expect_scraped("varve_saga_duration_seconds_sum{saga_type=\"order\"}", "90");
    expect_scraped("varve_saga_duration_seconds_bucket{saga_type=\"order\",le=\"67.108864\"}", "0");
    expect_scraped("varve_saga_duration_seconds_bucket{saga_type=\"order\",le=\"268.435456\"}", "1");
    expect_scraped("varve_http_requests_total{operation=\"stream_read\",code=\"200\"}", "1");
    expect_scraped("varve_http_request_duration_seconds_count{operation=\"stream_read\"}", "1");
    fixture_close(f);
}

static void types_of_sagas_above_the_bound_are_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    f->config.metrics_label_values = 2;
    saga_begin(c, "c", "1");
    saga_begin(c, "a", "1");
    saga_begin(c, "b", "1");
    saga_begin(c, "d", "1");
    scrape(f);
    expect_scraped("varve_sagas{saga_type=\"a\",status=\"running\"}", "1");
    expect_scraped("varve_sagas{saga_type=\"b\",status=\"running\"}", "1");
    expect_scraped("varve_sagas{saga_type=\"other\",status=\"running\"}", "2");
    expect_scraped("varve_sagas{saga_type=\"other\",status=\"completed\"}", "0");
    assert_null(scraped("varve_sagas{saga_type=\"c\",status=\"running\"}"));
    client_close(c);
    fixture_close(f);
}

static void a_type_of_sagas_may_be_called_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const char *wanted = "varve_sagas{saga_type=\"other\",status=\"running\"}";

    f->config.metrics_label_values = 2;
    saga_begin(c, "a", "1");
    saga_begin(c, "other", "1");
    saga_begin(c, "p", "1");
    const char *text = scrape(f), *found = strstr(text, wanted);
    assert_non_null(found);
    assert_null(strstr(found + 1, wanted));
    expect_scraped(wanted, "2");
    client_close(c);
    fixture_close(f);
}

static void a_build_and_a_store_are_named(void **state)
{
    struct fixture *f = fixture_open("");
    const char *text = scrape(f);

    assert_non_null(strstr(text, "\nvarve_build_info{version=\""));
    assert_non_null(strstr(text, "\nvarve_store_info{database_id=\""));
    assert_non_null(strstr(text, "\",indexes=\"type,category,correlation,id\"} 1\n"));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_by_operation_and_outcome),
        cmocka_unit_test(series_by_their_labels),
        cmocka_unit_test(types_of_sagas_above_the_bound_are_other),
        cmocka_unit_test(a_type_of_sagas_may_be_called_other),
        cmocka_unit_test(a_build_and_a_store_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
