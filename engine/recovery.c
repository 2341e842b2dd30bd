/* recovery.c - see recovery.h. Recovery is the same code as an append: each record is added to the tail, which folds it
 * into its stream's state; there is nothing to repair. */
#include "recovery.h"

#include "saga_rows.h"
#include "streams_meta.h"
#include "varve/record.h"

#include <inttypes.h>
#include <stdio.h>

enum { READ_AHEAD_BYTES = 4 << 20 };

struct recovery {
    struct varve_store *store;
    struct db_txn *txn;
    struct varve_error *error;
    bool refused;  /* a record of the journal; `error` says why */
    bool out_of_memory;
};

/* ---- what the settled part tells ---- */

static enum varve_status remember_block(struct recovery *recovery, const struct tables_block *block, uint64_t from)
{
    const uint8_t *record;
    uint32_t size;

    for (uint32_t i = 0; i < block->count; i++) {
        if (block->first_position + i < from)
            continue;
        if (!tables_block_record(block, i, &record, &size) || !varve_record_verify(record, size))
            return varve_fail(recovery->error, VARVE_CORRUPT, NULL,
                              "the event at position %" PRIu64 " in store.mdb is damaged", block->first_position + i);
        struct varve_uuid id = varve_record_id(record);
        tail_remember_id(recovery->store->tail, &id, block->first_position + i);
    }
    return VARVE_OK;
}

static enum varve_status remember_ids(struct recovery *recovery, uint64_t settled)
{
    uint64_t wanted = recovery->store->options.recent_ids;
    uint64_t position = settled > wanted ? settled - wanted + 1 : 1, from = position;
    const uint8_t *hinted_until = NULL;
    struct tables_block block;

    while (position <= settled) {
        enum varve_status status = tables_get_block(recovery->txn, position, &block);
        if (status == VARVE_EVENT_NOT_FOUND)
            return varve_fail(recovery->error, VARVE_CORRUPT, NULL, "the block of position %" PRIu64
                              " in store.mdb is missing", position);
        if (status != VARVE_OK)
            return db_explain(recovery->txn, status, recovery->error);
        if (block.bytes > hinted_until || block.bytes + READ_AHEAD_BYTES < hinted_until) {
            db_will_need(block.bytes, READ_AHEAD_BYTES);
            hinted_until = block.bytes + READ_AHEAD_BYTES;
        }
        status = remember_block(recovery, &block, from);
        if (status != VARVE_OK)
            return status;
        position = block.first_position + block.count;
    }
    return VARVE_OK;
}

static bool note_metadata_stream(void *user, struct varve_view name, const struct stream_state *state)
{
    struct varve_store *store = user;
    struct varve_view target;

    if (streams_meta_target(name, &target))
        hidden_add(store->hidden, target);
    return true;
}

static enum varve_status find_metadata_streams(struct recovery *recovery)
{
    enum varve_status status = tables_each_stream(recovery->txn, varve_view_str(STREAMS_META_PREFIX),
                                                  varve_view_of("", 0), note_metadata_stream, recovery->store);

    return status == VARVE_OK ? VARVE_OK : varve_fail(recovery->error, status, NULL,
                                                      "the names of streams cannot be read from store.mdb");
}

static bool load_saga_counts(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    struct recovery *recovery = user;

    recovery->out_of_memory = !tail_load_saga_counts(recovery->store->tail, type, by_status);
    return !recovery->out_of_memory;
}

static enum varve_status count_sagas(struct recovery *recovery)
{
    enum varve_status status = tables_each_saga_counts(recovery->txn, load_saga_counts, recovery);

    if (recovery->out_of_memory)
        return varve_fail(recovery->error, VARVE_NO_MEMORY, NULL, "no memory to open a store");
    return status == VARVE_OK ? VARVE_OK : db_explain(recovery->txn, status, recovery->error);
}

/* ---- what only the journal has ---- */

static enum varve_status settled_state(struct recovery *recovery, struct varve_view name,
                                       struct stream_state *ret_state)
{
    enum varve_status status = tables_get_stream(recovery->txn, name, ret_state);

    if (status == VARVE_STREAM_NOT_FOUND) {
        stream_state_init(ret_state);
        return VARVE_OK;
    }
    return status == VARVE_OK ? VARVE_OK : varve_fail(recovery->error, status, NULL,
                                                      "stream \"%.*s\": its row in store.mdb is damaged",
                                                      (int)name.size, name.data);
}

static enum varve_status check_follows(struct recovery *recovery, const struct varve_event *event,
                                       const struct stream_state *before)
{
    uint64_t position = tail_next_position(recovery->store->tail);

    if (event->position == position && event->version == (uint64_t)(before->version + 1))
        return VARVE_OK;
    return varve_fail(recovery->error, VARVE_CORRUPT, NULL,
                      "journal: the record at position %" PRIu64 " is version %" PRIu64 " of \"%.*s\", but position %"
                      PRIu64 " and version %" PRId64 " come next", event->position, event->version,
                      (int)event->stream.size, event->stream.data, position, before->version + 1);
}

static enum varve_status saga_row_before(struct recovery *recovery, struct varve_view stream,
                                         const struct stream_state *before, struct saga_row *ret_row)
{
    if (tail_find_saga(recovery->store->tail, stream, ret_row))
        return VARVE_OK;
    return saga_rows_settled(recovery->txn, stream, before, ret_row, recovery->error);
}

static enum varve_status add_record(struct recovery *recovery, const struct tail_event *added, uint64_t position)
{
    struct tail *tail = recovery->store->tail;

    tail_begin_adding(tail); /* Nobody else is here yet, but it is the rule. */
    enum varve_status status = tail_add(tail, added);
    tail_end_adding(tail);
    return status == VARVE_OK ? VARVE_OK : varve_fail(recovery->error, status, NULL, "journal: cannot take position "
                                                      "%" PRIu64 " into memory", position);
}

static enum varve_status recover_record(struct recovery *recovery, const uint8_t *record, uint32_t size)
{
    struct varve_store *store = recovery->store;
    struct stream_state before, target_before;
    struct saga_row saga_before;
    struct varve_view target;
    struct varve_event event;
    enum varve_status status = varve_record_decode(record, size, &event);

    if (status != VARVE_OK)
        return varve_fail(recovery->error, VARVE_CORRUPT, NULL, "journal: a record inside a sound frame is damaged");
    if (!tail_find_state(store->tail, event.stream, &before))
        status = settled_state(recovery, event.stream, &before);
    if (status == VARVE_OK)
        status = check_follows(recovery, &event, &before);
    bool metadata = streams_meta_target(event.stream, &target);
    if (status == VARVE_OK && metadata && !tail_find_state(store->tail, target, &target_before))
        status = settled_state(recovery, target, &target_before);
    bool saga = saga_is_stream(event.stream);
    if (status == VARVE_OK && saga)
        status = saga_row_before(recovery, event.stream, &before, &saga_before);
    if (status != VARVE_OK)
        return status;
    struct tail_event added = { .record = record, .size = size, .correlation_id = event.correlation_id,
                                .before = &before, .target_before = metadata ? &target_before : NULL,
                                .saga_before = saga ? &saga_before : NULL };
    status = add_record(recovery, &added, event.position);
    if (status != VARVE_OK)
        return status;
    if (metadata)
        hidden_add(store->hidden, target);
    if (event.version == 0)
        store_count_stream(store, event.stream);
    store->last_recorded_at_us = event.recorded_at_us;
    store->counters.recovered_events++;
    return VARVE_OK;
}

static enum varve_status take_record(void *user, const uint8_t *record, uint32_t size)
{
    struct recovery *recovery = user;
    enum varve_status status = recover_record(recovery, record, size);

    recovery->refused = status != VARVE_OK;
    return status;
}

static enum varve_status open_journal(struct recovery *recovery, uint64_t settled, bool create)
{
    struct varve_store *store = recovery->store;
    char directory[FORMAT_MAX_PATH + 16];
    struct varve_error error;
    struct journal_options options = {
        .directory = directory, .os = store->os, .create = create, .database_id = store->format.database_id,
        .seed = store->format.hash_seed, .segment_size_bytes = store->options.segment_size_bytes,
        .disk_reserve_bytes = store->options.disk_reserve_bytes,
    };

    snprintf(directory, sizeof(directory), "%s/journal", store->path);
    enum varve_status status = journal_open(&options, settled, take_record, recovery, &store->journal, &error);
    if (status != VARVE_OK && !recovery->refused && recovery->error != NULL)
        *recovery->error = error; /* Else it would only say that a record was refused. */
    return status;
}

enum varve_status recovery_run(struct varve_store *store, const struct tables_meta *meta, bool create,
                               struct varve_error *error)
{
    struct recovery recovery = { .store = store, .error = error };
    enum varve_status status = db_begin_read(store->db, &recovery.txn, error);

    if (status != VARVE_OK)
        return status;
    store->last_recorded_at_us = meta->last_recorded_at_us;
    status = remember_ids(&recovery, meta->settled_position);
    if (status == VARVE_OK)
        status = find_metadata_streams(&recovery);
    if (status == VARVE_OK)
        status = count_sagas(&recovery);
    if (status == VARVE_OK)
        status = open_journal(&recovery, meta->settled_position, create);
    db_abort(recovery.txn);
    if (status == VARVE_OK)
        tail_publish(store->tail);
    return status;
}
