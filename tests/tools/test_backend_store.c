/* test_backend_store.c - a directory behind the backend's functions: every call, and what it says when it cannot. */
#include "support/check.h"
#include "support/temp_dir.h"
#include "tools/varve/backend.h"

static char folder[TEMP_DIR_PATH];
static struct backend *backend;

static int open_store(void **state)
{
    temp_dir_make(folder);
    return backend_open_store(folder, true, &backend, NULL) == VARVE_OK ? 0 : -1;
}

static int close_store(void **state)
{
    assert_int_equal(backend->call->close(backend), VARVE_OK);
    temp_dir_remove(folder);
    return 0;
}

static struct varve_event event_with_id(uint8_t id)
{
    return (struct varve_event){ .type = varve_view_str("t"), .id = { { [15] = id } }, .time_us = VARVE_TIME_NONE,
                                 .schema_version = 1, .data = varve_view_str("{}") };
}

static enum varve_status append(const char *name, uint8_t id, int64_t expected, struct varve_append_outcome *outcome,
                                struct varve_error *error)
{
    struct varve_event event = event_with_id(id);
    struct varve_append_stream stream = { varve_view_str(name), expected };
    struct varve_append_request request = {
        .streams = &stream, .stream_count = 1, .events = &event, .event_count = 1,
    };

    return backend->call->append(backend, &request, outcome, error);
}

static void events_go_in_and_come_out(void **state)
{
    struct varve_append_outcome outcome = { 0 };
    struct varve_read read;
    const struct varve_event *event;
    uint64_t versions = 0;

    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(append("s-1", (uint8_t)(i + 1), i - 1, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.results[0].last_version, 2);
    varve_read_init(&read);
    for (unsigned round = 0; round < 2; round++) { /* a read may be left early and another begun */
        assert_int_equal(backend->call->read_open(backend, &read, NULL), VARVE_OK);
        assert_int_equal(backend->call->read_next(backend, &event, NULL), VARVE_OK);
        assert_int_equal(event->version, 0);
    }
    for (; event != NULL; versions++)
        assert_int_equal(backend->call->read_next(backend, &event, NULL), VARVE_OK);
    assert_int_equal(versions, 3);
    assert_int_equal(backend->call->read_next(backend, &event, NULL), VARVE_OK);
    assert_null(event); /* the end stays the end */
    backend->call->read_close(backend);
}

static void conflicts_are_outcomes(void **state)
{
    struct varve_append_outcome outcome = { 0 };
    struct varve_error error;

    assert_int_equal(append("s-1", 1, VARVE_EXPECTED_NO_STREAM, &outcome, &error), VARVE_OK);
    assert_int_equal(append("s-1", 2, 7, &outcome, &error), VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.conflict_count, 1);
    assert_string_equal(error.message, "stream \"s-1\": expected 7, actual 0");
    assert_int_equal(append("", 2, 7, &outcome, &error), VARVE_INVALID_ARGUMENT);
}

static void note_outcome(void *user, const struct varve_append_outcome *outcome)
{
    *(struct varve_append_outcome *)user = *outcome;
}

static void submitted_appends_are_answered(void **state)
{
    struct varve_event event = event_with_id(1);
    struct varve_append_stream stream = { varve_view_str("s-1"), 5 };
    struct varve_append_request request = {
        .streams = &stream, .stream_count = 1, .events = &event, .event_count = 1,
    };
    struct varve_append_outcome outcome = { 0 };

    assert_int_equal(backend->call->submit(backend, &request, note_outcome, &outcome, NULL), VARVE_OK);
    assert_int_equal(backend->call->drain(backend, NULL), VARVE_OK);
    assert_int_equal(outcome.status, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.error.status, VARVE_WRONG_EXPECTED_VERSION);
    assert_true(outcome.error.message[0] != '\0');
    stream.expected = VARVE_EXPECTED_NO_STREAM;
    assert_int_equal(backend->call->submit(backend, &request, note_outcome, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.status, VARVE_OK);
}

static void events_are_found_and_fetched(void **state)
{
    struct varve_uuid ids[2] = { { { [15] = 9 } }, { { [15] = 1 } } };
    uint64_t positions[2] = { 77, 77 };
    struct varve_event event;

    assert_int_equal(append("s-1", 1, VARVE_EXPECTED_ANY, NULL, NULL), VARVE_OK);
    assert_int_equal(backend->call->find(backend, ids, 2, positions, NULL), VARVE_OK);
    assert_int_equal(positions[0], 0);
    assert_int_equal(positions[1], 1);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(backend->call->get(backend, 1, &event, NULL), VARVE_OK);
        assert_true(varve_view_equal(event.stream, varve_view_str("s-1")));
    }
    assert_int_equal(backend->call->get(backend, 2, &event, NULL), VARVE_EVENT_NOT_FOUND);
}

static void streams_are_listed_changed_and_counted(void **state)
{
    struct varve_stream_list_request request = { varve_view_of("", 0), varve_view_of("", 0), 10, false };
    struct varve_stream_change change = {
        .kind = VARVE_STREAM_DELETE, .stream = varve_view_str("s-1"), .expected = VARVE_EXPECTED_ANY,
    };
    struct varve_stream_list list;
    struct varve_stream_info info;
    const struct varve_stat *stats;
    struct varve_append_outcome outcome;
    size_t count;
    struct backend_limits limits;
    int64_t now_us;
    uint64_t last_position;

    assert_int_equal(append("s-1", 1, VARVE_EXPECTED_ANY, NULL, NULL), VARVE_OK);
    assert_int_equal(backend->call->change(backend, &change, &outcome, NULL), VARVE_OK);
    assert_int_equal(backend->call->list(backend, &request, &list, NULL), VARVE_OK);
    assert_int_equal(list.count, 1);
    assert_true(list.entries[0].info.deleted);
    backend->call->list_free(&list);
    assert_int_equal(backend->call->info(backend, varve_view_str("s-2"), &info, NULL), VARVE_STREAM_NOT_FOUND);
    assert_int_equal(backend->call->stats(backend, &stats, &count, NULL), VARVE_OK);
    assert_true(count > 10);
    assert_int_equal(backend->call->limits(backend, &limits, NULL), VARVE_OK);
    assert_true(limits.max_event_bytes > 0 && limits.max_append_events > 0);
    assert_int_equal(backend->call->ping(backend, &now_us, &last_position, NULL), VARVE_OK);
    assert_int_equal(last_position, 2);
}

static void a_store_is_made_only_when_asked_for(void **state)
{
    char path[TEMP_DIR_PATH + 8];
    struct backend *other = NULL;
    struct varve_error error;

    snprintf(path, sizeof(path), "%s/other", folder);
    assert_int_not_equal(backend_open_store(path, false, &other, &error), VARVE_OK);
    assert_null(other);
    assert_true(error.message[0] != '\0');
    assert_int_equal(backend_open_store(folder, false, &other, &error), VARVE_LOCKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_go_in_and_come_out, open_store, close_store),
        cmocka_unit_test_setup_teardown(conflicts_are_outcomes, open_store, close_store),
        cmocka_unit_test_setup_teardown(submitted_appends_are_answered, open_store, close_store),
        cmocka_unit_test_setup_teardown(events_are_found_and_fetched, open_store, close_store),
        cmocka_unit_test_setup_teardown(streams_are_listed_changed_and_counted, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_store_is_made_only_when_asked_for, open_store, close_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
