/* test_tables_sagas.c - rows, entries and counts of sagas: what goes in comes out, what is replaced is gone, and damage
 * is named. */
#include "support/db_fixture.h"

#include "engine/tables_sagas.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

static struct saga_row some_row(unsigned status, uint64_t position)
{
    struct saga_row row;

    saga_row_init(&row);
    row.status = status;
    row.content_type = VARVE_CONTENT_MSGPACK;
    row.version = (int64_t)position - 3;
    row.position = position;
    row.state_position = position - 1;
    row.started_at_us = 11;
    row.updated_at_us = 12;
    row.completed_at_us = 13;
    row.failed_at_us = 14;
    row.deadline_us = 15;
    row.correlation_id.bytes[7] = 9;
    row.step = view("charge");
    row.error_json = view("\"no\"");
    return row;
}

static void expect_equal(const struct saga_row *a, const struct saga_row *b)
{
    assert_true(a->status == b->status && a->content_type == b->content_type && a->version == b->version);
    assert_true(a->position == b->position && a->state_position == b->state_position);
    assert_true(a->started_at_us == b->started_at_us && a->updated_at_us == b->updated_at_us);
    assert_true(a->completed_at_us == b->completed_at_us && a->failed_at_us == b->failed_at_us);
    assert_true(a->deadline_us == b->deadline_us);
    assert_memory_equal(&a->correlation_id, &b->correlation_id, sizeof(a->correlation_id));
    assert_true(a->step.size == b->step.size && a->error_json.size == b->error_json.size);
    assert_memory_equal(a->step.data, b->step.data, a->step.size);
    assert_memory_equal(a->error_json.data, b->error_json.data, a->error_json.size);
}

static void put(struct db_txn *txn, const char *type, const char *id, const struct saga_row *row)
{
    struct saga_row before;

    saga_row_init(&before);
    enum varve_status status = tables_get_saga(txn, view(type), view(id), &before);
    assert_true(status == VARVE_OK || status == VARVE_SAGA_NOT_FOUND);
    assert_int_equal(tables_put_saga(txn, view(type), view(id), &before, row), VARVE_OK);
}

static bool keep_counts(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    char *text = user;
    size_t used = strlen(text);

    used += (size_t)snprintf(text + used, 400 - used, "%.*s", (int)type.size, type.data);
    for (unsigned i = 0; i < VARVE_SAGA_STATUSES; i++)
        used += (size_t)snprintf(text + used, 400 - used, " %u", (unsigned)by_status[i]);
    snprintf(text + used, 400 - used, "\n");
    return true;
}

/* "type 1 0 0 0 0\n" for each. */
static void expect_counts(struct db_txn *txn, const char *expected)
{
    char text[400] = "";

    assert_int_equal(tables_each_saga_counts(txn, keep_counts, text), VARVE_OK);
    assert_string_equal(text, expected);
}

/* "C type.status.position id\n" or "D deadline.position id\n" for each. */
static void expect_entries(struct db_txn *txn, const char *expected)
{
    struct db_bytes key = { NULL, 0 }, value;
    enum varve_status status = VARVE_OK;
    struct db_cursor *cursor;
    char text[1000] = "";
    size_t used = 0;

    assert_int_equal(db_cursor_open(txn, DB_SAGA_INDEX, &cursor), VARVE_OK);
    for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
         more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
        struct varve_view type, id;
        struct saga_key found;

        assert_int_equal(tables_read_saga_entry(txn, key, value, &found, &type, &id), VARVE_OK);
        if (found.order == VARVE_SAGA_BY_CHANGE) {
            assert_true(varve_view_equal(found.type, type));
            used += (size_t)snprintf(text + used, sizeof(text) - used, "C %.*s.%u", (int)type.size, type.data,
                                     found.status);
        } else {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "D %d", (int)found.deadline_us);
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, ".%u %.*s\n", (unsigned)found.position,
                                 (int)id.size, id.data);
    }
    db_cursor_close(cursor);
    assert_int_equal(status, VARVE_OK);
    assert_string_equal(text, expected);
}

static void a_row_comes_back(void **state)
{
    char step[VARVE_SAGA_MAX_STEP], error[SAGA_MAX_ERROR_JSON];
    struct saga_row row = some_row(VARVE_SAGA_FAILED, 7), found;
    struct db_fixture f;

    memset(step, 's', sizeof(step));
    memset(error, 'e', sizeof(error));
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_SAGA_NOT_FOUND);
    assert_int_equal(tables_get_saga(txn, view(""), view("1"), &found), VARVE_SAGA_NOT_FOUND);
    assert_int_equal(tables_get_saga(txn, varve_view_of(error, 100), view("1"), &found), VARVE_SAGA_NOT_FOUND);
    assert_int_equal(tables_get_saga(txn, view("order"), varve_view_of(error, 300), &found), VARVE_SAGA_NOT_FOUND);
    put(txn, "order", "1", &row);
    assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_OK);
    expect_equal(&row, &found);
    row = some_row(VARVE_SAGA_RUNNING, 9); /* The largest, */
    row.step = varve_view_of(step, sizeof(step));
    row.error_json = varve_view_of(error, sizeof(error));
    put(txn, "order", "1", &row);
    assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_OK);
    expect_equal(&row, &found);
    row.step.size = row.error_json.size = 0; /* and the smallest. */
    row.position++;
    put(txn, "order", "1", &row);
    assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_OK);
    expect_equal(&row, &found);
    db_abort(txn);
    db_fixture_close(&f);
}

static void entries_and_counts_follow(void **state)
{
    struct saga_row row = some_row(VARVE_SAGA_RUNNING, 5), found;
    struct db_fixture f;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    expect_counts(txn, "");
    put(txn, "order", "a", &row);
    row.position = 6;
    row.deadline_us = VARVE_TIME_NONE;
    put(txn, "order", "b", &row);
    row.position = 7;
    row.deadline_us = -3;
    put(txn, "loan", "b", &row);
    expect_entries(txn, "C loan.0.7 b\nC order.0.5 a\nC order.0.6 b\nD -3.7 b\nD 15.5 a\n");
    expect_counts(txn, "loan 1 0 0 0 0\norder 2 0 0 0 0\n");

    row = some_row(VARVE_SAGA_COMPENSATING, 8);
    row.deadline_us = VARVE_TIME_NONE;
    put(txn, "order", "a", &row);
    expect_entries(txn, "C loan.0.7 b\nC order.0.6 b\nC order.1.8 a\nD -3.7 b\n");
    expect_counts(txn, "loan 1 0 0 0 0\norder 1 1 0 0 0\n");

    row.status = SAGA_ARCHIVED;
    row.position = 9;
    put(txn, "loan", "b", &row);
    expect_entries(txn, "C order.0.6 b\nC order.1.8 a\n");
    expect_counts(txn, "loan 0 0 0 0 0\norder 1 1 0 0 0\n");
    assert_int_equal(tables_get_saga(txn, view("loan"), view("b"), &found), VARVE_SAGA_NOT_FOUND);
    put(txn, "gift", "c", &row); /* Begun and archived since it was last looked at: its type is known all the same. */
    expect_counts(txn, "gift 0 0 0 0 0\nloan 0 0 0 0 0\norder 1 1 0 0 0\n");
    db_fixture_commit(txn);
    db_fixture_close(&f);
}

/* The row points into the map, at what the same call replaces. */
static void a_row_may_point_at_what_it_replaces(void **state)
{
    struct saga_row row = some_row(VARVE_SAGA_RUNNING, 5), before, found;
    struct db_fixture f;
    char id[16];

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 200; i++) {
            snprintf(id, sizeof(id), "%d", i);
            if (round == 0) {
                row.position = (uint64_t)i + 5;
                put(txn, "order", id, &row);
                continue;
            }
            assert_int_equal(tables_get_saga(txn, view("order"), view(id), &before), VARVE_OK);
            found = before;
            found.status = round == 1 ? VARVE_SAGA_TIMED_OUT : VARVE_SAGA_FAILED;
            found.position += 1000;
            assert_int_equal(tables_put_saga(txn, view("order"), view(id), &before, &found), VARVE_OK);
            assert_int_equal(tables_get_saga(txn, view("order"), view(id), &found), VARVE_OK);
            row.position = (uint64_t)i + 5 + 1000 * (uint64_t)round;
            row.status = round == 1 ? VARVE_SAGA_TIMED_OUT : VARVE_SAGA_FAILED;
            row.version = i + 2;
            row.state_position = (uint64_t)i + 4;
            found.version = row.version;
            found.state_position = row.state_position;
            expect_equal(&row, &found);
        }
    expect_counts(txn, "order 0 0 0 0 200\n");
    db_abort(txn);
    db_fixture_close(&f);
}

static enum varve_status read_first_entry(struct db_txn *txn)
{
    struct db_bytes key = { NULL, 0 }, value;
    enum varve_status status = VARVE_OK;
    struct varve_view type, id;
    struct db_cursor *cursor;
    struct saga_key found;

    assert_int_equal(db_cursor_open(txn, DB_SAGA_INDEX, &cursor), VARVE_OK);
    assert_true(db_cursor_move(cursor, DB_FIRST, &key, &value, &status));
    db_cursor_close(cursor);
    return tables_read_saga_entry(txn, key, value, &found, &type, &id);
}

static void every_flipped_bit_is_found(void **state)
{
    const struct db_bytes name = { "order\0001", 7 }, entry = { "C\x6frder\0\0\0\0\0\0\0\0\0\5", 16 };
    struct saga_row row = some_row(VARVE_SAGA_RUNNING, 5), found;
    char ignored[400] = "";
    struct db_fixture f;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    put(txn, "order", "1", &row);
    for (size_t bit = 0; bit < (88 + 6 + 4 + 8) * 8; bit++) {
        db_fixture_flip(txn, DB_SAGAS, name, bit / 8, bit % 8);
        assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_SAGAS, name, bit / 8, bit % 8);
    }
    for (size_t bit = 0; bit < (7 + 8) * 8; bit++) {
        db_fixture_flip(txn, DB_SAGA_INDEX, entry, bit / 8, bit % 8);
        assert_int_equal(read_first_entry(txn), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_SAGA_INDEX, entry, bit / 8, bit % 8);
    }
    for (size_t bit = 0; bit < 56 * 8; bit++) {
        db_fixture_flip(txn, DB_SAGA_COUNTS, db_text("order"), bit / 8, bit % 8);
        assert_int_equal(tables_each_saga_counts(txn, keep_counts, ignored), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_SAGA_COUNTS, db_text("order"), bit / 8, bit % 8);
    }
    assert_int_equal(tables_get_saga(txn, view("order"), view("1"), &found), VARVE_OK);
    assert_int_equal(read_first_entry(txn), VARVE_OK);
    db_abort(txn);
    db_fixture_close(&f);
}

static void copy_row(struct db_txn *txn, enum db_table table, struct db_bytes from, struct db_bytes to)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes value;
    char copy[512];

    assert_true(db_get(txn, table, from, &value, &status));
    memcpy(copy, value.data, value.size);
    assert_int_equal(db_put(txn, table, to, (struct db_bytes){ copy, value.size }), VARVE_OK);
}

static void expect_message(struct db_txn *txn, const char *part)
{
    struct varve_error error;

    db_explain(txn, VARVE_CORRUPT, &error);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, error.message);
    db_forget(txn);
}

static void what_stands_where_another_belongs(void **state)
{
    struct saga_row row = some_row(VARVE_SAGA_RUNNING, 5), found, none;
    struct varve_view type, id;
    struct db_fixture f;
    char text[400] = "";

    saga_row_init(&none);
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    put(txn, "order", "1", &row);
    copy_row(txn, DB_SAGAS, (struct db_bytes){ "order\0001", 7 }, (struct db_bytes){ "order\0002", 7 });
    assert_int_equal(tables_get_saga(txn, view("order"), view("2"), &found), VARVE_CORRUPT);
    expect_message(txn, "table sagas: the row of \"2\" of type order does not match its checksum");
    assert_int_equal(tables_read_saga(txn, db_text("order"), db_text("x"), &type, &id, &found), VARVE_CORRUPT);
    expect_message(txn, "table sagas: a key of 5 bytes is damaged");
    copy_row(txn, DB_SAGA_COUNTS, db_text("order"), db_text("zebra"));
    assert_int_equal(tables_each_saga_counts(txn, keep_counts, text), VARVE_CORRUPT);
    expect_message(txn, "table saga_counts: the row of \"zebra\"");
    row.position = 9;
    assert_int_equal(tables_put_saga(txn, view("zebra"), view("1"), &none, &row), VARVE_CORRUPT);
    db_forget(txn);
    row.status = VARVE_SAGA_FAILED; /* One whose row was there, but which was never counted. */
    assert_int_equal(tables_put_saga(txn, view("order"), view("3"), &row, &none), VARVE_CORRUPT);
    expect_message(txn, "counts fewer sagas than there are");
    db_abort(txn);
    db_fixture_close(&f);
}

static bool stop_at_first(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    ++*(unsigned *)user;
    return false;
}

static void a_visit_may_end_early(void **state)
{
    struct saga_row row = some_row(VARVE_SAGA_RUNNING, 5);
    struct db_fixture f;
    unsigned visits = 0;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    put(txn, "a", "1", &row);
    row.position++;
    put(txn, "b", "1", &row);
    assert_int_equal(tables_each_saga_counts(txn, stop_at_first, &visits), VARVE_OK);
    assert_int_equal(visits, 1);
    db_abort(txn);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back),
        cmocka_unit_test(entries_and_counts_follow),
        cmocka_unit_test(a_row_may_point_at_what_it_replaces),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(what_stands_where_another_belongs),
        cmocka_unit_test(a_visit_may_end_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
