/* log_fixture.c - see log_fixture.h. */
#include "log_fixture.h"

#include <stdlib.h>

#include "engine/saga_rows.h"
#include "engine/settle_parts.h"
#include "engine/streams_meta.h"
#include "varve/record.h"

enum { HASH_SEED = 77 };

static bool load_counts(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    return tail_load_saga_counts(user, type, by_status);
}

static void make_tail(struct log_fixture *log, uint64_t next_position)
{
    struct tail_options options = { .seed = 5, .next_position = next_position, .recent_ids = 10,
                                    .indexes = log->indexes };

    assert_int_equal(tail_create(&options, &log->tail), VARVE_OK);
    struct db_txn *txn = db_fixture_read(&log->db);
    assert_int_equal(tables_each_saga_counts(txn, load_counts, log->tail), VARVE_OK);
    db_abort(txn);
}

void log_open(struct log_fixture *log, unsigned indexes)
{
    struct tables_meta meta = { .next_stream_id = 1, .indexes = indexes, .hash_seed = HASH_SEED };

    *log = (struct log_fixture){ .hash_seed = HASH_SEED, .indexes = indexes };
    db_fixture_open(&log->db);
    struct db_txn *txn = db_fixture_write(&log->db);
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
    db_fixture_commit(txn);
    make_tail(log, 1);
}

void log_close(struct log_fixture *log)
{
    tail_destroy(log->tail);
    free(log->events);
    db_fixture_close(&log->db);
}

struct varve_uuid log_uuid(uint64_t kind, uint64_t number)
{
    struct varve_uuid uuid;

    memcpy(uuid.bytes, &kind, 8);
    memcpy(uuid.bytes + 8, &number, 8);
    return uuid;
}

bool log_find_state(struct log_fixture *log, const char *stream, struct stream_state *ret_state)
{
    struct db_txn *txn;
    enum varve_status status;

    stream_state_init(ret_state);
    if (tail_find_state(log->tail, varve_view_str(stream), ret_state))
        return true;
    txn = db_fixture_read(&log->db);
    status = tables_get_stream(txn, varve_view_str(stream), ret_state);
    db_abort(txn);
    assert_true(status == VARVE_OK || status == VARVE_STREAM_NOT_FOUND);
    return status == VARVE_OK;
}

static struct log_event *next_event(struct log_fixture *log)
{
    if (log->count == log->room) {
        log->room = log->room == 0 ? 1024 : 2 * log->room;
        log->events = realloc(log->events, log->room * sizeof(*log->events));
        assert_non_null(log->events);
    }
    return &log->events[log->count++];
}

static void add(struct log_fixture *log, const struct varve_event *event, const struct stream_state *before,
                const struct stream_state *target_before)
{
    struct db_txn *txn = db_fixture_read(&log->db); /* The saga's texts are in it. */
    struct saga_row saga;
    size_t size = varve_record_size(event);
    uint8_t *record = malloc(size);
    struct tail_event added = { .record = record, .size = (uint32_t)size, .correlation_id = event->correlation_id,
                                .before = before, .target_before = target_before, .saga_before = &saga };

    if (!tail_find_saga(log->tail, event->stream, &saga))
        assert_int_equal(saga_rows_settled(txn, event->stream, before, &saga, NULL), VARVE_OK);
    assert_non_null(record);
    assert_int_equal(varve_record_encode(event, record), size);
    tail_begin_adding(log->tail);
    assert_int_equal(tail_add(log->tail, &added), VARVE_OK);
    tail_end_adding(log->tail);
    tail_publish(log->tail);
    db_abort(txn);
    free(record);
}

/* Put the event at a position into the tail, as it was logged. */
static void enter(struct log_fixture *log, uint64_t position)
{
    const struct log_event *logged = &log->events[position - 1];
    char *data = calloc(1, (size_t)logged->data_size + sizeof(logged->change));
    struct stream_state before, target_before;
    struct varve_view stream = varve_view_str(logged->stream), target;
    bool is_change = streams_meta_target(stream, &target);

    assert_non_null(data);
    memcpy(data, logged->change, sizeof(logged->change));
    struct varve_event event = {
        .stream = stream, .type = varve_view_str(logged->type), .id = logged->id,
        .correlation_id = logged->correlation_id, .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .data = varve_view_of(data, logged->data_size), .content_type = VARVE_CONTENT_OCTET_STREAM,
        .position = position, .version = logged->version, .recorded_at_us = log_recorded_at(position),
    };
    log_find_state(log, logged->stream, &before);
    assert_int_equal(before.version + 1, logged->version);
    if (logged->metadata[0] != '\0')
        event.metadata = varve_view_str(logged->metadata);
    if (is_change)
        log_find_state(log, target.data, &target_before);
    add(log, &event, &before, is_change ? &target_before : NULL);
    free(data);
}

static void append(struct log_fixture *log, const char *stream, const char *type, uint64_t correlation,
                   const char *change, const char *metadata, uint32_t data_size)
{
    struct log_event *logged = next_event(log);
    struct stream_state before;

    log_find_state(log, stream, &before);
    *logged = (struct log_event){
        .version = (uint64_t)(before.version + 1),
        .id = log_uuid(1, log->count),
        .data_size = data_size,
    };
    if (correlation != 0)
        logged->correlation_id = log_uuid(2, correlation);
    snprintf(logged->stream, sizeof(logged->stream), "%s", stream);
    snprintf(logged->type, sizeof(logged->type), "%s", type);
    snprintf(logged->change, sizeof(logged->change), "%s", change);
    snprintf(logged->metadata, sizeof(logged->metadata), "%s", metadata);
    enter(log, log->count);
}

void log_append(struct log_fixture *log, const char *stream, const char *type, uint64_t correlation,
                uint32_t data_size)
{
    append(log, stream, type, correlation, "", "", data_size);
}

void log_change(struct log_fixture *log, const char *stream, const char *data)
{
    char name[96];

    snprintf(name, sizeof(name), "%s%s", STREAMS_META_PREFIX, stream);
    append(log, name, STREAMS_META_TYPE, 0, data, "", (uint32_t)strlen(data));
}

void log_saga(struct log_fixture *log, const char *stream, const struct varve_saga_change *change)
{
    char metadata[SAGA_MAX_METADATA], type[64];
    struct varve_event event;

    saga_change_event(change, metadata, &event);
    snprintf(type, sizeof(type), "%.*s", (int)event.type.size, event.type.data);
    metadata[event.metadata.size] = '\0';
    append(log, stream, type, 0, "", metadata, change->has_state ? 20 : 0);
}

void log_settle_and_die(struct log_fixture *log, uint32_t slice_events, uint32_t until)
{
    struct varve_error error;
    struct tables_meta meta;
    struct db_txn *txn;

    assert_int_equal(tail_freeze(log->tail), VARVE_OK);
    if (settle_slices(log->db.db, tail_frozen(log->tail), slice_events, until, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    tail_destroy(log->tail);
    db_fixture_reopen(&log->db);
    txn = db_fixture_read(&log->db);
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    db_abort(txn);
    make_tail(log, meta.settled_position + 1);
    for (uint64_t position = meta.settled_position + 1; position <= log->count; position++)
        enter(log, position);
}

void log_settle(struct log_fixture *log)
{
    struct varve_error error;

    if (tail_layer_count(tail_active(log->tail)) == 0)
        return;
    assert_int_equal(tail_freeze(log->tail), VARVE_OK);
    if (settle_layer(log->db.db, tail_frozen(log->tail), &error) != VARVE_OK)
        fail_msg("%s", error.message);
    tail_drop_frozen(log->tail);
}
