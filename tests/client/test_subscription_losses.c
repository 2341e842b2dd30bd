/* test_subscription_losses.c - a subscription whose connection is cut at every byte, damaged, silent, or led to another
 * log: every event once and in order, or a fault that says so. */
#include "peer.h"
#include "support/fail_alloc.h"

#include "varve/subscription.h"

#include <stdatomic.h>

#define EVENTS 8u /* of the log that is served; then it is caught up, at the last one's position */

static uint64_t take_subscribe(struct fake_server *server, uint32_t *ret_id)
{
    struct varve_subscribe_request request;

    *ret_id = fake_take(server, VARVE_OP_SUBSCRIBE);
    fake_expect(server, varve_decode_subscribe(server->body, server->arena, &request, NULL) == VARVE_OK,
                "SUBSCRIBE cannot be read");
    return request.after;
}

static uint32_t serve_begin(struct fake_server *server, uint64_t after)
{
    uint32_t id;

    fake_begin(server);
    fake_expect(server, take_subscribe(server, &id) == after, "subscribed elsewhere");
    varve_encode_subscribed(&server->out, id, after, 1000);
    fake_send(server);
    return id;
}

static enum varve_status try_subscribe(const struct fake_server *server, const char *query,
                                       struct varve_subscription **ret, struct varve_error *error)
{
    char url[256];

    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&connect_timeout_ms=60000&request_timeout_ms=60000%s",
             server->url, query);
    return varve_subscription_open(url, NULL, NULL, 0, ret, error);
}

static struct varve_subscription *subscribe(const struct fake_server *server, const char *query)
{
    struct varve_subscription *subscription = NULL;

    assert_int_equal(try_subscribe(server, query, &subscription, NULL), VARVE_OK);
    return subscription;
}

static enum varve_status next(struct varve_subscription *subscription, struct varve_notice *ret_notice,
                              struct varve_error *error)
{
    return varve_subscription_next(subscription, 10000, ret_notice, error);
}

static void expect_notice(struct varve_subscription *subscription, enum varve_notice_kind kind, uint64_t position)
{
    struct varve_notice notice;
    struct varve_error error;

    if (next(subscription, &notice, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_equal(notice.kind, kind);
    assert_int_equal(notice.position, position);
}

/* ---- a log that is served to whoever connects -------------------------------------------------------------------- */

/* What a server of EVENTS events writes to one that is behind `after`: in batches of three, with a checkpoint. */
static void write_log(struct fake_server *server, uint32_t id, uint64_t after)
{
    uint64_t version = after < 5 ? 0 : (after - 5) / 10 + 1;

    varve_encode_subscribed(&server->out, id, after, peer_position(EVENTS - 1));
    while (version < EVENTS) {
        uint64_t last = version + 2 < EVENTS ? version + 2 : EVENTS - 1;

        peer_write_events(server, id, version, last, 0);
        version = last + 1;
        varve_encode_position(&server->out, id, VARVE_OP_CHECKPOINT, peer_position(last) + 2);
    }
    varve_encode_position(&server->out, id, VARVE_OP_CAUGHT_UP, peer_position(EVENTS - 1) + 2);
}

/* Every event once and in order up to CAUGHT_UP; or how it ended, *ret_events of them having been right. */
static enum varve_status follow(struct varve_subscription *subscription, unsigned *events, struct varve_error *error)
{
    struct varve_notice notice = { .kind = VARVE_NOTICE_TIMEOUT };
    enum varve_status status;

    while ((status = next(subscription, &notice, error)) == VARVE_OK && notice.kind != VARVE_NOTICE_CAUGHT_UP) {
        assert_int_not_equal(notice.kind, VARVE_NOTICE_TIMEOUT);
        if (notice.kind != VARVE_NOTICE_EVENT)
            continue;
        assert_true(*events < EVENTS);
        assert_int_equal(notice.event->version, *events);
        assert_int_equal(notice.event->position, peer_position(*events));
        assert_true(varve_view_equal(notice.event->data, varve_view_str("{\"a\":1}")));
        ++*events;
    }
    return status;
}

struct plan {
    size_t at, total;   /* which byte of the first connection's answers it is about, and how many there are */
    uint8_t flip;       /* what it is damaged with */
};

static void script_cut(struct fake_server *server)
{
    struct plan *plan = server->user;
    uint32_t id;

    fake_begin(server);
    uint64_t after = take_subscribe(server, &id);
    write_log(server, id, after);
    plan->total = server->out.size;
    fake_send_some(server, plan->at, plan->at + 1);
    fake_cut(server);
    fake_begin(server);
    after = take_subscribe(server, &id);
    write_log(server, id, after);
    fake_send(server);
    fake_gone(server);
}

static void test_cut_at_every_byte(void **state)
{
    struct plan plan = { .total = 1 };

    for (plan.at = 0; plan.at < plan.total; plan.at++) {
        struct fake_server *server = fake_server_start_local(script_cut, &plan);
        struct varve_subscription *subscription = NULL;
        struct varve_error error;
        unsigned events = 0;
        enum varve_status status = try_subscribe(server, "", &subscription, &error);

        if (subscription == NULL) { /* Cut within SUBSCRIBED: nothing had begun yet. */
            assert_int_equal(status, VARVE_DISCONNECTED);
            assert_true(plan.at < 100);
            subscription = subscribe(server, "");
        }
        assert_int_equal(follow(subscription, &events, &error), VARVE_OK);
        assert_int_equal(events, EVENTS);
        varve_subscription_close(subscription);
        fake_server_stop(server);
    }
}

static void script_flip(struct fake_server *server)
{
    struct plan *plan = server->user;
    uint32_t id;

    fake_begin(server);
    uint64_t after = take_subscribe(server, &id);
    write_log(server, id, after);
    plan->total = server->out.size;
    server->out.bytes[plan->at] ^= plan->flip;
    fake_send(server);
    fake_nobody(server);
    fake_cut(server);
}

static void test_damaged_at_every_byte(void **state)
{
    struct plan plan = { .total = 1 };

    for (plan.at = 0; plan.at < plan.total; plan.at++) {
        plan.flip = (uint8_t)(1u << plan.at % 8);
        struct fake_server *server = fake_server_start_local(script_flip, &plan);
        struct varve_subscription *subscription = NULL;
        struct varve_error error;
        unsigned events = 0;
        enum varve_status status = try_subscribe(server, "", &subscription, &error);

        if (status == VARVE_OK)
            status = follow(subscription, &events, &error); /* Which believes in no wrong event. */
        assert_true(status != VARVE_OK || events == EVENTS);
        varve_subscription_close(subscription);
        fake_server_stop(server);
    }
}

/* ---- servers that come back otherwise ---------------------------------------------------------------------------- */

static void script_stops(struct fake_server *server)
{
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 1, 0);
    fake_send(server);
    peer_error(server, id, VARVE_NOT_READY, "the server is stopping");
    fake_gone(server);
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_SUBSCRIBE), VARVE_NOT_READY, "the server is starting");
    fake_gone(server);
    id = serve_begin(server, 15);
    peer_write_events(server, id, 2, 2, 0);
    fake_send(server);
    fake_gone(server);
}

static void test_a_server_that_stops_is_a_loss(void **state)
{
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_subscription *subscription = subscribe(server, "");

    expect_notice(subscription, VARVE_NOTICE_EVENT, 5);
    expect_notice(subscription, VARVE_NOTICE_EVENT, 15);
    expect_notice(subscription, VARVE_NOTICE_RECONNECTED, 15);
    expect_notice(subscription, VARVE_NOTICE_EVENT, 25);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static void script_goes_on_behind_a_checkpoint(struct fake_server *server)
{
    uint32_t id = serve_begin(server, 0);

    varve_encode_position(&server->out, id, VARVE_OP_CHECKPOINT, 500);
    fake_send(server);
    fake_cut(server);
    id = serve_begin(server, 500);
    varve_encode_position(&server->out, id, VARVE_OP_CAUGHT_UP, 600);
    fake_send(server);
    fake_cut(server);
    serve_begin(server, 600);
    fake_gone(server);
}

static void test_checkpoints_are_resumed_from_too(void **state)
{
    struct fake_server *server = fake_server_start(script_goes_on_behind_a_checkpoint, NULL);
    struct varve_subscription *subscription = subscribe(server, "");

    expect_notice(subscription, VARVE_NOTICE_CHECKPOINT, 500);
    expect_notice(subscription, VARVE_NOTICE_RECONNECTED, 500);
    expect_notice(subscription, VARVE_NOTICE_CAUGHT_UP, 600);
    expect_notice(subscription, VARVE_NOTICE_RECONNECTED, 600);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static void script_shorter(struct fake_server *server)
{
    struct varve_wire_error said = { .error = { .status = VARVE_INVALID_ARGUMENT, .field = "after",
                                                .message = "the log ends at position 3" } };
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 0, 0);
    fake_send(server);
    fake_cut(server);
    fake_begin(server);
    varve_encode_error(&server->out, fake_take(server, VARVE_OP_SUBSCRIBE), &said);
    fake_send(server);
    fake_gone(server);
    serve_begin(server, 5);
    fake_gone(server);
}

static void test_a_shorter_log_is_told_and_may_pass(void **state)
{
    struct fake_server *server = fake_server_start(script_shorter, NULL);
    struct varve_subscription *subscription = subscribe(server, "");
    struct varve_notice notice;
    struct varve_error error;

    expect_notice(subscription, VARVE_NOTICE_EVENT, 5);
    assert_int_equal(next(subscription, &notice, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "after");
    assert_non_null(strstr(error.message, "the log ends before position 5"));
    assert_non_null(strstr(error.message, "the log ends at position 3"));
    expect_notice(subscription, VARVE_NOTICE_RECONNECTED, 5);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static void script_nobody(struct fake_server *server)
{
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 0, 0);
    fake_send(server);
    fake_nobody(server);
    fake_cut(server);
}

static void test_an_unreachable_server_is_tried_again_by_the_next_call(void **state)
{
    struct fake_server *server = fake_server_start(script_nobody, NULL);
    struct varve_subscription *subscription = subscribe(server, "&reconnect_attempts=2");
    struct varve_notice notice;
    struct varve_error error;

    expect_notice(subscription, VARVE_NOTICE_EVENT, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next(subscription, &notice, &error), VARVE_UNREACHABLE);
        assert_int_equal(varve_subscription_position(subscription), 5);
    }
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static void script_subscribed_elsewhere(struct fake_server *server)
{
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 0, 0);
    fake_send(server);
    fake_cut(server);
    fake_begin(server);
    take_subscribe(server, &id);
    varve_encode_subscribed(&server->out, id, 7, 1000);
    fake_send(server);
    fake_gone(server);
}

static void test_being_subscribed_elsewhere_stays_a_fault(void **state)
{
    struct fake_server *server = fake_server_start(script_subscribed_elsewhere, NULL);
    struct varve_subscription *subscription = subscribe(server, "");
    struct varve_notice notice;

    expect_notice(subscription, VARVE_NOTICE_EVENT, 5);
    for (int i = 0; i < 2; i++)
        assert_int_equal(next(subscription, &notice, NULL), VARVE_PROTOCOL);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* One connection, for as long as the client wants it. */
static void serve_one(struct fake_server *server)
{
    uint32_t id;

    if (setjmp(server->end) != 0) {
        server->fault[0] = '\0'; /* It gave up half way: no memory. */
        return;
    }
    fake_begin(server);
    uint64_t after = take_subscribe(server, &id);
    write_log(server, id, after);
    fake_send(server);
    fake_listen_until_gone(server);
}

static void script_for_all(struct fake_server *server)
{
    while (!atomic_load((atomic_bool *)server->user))
        serve_one(server);
}

/* Whichever allocation fails, once: it is told, and the next call goes on where it was. */
static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;
    struct fake_server *server = fake_server_start(script_for_all, &over);
    bool fired = FAIL_ALLOC_WORKS;

    for (unsigned nth = 1; fired; nth++) {
        struct varve_subscription *subscription = NULL;
        struct varve_error error;
        enum varve_status status;
        unsigned events = 0, faults = 0;

        fail_alloc_arm(nth);
        while ((status = try_subscribe(server, "", &subscription, &error)) == VARVE_NO_MEMORY)
            faults++;
        if (status != VARVE_OK)
            fail_msg("allocation %u: %s", nth, error.message);
        while ((status = follow(subscription, &events, &error)) == VARVE_NO_MEMORY)
            faults++;
        fired = fail_alloc_disarm();
        if (status != VARVE_OK)
            fail_msg("allocation %u: %s", nth, error.message);
        assert_int_equal(events, EVENTS);
        assert_true(faults <= 1 && (fired || faults == 0));
        varve_subscription_close(subscription);
    }
    struct varve_subscription *last = NULL;
    atomic_store(&over, true);
    (void)try_subscribe(server, "", &last, NULL); /* Wakes the server up, should it still wait for somebody. */
    varve_subscription_close(last);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_damaged_at_every_byte),
        cmocka_unit_test(test_a_server_that_stops_is_a_loss),
        cmocka_unit_test(test_checkpoints_are_resumed_from_too),
        cmocka_unit_test(test_a_shorter_log_is_told_and_may_pass),
        cmocka_unit_test(test_an_unreachable_server_is_tried_again_by_the_next_call),
        cmocka_unit_test(test_being_subscribed_elsewhere_stays_a_fault),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
