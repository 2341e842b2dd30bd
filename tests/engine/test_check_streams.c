/* test_check_streams.c - rows of streams and their lists. */
#include "support/check_fixture.h"

static void change_meta(struct db_txn *txn, uint64_t positions, uint64_t streams)
{
    struct tables_meta meta;

    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    meta.settled_position += positions;
    meta.stream_count += streams;
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
}

static void change_row(struct db_txn *txn, const char *name, void (*change)(struct stream_state *state))
{
    struct stream_state state;

    assert_int_equal(tables_get_stream(txn, varve_view_str(name), &state), VARVE_OK);
    change(&state);
    assert_int_equal(tables_put_stream(txn, varve_view_str(name), &state), VARVE_OK);
}

static void version_up(struct stream_state *state)
{
    state->version++;
}

static void position_up(struct stream_state *state)
{
    state->last_position++;
}

static void created_up(struct stream_state *state)
{
    state->created_at_us++;
}

static void updated_up(struct stream_state *state)
{
    state->updated_at_us++;
}

static void truncated_up(struct stream_state *state)
{
    state->truncate_before++;
}

static void id_zero(struct stream_state *state)
{
    state->id = 0;
}

static void lose_stream_count(struct db_txn *txn)
{
    change_meta(txn, 0, 1);
}

static void wrong_version(struct db_txn *txn)
{
    change_row(txn, "order-0", version_up);
}

static void wrong_position(struct db_txn *txn)
{
    change_row(txn, "order-0", position_up);
}

static void wrong_created(struct db_txn *txn)
{
    change_row(txn, "order-0", created_up);
}

static void wrong_updated(struct db_txn *txn)
{
    change_row(txn, "order-0", updated_up);
}

static void wrong_truncation(struct db_txn *txn)
{
    change_row(txn, "order-0", truncated_up);
}

static void invented_truncation(struct db_txn *txn)
{
    change_row(txn, "order-36", truncated_up);
}

static void wrong_id(struct db_txn *txn)
{
    change_row(txn, "order-0", id_zero);
}

static void swapped_ids(struct db_txn *txn)
{
    struct stream_state a, b;
    uint64_t id;

    assert_int_equal(tables_get_stream(txn, varve_view_str("order-4"), &a), VARVE_OK);
    assert_int_equal(tables_get_stream(txn, varve_view_str("order-0"), &b), VARVE_OK);
    id = a.id;
    a.id = b.id;
    b.id = id;
    assert_int_equal(tables_put_stream(txn, varve_view_str("order-4"), &a), VARVE_OK);
    assert_int_equal(tables_put_stream(txn, varve_view_str("order-0"), &b), VARVE_OK);
}

static void lost_row(struct db_txn *txn)
{
    assert_int_equal(db_delete(txn, DB_STREAMS, db_text("order-36")), VARVE_OK);
}

static void lost_stream_list(struct db_txn *txn)
{
    check_delete_row(txn, DB_STREAM_EVENTS, DB_FIRST);
}

static void flipped_row(struct db_txn *txn)
{
    check_flip_value(txn, DB_STREAMS, 20);
}

static void flipped_list(struct db_txn *txn)
{
    check_flip_value(txn, DB_STREAM_EVENTS, 5);
}

static const struct check_damage damages[] = {
    { "stream count", lose_stream_count, true, "table meta: it counts" },
    { "version in a row", wrong_version, true, "streams, \"order-0\": the row says version" },
    { "last position in a row", wrong_position, true, "streams, \"order-0\": the row says position" },
    { "created_at in a row", wrong_created, true, "streams, \"order-0\": created_at" },
    { "updated_at in a row", wrong_updated, true, "streams, \"order-0\": updated_at" },
    { "truncation in a row", wrong_truncation, true, "streams, \"order-0\": truncation" },
    { "truncation out of nowhere", invented_truncation, true, "streams, \"order-36\": its row holds truncation" },
    { "id in a row", wrong_id, true, "streams, \"order-0\": its id" },
    { "ids of two rows", swapped_ids, true, "streams, \"order-0\": the row says" },
    { "row gone", lost_row, true, "no row leads to this list" },
    { "list of a stream gone", lost_stream_list, true, "holds 0 positions" },
    { "bit of a row", flipped_row, true, "table streams: the row of \"order-4\" does not match" },
    { "bit of a stream's list", flipped_list, true, "table stream_events, stream id" },
};

static void every_damage_is_named(void **state)
{
    check_damages(damages, COUNT_OF(damages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_named),
    };
    return cmocka_run_group_tests(tests, check_make_store, check_remove_store);
}
