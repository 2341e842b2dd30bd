/* log_check.c - see log_check.h. */
#include "log_check.h"

#include "engine/runs.h"
#include "varve/record.h"

void log_check_records(struct db_txn *txn, const struct log_fixture *log)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct log_event *logged = &log->events[i];
        struct tables_block block;
        struct varve_event event;
        const uint8_t *record;
        uint32_t size;

        assert_int_equal(tables_get_block(txn, i + 1, &block), VARVE_OK);
        assert_true(tables_block_record(&block, (uint32_t)(i + 1 - block.first_position), &record, &size));
        assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
        assert_int_equal(event.position, i + 1);
        assert_int_equal(event.version, logged->version);
        assert_true(varve_view_equal(event.stream, varve_view_str(logged->stream)));
        assert_int_equal(event.data.size, logged->data_size);
    }
}

/* Where a list must lead to next; what it holds is counted by the caller. */
void log_check_list_entry(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal, uint64_t position)
{
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    bool found = false;

    assert_true(tables_seek_chunk(txn, key, ordinal, &chunk, &status));
    if (key->table == DB_STREAM_EVENTS) {
        assert_true(ordinal - chunk.first_ordinal < chunk.count);
        assert_int_equal(tables_chunk_value(&chunk, (uint32_t)(ordinal - chunk.first_ordinal)), position);
        return;
    }
    for (uint32_t i = 0; i < chunk.count; i++)
        found = found || tables_chunk_value(&chunk, i) == position;
    assert_true(found);
}

static uint64_t count_values(struct db_txn *txn, enum db_table table)
{
    struct db_bytes key = { 0 }, value;
    enum varve_status status = VARVE_OK;
    struct tables_list_key list;
    struct tables_chunk chunk;
    struct db_cursor *cursor;
    uint64_t count = 0;

    assert_int_equal(db_cursor_open(txn, table, &cursor), VARVE_OK);
    for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
         more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
        assert_int_equal(tables_read_chunk(txn, table, key, value, &list, &chunk), VARVE_OK);
        count += chunk.count;
    }
    db_cursor_close(cursor);
    return count;
}

void log_check_lists(struct db_txn *txn, const struct log_fixture *log)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct log_event *logged = &log->events[i];
        struct varve_view stream = varve_view_str(logged->stream);
        struct stream_state state;

        assert_int_equal(tables_get_stream(txn, stream, &state), VARVE_OK);
        struct tables_list_key versions = { DB_STREAM_EVENTS, state.id, { 0 } };
        struct tables_list_key category = { DB_CATEGORIES, 0, varve_category(stream) };
        struct tables_list_key type = { DB_TYPES, 0, varve_view_str(logged->type) };
        log_check_list_entry(txn, &versions, logged->version, i + 1);
        if ((log->indexes & VARVE_INDEX_CATEGORY) != 0)
            log_check_list_entry(txn, &category, i + 1, i + 1);
        if ((log->indexes & VARVE_INDEX_TYPE) != 0)
            log_check_list_entry(txn, &type, i + 1, i + 1);
    }
    assert_int_equal(count_values(txn, DB_STREAM_EVENTS), log->count);
    assert_int_equal(count_values(txn, DB_CATEGORIES), (log->indexes & VARVE_INDEX_CATEGORY) != 0 ? log->count : 0);
    assert_int_equal(count_values(txn, DB_TYPES), (log->indexes & VARVE_INDEX_TYPE) != 0 ? log->count : 0);
}

bool log_has_position(struct db_txn *txn, enum db_table table, uint64_t hash, uint64_t position)
{
    uint64_t found[1];
    size_t count;

    assert_int_equal(runs_find(txn, table, hash, position, false, found, 1, &count), VARVE_OK);
    return count == 1 && found[0] == position;
}

static enum varve_status count_entry(void *user, const struct run_entry *entry)
{
    ++*(uint64_t *)user;
    return VARVE_OK;
}

void log_check_runs(struct db_txn *txn, const struct log_fixture *log)
{
    uint64_t ids = 0, correlations = 0, correlated = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct log_event *logged = &log->events[i];
        bool has_correlation = memcmp(&logged->correlation_id, &(struct varve_uuid){ { 0 } }, 16) != 0;

        correlated += has_correlation;
        if ((log->indexes & VARVE_INDEX_ID) != 0)
            assert_true(log_has_position(txn, DB_IDS, runs_hash(log->hash_seed, &logged->id), i + 1));
        if ((log->indexes & VARVE_INDEX_CORRELATION) != 0 && has_correlation)
            assert_true(log_has_position(txn, DB_CORRELATIONS,
                                         runs_hash(log->hash_seed, &logged->correlation_id), i + 1));
    }
    assert_int_equal(runs_each(txn, DB_IDS, count_entry, &ids), VARVE_OK);
    assert_int_equal(runs_each(txn, DB_CORRELATIONS, count_entry, &correlations), VARVE_OK);
    assert_int_equal(ids, (log->indexes & VARVE_INDEX_ID) != 0 ? log->count : 0);
    assert_int_equal(correlations, (log->indexes & VARVE_INDEX_CORRELATION) != 0 ? correlated : 0);
}

struct stream_totals {
    uint64_t streams, system_streams, highest_id;
    size_t events;
    const struct log_fixture *log;
};

static bool add_stream(void *user, struct varve_view name, const struct stream_state *state)
{
    struct stream_totals *totals = user;

    totals->events += (size_t)(state->version + 1);
    if (state->version >= 0) {
        const struct log_event *last = &totals->log->events[state->last_position - 1];

        assert_true(varve_view_equal(name, varve_view_str(last->stream)));
        assert_int_equal(last->version, state->version);
        assert_int_equal(state->updated_at_us, log_recorded_at(state->last_position));
        *(name.data[0] == '$' ? &totals->system_streams : &totals->streams) += 1;
    }
    totals->highest_id = state->id > totals->highest_id ? state->id : totals->highest_id;
    return true;
}

void log_check_streams(struct db_txn *txn, const struct log_fixture *log)
{
    struct stream_totals totals = { .log = log };
    struct tables_meta meta;

    assert_int_equal(tables_each_stream(txn, varve_view_str(""), varve_view_str(""), add_stream, &totals), VARVE_OK);
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    assert_int_equal(totals.events, log->count);
    assert_int_equal(meta.settled_position, log->count);
    assert_int_equal(meta.stream_count, totals.streams);
    assert_int_equal(meta.system_stream_count, totals.system_streams);
    assert_true(meta.next_stream_id > totals.highest_id);
    assert_int_equal(meta.last_recorded_at_us, log_recorded_at(log->count));
}

void log_check(struct log_fixture *log)
{
    struct db_txn *txn = db_fixture_read(&log->db);

    log_check_records(txn, log);
    log_check_lists(txn, log);
    log_check_runs(txn, log);
    log_check_streams(txn, log);
    db_abort(txn);
}

void log_random_layer(struct log_fixture *log, uint64_t events, uint64_t streams, uint64_t *random)
{
    static const char *const types[] = { "order.placed", "order.paid", "a", "account.opened", "z.z" };
    static const char *const categories[] = { "order-", "orders-", "", "customer-with-a-long-name-", "o-", "x" };

    for (uint64_t i = 0; i < events; i++) {
        char stream[64];
        uint64_t number = random_below(random, streams);

        snprintf(stream, sizeof(stream), "%ss%llu", categories[number % COUNT_OF(categories)],
                 (unsigned long long)number);
        if (random_below(random, 50) == 0) {
            log_change(log, stream, random_below(random, 2) == 0 ? "{\"max_count\":3}" : "{\"truncate_before\":1}");
        } else {
            uint64_t correlation = random_below(random, 3) == 0 ? 0 : 1 + random_below(random, 40);
            uint32_t size = (uint32_t)random_below(random, random_below(random, 100) == 0 ? 70000 : 300);

            log_append(log, stream, types[random_below(random, COUNT_OF(types))], correlation, size);
        }
    }
}
