/* test_snapshot_writer.c - puts and deletes in their order, many in one go; what may not be put; a deleted stream's
 * snapshots end with it. */
#include "fixture.h"

#include <unistd.h>

#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

static void encode_put(struct client *c, uint32_t id, const char *stream, int64_t version, uint32_t schema_version,
                       const char *data)
{
    const struct varve_snapshot snapshot = {
        .stream = varve_view_str(stream), .version = version, .type = varve_view_str("t"),
        .schema_version = schema_version, .content_type = VARVE_CONTENT_JSON, .data = varve_view_str(data),
    };

    varve_encode_snapshot_put(&c->out, id, &snapshot, 0);
}

static uint64_t count_snapshots(struct fixture *f)
{
    struct varve_snapshots_stats stats;

    varve_snapshots_get_stats(f->server.snapshots, &stats);
    return stats.count;
}

static void change(struct client *c, const char *stream, enum varve_stream_change_kind kind, uint32_t id)
{
    const struct varve_stream_change change = { .kind = kind, .stream = varve_view_str(stream),
                                                .expected = VARVE_EXPECTED_ANY };

    varve_encode_stream_change(&c->out, id, &change);
    client_send(c);
}

static void many_are_put_and_all_are_answered(void **state)
{
    struct fixture *f = fixture_open("--max-requests 1000");
    struct client *c = client_open(f);
    char stream[32];

    for (uint32_t i = 0; i < 600; i++) {
        snprintf(stream, sizeof(stream), "s%u", i % 150);
        client_encode_append(c, 1000 + i, stream, VARVE_EXPECTED_ANY, 1, 10);
    }
    client_send(c);
    for (uint32_t i = 0; i < 600; i++)
        assert_int_equal(client_receive(c).opcode, VARVE_OP_APPEND_OK);
    for (uint32_t i = 0; i < 600; i++) {
        snprintf(stream, sizeof(stream), "s%u", i % 150);
        encode_put(c, 1 + i, stream, i / 150, 1, "{\"n\":1}");
    }
    client_send(c);
    for (uint32_t i = 0; i < 600; i++)
        client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 1 + i); /* In order: one writer. */
    assert_int_equal(count_snapshots(f), 300);
    assert_int_equal(figure_get(&f->server.figures.requests_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void what_may_not_be_put_is_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 3);
    client_append(c, "gone", 3);
    client_append(c, "dead", 3);
    change(c, "gone", VARVE_STREAM_DELETE, 3);
    client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 3);
    change(c, "dead", VARVE_STREAM_TOMBSTONE, 4);
    client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 4);
    encode_put(c, 10, "never", 0, 1, "{}");
    encode_put(c, 11, "a", 3, 1, "{}");
    encode_put(c, 12, "gone", 0, 1, "{}");
    encode_put(c, 13, "dead", 0, 1, "{}");
    encode_put(c, 14, "a", 2, 1, "{");
    encode_put(c, 15, "a", 2, 1, "{}");
    client_send(c);
    client_receive_error(c, 10, VARVE_STREAM_NOT_FOUND);
    struct varve_wire_error error = client_receive_error(c, 11, VARVE_SNAPSHOT_AHEAD);
    assert_non_null(strstr(error.error.message, "at 2"));
    client_receive_error(c, 12, VARVE_STREAM_NOT_FOUND);
    client_receive_error(c, 13, VARVE_STREAM_TOMBSTONED);
    error = client_receive_error(c, 14, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.error.field, "data");
    client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 15);
    assert_int_equal(figure_get(&f->server.figures.requests_failed), 5);
    encode_put(c, 16, "a", 2, 0, "{}"); /* Refused before it is queued. */
    client_send(c);
    client_receive_error(c, 16, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void puts_and_deletes_keep_their_order(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t count;

    client_append(c, "a", 9);
    encode_put(c, 10, "a", 3, 1, "{}");
    varve_encode_snapshot_delete(&c->out, 11, varve_view_str("a"), 0, 5);
    encode_put(c, 12, "a", 4, 1, "{}");
    varve_encode_snapshot_delete(&c->out, 13, varve_view_str("a"), 5, INT64_MAX);
    client_send(c);
    client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 10);
    client_expect(c, VARVE_OP_SNAPSHOT_DELETE_OK, 11);
    assert_int_equal(varve_decode_snapshot_delete_ok(c->body, &count, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 12);
    client_expect(c, VARVE_OP_SNAPSHOT_DELETE_OK, 13);
    assert_int_equal(count_snapshots(f), 1);
    client_close(c);
    fixture_close(f);
}

static void a_hidden_stream_takes_its_snapshots_along(void **state)
{
    static const enum varve_stream_change_kind kinds[] = { VARVE_STREAM_DELETE, VARVE_STREAM_TOMBSTONE };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        client_append(c, "a", 3);
        encode_put(c, 10, "a", 0, 1, "{}");
        encode_put(c, 11, "a", 2, 1, "{}");
        client_send(c);
        client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 10);
        client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 11);
        encode_put(c, 12, "a", 1, 1, "{}"); /* before, between or after the two times that they are dropped */
        change(c, "a", kinds[i], 13);
        struct varve_frame answer = client_receive(c);
        assert_int_equal(answer.request_id, 12);
        assert_true(answer.opcode == VARVE_OP_SNAPSHOT_PUT_OK || answer.opcode == VARVE_OP_ERROR);
        client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 13);
        assert_int_equal(count_snapshots(f), 0); /* When it is said, it is so. */
    }
    change(c, "a", VARVE_STREAM_DELETE, 14); /* Refused: nothing to answer for. */
    client_receive_error(c, 14, VARVE_STREAM_TOMBSTONED);
    client_close(c);
    fixture_close(f);
}

static void clients_may_leave_meanwhile(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 3);
    for (uint32_t i = 0; i < 50; i++)
        encode_put(c, 10 + i, "a", i % 3, 1, "{}");
    client_send(c);
    change(c, "a", VARVE_STREAM_DELETE, 100);
    client_close(c);
    while (f->server.session_count > 0)
        fixture_turn(f);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void the_logs_reserve_of_the_disk_is_not_for_snapshots(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 3);
    f->server.limits.disk_reserve_bytes = INT64_MAX;
    encode_put(c, 10, "a", 0, 1, "{}");
    client_send(c);
    client_receive_error(c, 10, VARVE_DISK_FULL);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_put_and_all_are_answered), cmocka_unit_test(what_may_not_be_put_is_told),
        cmocka_unit_test(puts_and_deletes_keep_their_order),
        cmocka_unit_test(a_hidden_stream_takes_its_snapshots_along), cmocka_unit_test(clients_may_leave_meanwhile),
        cmocka_unit_test(the_logs_reserve_of_the_disk_is_not_for_snapshots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
