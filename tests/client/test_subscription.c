/* test_subscription.c - a subscription's notices, its credit, stopping, and what it believes. Losses have a file of
 * their own: test_subscription_losses.c. */
#include "peer.h"

#include "varve/record.h"
#include "varve/subscription.h"

#include <pthread.h>
#include <signal.h>

static const struct varve_filter everything;

static uint64_t take_subscribe(struct fake_server *server, uint32_t *ret_id, struct varve_subscribe_request *ret)
{
    *ret_id = fake_take(server, VARVE_OP_SUBSCRIBE);
    fake_expect(server, varve_decode_subscribe(server->body, server->arena, ret, NULL) == VARVE_OK,
                "SUBSCRIBE cannot be read");
    return ret->after;
}

/* HELLO, SUBSCRIBE after `after`, SUBSCRIBED. Returns the request's id. */
static uint32_t serve_begin(struct fake_server *server, uint64_t after)
{
    struct varve_subscribe_request request;
    uint32_t id;

    fake_begin(server);
    fake_expect(server, take_subscribe(server, &id, &request) == after, "subscribed elsewhere");
    varve_encode_subscribed(&server->out, id, after, 1000);
    fake_send(server);
    return id;
}

static struct varve_subscription *subscribe(const struct fake_server *server, const char *query, uint64_t after)
{
    struct varve_subscription *subscription = NULL;
    char url[256];

    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&connect_timeout_ms=60000&request_timeout_ms=60000%s",
             server->url, query);
    assert_int_equal(varve_subscription_open(url, NULL, &everything, after, &subscription, NULL), VARVE_OK);
    return subscription;
}

static void expect_notice(struct varve_subscription *subscription, enum varve_notice_kind kind, uint64_t position)
{
    struct varve_notice notice;
    struct varve_error error;

    if (varve_subscription_next(subscription, 60000, &notice, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_equal(notice.kind, kind);
    assert_int_equal(notice.position, position);
    assert_int_equal(varve_subscription_position(subscription), position);
    assert_int_equal(notice.event != NULL, kind == VARVE_NOTICE_EVENT);
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

static void script_everything(struct fake_server *server)
{
    struct varve_subscribe_request request;
    uint32_t id;

    fake_begin(server);
    take_subscribe(server, &id, &request);
    fake_expect(server, request.after == 3 && request.credit_bytes == 4u << 20 && request.batch_bytes == 512u << 10,
                "not what was asked for");
    varve_encode_subscribed(&server->out, id, 3, 1000);
    peer_write_events(server, id, 0, 1, 0);
    peer_write_events(server, id, 2, 2, 77); /* It tells all up to 77. */
    varve_encode_events(&server->out, id, NULL, NULL, 0, 88);
    varve_encode_position(&server->out, id, VARVE_OP_CAUGHT_UP, 88);
    varve_encode_position(&server->out, id, VARVE_OP_CHECKPOINT, 99);
    varve_encode_position(&server->out, id, VARVE_OP_FELL_BEHIND, 120);
    peer_write_events(server, id, 10, 10, 0);
    fake_send_some(server, server->out.size, 7);
    fake_gone(server);
}

static void test_notices_come_in_order(void **state)
{
    struct fake_server *server = fake_server_start(script_everything, NULL);
    struct varve_subscription *subscription = subscribe(server, "", 3);
    struct varve_notice notice;

    assert_int_equal(varve_subscription_position(subscription), 3);
    for (uint64_t version = 0; version < 2; version++) {
        assert_int_equal(varve_subscription_next(subscription, UINT32_MAX, &notice, NULL), VARVE_OK);
        assert_int_equal(notice.kind, VARVE_NOTICE_EVENT);
        assert_int_equal(notice.position, peer_position(version));
        assert_int_equal(notice.event->version, version);
        assert_true(varve_view_equal(notice.event->data, varve_view_str("{\"a\":1}")));
    }
    expect_notice(subscription, VARVE_NOTICE_EVENT, 77);
    expect_notice(subscription, VARVE_NOTICE_CAUGHT_UP, 88);
    expect_notice(subscription, VARVE_NOTICE_CHECKPOINT, 99);
    expect_notice(subscription, VARVE_NOTICE_FELL_BEHIND, 99);
    expect_notice(subscription, VARVE_NOTICE_EVENT, 105);
    assert_int_equal(varve_subscription_next(subscription, 0, &notice, NULL), VARVE_OK);
    assert_int_equal(notice.kind, VARVE_NOTICE_TIMEOUT);
    assert_int_equal(notice.position, 105);
    varve_subscription_close(subscription);
    varve_subscription_close(NULL);
    fake_server_stop(server);
}

static void script_filter(struct fake_server *server)
{
    struct varve_subscribe_request request;
    uint32_t id;

    fake_begin(server);
    fake_expect(server, take_subscribe(server, &id, &request) == VARVE_AFTER_END, "not at the end");
    fake_expect(server, request.filter.type_count == 2 && request.filter.stream_count == 0, "another filter");
    fake_expect(server, varve_view_equal(request.filter.types[0], varve_view_str("order.changed")), "another type");
    varve_encode_subscribed(&server->out, id, 40, 40);
    peer_write_events(server, id, 4, 4, 0);
    fake_send(server);
    fake_cut(server);
    serve_begin(server, 45);
    fake_gone(server);
}

static void test_the_filter_is_kept_and_the_end_is_fixed_once(void **state)
{
    char changed[] = "order.changed", placed[] = "order.placed";
    struct varve_view types[] = { varve_view_str(placed), varve_view_str(changed) };
    struct varve_filter filter = { .types = types, .type_count = 2 };
    struct fake_server *server = fake_server_start(script_filter, NULL);
    struct varve_subscription *subscription;

    assert_int_equal(varve_subscription_open(server->url, NULL, &filter, VARVE_AFTER_END, &subscription, NULL),
                     VARVE_OK);
    memset(changed, 'x', sizeof(changed) - 1);
    memset(types, 0, sizeof(types));
    assert_int_equal(varve_subscription_position(subscription), 40);
    expect_notice(subscription, VARVE_NOTICE_EVENT, 45);
    expect_notice(subscription, VARVE_NOTICE_RECONNECTED, 45);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static void script_refuses(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_SUBSCRIBE), VARVE_INVALID_ARGUMENT, "after: the log ends at 7");
    fake_gone(server);
}

static void test_open_says_what_is_wrong(void **state)
{
    struct fake_server *server = fake_server_start(script_refuses, NULL);
    struct varve_subscription *subscription = NULL;
    struct varve_view prefixes[] = { varve_view_str("$group-") };
    const struct varve_filter impossible = { .prefixes = prefixes, .prefix_count = 1 };
    struct varve_error error;

    assert_int_equal(varve_subscription_open("http://x", NULL, NULL, 0, &subscription, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_subscription_open(server->url, NULL, &impossible, 0, &subscription, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_int_equal(strncmp(error.field, "filter", 6), 0);
    assert_int_equal(varve_subscription_open(server->url, NULL, NULL, 8, &subscription, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "after: the log ends at 7");
    fake_server_stop(server);
    assert_int_equal(varve_subscription_open("varve://127.0.0.1:1", NULL, NULL, 0, &subscription, NULL),
                     VARVE_UNREACHABLE);
    assert_null(subscription);
}

static bool take_three(void *user, const struct varve_notice *notice)
{
    unsigned *taken = user;

    assert_int_equal(notice->kind, VARVE_NOTICE_EVENT);
    assert_int_equal(notice->event->version, *taken);
    return ++*taken < 3;
}

static void script_five(struct fake_server *server)
{
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 4, 0);
    fake_send(server);
    fake_gone(server);
}

static void test_run_calls_back_until_told_not_to(void **state)
{
    struct fake_server *server = fake_server_start(script_five, NULL);
    struct varve_subscription *subscription = subscribe(server, "", 0);
    unsigned taken = 0;

    assert_int_equal(varve_subscription_run(subscription, take_three, &taken, NULL), VARVE_OK);
    assert_int_equal(taken, 3);
    expect_notice(subscription, VARVE_NOTICE_EVENT, 35);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

/* ---- credit ------------------------------------------------------------------------------------------------------ */

/* Never sends without credit, and wants every byte back but for less than half of the window. */
static void script_accountant(struct fake_server *server)
{
    struct varve_subscribe_request request;
    int64_t credit, used = 0, returned = 0;
    uint32_t id, given;

    fake_begin(server);
    take_subscribe(server, &id, &request);
    varve_encode_subscribed(&server->out, id, 0, 1000);
    credit = request.credit_bytes;
    fake_expect(server, credit == 4096 && request.batch_bytes == 4096, "another window");
    for (uint64_t version = 0; version < 400; version += 4) {
        while (credit <= 0) {
            fake_expect(server, fake_take(server, VARVE_OP_CREDIT) == id, "credit for another request");
            fake_expect(server, varve_decode_credit(server->body, &given, NULL) == VARVE_OK, "CREDIT cannot be read");
            fake_expect(server, given >= request.credit_bytes / 2, "credit in crumbs");
            credit += given;
            returned += given;
            fake_expect(server, credit <= request.credit_bytes, "more credit than was used");
        }
        uint32_t size = peer_write_events(server, id, version, version + 3, 0);
        fake_send(server);
        credit -= size;
        used += size;
    }
    fake_expect(server, used > 8 * 4096 && used - returned < 2 * 4096, "too little was sent to show anything");
    fake_listen_until_gone(server);
}

static void test_credit_is_given_back_as_events_are_handed_over(void **state)
{
    struct fake_server *server = fake_server_start(script_accountant, NULL);
    struct varve_subscription *subscription = subscribe(server, "&read_credit_bytes=4096", 0);

    for (uint64_t version = 0; version < 400; version++)
        expect_notice(subscription, VARVE_NOTICE_EVENT, peer_position(version));
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

static void script_quiet(struct fake_server *server)
{
    serve_begin(server, 0);
    fake_listen_until_gone(server);
}

static void *stop_soon(void *subscription)
{
    fake_sleep_ms(20); /* So that it mostly waits by then; it must not matter. */
    varve_subscription_stop(subscription);
    return NULL;
}

static void test_stop_from_another_thread(void **state)
{
    struct fake_server *server = fake_server_start(script_quiet, NULL);
    struct varve_subscription *subscription = subscribe(server, "", 0);
    struct varve_notice notice;
    struct varve_error error;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, stop_soon, subscription), 0);
    assert_int_equal(varve_subscription_next(subscription, UINT32_MAX, &notice, &error), VARVE_CANCELLED);
    assert_int_equal(error.status, VARVE_CANCELLED);
    assert_int_equal(varve_subscription_next(subscription, 0, &notice, NULL), VARVE_CANCELLED); /* For good. */
    assert_int_equal(varve_subscription_run(subscription, take_three, NULL, NULL), VARVE_CANCELLED);
    pthread_join(thread, NULL);
    varve_subscription_close(subscription);
    fake_server_stop(server);
}

static struct varve_subscription *to_stop;

static void on_signal(int number)
{
    varve_subscription_stop(to_stop);
}

static void *signal_soon(void *thread)
{
    fake_sleep_ms(20);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void test_stop_from_a_signal_handler(void **state)
{
    const struct sigaction action = { .sa_handler = on_signal };
    struct fake_server *server = fake_server_start(script_quiet, NULL);
    struct varve_notice notice;
    pthread_t self = pthread_self(), thread;

    to_stop = subscribe(server, "", 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, signal_soon, &self), 0);
    assert_int_equal(varve_subscription_next(to_stop, UINT32_MAX, &notice, NULL), VARVE_CANCELLED);
    pthread_join(thread, NULL);
    varve_subscription_close(to_stop);
    fake_server_stop(server);
}

static void script_mute_after_a_loss(struct fake_server *server)
{
    serve_begin(server, 0);
    fake_cut(server);
    fake_accept(server); /* And never says HELLO_OK. */
    fake_sign(server);
    fake_listen_until_gone(server);
}

static void script_nobody_after_a_loss(struct fake_server *server)
{
    serve_begin(server, 0);
    fake_nobody(server);
    fake_cut(server);
    fake_sign(server);
}

static void script_no_answer_after_a_loss(struct fake_server *server)
{
    serve_begin(server, 0);
    fake_cut(server);
    fake_begin(server);
    fake_take(server, VARVE_OP_SUBSCRIBE);
    fake_sign(server);
    fake_listen_until_gone(server);
}

struct stopping {
    struct fake_server *server;
    struct varve_subscription *subscription;
};

static void *stop_at_the_sign(void *argument)
{
    struct stopping *stopping = argument;

    fake_wait_for_sign(stopping->server);
    return stop_soon(stopping->subscription);
}

static void test_stop_interrupts_reconnecting(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
    } cases[] = {
        { "while it waits for HELLO_OK", script_mute_after_a_loss },
        { "in the pause between two attempts", script_nobody_after_a_loss },
        { "while it waits for SUBSCRIBED", script_no_answer_after_a_loss },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(cases[i].script, NULL);
        struct varve_subscription *subscription =
            subscribe(server, "&connect_timeout_ms=3600000&request_timeout_ms=0&reconnect_delay_ms=60000", 0);
        struct stopping stopping = { server, subscription };
        struct varve_notice notice;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, stop_at_the_sign, &stopping), 0);
        CHECK_CASE(varve_subscription_next(subscription, UINT32_MAX, &notice, NULL) == VARVE_CANCELLED,
                   cases[i].label);
        pthread_join(thread, NULL);
        varve_subscription_close(subscription);
        fake_server_stop(server);
    }
}

/* ---- what is not believed ---------------------------------------------------------------------------------------- */

static void say_flipped(struct fake_server *server, uint32_t id)
{
    struct varve_event event = peer_event(2, 25);
    uint8_t bytes[512];
    const uint8_t *const records[] = { bytes };
    uint32_t size = (uint32_t)varve_record_encode(&event, bytes);

    bytes[60] ^= 4;
    varve_encode_events(&server->out, id, records, &size, 1, 25);
}
static void say_twice(struct fake_server *server, uint32_t id)
{
    peer_write_events(server, id, 1, 3, 0);
}
static void say_too_far(struct fake_server *server, uint32_t id)
{
    peer_write_events(server, id, 3, 3, 30);
}
static void say_downwards(struct fake_server *server, uint32_t id)
{
    peer_write_events(server, id, 4, 4, 50);
    peer_write_events(server, id, 5, 6, 0);
    fake_send(server);
    peer_write_events(server, id, 9, 9, 60);
}
static void say_other(struct fake_server *server, uint32_t id)
{
    struct varve_event event = peer_event(2, 25);
    uint8_t bytes[512];
    const uint8_t *const records[] = { bytes };

    event.stream = varve_view_str("$system");
    uint32_t size = (uint32_t)varve_record_encode(&event, bytes);
    varve_encode_events(&server->out, id, records, &size, 1, 25);
}
static void say_back(struct fake_server *server, uint32_t id)
{
    varve_encode_position(&server->out, id, VARVE_OP_CHECKPOINT, 14);
}
static void say_caught_up_back(struct fake_server *server, uint32_t id)
{
    varve_encode_position(&server->out, id, VARVE_OP_CAUGHT_UP, 14);
}
static void say_nothing_back(struct fake_server *server, uint32_t id)
{
    varve_encode_events(&server->out, id, NULL, NULL, 0, 14);
}
static void say_pong(struct fake_server *server, uint32_t id)
{
    varve_encode_pong(&server->out, id, 1, 7);
}
static void say_to_another(struct fake_server *server, uint32_t id)
{
    peer_write_events(server, id + 1, 2, 3, 0);
}
static void say_empty(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_EVENTS, id));
}
static void say_empty_checkpoint(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_CHECKPOINT, id));
}
static void say_garbage(struct fake_server *server, uint32_t id)
{
    fake_send(server);
    fake_raw(server, "HTTP/1.1 200 OK\r\n\r\n", 19);
}
static void say_error(struct fake_server *server, uint32_t id)
{
    struct varve_wire_error said = { .error = { .status = VARVE_INVALID_ARGUMENT, .message = "too much credit" } };

    varve_encode_error(&server->out, id, &said);
}

struct fault {
    const char *label;
    void (*say)(struct fake_server *server, uint32_t id);
    enum varve_status status;
};

static void script_fault(struct fake_server *server)
{
    const struct fault *fault = server->user;
    uint32_t id = serve_begin(server, 0);

    peer_write_events(server, id, 0, 1, 0);
    fault->say(server, id);
    fake_send(server);
    fake_listen_until_gone(server);
}

static void test_what_is_not_believed_stays_a_fault(void **state)
{
    static const struct fault faults[] = {
        { "a flipped bit", say_flipped, VARVE_CORRUPT },
        { "an event twice", say_twice, VARVE_PROTOCOL },
        { "an event behind what the batch tells", say_too_far, VARVE_PROTOCOL },
        { "a batch that was told", say_downwards, VARVE_PROTOCOL },
        { "an event outside of the filter", say_other, VARVE_PROTOCOL },
        { "a checkpoint that goes back", say_back, VARVE_PROTOCOL },
        { "caught up, further back", say_caught_up_back, VARVE_PROTOCOL },
        { "a batch without events that goes back", say_nothing_back, VARVE_PROTOCOL },
        { "a frame of another kind", say_pong, VARVE_PROTOCOL },
        { "a frame for another request", say_to_another, VARVE_PROTOCOL },
        { "EVENTS that are none", say_empty, VARVE_PROTOCOL },
        { "a CHECKPOINT that is none", say_empty_checkpoint, VARVE_PROTOCOL },
        { "bytes that are no frame", say_garbage, VARVE_PROTOCOL },
        { "an ERROR", say_error, VARVE_INVALID_ARGUMENT },
    };

    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct fake_server *server = fake_server_start(script_fault, (void *)&faults[i]);
        struct varve_subscription *subscription = subscribe(server, "", 0);
        struct varve_notice notice;
        struct varve_error error;
        uint64_t last = 0;
        enum varve_status status;

        while ((status = varve_subscription_next(subscription, 60000, &notice, &error)) == VARVE_OK) {
            CHECK_CASE(notice.kind == VARVE_NOTICE_EVENT && notice.position > last, faults[i].label);
            CHECK_CASE(notice.event->position > last, faults[i].label);
            last = notice.position;
        }
        CHECK_CASE(status == faults[i].status && error.status == status, faults[i].label);
        CHECK_CASE(last >= 15, faults[i].label);
        CHECK_CASE(varve_subscription_next(subscription, 0, &notice, NULL) == status, faults[i].label);
        varve_subscription_close(subscription);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notices_come_in_order),
        cmocka_unit_test(test_the_filter_is_kept_and_the_end_is_fixed_once),
        cmocka_unit_test(test_open_says_what_is_wrong),
        cmocka_unit_test(test_run_calls_back_until_told_not_to),
        cmocka_unit_test(test_credit_is_given_back_as_events_are_handed_over),
        cmocka_unit_test(test_stop_from_another_thread),
        cmocka_unit_test(test_stop_from_a_signal_handler),
        cmocka_unit_test(test_stop_interrupts_reconnecting),
        cmocka_unit_test(test_what_is_not_believed_stays_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
