/* test_metrics.c - what is counted where: requests by operation and outcome, what groups acknowledged, sagas that
 * ended; and that outboxes may count from any thread. */
#include "group_client.h"
#include "saga_client.h"

#include "server/metrics_parts.h"
#include "varve/wire_saga.h"

enum { THREADS = 3, EACH = 2000 };

static const struct series *find(const struct series_set *set, const char *first, const char *second)
{
    for (uint32_t i = 0; i < series_count(set); i++)
        if (varve_view_equal(series_label(set, &set->all[i], 0), varve_view_str(first)) &&
            (second == NULL || varve_view_equal(series_label(set, &set->all[i], 1), varve_view_str(second))))
            return &set->all[i];
    return NULL;
}

static uint64_t count_of(const struct series_set *set, const char *first, const char *second)
{
    const struct series *series = find(set, first, second);

    return series == NULL ? 0 : series->count;
}

static struct varve_histogram_view spread_of(const struct series_set *set, const char *first, const char *second)
{
    struct varve_histogram_view view = { .count = 0 };
    const struct series *series = find(set, first, second);

    if (series != NULL)
        varve_histogram_look(series->histogram, &view);
    return view;
}

static uint64_t answered(const struct fixture *f, uint8_t opcode, enum varve_status status)
{
    return f->server.metrics->operations[opcode]->codes[status];
}

static void requests_are_counted_by_operation_and_outcome(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_histogram_view durations;

    client_append(c, "a-1", 2);
    client_append(c, "a-1", 1);
    client_encode_append(c, 50, "a-1", 7, 1, 10);
    client_send(c);
    client_receive_error(c, 50, VARVE_WRONG_EXPECTED_VERSION);
    varve_encode_ping(&c->out, 51);
    client_send(c);
    client_expect(c, VARVE_OP_PONG, 51);
    varve_encode_get(&c->out, 52, 4711);
    client_send(c);
    client_receive_error(c, 52, VARVE_EVENT_NOT_FOUND);
    assert_int_equal(answered(f, VARVE_OP_HELLO, VARVE_OK), 1);
    assert_int_equal(answered(f, VARVE_OP_APPEND, VARVE_OK), 2);
    assert_int_equal(answered(f, VARVE_OP_APPEND, VARVE_WRONG_EXPECTED_VERSION), 1);
    assert_int_equal(answered(f, VARVE_OP_PING, VARVE_OK), 1);
    assert_int_equal(answered(f, VARVE_OP_GET, VARVE_EVENT_NOT_FOUND), 1);
    assert_int_equal(answered(f, VARVE_OP_GET, VARVE_OK), 0);
    varve_histogram_look(&f->server.metrics->operations[VARVE_OP_APPEND]->duration_us, &durations);
    assert_int_equal(durations.count, 3);
    assert_true(durations.max > 0);
    varve_histogram_look(&f->server.metrics->request_us, &durations);
    assert_int_equal(durations.count, 6);
    client_close(c);
    fixture_close(f);
}

static void what_no_handler_sees_is_counted_too(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    varve_wire_end(&c->out, varve_wire_begin(&c->out, 0x7f, 9));
    client_send(c);
    client_receive_error(c, 9, VARVE_UNSUPPORTED);
    assert_int_equal(answered(f, 0x7f, VARVE_UNSUPPORTED), 1);
    assert_string_equal(f->server.metrics->operations[0x7f]->name, "UNKNOWN");
    client_close(c);
    fixture_close(f);
}

static void a_refusal_after_it_was_begun_is_no_success(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_group_settings settings = group_test_settings();
    const struct varve_group_request again = { .group = varve_view_str("g"), .has_settings = true,
                                               .settings = settings };

    group_make(c, "g", &settings);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &again, NULL), VARVE_GROUP_EXISTS);
    assert_int_equal(answered(f, VARVE_OP_GROUP_CREATE, VARVE_OK), 1);
    assert_int_equal(answered(f, VARVE_OP_GROUP_CREATE, VARVE_GROUP_EXISTS), 1);
    client_close(c);
    fixture_close(f);
}

static void acks_are_counted_by_type_and_group(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_group_settings settings = group_test_settings();
    const struct metrics *metrics = f->server.metrics;

    group_make(c, "workers", &settings);
    client_append(c, "a-1", 3);
    struct worker *w = worker_join(f, "workers", "one", 10);
    for (uint64_t position = worker_take(w).position, first = position; position < first + 3; position++) {
        if (position > first)
            worker_take(w);
        if (position == first + 1)
            assert_int_equal(worker_nack(w, position, VARVE_NACK_SKIP, 0, "no"), VARVE_OK); /* It is no ack. */
        else
            assert_int_equal(worker_ack(w, position), VARVE_OK);
    }
    assert_int_equal(worker_ack(w, 4711), VARVE_NOT_DELIVERED);
    assert_int_equal(series_count(&metrics->consumed), 2);
    assert_int_equal(count_of(&metrics->consumed, "tested", "unknown"), 2);
    assert_int_equal(spread_of(&metrics->processing, "tested", "workers").count, 2);
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

static void a_saga_counts_when_it_ends(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct metrics *metrics = f->server.metrics;

    saga_begin(c, "order", "1");
    saga_begin(c, "order", "2");
    saga_begin(c, "refund", "1");
    assert_int_equal(spread_of(&metrics->sagas, "order", NULL).count, 0);
    saga_do(c, &(struct varve_saga_change){ .action = VARVE_SAGA_COMPLETE, .type = varve_view_str("order"),
                                            .id = varve_view_str("1"), .deadline_us = VARVE_TIME_NONE });
    saga_do(c, &(struct varve_saga_change){ .action = VARVE_SAGA_FAIL, .type = varve_view_str("order"),
                                            .id = varve_view_str("2"), .deadline_us = VARVE_TIME_NONE });
    struct varve_saga saga = saga_get(c, "order", "1");
    uint64_t took_us = (uint64_t)(saga.completed_at_us - saga.started_at_us);
    saga = saga_get(c, "order", "2");
    took_us += (uint64_t)(saga.failed_at_us - saga.started_at_us);
    assert_int_equal(spread_of(&metrics->sagas, "order", NULL).count, 2);
    assert_int_equal(spread_of(&metrics->sagas, "order", NULL).sum, took_us);
    assert_int_equal(spread_of(&metrics->sagas, "refund", NULL).count, 0);
    client_close(c);
    fixture_close(f);
}

static void labels_above_the_bound_are_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct metrics *metrics = f->server.metrics;

    for (uint32_t i = 0; i < f->config.metrics_label_values + 50; i++) {
        char type[32];

        snprintf(type, sizeof(type), "type\"%u\\", i);
        metrics_consumed(metrics, varve_view_str(type), varve_view_of(NULL, 0), varve_view_str("g"), i);
    }
    assert_int_equal(count_of(&metrics->consumed, "other", "unknown"), 50);
    assert_int_equal(spread_of(&metrics->processing, "other", "g").count, 50);
    assert_int_equal(count_of(&metrics->consumed, "type\\\"7\\\\", "unknown"), 1);
    fixture_close(f);
}

static void *publish_many(void *argument)
{
    struct metrics *metrics = argument;

    for (int i = 0; i < EACH; i++) {
        metrics_published(metrics, varve_view_str(i % 2 == 0 ? "even" : "odd"), varve_view_str("billing"), 3);
        metrics_publish_failed(metrics, "kafka", "_TRANSPORT", 2);
    }
    return NULL;
}

static void outboxes_count_from_their_threads(void **state)
{
    struct fixture *f = fixture_open("");
    struct metrics *metrics = f->server.metrics;
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish_many, metrics), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(count_of(&metrics->published, "even", "billing"), THREADS * EACH / 2 * 3);
    assert_int_equal(count_of(&metrics->published, "odd", "billing"), THREADS * EACH / 2 * 3);
    assert_int_equal(count_of(&metrics->failures, "kafka", "_TRANSPORT"), THREADS * EACH * 2);
    fixture_close(f);
}

static void http_is_counted_by_operation_and_code(void **state)
{
    struct fixture *f = fixture_open("");
    struct metrics *metrics = f->server.metrics;

    metrics_http_request(metrics, "stream_read", 200, 1500);
    metrics_http_request(metrics, "stream_read", 404, 500);
    metrics_http_request(metrics, "events", 200, METRICS_NO_DURATION);
    assert_int_equal(count_of(&metrics->http_codes, "stream_read", "200"), 1);
    assert_int_equal(count_of(&metrics->http_codes, "stream_read", "404"), 1);
    assert_int_equal(count_of(&metrics->http_codes, "events", "200"), 1);
    assert_int_equal(spread_of(&metrics->http_durations, "stream_read", NULL).sum, 2000);
    assert_int_equal(spread_of(&metrics->http_durations, "events", NULL).count, 0);
    assert_true(metrics_memory_bytes(&f->config) > sizeof(struct metrics));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_operation_and_outcome),
        cmocka_unit_test(what_no_handler_sees_is_counted_too),
        cmocka_unit_test(a_refusal_after_it_was_begun_is_no_success),
        cmocka_unit_test(acks_are_counted_by_type_and_group),
        cmocka_unit_test(a_saga_counts_when_it_ends),
        cmocka_unit_test(labels_above_the_bound_are_other),
        cmocka_unit_test(outboxes_count_from_their_threads),
        cmocka_unit_test(http_is_counted_by_operation_and_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
