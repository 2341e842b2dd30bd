/* test_streams.c - STREAM_INFO and STREAM_LIST, as functions from a body to a reply. */
#include "fixture.h"

#include "server/lookups.h"

static struct varve_view body_of(const struct varve_wire_buffer *frame)
{
    return varve_view_of((char *)frame->bytes + VARVE_WIRE_HEADER, frame->size - VARVE_WIRE_HEADER);
}

static void one_stream(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_wire_buffer out = { .bytes = NULL };
    const struct lookup_context context = { &f->server, c->arena, 9, &out };
    struct varve_stream_entry entry;
    struct varve_error error;

    client_append(c, "order-1", 4);
    varve_encode_stream_info(&c->out, 1, varve_view_str("order-1"));
    assert_int_equal(answer_stream_info(&context, body_of(&c->out), &error), VARVE_OK);
    assert_int_equal(out.bytes[3], VARVE_OP_STREAM_INFO_OK);
    assert_int_equal(varve_decode_stream_info_ok(body_of(&out), &entry, NULL), VARVE_OK);
    assert_true(varve_view_equal(entry.name, varve_view_str("order-1")));
    assert_int_equal(entry.info.version, 3);

    c->out.size = 0;
    varve_encode_stream_info(&c->out, 1, varve_view_str("order-2"));
    assert_int_equal(answer_stream_info(&context, body_of(&c->out), &error), VARVE_STREAM_NOT_FOUND);
    assert_int_equal(error.status, VARVE_STREAM_NOT_FOUND);
    varve_wire_buffer_free(&out);
    client_close(c);
    fixture_close(f);
}

static void a_list(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_wire_buffer out = { .bytes = NULL };
    const struct lookup_context context = { &f->server, c->arena, 9, &out };
    const struct varve_stream_list_request request = { varve_view_str("b"), varve_view_str("b-1"), 2, false };
    struct varve_stream_list list;

    client_append(c, "a-1", 1);
    client_append(c, "b-1", 1);
    client_append(c, "b-2", 2);
    client_append(c, "b-3", 3);
    client_append(c, "b-4", 4);
    varve_encode_stream_list(&c->out, 1, &request);
    assert_int_equal(answer_stream_list(&context, body_of(&c->out), NULL), VARVE_OK);
    assert_int_equal(varve_decode_stream_list_ok(body_of(&out), c->arena, &list, NULL), VARVE_OK);
    assert_int_equal(list.count, 2);
    assert_true(varve_view_equal(list.entries[1].name, varve_view_str("b-3")));
    assert_false(list.end);
    varve_wire_buffer_free(&out);
    client_close(c);
    fixture_close(f);
}

static void a_list_is_charged_by_its_limit(void **state)
{
    struct varve_wire_buffer out = { .bytes = NULL };
    struct varve_stream_list_request request = { varve_view_str(""), varve_view_str(""), 1, false };

    varve_encode_stream_list(&out, 1, &request);
    uint64_t one = stream_list_bytes(NULL, body_of(&out));
    assert_true(one >= 2 * VARVE_MAX_SYSTEM_STREAM_NAME);
    request.limit = 10000;
    out.size = 0;
    varve_encode_stream_list(&out, 1, &request);
    assert_int_equal(stream_list_bytes(NULL, body_of(&out)), 10000 * one);
    assert_int_equal(stream_list_bytes(NULL, varve_view_of("\xc0", 1)), 0);
    varve_wire_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stream), cmocka_unit_test(a_list), cmocka_unit_test(a_list_is_charged_by_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
