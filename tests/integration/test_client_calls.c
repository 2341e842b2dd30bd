/* test_client_calls.c - every call of the C client against a real server. */
#include "served.h"

#include "varve/uuid.h"

static int begin(void **state)
{
    static struct served served;

    served_begin(&served, NULL);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

/* ---- appending --------------------------------------------------------------------------------------------------- */

static void test_hello_and_ping(void **state)
{
    struct served *served = *state;
    struct varve_error error;
    uint64_t last_position = 99;
    int64_t now_us = 0;

    assert_int_equal(varve_client_connect(served->client, &error), VARVE_OK);
    assert_true(varve_client_server(served->client)->max_append_bytes > 0);
    assert_int_equal(varve_client_ping(served->client, &now_us, &last_position, &error), VARVE_OK);
    assert_int_equal(last_position, 0);
    assert_true(now_us > INT64_C(1600000000000000));
}

static void test_tcp_works_as_well(void **state)
{
    struct served *served = *state;
    struct varve_client *client;

    assert_int_equal(varve_client_create(served->varved.tcp_url, NULL, &client, NULL), VARVE_OK);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
}

static void test_versions_positions_replays_and_conflicts(void **state)
{
    struct served *served = *state;
    const struct varve_event first = served_event("order.placed", 1, 0), second = served_event("order.paid", 1, 1);
    struct varve_append_stream target = { varve_view_str("order-1"), 0 };
    struct varve_append_request request = { &target, 1, &second, NULL, 1 };
    struct varve_append_outcome outcome;
    struct varve_error error;

    assert_int_equal(served_append(served, "order-1", VARVE_EXPECTED_NO_STREAM, &first), 1);
    assert_int_equal(served_append(served, "order-1", 0, &second), 2);
    assert_int_equal(varve_client_append(served->client, &request, &outcome, NULL), VARVE_OK);
    assert_true(outcome.replayed);
    assert_int_equal(outcome.results[0].first_position, 2);
    assert_int_equal(outcome.results[0].last_version, 1);

    const struct varve_event other = served_event("order.cancelled", 1, 2);
    request.events = &other;
    assert_int_equal(varve_client_append(served->client, &request, &outcome, &error), VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.conflict_count, 1);
    assert_int_equal(outcome.conflicts[0].expected, 0);
    assert_int_equal(outcome.conflicts[0].actual, 1);
    assert_non_null(strstr(error.message, "order-1"));
}

static void test_many_streams_in_one_append(void **state)
{
    struct served *served = *state;
    const struct varve_append_stream streams[] = {
        { varve_view_str("a-1"), VARVE_EXPECTED_NO_STREAM },
        { varve_view_str("b-1"), VARVE_EXPECTED_ANY },
        { varve_view_str("c-1"), VARVE_EXPECTED_NO_STREAM }, /* only checked */
    };
    const struct varve_event events[] = { served_event("t", 2, 0), served_event("t", 2, 1), served_event("t", 2, 2) };
    const uint32_t stream_of[] = { 0, 1, 0 };
    const struct varve_append_request request = { streams, 3, events, stream_of, 3 };
    struct varve_append_outcome outcome;

    assert_int_equal(varve_client_append(served->client, &request, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.stream_count, 3);
    assert_int_equal(outcome.results[0].first_position, 1);
    assert_int_equal(outcome.results[0].last_position, 3);
    assert_int_equal(outcome.results[0].last_version, 1);
    assert_int_equal(outcome.results[1].first_position, 2);
    assert_int_equal(outcome.results[2].first_version, -1);
}

static void test_what_the_server_refuses_comes_back_typed(void **state)
{
    struct served *served = *state;
    struct varve_event event = served_event("t", 3, 0);
    struct varve_append_stream target = { varve_view_str("$mine"), VARVE_EXPECTED_ANY };
    const struct varve_append_request request = { &target, 1, &event, NULL, 1 };
    struct varve_error error;

    assert_int_equal(varve_client_append(served->client, &request, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_true(error.field[0] != '\0');
    target.stream = varve_view_str("s-1");
    event.data = varve_view_str("{\"a\":}");
    assert_int_equal(varve_client_append(served->client, &request, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "events[0].data");
    event.data = varve_view_of(NULL, 0);
    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    target.expected = VARVE_EXPECTED_STREAM_EXISTS;
    assert_int_equal(varve_client_append(served->client, &request, NULL, &error), VARVE_WRONG_EXPECTED_VERSION);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void test_info_list_find_get_and_stats(void **state)
{
    struct served *served = *state;
    const struct varve_event events[] = { served_event("t", 4, 0), served_event("t", 4, 1), served_event("t", 4, 2) };
    const struct varve_uuid ids[] = { events[2].id, { { 9 } }, events[0].id };
    const struct varve_stat *stats;
    struct varve_stream_list list;
    struct varve_stream_info info;
    struct varve_event event;
    uint64_t positions[3];
    size_t count;

    served_append(served, "x-1", VARVE_EXPECTED_ANY, &events[0]);
    served_append(served, "x-1", VARVE_EXPECTED_ANY, &events[1]);
    served_append(served, "x-2", VARVE_EXPECTED_ANY, &events[2]);
    assert_int_equal(varve_client_stream_info(served->client, varve_view_str("x-1"), &info, NULL), VARVE_OK);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.last_position, 2);
    assert_int_equal(varve_client_stream_info(served->client, varve_view_str("x-3"), &info, NULL),
                     VARVE_STREAM_NOT_FOUND);

    const struct varve_stream_list_request wish = { varve_view_str("x-"), varve_view_str("x-1"), 10, false };
    assert_int_equal(varve_client_stream_list(served->client, &wish, &list, NULL), VARVE_OK);
    assert_int_equal(list.count, 1);
    assert_true(list.end && varve_view_equal(list.entries[0].name, varve_view_str("x-2")));
    varve_client_stream_list_free(&list);

    assert_int_equal(varve_client_find(served->client, ids, 3, positions, NULL), VARVE_OK);
    assert_int_equal(positions[0], 3);
    assert_int_equal(positions[1], 0);
    assert_int_equal(positions[2], 1);
    assert_int_equal(varve_client_get(served->client, 2, &event, NULL), VARVE_OK);
    assert_true(varve_uuid_equal(&event.id, &events[1].id));
    assert_true(varve_view_equal(event.data, events[1].data));
    assert_int_equal(varve_client_get(served->client, 4, &event, NULL), VARVE_EVENT_NOT_FOUND);

    assert_int_equal(varve_client_stats(served->client, &stats, &count, NULL), VARVE_OK);
    for (size_t i = 0; i < count; i++)
        if (varve_view_equal(stats[i].name, varve_view_str("last_position")))
            assert_int_equal(stats[i].number, 3);
}

/* ---- changing streams -------------------------------------------------------------------------------------------- */

static enum varve_status change(struct served *served, enum varve_stream_change_kind kind, int64_t expected,
                                uint64_t number)
{
    struct varve_stream_change wish = {
        .kind = kind, .stream = varve_view_str("x-1"), .expected = expected,
        .truncate_before = kind == VARVE_STREAM_TRUNCATE ? number : 0,
        .max_count = kind == VARVE_STREAM_RETENTION ? number : 0,
    };
    struct varve_append_outcome outcome;
    enum varve_status status = varve_client_stream_change(served->client, &wish, &outcome, NULL);

    assert_int_equal(outcome.status, status);
    return status;
}

static uint64_t first_version(struct served *served)
{
    struct varve_stream_info info;

    assert_int_equal(varve_client_stream_info(served->client, varve_view_str("x-1"), &info, NULL), VARVE_OK);
    return info.first_version;
}

static void test_changes_of_streams(void **state)
{
    struct served *served = *state;
    struct varve_error error;

    for (uint32_t i = 0; i < 10; i++) {
        struct varve_event event = served_event("t", 5, i);
        served_append(served, "x-1", VARVE_EXPECTED_ANY, &event);
    }
    assert_int_equal(change(served, VARVE_STREAM_TRUNCATE, VARVE_EXPECTED_ANY, 3), VARVE_OK);
    assert_int_equal(first_version(served), 3);
    assert_int_equal(change(served, VARVE_STREAM_TRUNCATE, 7, 4), VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(change(served, VARVE_STREAM_RETENTION, 9, 2), VARVE_OK);
    assert_int_equal(first_version(served), 8);
    assert_int_equal(change(served, VARVE_STREAM_DELETE, VARVE_EXPECTED_ANY, 0), VARVE_OK);

    struct varve_event event = served_event("t", 5, 10);
    served_append(served, "x-1", VARVE_EXPECTED_NO_STREAM, &event);
    assert_int_equal(first_version(served), 10);
    assert_int_equal(change(served, VARVE_STREAM_TOMBSTONE, VARVE_EXPECTED_ANY, 0), VARVE_OK);
    struct varve_append_stream target = { varve_view_str("x-1"), VARVE_EXPECTED_ANY };
    event = served_event("t", 5, 11);
    assert_int_equal(varve_client_append(served->client, &(struct varve_append_request){ &target, 1, &event, NULL, 1 },
                                         NULL, &error), VARVE_STREAM_TOMBSTONED);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

#define EVENTS 300

/* Event i (position i + 1) goes to stream s-<i % 3> or t-<i % 3>, has one of two types and one of two correlations. */
static void fill(struct served *served)
{
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct varve_event event = served_event(i % 5 == 0 ? "rare" : "usual", 6, i);
        char stream[16];

        event.correlation_id.bytes[0] = i % 7 == 0 ? 7 : 1;
        snprintf(stream, sizeof(stream), "%c-%u", i % 2 == 0 ? 's' : 't', i % 3);
        assert_int_equal(served_append(served, stream, VARVE_EXPECTED_ANY, &event), i + 1);
    }
}

static bool belongs(const struct varve_read *read, uint32_t i)
{
    switch (read->kind) {
    case VARVE_READ_STREAM:
        return i % 6 == 0;
    case VARVE_READ_CATEGORY:
        return i % 2 == 0;
    case VARVE_READ_TYPE:
        return i % 5 == 0;
    case VARVE_READ_CORRELATION:
        return i % 7 == 0;
    default:
        return true;
    }
}

static void check_read(struct served *served, const struct varve_read *read, const char *label)
{
    const struct varve_event *event = NULL;
    uint64_t left = read->limit > 0 ? read->limit : EVENTS;

    CHECK_CASE(varve_client_read_open(served->client, read, NULL) == VARVE_OK, label);
    for (uint32_t n = 0; n < EVENTS && left > 0; n++) {
        uint32_t i = read->backwards ? EVENTS - 1 - n : n;
        uint64_t number = read->kind == VARVE_READ_STREAM ? i / 6 : i + 1;

        if (!belongs(read, i))
            continue;
        if (read->from != VARVE_FROM_EDGE && (read->backwards ? number > read->from : number < read->from))
            continue;
        CHECK_CASE(varve_client_read_next(served->client, &event, NULL) == VARVE_OK && event != NULL, label);
        CHECK_CASE(event->position == i + 1, label);
        left--;
    }
    CHECK_CASE(varve_client_read_next(served->client, &event, NULL) == VARVE_OK && event == NULL, label);
    varve_client_read_close(served->client);
}

static void test_every_kind_of_read_both_ways(void **state)
{
    static const struct {
        const char *label;
        enum varve_read_kind kind;
        const char *name;
    } kinds[] = {
        { "all", VARVE_READ_ALL, NULL },         { "stream", VARVE_READ_STREAM, "s-0" },
        { "category", VARVE_READ_CATEGORY, "s" }, { "type", VARVE_READ_TYPE, "rare" },
        { "correlation", VARVE_READ_CORRELATION, NULL },
    };
    struct served *served = *state;

    fill(served);
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int variant = 0; variant < 8; variant++) {
            struct varve_read read;

            varve_read_init(&read);
            read.kind = kinds[k].kind;
            read.name = varve_view_str(kinds[k].name);
            read.correlation_id.bytes[0] = 7;
            read.backwards = variant & 1;
            read.from = variant & 2 ? 17 : VARVE_FROM_EDGE;
            read.limit = variant & 4 ? 5 : 0;
            if (read.kind != VARVE_READ_CORRELATION)
                read.correlation_id.bytes[0] = 0;
            check_read(served, &read, kinds[k].label);
        }
}

static void test_a_read_closed_early_and_one_refused(void **state)
{
    struct served *served = *state;
    const struct varve_event *event;
    struct varve_read read;

    fill(served);
    for (int i = 0; i < 20; i++) {
        varve_read_init(&read);
        assert_int_equal(varve_client_read_open(served->client, &read, NULL), VARVE_OK);
        assert_int_equal(varve_client_read_next(served->client, &event, NULL), VARVE_OK);
        assert_int_equal(event->position, 1);
        varve_client_read_close(served->client);
        read.kind = VARVE_READ_STREAM;
        read.name = varve_view_str("nobody-1");
        assert_int_equal(varve_client_read_open(served->client, &read, NULL), VARVE_STREAM_NOT_FOUND);
    }
    assert_int_equal(varve_client_ping(served->client, NULL, NULL, NULL), VARVE_OK);
}

/* A window far smaller than what is read: credit must flow all the time. */
static void test_a_small_window_is_enough(void **state)
{
    struct served *served = *state;
    struct varve_client *large = served->client;
    struct varve_client_options options;
    struct varve_read read;

    fill(served);
    varve_client_options_init(&options);
    options.read_credit_bytes = 4096;
    assert_int_equal(varve_client_create(served->varved.url, &options, &served->client, NULL), VARVE_OK);
    varve_read_init(&read);
    check_read(served, &read, "small window");
    varve_client_free(served->client);
    served->client = large;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_hello_and_ping),
        EACH(test_tcp_works_as_well),
        EACH(test_versions_positions_replays_and_conflicts),
        EACH(test_many_streams_in_one_append),
        EACH(test_what_the_server_refuses_comes_back_typed),
        EACH(test_info_list_find_get_and_stats),
        EACH(test_changes_of_streams),
        EACH(test_every_kind_of_read_both_ways),
        EACH(test_a_read_closed_early_and_one_refused),
        EACH(test_a_small_window_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
