/* test_client.c - the calls that ask one thing: each there and back, and what they refuse to believe. */
#include "peer.h"

#include "varve/record.h"

static void script_idle(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void test_creating_checks_the_url_and_connects_later(void **state)
{
    struct varve_client *client = NULL;
    struct varve_client_options options;
    struct varve_error error;

    assert_int_equal(varve_client_create("varve:/x", NULL, &client, &error), VARVE_INVALID_ARGUMENT);
    assert_null(client);
    varve_client_options_init(&options);
    options.max_in_flight = 0;
    assert_int_equal(varve_client_create("varve://h", &options, &client, &error), VARVE_INVALID_ARGUMENT);
    assert_null(client);

    struct fake_server *server = fake_server_start(script_idle, NULL);
    client = peer_client(server, "");
    assert_null(varve_client_server(client));
    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    assert_int_equal(varve_client_server(client)->last_position, 7);
    varve_client_free(client);
    fake_server_stop(server);
    varve_client_free(NULL);
}

static void script_ping(struct fake_server *server)
{
    fake_begin(server);
    varve_encode_pong(&server->out, fake_take(server, VARVE_OP_PING), 123456, 99);
    fake_send(server);
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_ping(void **state)
{
    struct fake_server *server = fake_server_start(script_ping, NULL);
    struct varve_client *client = peer_client(server, "");
    uint64_t last_position;
    int64_t now_us;

    assert_int_equal(varve_client_ping(client, &now_us, &last_position, NULL), VARVE_OK);
    assert_int_equal(now_us, 123456);
    assert_int_equal(last_position, 99);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_info(struct fake_server *server)
{
    struct varve_stream_entry entry = { varve_view_str("order-1"), { .version = 41, .max_count = 5, .deleted = true } };
    struct varve_view name;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_STREAM_INFO);
    fake_expect(server, varve_decode_stream_info(server->body, &name, NULL) == VARVE_OK, "not readable");
    fake_expect(server, varve_view_equal(name, entry.name), "another stream");
    varve_encode_stream_info_ok(&server->out, id, &entry);
    fake_send(server);
    peer_error(server, fake_take(server, VARVE_OP_STREAM_INFO), VARVE_STREAM_NOT_FOUND, "no such stream");
    fake_gone(server);
}

static void test_stream_info(void **state)
{
    struct fake_server *server = fake_server_start(script_info, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_stream_info info;
    struct varve_error error;

    assert_int_equal(varve_client_stream_info(client, varve_view_str("order-1"), &info, NULL), VARVE_OK);
    assert_int_equal(info.version, 41);
    assert_int_equal(info.max_count, 5);
    assert_true(info.deleted);
    assert_int_equal(varve_client_stream_info(client, varve_view_str("x"), &info, &error), VARVE_STREAM_NOT_FOUND);
    assert_string_equal(error.message, "no such stream");
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_list(struct fake_server *server)
{
    struct varve_stream_entry entries[] = { { varve_view_str("a-1"), { .version = 1 } },
                                            { varve_view_str("a-22"), { .version = 2 } } };
    struct varve_stream_list_request request;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_STREAM_LIST);
    fake_expect(server, varve_decode_stream_list(server->body, &request, NULL) == VARVE_OK, "not readable");
    fake_expect(server, request.limit == 2 && varve_view_equal(request.prefix, varve_view_str("a-")), "other wishes");
    varve_encode_stream_list_ok(&server->out, id, &(struct varve_stream_list){ entries, 2, false });
    fake_send(server);
    varve_encode_stream_list_ok(&server->out, fake_take(server, VARVE_OP_STREAM_LIST),
                                &(struct varve_stream_list){ NULL, 0, true });
    fake_send(server);
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_a_stream_list_belongs_to_its_caller(void **state)
{
    const struct varve_stream_list_request request = { varve_view_str("a-"), varve_view_str(""), 2, false };
    struct fake_server *server = fake_server_start(script_list, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_stream_list list, empty;

    assert_int_equal(varve_client_stream_list(client, &request, &list, NULL), VARVE_OK);
    assert_int_equal(varve_client_stream_list(client, &request, &empty, NULL), VARVE_OK);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    assert_int_equal(list.count, 2);
    assert_false(list.end);
    assert_true(varve_view_equal(list.entries[0].name, varve_view_str("a-1")));
    assert_true(varve_view_equal(list.entries[1].name, varve_view_str("a-22")));
    assert_int_equal(list.entries[1].info.version, 2);
    assert_int_equal(empty.count, 0);
    assert_true(empty.end);
    varve_client_stream_list_free(&list);
    varve_client_stream_list_free(&empty);
    varve_client_stream_list_free(NULL);
    fake_server_stop(server);
}

/* Each id's position is what its last two bytes say. */
static void script_find(struct fake_server *server)
{
    static uint64_t positions[10000];
    const struct varve_uuid *ids;
    size_t count;

    fake_begin(server);
    for (int portion = 0; portion < 3; portion++) {
        uint32_t id = fake_take(server, VARVE_OP_FIND);
        fake_expect(server, varve_decode_find(server->body, server->arena, &ids, &count, NULL) == VARVE_OK,
                    "not readable");
        fake_expect(server, count == (portion < 2 ? 10000 : 1), "another portion");
        for (size_t i = 0; i < count; i++)
            positions[i] = (uint64_t)ids[i].bytes[14] << 8 | ids[i].bytes[15];
        varve_encode_find_ok(&server->out, id, positions, count);
        fake_send(server);
    }
    varve_encode_find_ok(&server->out, fake_take(server, VARVE_OP_FIND), positions, 1);
    fake_send(server);
    fake_gone(server);
}

static void test_find_asks_in_portions(void **state)
{
    static struct varve_uuid ids[20001];
    static uint64_t positions[20001];
    struct fake_server *server = fake_server_start(script_find, NULL);
    struct varve_client *client = peer_client(server, "");

    for (size_t i = 0; i < COUNT_OF(ids); i++)
        ids[i] = (struct varve_uuid){ { 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } };
    assert_int_equal(varve_client_find(client, ids, COUNT_OF(ids), positions, NULL), VARVE_OK);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_int_equal(positions[i], i);
    assert_int_equal(varve_client_find(client, ids, 0, positions, NULL), VARVE_OK);
    assert_int_equal(varve_client_find(client, ids, 2, positions, NULL), VARVE_PROTOCOL); /* One answer for two. */
    varve_client_free(client);
    fake_server_stop(server);
}

static void send_record(struct fake_server *server, const struct varve_event *event, bool flip)
{
    uint8_t bytes[512];
    size_t size = varve_record_encode(event, bytes);

    bytes[size / 2] ^= flip;
    varve_encode_get_ok(&server->out, fake_take(server, VARVE_OP_GET), varve_view_of((char *)bytes, size));
    fake_send(server);
}

static void script_get(struct fake_server *server)
{
    struct varve_event event = peer_event(3, 44);

    fake_begin(server);
    send_record(server, &event, false);
    send_record(server, &event, true);
    send_record(server, &event, false);
    peer_error(server, fake_take(server, VARVE_OP_GET), VARVE_EVENT_NOT_FOUND, "past the end");
    fake_gone(server);
}

static void test_get_verifies_what_it_gets(void **state)
{
    struct fake_server *server = fake_server_start(script_get, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_event event;

    assert_int_equal(varve_client_get(client, 44, &event, NULL), VARVE_OK);
    assert_int_equal(event.version, 3);
    assert_true(varve_view_equal(event.data, varve_view_str("{\"a\":1}")));
    assert_int_equal(varve_client_get(client, 44, &event, NULL), VARVE_CORRUPT);
    assert_int_equal(varve_client_get(client, 45, &event, NULL), VARVE_CORRUPT); /* It got that of 44. */
    assert_int_equal(varve_client_get(client, 46, &event, NULL), VARVE_EVENT_NOT_FOUND);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stats(struct fake_server *server)
{
    struct varve_stat stats[] = { { varve_view_str("appends"), false, 12, { NULL, 0 } },
                                  { varve_view_str("version"), true, 0, { "1.2", 3 } } };

    fake_begin(server);
    varve_encode_stats_ok(&server->out, fake_take(server, VARVE_OP_STATS), stats, 2);
    fake_send(server);
    fake_gone(server);
}

static void test_stats(void **state)
{
    struct fake_server *server = fake_server_start(script_stats, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_stat *stats;
    size_t count;

    assert_int_equal(varve_client_stats(client, &stats, &count, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(varve_view_equal(stats[0].name, varve_view_str("appends")));
    assert_int_equal(stats[0].number, 12);
    assert_true(stats[1].is_text && varve_view_equal(stats[1].text, varve_view_str("1.2")));
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_health(struct fake_server *server)
{
    const struct varve_health_check checks[] = { { varve_view_str("store"), true, varve_view_str("") },
                                                 { varve_view_str("disk"), false, varve_view_str("full") } };
    const struct varve_health health = { .live = true, .checks = checks, .check_count = 2, .uptime_s = 60,
                                         .version = varve_view_str("1.2") };

    fake_begin(server);
    varve_encode_health_ok(&server->out, fake_take(server, VARVE_OP_HEALTH), &health);
    fake_send(server);
    fake_gone(server);
}

static void test_health(void **state)
{
    struct fake_server *server = fake_server_start(script_health, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_health health;

    assert_int_equal(varve_client_health(client, &health, NULL), VARVE_OK);
    assert_true(health.live && !health.ready);
    assert_int_equal(health.check_count, 2);
    assert_true(health.checks[0].good && !health.checks[1].good);
    assert_true(varve_view_equal(health.checks[1].reason, varve_view_str("full")));
    assert_int_equal(health.uptime_s, 60);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_config(struct fake_server *server)
{
    const struct varve_config_entry entries[] = {
        { varve_view_str("http.max_body"), varve_view_str("1MiB"), varve_view_str("--http.max_body"), true },
        { varve_view_str("http.listen"), varve_view_str("off"), varve_view_str("default"), false },
    };

    fake_begin(server);
    varve_encode_config_ok(&server->out, fake_take(server, VARVE_OP_CONFIG), entries, 2);
    fake_send(server);
    fake_gone(server);
}

static void test_config(void **state)
{
    struct fake_server *server = fake_server_start(script_config, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_config_entry *entries;
    size_t count;

    assert_int_equal(varve_client_config(client, &entries, &count, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(varve_view_equal(entries[0].value, varve_view_str("1MiB")) && entries[0].reloadable);
    assert_true(varve_view_equal(entries[1].origin, varve_view_str("default")) && !entries[1].reloadable);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creating_checks_the_url_and_connects_later),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_stream_info),
        cmocka_unit_test(test_a_stream_list_belongs_to_its_caller),
        cmocka_unit_test(test_find_asks_in_portions),
        cmocka_unit_test(test_get_verifies_what_it_gets),
        cmocka_unit_test(test_stats),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
