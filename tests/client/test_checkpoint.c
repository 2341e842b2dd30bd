/* test_checkpoint.c - where a follower has come to, read from its checkpoint's stream. */
#include "peer.h"

#include "varve/record.h"

#include <stdlib.h>

static const struct varve_view shipping = { "shipping", 8 };

/* What the stream holds, and what is to be made of it. */
struct holding {
    const char *label;
    const char *data; /* NULL: there is no such stream; empty: it shows no event */
    enum varve_status status;
    uint64_t position;
    int64_t version;
};

static uint32_t take_read(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id = fake_take(server, VARVE_OP_READ);

    fake_expect(server, varve_decode_read(server->body, &request, NULL) == VARVE_OK, "not readable");
    fake_expect(server, request.read.kind == VARVE_READ_STREAM && request.read.backwards && request.read.limit == 1,
                "another read");
    fake_expect(server, varve_view_equal(request.read.name, varve_view_str("$checkpoint-shipping")), "another stream");
    return id;
}

static void answer(struct fake_server *server, uint32_t id, const char *data)
{
    struct varve_event event = {
        .stream = varve_view_str("$checkpoint-shipping"), .type = varve_view_str("$checkpoint.moved"),
        .id = { { 9 } }, .time_us = VARVE_TIME_NONE, .data = varve_view_str(data), .position = 50, .version = 7,
        .recorded_at_us = 1700000000000000,
    };
    uint32_t size = (uint32_t)varve_record_size(&event);
    uint8_t *record = malloc(size);
    const uint8_t *records[] = { record };

    varve_record_encode(&event, record);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ records, &size, 1, true, VARVE_FROM_EDGE });
    varve_encode_read_end(&server->out, id, 1000);
    free(record);
    fake_send(server);
}

static void script_holds(struct fake_server *server)
{
    const struct holding *holding = server->user;

    fake_begin(server);
    uint32_t id = take_read(server);
    if (holding->data == NULL)
        peer_error(server, id, VARVE_STREAM_NOT_FOUND, "no such stream");
    else if (holding->data[0] == '\0')
        peer_read_end(server, id);
    else
        answer(server, id, holding->data);
    peer_pong(server, fake_take(server, VARVE_OP_PING)); /* Nothing is left over, nothing was cancelled. */
    fake_gone(server);
}

static void test_what_a_stream_says(void **state)
{
    static const struct holding cases[] = {
        { "no stream", NULL, VARVE_OK, 0, VARVE_EXPECTED_NO_STREAM },
        { "nothing visible", "", VARVE_OK, 0, VARVE_EXPECTED_NO_STREAM },
        { "a position", "{\"position\":4711}", VARVE_OK, 4711, 7 },
        { "more beside it", "{ \"at\": {\"position\": 3}, \"position\": 12 }", VARVE_OK, 12, 7 },
        { "the largest", "{\"position\":18446744073709551615}", VARVE_OK, UINT64_MAX, 7 },
        { "above it", "{\"position\":18446744073709551616}", VARVE_CORRUPT, 1, 1 },
        { "no number", "{\"position\":\"4711\"}", VARVE_CORRUPT, 1, 1 },
        { "a fraction", "{\"position\":1.5}", VARVE_CORRUPT, 1, 1 },
        { "none", "{\"place\":3}", VARVE_CORRUPT, 1, 1 },
        { "no object", "[4711]", VARVE_CORRUPT, 1, 1 },
        { "no JSON", "{\"position\":4711", VARVE_CORRUPT, 1, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(script_holds, (void *)&cases[i]);
        struct varve_client *client = peer_client(server, "");
        struct varve_error error;
        uint64_t position = 1;
        int64_t version = 1;

        enum varve_status status = varve_client_checkpoint(client, shipping, &position, &version, &error);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(position == cases[i].position && version == cases[i].version, cases[i].label);
        CHECK_CASE(varve_client_ping(client, NULL, NULL, NULL) == VARVE_OK, cases[i].label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

static void script_greets_only(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void test_names(void **state)
{
    static char letters[VARVE_MAX_CHECKPOINT_NAME + 1];
    const struct varve_view cases[] = { { "", 0 }, { letters, sizeof(letters) }, { "a\nb", 3 }, { "a\0b", 3 } };
    struct fake_server *server = fake_server_start(script_greets_only, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;
    uint64_t position;
    int64_t version;

    memset(letters, 'a', sizeof(letters));
    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(varve_client_checkpoint(client, cases[i], &position, &version, &error),
                         VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, "name");
    }
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_cuts_first(struct fake_server *server)
{
    fake_begin(server);
    take_read(server);
    fake_cut(server);
    fake_begin(server);
    answer(server, take_read(server), "{\"position\":5}");
    fake_gone(server);
}

static void test_it_is_asked_again_after_a_loss(void **state)
{
    struct fake_server *server = fake_server_start(script_cuts_first, NULL);
    struct varve_client *client = peer_client(server, "");
    uint64_t position = 0;
    int64_t version;

    assert_int_equal(varve_client_checkpoint(client, shipping, &position, &version, NULL), VARVE_OK);
    assert_int_equal(position, 5);
    varve_client_free(client);
    fake_server_stop(server);
}

static void answer_one(struct fake_server *server)
{
    answer(server, take_read(server), "{\"position\":5}");
}

static void script_for_all(struct fake_server *server)
{
    peer_serve_all(server, answer_one, server->user);
}

static enum varve_status ask(struct varve_client *client, struct varve_error *error)
{
    uint64_t position;
    int64_t version;

    return varve_client_checkpoint(client, shipping, &position, &version, error);
}

static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;

    peer_sweep(fake_server_start_local(script_for_all, &over), &over, "checkpoint", ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_stream_says),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_it_is_asked_again_after_a_loss),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
