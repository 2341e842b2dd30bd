/* test_outbox.c - outboxes looked at, ordered about and verified, against a server that plays its part. */
#include "calls.h"

#include "varve/outbox_client.h"

#include <string.h>

static const struct varve_view kafka = { "kafka", 5 }, order_1 = { "order-1", 7 }, order_2 = { "order-2", 7 };

static void send_list(struct fake_server *server, uint32_t id, struct varve_view name, size_t count)
{
    const struct varve_stat figures[] = { { .name = varve_view_str("position"), .number = 4711 } };
    const struct varve_outbox_entry entries[] = { { name, figures, 1 }, { varve_view_str("other"), NULL, 0 } };

    varve_encode_outbox_list_ok(&server->out, id, entries, count);
    fake_send(server);
}

static void send_letters(struct fake_server *server, uint32_t id, struct varve_view first, size_t count)
{
    const struct varve_dead_letter letters[] = {
        { .stream = first, .position = 17, .version = 3, .waiting = 2, .retry_count = 3,
          .error_code = varve_view_str("MSG_SIZE_TOO_LARGE"), .last_error = varve_view_str("too large") },
        { .stream = order_2, .position = 18 },
        { .stream = varve_view_str("order-3"), .position = 19 },
    };

    varve_encode_outbox_dead_ok(&server->out, id, letters, count, false);
    fake_send(server);
}

static void send_events(struct fake_server *server, uint32_t id, uint64_t first, size_t count)
{
    const struct varve_outbox_history_event events[] = {
        { .version = first, .position = 17, .type = varve_view_str("placed"), .fate = VARVE_FATE_PUBLISHED,
          .topic = varve_view_str("varve.order"), .published_at_us = 99 },
        { .version = 9, .position = 18, .type = varve_view_str("paid"), .published_at_us = VARVE_TIME_NONE },
        { .version = 10, .position = 19, .type = varve_view_str("sent"), .published_at_us = VARVE_TIME_NONE },
    };

    varve_encode_outbox_history_ok(&server->out, id, events, count, true);
    fake_send(server);
}

static void send_verified(struct fake_server *server, uint32_t id)
{
    const struct varve_stat figures[] = { { .name = varve_view_str("agrees"), .number = 1 } };

    varve_encode_outbox_verify_ok(&server->out, id, figures, 1);
    fake_send(server);
}

static void send_done(struct fake_server *server, uint32_t id)
{
    const struct varve_outbox_order_result result = { 4711, 3 };

    varve_encode_outbox_order_ok(&server->out, id, &result);
    fake_send(server);
}

static const struct varve_outbox_dead_request all_dead = { { "kafka", 5 }, { NULL, 0 }, { "order-0", 7 }, 2 };
static const struct varve_outbox_dead_request one_dead = { { "kafka", 5 }, { "order-1", 7 }, { NULL, 0 }, 1 };
static const struct varve_outbox_history_request events_of_one = { { "kafka", 5 }, { "order-1", 7 }, 8, 2 };

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void script_looks(struct fake_server *server)
{
    struct varve_outbox_dead_request dead;
    struct varve_outbox_history_request history;
    struct varve_view name;
    uint32_t id;

    fake_begin(server);
    id = fake_take(server, VARVE_OP_OUTBOX_LIST);
    fake_expect(server, varve_decode_outbox_list(server->body, &name, NULL) == VARVE_OK && name.data == NULL, "list");
    send_list(server, id, kafka, 2);
    id = fake_take(server, VARVE_OP_OUTBOX_LIST);
    fake_expect(server, varve_decode_outbox_list(server->body, &name, NULL) == VARVE_OK &&
                varve_view_equal(name, kafka), "list of one");
    send_list(server, id, kafka, 1);
    id = fake_take(server, VARVE_OP_OUTBOX_DEAD);
    fake_expect(server, varve_decode_outbox_dead(server->body, &dead, NULL) == VARVE_OK && dead.stream.data == NULL &&
                varve_view_equal(dead.after, all_dead.after) && dead.limit == 2, "dead letters");
    send_letters(server, id, order_1, 2);
    id = fake_take(server, VARVE_OP_OUTBOX_HISTORY);
    fake_expect(server, varve_decode_outbox_history(server->body, &history, NULL) == VARVE_OK &&
                varve_view_equal(history.stream, order_1) && history.from_version == 8, "history");
    send_events(server, id, 8, 2);
    fake_gone(server);
}

static void test_looking(void **state)
{
    struct fake_server *server = fake_server_start(script_looks, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_outbox_entry *entries;
    const struct varve_dead_letter *letters;
    const struct varve_outbox_history_event *events;
    size_t count;
    bool end;

    assert_int_equal(varve_client_outbox_list(client, varve_view_of(NULL, 0), &entries, &count, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(varve_client_outbox_list(client, kafka, &entries, &count, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(entries[0].figures[0].number, 4711);
    assert_int_equal(varve_client_outbox_dead(client, &all_dead, &letters, &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_false(end);
    assert_int_equal(letters[0].retry_count, 3);
    assert_true(varve_view_equal(letters[0].error_code, varve_view_str("MSG_SIZE_TOO_LARGE")));
    assert_int_equal(varve_client_outbox_history(client, &events_of_one, &events, &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(end);
    assert_int_equal(events[0].published_at_us, 99);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_orders(struct fake_server *server)
{
    struct varve_outbox_order order;
    struct varve_view name;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_OUTBOX_ORDER);
    fake_expect(server, varve_decode_outbox_order(server->body, &name, &order, NULL) == VARVE_OK &&
                varve_view_equal(name, kafka) && order.action == VARVE_OUTBOX_REPLAY && order.position == 7 &&
                order.until == 9 && varve_view_equal(order.stream, order_1), "order");
    send_done(server, id);
    peer_error(server, fake_take(server, VARVE_OP_OUTBOX_ORDER), VARVE_OUTBOX_BUSY, "another replay is under way");
    fake_gone(server);
}

static void test_an_order(void **state)
{
    const struct varve_outbox_order order = { .action = VARVE_OUTBOX_REPLAY, .position = 7, .until = 9,
                                              .stream = order_1 };
    struct fake_server *server = fake_server_start(script_orders, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_outbox_order_result result;
    struct varve_error error;

    assert_int_equal(varve_client_outbox_order(client, kafka, &order, &result, NULL), VARVE_OK);
    assert_int_equal(result.position, 4711);
    assert_int_equal(result.count, 3);
    assert_int_equal(varve_client_outbox_order(client, kafka, &order, NULL, &error), VARVE_OUTBOX_BUSY);
    assert_string_equal(error.message, "another replay is under way");
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_verifies_slowly(struct fake_server *server)
{
    struct varve_view name;
    uint64_t depth;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_OUTBOX_VERIFY);
    fake_expect(server, varve_decode_outbox_verify(server->body, &name, &depth, NULL) == VARVE_OK && depth == 1000,
                "verify");
    fake_sleep_ms(300); /* Three times as long as the client's patience with anything else. */
    send_verified(server, id);
    fake_gone(server);
}

static void test_verifying_takes_its_time(void **state)
{
    struct fake_server *server = fake_server_start(script_verifies_slowly, NULL);
    struct varve_client *client = peer_client(server, "&request_timeout_ms=100");
    const struct varve_stat *figures;
    size_t count;

    assert_int_equal(varve_client_outbox_verify(client, kafka, 1000, &figures, &count, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(figures[0].number, 1);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static enum varve_status call_list(struct varve_client *client, struct varve_error *error)
{
    const struct varve_outbox_entry *entries;
    size_t count;

    return varve_client_outbox_list(client, kafka, &entries, &count, error);
}

static enum varve_status call_order(struct varve_client *client, struct varve_error *error)
{
    const struct varve_outbox_order order = { .action = VARVE_OUTBOX_PAUSE };

    return varve_client_outbox_order(client, kafka, &order, NULL, error);
}

static enum varve_status call_dead_with(struct varve_client *client, const struct varve_outbox_dead_request *request,
                                        struct varve_error *error)
{
    const struct varve_dead_letter *letters;
    size_t count;
    bool end;

    return varve_client_outbox_dead(client, request, &letters, &count, &end, error);
}

static enum varve_status call_dead(struct varve_client *client, struct varve_error *error)
{
    return call_dead_with(client, &all_dead, error);
}

static enum varve_status call_one_dead(struct varve_client *client, struct varve_error *error)
{
    return call_dead_with(client, &one_dead, error);
}

static enum varve_status call_history(struct varve_client *client, struct varve_error *error)
{
    const struct varve_outbox_history_event *events;
    size_t count;
    bool end;

    return varve_client_outbox_history(client, &events_of_one, &events, &count, &end, error);
}

static enum varve_status call_verify(struct varve_client *client, struct varve_error *error)
{
    const struct varve_stat *figures;
    size_t count;

    return varve_client_outbox_verify(client, kafka, 0, &figures, &count, error);
}

static void answer_list(struct fake_server *server, uint32_t id) { send_list(server, id, kafka, 1); }
static void answer_list_of_another(struct fake_server *server, uint32_t id) { send_list(server, id, order_1, 1); }
static void answer_list_of_two(struct fake_server *server, uint32_t id) { send_list(server, id, kafka, 2); }
static void answer_list_of_none(struct fake_server *server, uint32_t id) { send_list(server, id, kafka, 0); }
static void answer_dead(struct fake_server *server, uint32_t id) { send_letters(server, id, order_1, 2); }
static void answer_dead_unordered(struct fake_server *server, uint32_t id) { send_letters(server, id, order_2, 2); }
static void answer_dead_before(struct fake_server *server, uint32_t id)
{
    send_letters(server, id, varve_view_str("order-"), 1);
}
static void answer_dead_too_long(struct fake_server *server, uint32_t id) { send_letters(server, id, order_1, 3); }
static void answer_one_dead(struct fake_server *server, uint32_t id) { send_letters(server, id, order_1, 1); }
static void answer_another_dead(struct fake_server *server, uint32_t id) { send_letters(server, id, order_2, 1); }
static void answer_none_dead(struct fake_server *server, uint32_t id) { send_letters(server, id, order_1, 0); }
static void answer_history(struct fake_server *server, uint32_t id) { send_events(server, id, 8, 2); }
static void answer_history_before(struct fake_server *server, uint32_t id) { send_events(server, id, 7, 1); }
static void answer_history_twice(struct fake_server *server, uint32_t id) { send_events(server, id, 9, 2); }
static void answer_history_too_long(struct fake_server *server, uint32_t id) { send_events(server, id, 8, 3); }

static void test_answers_that_are_none(void **state)
{
    static const struct call cases[] = {
        { "list: another", VARVE_OP_OUTBOX_LIST, call_list, answer_list_of_another },
        { "list: two", VARVE_OP_OUTBOX_LIST, call_list, answer_list_of_two },
        { "list: none", VARVE_OP_OUTBOX_LIST, call_list, answer_list_of_none },
        { "list: nothing", VARVE_OP_OUTBOX_LIST, call_list, answer_with_nothing },
        { "order: nothing", VARVE_OP_OUTBOX_ORDER, call_order, answer_with_nothing },
        { "order: pong", VARVE_OP_OUTBOX_ORDER, call_order, peer_pong },
        { "dead: unordered", VARVE_OP_OUTBOX_DEAD, call_dead, answer_dead_unordered },
        { "dead: before", VARVE_OP_OUTBOX_DEAD, call_dead, answer_dead_before },
        { "dead: too long", VARVE_OP_OUTBOX_DEAD, call_dead, answer_dead_too_long },
        { "dead: nothing", VARVE_OP_OUTBOX_DEAD, call_dead, answer_with_nothing },
        { "one dead: another", VARVE_OP_OUTBOX_DEAD, call_one_dead, answer_another_dead },
        { "one dead: none", VARVE_OP_OUTBOX_DEAD, call_one_dead, answer_none_dead },
        { "history: before", VARVE_OP_OUTBOX_HISTORY, call_history, answer_history_before },
        { "history: twice", VARVE_OP_OUTBOX_HISTORY, call_history, answer_history_twice },
        { "history: too long", VARVE_OP_OUTBOX_HISTORY, call_history, answer_history_too_long },
        { "history: nothing", VARVE_OP_OUTBOX_HISTORY, call_history, answer_with_nothing },
        { "verify: nothing", VARVE_OP_OUTBOX_VERIFY, call_verify, answer_with_nothing },
    };

    calls_refuse(cases, COUNT_OF(cases));
}

/* ---- losses and memory ------------------------------------------------------------------------------------------- */

static const struct call good[] = {
    { "list", VARVE_OP_OUTBOX_LIST, call_list, answer_list },
    { "dead", VARVE_OP_OUTBOX_DEAD, call_dead, answer_dead },
    { "one dead", VARVE_OP_OUTBOX_DEAD, call_one_dead, answer_one_dead },
    { "history", VARVE_OP_OUTBOX_HISTORY, call_history, answer_history },
    { "order", VARVE_OP_OUTBOX_ORDER, call_order, send_done },
    { "verify", VARVE_OP_OUTBOX_VERIFY, call_verify, send_verified },
};
#define REPEATED 4u /* the first ones */

static void test_looking_is_repeated(void **state)
{
    calls_survive_a_loss(good, COUNT_OF(good), REPEATED);
}

static void test_memory_that_cannot_be_had(void **state)
{
    calls_survive_no_memory(good, COUNT_OF(good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_an_order),
        cmocka_unit_test(test_verifying_takes_its_time),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_looking_is_repeated),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
