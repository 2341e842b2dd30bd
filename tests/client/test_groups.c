/* test_groups.c - what is asked about groups and parked events, and what is not asked twice. */
#include "calls.h"

#include "varve/subscription.h"

static const struct varve_view billing = { "billing", 7 };

static struct varve_group_info sample_info(void)
{
    struct varve_group_info info = { .name = billing, .checkpoint = 40, .last_position = 50, .parked = 2 };

    varve_group_settings_init(&info.settings);
    return info;
}

static void send_info(struct fake_server *server, uint32_t id)
{
    struct varve_group_info info = sample_info();

    varve_encode_group_ok(&server->out, id, &info);
    fake_send(server);
}

static uint32_t take_group(struct fake_server *server, uint8_t opcode, struct varve_group_request *ret)
{
    uint32_t id = fake_take(server, opcode);

    fake_expect(server, varve_decode_group(server->body, opcode, server->arena, ret, NULL) == VARVE_OK, "not readable");
    fake_expect(server, varve_view_equal(ret->group, billing), "another group");
    return id;
}

static void script_groups(struct fake_server *server)
{
    struct varve_group_request request;
    struct varve_group_info info = sample_info();
    uint32_t id;

    fake_begin(server);
    id = take_group(server, VARVE_OP_GROUP_CREATE, &request);
    fake_expect(server, request.after == VARVE_AFTER_END && request.settings.max_attempts == 9, "created otherwise");
    fake_expect(server, request.settings.filter != NULL && request.settings.filter->type_count == 1, "another filter");
    send_info(server, id);
    id = take_group(server, VARVE_OP_GROUP_UPDATE, &request);
    fake_expect(server, !request.has_settings && request.resume, "updated otherwise");
    send_info(server, id);
    id = take_group(server, VARVE_OP_GROUP_UPDATE, &request);
    fake_expect(server, request.has_settings && !request.resume, "updated otherwise");
    send_info(server, id);
    id = take_group(server, VARVE_OP_GROUP_RESET, &request);
    fake_expect(server, request.after == 17, "reset otherwise");
    send_info(server, id);
    send_info(server, take_group(server, VARVE_OP_GROUP_INFO, &request));
    varve_encode_group_list_ok(&server->out, fake_take(server, VARVE_OP_GROUP_LIST), &info, 1);
    fake_send(server);
    send_info(server, take_group(server, VARVE_OP_GROUP_DELETE, &request));
    id = take_group(server, VARVE_OP_GROUP_INFO, &request);
    peer_error(server, id, VARVE_GROUP_NOT_FOUND, "no group \"billing\"");
    fake_gone(server);
}

static void test_groups(void **state)
{
    struct fake_server *server = fake_server_start(script_groups, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_view types[] = { varve_view_str("order.placed") };
    const struct varve_filter filter = { .types = types, .type_count = 1 };
    struct varve_group_settings settings;
    const struct varve_group_info *infos;
    struct varve_group_info info;
    struct varve_error error;
    size_t count;

    varve_group_settings_init(&settings);
    settings.filter = &filter;
    settings.max_attempts = 9;
    assert_int_equal(varve_client_group_create(client, billing, &settings, VARVE_AFTER_END, &info, NULL), VARVE_OK);
    assert_int_equal(info.checkpoint, 40);
    assert_int_equal(info.settings.max_in_flight, 1000);
    assert_int_equal(varve_client_group_update(client, billing, NULL, true, NULL, NULL), VARVE_OK);
    assert_int_equal(varve_client_group_update(client, billing, &settings, false, NULL, NULL), VARVE_OK);
    assert_int_equal(varve_client_group_reset(client, billing, 17, &info, NULL), VARVE_OK);
    memset(&info, 0, sizeof(info));
    assert_int_equal(varve_client_group_info(client, billing, &info, NULL), VARVE_OK);
    assert_true(varve_view_equal(info.name, billing));
    assert_int_equal(info.parked, 2);
    assert_int_equal(varve_client_group_list(client, &infos, &count, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_true(varve_view_equal(infos[0].name, billing));
    assert_int_equal(varve_client_group_delete(client, billing, NULL), VARVE_OK);
    assert_int_equal(varve_client_group_info(client, billing, &info, &error), VARVE_GROUP_NOT_FOUND);
    assert_string_equal(error.message, "no group \"billing\"");
    varve_client_free(client);
    fake_server_stop(server);
}

static uint32_t take_parked(struct fake_server *server, uint8_t opcode, uint64_t position, uint32_t limit,
                            struct varve_parked_request *ret)
{
    uint32_t id = fake_take(server, opcode);

    fake_expect(server, varve_decode_parked(server->body, opcode, ret, NULL) == VARVE_OK, "not readable");
    fake_expect(server, varve_view_equal(ret->group, billing), "another group");
    fake_expect(server, ret->position == position && ret->limit == limit, "other parked events");
    return id;
}

static void script_parked(struct fake_server *server)
{
    const struct varve_parked_event event = { .position = 12, .stream = varve_view_str("order-1"), .version = 3,
                                              .type = varve_view_str("order.placed"), .id = { { 7 } }, .attempts = 5,
                                              .reason = varve_view_str("max_attempts") };
    struct varve_parked_request request;

    fake_begin(server);
    uint32_t id = take_parked(server, VARVE_OP_PARKED_LIST, 9, 100, &request);
    varve_encode_parked_list_ok(&server->out, id, &event, 1, true);
    fake_send(server);
    varve_encode_parked_ok(&server->out, take_parked(server, VARVE_OP_PARKED_REPLAY, 0, 10, &request), 4);
    fake_send(server);
    id = take_parked(server, VARVE_OP_PARKED_DISCARD, 12, 0, &request);
    fake_expect(server, varve_view_equal(request.reason, varve_view_str("known")), "another reason");
    varve_encode_parked_ok(&server->out, id, 1);
    fake_send(server);
    peer_error(server, take_parked(server, VARVE_OP_PARKED_REPLAY, 99, 0, &request), VARVE_EVENT_NOT_FOUND, "none");
    fake_gone(server);
}

static void test_parked_events(void **state)
{
    struct fake_server *server = fake_server_start(script_parked, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_parked_event *events;
    uint32_t done = 0;
    size_t count;
    bool at_end;

    assert_int_equal(varve_client_parked_list(client, billing, 9, 100, &events, &count, &at_end, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_true(at_end);
    assert_int_equal(events[0].position, 12);
    assert_true(varve_view_equal(events[0].reason, varve_view_str("max_attempts")));
    assert_int_equal(varve_client_parked_replay(client, billing, 0, 10, &done, NULL), VARVE_OK);
    assert_int_equal(done, 4);
    assert_int_equal(varve_client_parked_discard(client, billing, 12, 0, varve_view_str("known"), NULL, NULL),
                     VARVE_OK);
    assert_int_equal(varve_client_parked_replay(client, billing, 99, 0, &done, NULL), VARVE_EVENT_NOT_FOUND);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_what_is_refused_without_asking(void **state)
{
    struct varve_client *client = NULL;
    struct varve_group_settings settings;
    static char reason[VARVE_MAX_REASON + 1];
    struct varve_error error;

    assert_int_equal(varve_client_create("varve://127.0.0.1:1", NULL, &client, NULL), VARVE_OK);
    varve_group_settings_init(&settings);
    assert_int_equal(varve_client_group_info(client, varve_view_str("$x"), NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "group");
    settings.backoff_count = VARVE_MAX_BACKOFFS + 1;
    assert_int_equal(varve_client_group_create(client, billing, &settings, 0, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "settings.backoff_ms");
    assert_int_equal(varve_client_group_update(client, billing, &settings, false, NULL, &error),
                     VARVE_INVALID_ARGUMENT);
    memset(reason, 'x', sizeof(reason));
    assert_int_equal(varve_client_parked_discard(client, billing, 1, 0, varve_view_of(reason, sizeof(reason)), NULL,
                                                 &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "reason");
    assert_int_equal(varve_client_parked_list(client, varve_view_str(""), 0, 1, NULL, NULL, NULL, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_group_delete(client, billing, &error), VARVE_UNREACHABLE);
    varve_client_free(client);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static enum varve_status create(struct varve_client *client, struct varve_error *error)
{
    struct varve_group_settings settings;

    varve_group_settings_init(&settings);
    return varve_client_group_create(client, billing, &settings, 0, NULL, error);
}
static enum varve_status update(struct varve_client *client, struct varve_error *error)
{
    return varve_client_group_update(client, billing, NULL, true, NULL, error);
}
static enum varve_status reset(struct varve_client *client, struct varve_error *error)
{
    return varve_client_group_reset(client, billing, 0, NULL, error);
}
static enum varve_status delete(struct varve_client *client, struct varve_error *error)
{
    return varve_client_group_delete(client, billing, error);
}
static enum varve_status info(struct varve_client *client, struct varve_error *error)
{
    return varve_client_group_info(client, billing, NULL, error);
}
static enum varve_status list(struct varve_client *client, struct varve_error *error)
{
    const struct varve_group_info *infos;
    size_t count;

    return varve_client_group_list(client, &infos, &count, error);
}
static enum varve_status parked_list(struct varve_client *client, struct varve_error *error)
{
    const struct varve_parked_event *events;
    size_t count;
    bool at_end;

    return varve_client_parked_list(client, billing, 0, 1, &events, &count, &at_end, error);
}
static enum varve_status replay(struct varve_client *client, struct varve_error *error)
{
    return varve_client_parked_replay(client, billing, 0, 0, NULL, error);
}
static enum varve_status discard(struct varve_client *client, struct varve_error *error)
{
    return varve_client_parked_discard(client, billing, 0, 0, (struct varve_view){ NULL, 0 }, NULL, error);
}

static void answer_list(struct fake_server *server, uint32_t id)
{
    struct varve_group_info sample = sample_info();

    varve_encode_group_list_ok(&server->out, id, &sample, 1);
    fake_send(server);
}
static void answer_parked(struct fake_server *server, uint32_t id)
{
    varve_encode_parked_ok(&server->out, id, 3);
    fake_send(server);
}
static void answer_parked_list(struct fake_server *server, uint32_t id)
{
    varve_encode_parked_list_ok(&server->out, id, NULL, 0, true);
    fake_send(server);
}
/* Several requests share these answers. */
static void answer_empty_info(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_GROUP_OK, id));
    fake_send(server);
}
static void answer_empty_parked(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_PARKED_OK, id));
    fake_send(server);
}

static void test_answers_that_cannot_be_read(void **state)
{
    static const struct call cases[] = {
        { "create", VARVE_OP_GROUP_CREATE, create, answer_empty_info },
        { "update", VARVE_OP_GROUP_UPDATE, update, answer_empty_info },
        { "reset", VARVE_OP_GROUP_RESET, reset, answer_empty_info },
        { "delete", VARVE_OP_GROUP_DELETE, delete, answer_empty_info },
        { "info", VARVE_OP_GROUP_INFO, info, answer_empty_info },
        { "list", VARVE_OP_GROUP_LIST, list, answer_with_nothing },
        { "parked list", VARVE_OP_PARKED_LIST, parked_list, answer_with_nothing },
        { "replay", VARVE_OP_PARKED_REPLAY, replay, answer_empty_parked },
        { "discard", VARVE_OP_PARKED_DISCARD, discard, answer_empty_parked },
    };

    calls_refuse(cases, COUNT_OF(cases));
}

/* ---- losses and memory ------------------------------------------------------------------------------------------- */

static const struct call good[] = {
    { "info", VARVE_OP_GROUP_INFO, info, send_info },
    { "list", VARVE_OP_GROUP_LIST, list, answer_list },
    { "parked list", VARVE_OP_PARKED_LIST, parked_list, answer_parked_list },
    { "create", VARVE_OP_GROUP_CREATE, create, send_info },
    { "update", VARVE_OP_GROUP_UPDATE, update, send_info },
    { "reset", VARVE_OP_GROUP_RESET, reset, send_info },
    { "delete", VARVE_OP_GROUP_DELETE, delete, send_info },
    { "replay", VARVE_OP_PARKED_REPLAY, replay, answer_parked },
    { "discard", VARVE_OP_PARKED_DISCARD, discard, answer_parked },
};
#define REPEATED 3u /* the first ones */

static void test_changes_are_not_sent_a_second_time(void **state)
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
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_parked_events),
        cmocka_unit_test(test_what_is_refused_without_asking),
        cmocka_unit_test(test_changes_are_not_sent_a_second_time),
        cmocka_unit_test(test_answers_that_cannot_be_read),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
