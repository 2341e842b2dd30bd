/* test_dispatch.c - which frames reach a handler, and which end the connection. */
#include "fixture.h"

#include "server/dispatch.h"

/* A frame with an empty body array. */
static void encode(struct client *c, uint8_t version, uint8_t opcode, uint32_t request_id)
{
    const struct varve_frame frame = { .version = version, .opcode = opcode, .request_id = request_id, .length = 1 };
    uint8_t bytes[VARVE_WIRE_HEADER + 1];

    varve_frame_encode(&frame, bytes);
    bytes[VARVE_WIRE_HEADER] = 0x90;
    client_send_bytes(c, bytes, sizeof(bytes));
}

static void frames_that_end_the_connection(void **state)
{
    static const struct {
        const char *label; bool greeted; uint8_t version, opcode; uint32_t request_id; enum varve_status status;
    } cases[] = {
        { "PING before HELLO", false, 1, VARVE_OP_PING, 4, VARVE_PROTOCOL },
        { "unknown operation before HELLO", false, 1, 0x7f, 4, VARVE_PROTOCOL },
        { "a HELLO that is none", false, 1, VARVE_OP_HELLO, 4, VARVE_PROTOCOL },
        { "request id 0", true, 1, VARVE_OP_PING, 0, VARVE_PROTOCOL },
        { "unknown version", true, 2, VARVE_OP_PING, 4, VARVE_UNSUPPORTED },
        { "unknown version in HELLO", false, 2, VARVE_OP_HELLO, 4, VARVE_UNSUPPORTED },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture *f = fixture_open("");
        struct client *c = cases[i].greeted ? client_open(f) : client_connect(f);

        print_message("%s\n", cases[i].label);
        encode(c, cases[i].version, cases[i].opcode, cases[i].request_id);
        client_receive_error(c, cases[i].request_id, cases[i].status);
        client_expect_closed(c);
        client_close(c);
        fixture_close(f);
    }
}

static void unknown_operations_are_unsupported(void **state)
{
    static const uint8_t opcodes[] = { 0x00, 0x0f, 0x7f, VARVE_OP_HELLO_OK, VARVE_OP_READ_END, VARVE_OP_ERROR };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        encode(c, 1, opcodes[i], 4);
        client_receive_error(c, 4, VARVE_UNSUPPORTED);
    }
    client_append(c, "a", 1); /* The connection goes on. */
    client_close(c);
    fixture_close(f);
}

static void a_stopping_server_is_not_ready(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_error why;

    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
    client_encode_append(c, 4, "a", VARVE_EXPECTED_ANY, 1, 10);
    size_t first = c->out.size / 2;
    client_send_bytes(c, c->out.bytes, first); /* Under way, */
    f->server.stopping = true;
    dispatch_stopping_error(&why);
    session_stop_all(&f->server, &why);
    client_send_bytes(c, c->out.bytes + first, c->out.size - first); /* and too late. */
    struct varve_frame one = client_receive(c);
    if (one.opcode == VARVE_OP_ERROR) {
        assert_int_equal(one.request_id, 4);
        client_expect(c, VARVE_OP_APPEND_OK, 3);
    } else {
        assert_int_equal(one.request_id, 3); /* The other may have come when all was said already. */
    }
    assert_int_equal(varve_store_last_position(f->store), 1);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_end_the_connection), cmocka_unit_test(unknown_operations_are_unsupported),
        cmocka_unit_test(a_stopping_server_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
