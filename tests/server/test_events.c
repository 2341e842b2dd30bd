/* test_events.c - FIND and GET, as functions from a body to a reply. */
#include "fixture.h"

#include "server/lookups.h"
#include "varve/record.h"

static struct varve_view body_of(const struct varve_wire_buffer *frame)
{
    return varve_view_of((char *)frame->bytes + VARVE_WIRE_HEADER, frame->size - VARVE_WIRE_HEADER);
}

static enum varve_status get(struct client *c, uint64_t position, struct varve_event *ret)
{
    static struct varve_wire_buffer out;
    const struct lookup_context context = { &c->fixture->server, c->arena, 9, &out };
    struct varve_view record;

    varve_wire_buffer_free(&out);
    c->out.size = 0;
    varve_encode_get(&c->out, 1, position);
    enum varve_status status = answer_get(&context, body_of(&c->out), NULL);
    if (status == VARVE_OK) {
        assert_int_equal(varve_decode_get_ok(body_of(&out), &record, NULL), VARVE_OK);
        assert_int_equal(varve_record_decode(record.data, record.size, ret), VARVE_OK);
    }
    c->out.size = 0;
    return status;
}

static void get_and_find_agree(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_wire_buffer out = { .bytes = NULL };
    const struct lookup_context context = { &f->server, c->arena, 9, &out };
    struct varve_event event = { .position = 0 };
    struct varve_uuid ids[3];
    const uint64_t *positions;
    size_t count;

    client_append(c, "a", 5);
    memset(ids, 7, sizeof(ids)); /* The middle one is nobody's. */
    assert_int_equal(get(c, 4, &event), VARVE_OK);
    ids[0] = event.id;
    assert_int_equal(event.version, 3);
    assert_int_equal(get(c, 1, &event), VARVE_OK);
    ids[2] = event.id;
    varve_encode_find(&c->out, 1, ids, 3);
    assert_int_equal(answer_find(&context, body_of(&c->out), NULL), VARVE_OK);
    assert_int_equal(varve_decode_find_ok(body_of(&out), c->arena, &positions, &count, NULL), VARVE_OK);
    assert_int_equal(count, 3);
    assert_true(positions[0] == 4 && positions[1] == 0 && positions[2] == 1);
    varve_wire_buffer_free(&out);
    client_close(c);
    fixture_close(f);
}

static void past_the_end_is_not_found(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_event event;

    client_append(c, "a", 1);
    assert_int_equal(get(c, 2, &event), VARVE_EVENT_NOT_FOUND);
    assert_int_equal(get(c, 0, &event), VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void find_needs_its_index(void **state)
{
    struct fixture *f = fixture_open("--index none");
    struct client *c = client_open(f);
    struct varve_uuid id = { { 1 } };

    varve_encode_find(&c->out, 3, &id, 1);
    client_send(c);
    client_receive_error(c, 3, VARVE_INDEX_NOT_KEPT);
    client_close(c);
    fixture_close(f);
}

static void the_charge_covers_the_largest_event(void **state)
{
    struct server server = { .limits.max_event_bytes = 1000000 };

    assert_true(get_bytes(&server, varve_view_of("", 0)) >= 3 * 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_and_find_agree), cmocka_unit_test(past_the_end_is_not_found),
        cmocka_unit_test(find_needs_its_index), cmocka_unit_test(the_charge_covers_the_largest_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
