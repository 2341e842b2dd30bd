/* test_outbox_history_request.c - what became of the events of a stream, asked over a connection. */
#include "fixture.h"

#include "server/kafka_mock.h"
#include "varve/wire_outbox.h"

struct answer {
    const struct varve_outbox_history_event *events;
    size_t count;
    bool end;
};

static void ask(struct client *c, const char *outbox, const char *stream, uint64_t from, uint32_t limit)
{
    const struct varve_outbox_history_request request = { varve_view_str(outbox), varve_view_str(stream), from, limit };

    varve_encode_outbox_history(&c->out, 5, &request);
    client_send(c);
}

static struct answer history(struct client *c, const char *stream, uint64_t from, uint32_t limit)
{
    struct answer answer;

    ask(c, "kafka", stream, from, limit);
    client_expect(c, VARVE_OP_OUTBOX_HISTORY_OK, 5);
    assert_int_equal(varve_decode_outbox_history_ok(c->body, c->arena, &answer.events, &answer.count, &answer.end,
                                                    NULL), VARVE_OK);
    return answer;
}

static void expect_error(struct client *c, const char *outbox, const char *stream, enum varve_status status)
{
    ask(c, outbox, stream, 0, 10);
    client_receive_error(c, 5, status);
}

static void what_waits_is_pending_and_comes_in_pages(void **state)
{
    struct fixture *f = fixture_open("--kafka 127.0.0.1:1"); /* Nobody listens there. */
    struct client *c = client_open(f);

    client_append(c, "order-1", 5);
    struct answer all = history(c, "order-1", 0, 10);
    assert_int_equal(all.count, 5);
    assert_true(all.end);
    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(all.events[i].version, i);
        assert_int_equal(all.events[i].position, i + 1);
        assert_int_equal(all.events[i].fate, VARVE_FATE_PENDING);
        assert_true(varve_view_equal(all.events[i].topic, varve_view_str("varve.order")));
        assert_true(all.events[i].published_at_us == VARVE_TIME_NONE);
        assert_true(all.events[i].recorded_at_us > 0);
        assert_int_equal(all.events[i].retry_count, 0);
        assert_null(all.events[i].last_error.data);
    }
    struct answer page = history(c, "order-1", 1, 3);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.events[0].version, 1);
    assert_false(page.end);
    page = history(c, "order-1", 2, 3);
    assert_int_equal(page.count, 3);
    assert_true(page.end);
    assert_int_equal(history(c, "order-1", 9, 3).count, 0);
    expect_error(c, "kafka", "order-2", VARVE_STREAM_NOT_FOUND);
    expect_error(c, "other", "order-1", VARVE_OUTBOX_NOT_FOUND);
    expect_error(c, "kafka", "", VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static bool are_published(void *user)
{
    struct client *c = user;
    struct answer answer = history(c, "order-1", 0, 1000);

    return answer.events[answer.count - 1].published_at_us != VARVE_TIME_NONE;
}

/* Of each event: by then it was published, which is not before it was recorded nor before those before it were. */
static void what_is_published_says_by_when(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_open(f);

    for (int i = 0; i < 3; i++)
        client_append(c, "order-1", 7);
    fixture_wait(f, are_published, c);
    struct answer all = history(c, "order-1", 0, 1000);
    int64_t before_us = 0;
    assert_int_equal(all.count, 21);
    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(all.events[i].fate, VARVE_FATE_PUBLISHED);
        assert_true(all.events[i].published_at_us >= all.events[i].recorded_at_us);
        assert_true(all.events[i].published_at_us >= before_us);
        before_us = all.events[i].published_at_us;
    }
    client_close(c);
}

static struct kafka_mock mock;
static char folder[TEMP_DIR_PATH];

static int open_with_mock(void **state)
{
    char line[TEMP_DIR_PATH + 64];

    temp_dir_make(folder);
    snprintf(line, sizeof(line), "%s/varve.ini", folder);
    FILE *file = fopen(line, "w");
    if (file == NULL)
        return -1;
    fprintf(file, "[outbox kafka]\nbrokers = %s\nmock = yes\n", mock.address);
    fclose(file);
    snprintf(line, sizeof(line), "--config %s/varve.ini", folder);
    *state = fixture_open(line);
    return 0;
}

static int close_with_mock(void **state)
{
    fixture_close(*state);
    temp_dir_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_pending_and_comes_in_pages),
        cmocka_unit_test_setup_teardown(what_is_published_says_by_when, open_with_mock, close_with_mock),
    };
    int failed;

    if (kafka_mock_start(&mock, NULL) != VARVE_OK) /* While there is one thread. */
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    kafka_mock_stop(&mock);
    return failed;
}
