/* test_group_consumed.c - an acknowledged event is counted with its type, its source, and the time since it was handed
 * out last; and with a transaction that was stored. */
#include "group_client.h"

#include "server/group.h"
#include "server/group_transact.h"
#include "server/metrics_parts.h"

static struct fixture *f;
static struct client *c;
static struct worker *w;

static int setup(void **state)
{
    const struct varve_group_settings settings = group_test_settings();

    f = fixture_open("");
    c = client_open(f);
    group_make(c, "g", &settings);
    return 0;
}

static int teardown(void **state)
{
    if (w != NULL)
        worker_free(w);
    w = NULL;
    client_close(c);
    fixture_close(f);
    return 0;
}

static struct group *group(void)
{
    return groups_find(f->server.groups, varve_view_str("g"));
}

static uint64_t consumed(const char *type, const char *service)
{
    const struct series_set *set = &f->server.metrics->consumed;

    for (uint32_t i = 0; i < series_count(set); i++)
        if (varve_view_equal(series_label(set, &set->all[i], 0), varve_view_str(type)) &&
            varve_view_equal(series_label(set, &set->all[i], 1), varve_view_str(service)))
            return set->all[i].count;
    return 0;
}

static void append(const char *type, const char *source)
{
    const struct varve_event event = { .type = varve_view_str(type), .source = varve_view_str(source),
                                       .time_us = VARVE_TIME_NONE, .schema_version = 1 };
    const struct varve_append_stream stream = { varve_view_str("a-1"), VARVE_EXPECTED_ANY };
    const struct varve_append_request request = { &stream, 1, &event, NULL, 1 };

    varve_encode_append(&c->out, 100, &request);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 100);
}

static void type_and_source_are_those_of_the_event(void **state)
{
    append("offer.made", "sales");
    append("offer.made", "\"web\"");
    w = worker_join(f, "g", "one", 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(worker_ack(w, worker_take(w).position), VARVE_OK);
    assert_int_equal(consumed("offer.made", "sales"), 1);
    assert_int_equal(consumed("offer.made", "\\\"web\\\""), 1);
}

/* The one that is at work, when it was handed out so long ago. */
static void pretend_delivered_ago(uint64_t position, uint64_t us)
{
    struct held_event *event = group_state_event(group()->state, position);

    assert_non_null(event);
    assert_true(event->delivered_us > 0);
    event->delivered_us -= us;
}

static void the_time_is_that_since_it_was_handed_out_last(void **state)
{
    struct varve_histogram_view view;

    client_append(c, "a-1", 1);
    w = worker_join(f, "g", "one", 0);
    uint64_t position = worker_take(w).position;
    pretend_delivered_ago(position, 3600000000);
    assert_int_equal(worker_nack(w, position, VARVE_NACK_RETRY, 0, "again"), VARVE_OK);
    assert_int_equal(worker_take(w).attempt, 2);
    pretend_delivered_ago(position, 1000000);
    assert_int_equal(worker_ack(w, position), VARVE_OK);
    varve_histogram_look(f->server.metrics->processing.all[1].histogram, &view);
    assert_int_equal(view.count, 1);
    assert_in_range(view.sum, 1000000, 3599999999);
}

static void a_transaction_counts_when_it_is_stored(void **state)
{
    const struct varve_append_result results[2] = { { .first_version = 1, .last_version = 1 } };
    struct varve_conflict conflicts[1];
    struct group_hold *hold = NULL;
    struct varve_error error;
    size_t refused;

    client_append(c, "a-1", 1);
    w = worker_join(f, "g", "one", 0);
    uint64_t position = worker_take(w).position;
    const struct varve_group_ack ack = { .group = varve_view_str("g"), .epoch = w->epoch, .positions = &position,
                                         .count = 1 };
    struct session *session = consumer_session(consumer_find(group(), w->epoch));
    for (int stored = 0; stored <= 1; stored++) {
        assert_int_equal(group_hold_begin(session, &ack, conflicts, &refused, &hold, &error), VARVE_OK);
        assert_int_equal(consumed("tested", "unknown"), 0);
        group_hold_end(hold, stored ? results : NULL);
        assert_int_equal(consumed("tested", "unknown"), stored);
    }
    assert_int_equal(f->server.metrics->processing.all[1].histogram->sum > 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(type_and_source_are_those_of_the_event, setup, teardown),
        cmocka_unit_test_setup_teardown(the_time_is_that_since_it_was_handed_out_last, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_counts_when_it_is_stored, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
