/* admission.c - see admission.h.
 *
 *   streams' states --all expectations hold, no id known--> admitted
 *                   --some do not, or an id is known------> was it stored before?  --yes--> replayed
 *                                                                                  --no---> refused, naming every
 * stream */
#include "admission.h"

#include "conflicts.h"
#include "replay.h"
#include "saga_rows.h"
#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PREFETCH_EVENTS = 4 };

/* ---- outcomes ---- */

static enum verdict refuse(struct varve_append *append, enum varve_status status, const struct varve_error *error)
{
    append->outcome = (struct varve_append_outcome){ .status = status, .error = *error };
    return REFUSED;
}

static enum verdict refuse_conflicts(struct varve_append *append)
{
    conflicts_conclude(append);
    return REFUSED;
}

/* ---- looking at the streams ---- */

static enum varve_status find_state(struct group *group, struct varve_view name, struct stream_state *ret_state,
                                    struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    if (tail_find_state(group->store->tail, name, ret_state))
        return VARVE_OK;
    if (group->txn == NULL)
        status = db_begin_read(group->store->db, &group->txn, error);
    if (status != VARVE_OK)
        return status;
    status = tables_get_stream(group->txn, name, ret_state);
    if (status == VARVE_STREAM_NOT_FOUND) {
        stream_state_init(ret_state);
        return VARVE_OK;
    }
    return status == VARVE_OK ? VARVE_OK : varve_fail(error, status, NULL, "stream \"%.*s\": its row in store.mdb "
                                                      "is damaged", (int)name.size, name.data);
}

static enum varve_status find_states(struct group *group, struct varve_append *append, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (uint32_t i = 0; i < append->stream_count && status == VARVE_OK; i++) {
        struct append_stream *stream = &append->streams[i];
        status = find_state(group, stream->name, &stream->state, error);
        if (status != VARVE_OK || !append_is_saga(append, i))
            continue;
        /* Where the tail did not know the stream, its state has just been read through the transaction. */
        struct saga_row *row = &append_saga(append, i)->row;
        if (!tail_find_saga(group->store->tail, stream->name, row))
            status = saga_rows_settled(group->txn, stream->name, &stream->state, row, error);
    }
    return status;
}

static bool any_id_known(const struct group *group, const struct varve_append *append)
{
    if (!append->client_ids)
        return false;
    for (uint32_t i = 0; i < append->event_count; i++) {
        struct varve_uuid id = varve_record_id(append_record(append, i));
        if (tail_recent_position(group->store->tail, &id) != 0)
            return true;
    }
    return false;
}

/* Something is in the way: a replay, or a conflict. */
static enum verdict settle_doubt(struct group *group, struct varve_append *append)
{
    struct replay replay;
    struct varve_error error = { 0 };
    enum varve_status status = replay_compare(group, append, &replay, &error);

    if (status != VARVE_OK)
        return refuse(append, status, &error);
    if (replay.finding == REPLAY_UNPUBLISHED)
        return DEFERRED;
    if (replay.finding == REPLAY_SAME) {
        append->outcome = (struct varve_append_outcome){ .status = VARVE_OK, .replayed = true,
            .results = append->results, .stream_count = append->is_change ? 1 : append->stream_count };
        return REPLAYED;
    }
    if (replay.finding == REPLAY_REUSED) {
        append->outcome.conflict_count = 0;
        conflicts_add(append, replay.stream_index, VARVE_ID_REUSED);
        return refuse_conflicts(append);
    }
    if (append->outcome.conflict_count == 0) /* A mix of old and new. */
        conflicts_add(append, replay.stream_index, VARVE_WRONG_EXPECTED_VERSION);
    return refuse_conflicts(append);
}

/* ---- storing ---- */

static void note_result(struct varve_append *append, const struct append_event *event, uint64_t version,
                        uint64_t position)
{
    struct varve_append_result *result = &append->results[event->stream];

    if (result->first_version < 0) {
        result->first_version = (int64_t)version;
        result->first_position = position;
    }
    result->last_version = (int64_t)version;
    result->last_position = position;
}

static enum varve_status store_event(struct group *group, struct varve_append *append, uint32_t i)
{
    struct append_event *event = &append->events[i];
    struct append_stream *stream = &append->streams[event->stream];
    uint64_t position = tail_next_position(group->store->tail);
    uint64_t version = (uint64_t)(stream->state.version + 1);
    uint8_t *record = append_record(append, i);
    const struct saga_row *saga = append_is_saga(append, event->stream) ? &append_saga(append, event->stream)->row
                                                                        : NULL;
    struct tail_event added = { .record = record, .size = event->size, .correlation_id = event->correlation_id,
                                .before = &stream->state,
                                .saga_before = saga,
                                .target_before = append->is_change ? &append->streams[1].state : NULL };

    varve_record_assign(record, event->size, position, version, group->recorded_at_us);
    enum varve_status status = tail_add(group->store->tail, &added);
    if (status != VARVE_OK)
        return status;
    memcpy(journal_frame_add(group->store->journal, event->size), record, event->size);
    stream_state_add(&stream->state, position, group->recorded_at_us);
    if (version == 0)
        store_count_stream(group->store, stream->name);
    note_result(append, event, version, position);
    group->event_count++;
    group->frame_bytes += event->size;
    return VARVE_OK;
}

static enum varve_status store_each(struct group *group, struct varve_append *append, uint32_t *ret_stored)
{
    struct tail *tail = group->store->tail;
    enum varve_status status = VARVE_OK;

    tail_begin_adding(tail);
    for (*ret_stored = 0; *ret_stored < append->event_count && status == VARVE_OK; ++*ret_stored) {
        if (*ret_stored + PREFETCH_EVENTS < append->event_count) {
            struct varve_uuid id = varve_record_id(append_record(append, *ret_stored + PREFETCH_EVENTS));
            tail_prefetch(tail, &id);
        }
        status = store_event(group, append, *ret_stored);
    }
    tail_end_adding(tail);
    *ret_stored -= status != VARVE_OK;
    return status;
}

/* All events, or a fault of the store: half an append in the tail cannot be taken back. */
static enum verdict store_events(struct group *group, struct varve_append *append)
{
    struct varve_error error = { 0 };

    for (uint32_t i = 0; i < append->stream_count; i++)
        append->results[i] = (struct varve_append_result){ .first_version = -1,
                                                           .last_version = append->streams[i].state.version };
    uint32_t stored = 0;
    enum varve_status status = store_each(group, append, &stored);
    if (status != VARVE_OK) {
        varve_fail(&error, status, NULL, "cannot take event %" PRIu32 " of an append into memory", stored);
        if (stored > 0)
            store_set_fault(group->store, &error);
        return refuse(append, status, &error);
    }
    if (append->is_change)
        hidden_add(group->store->hidden, append->streams[1].name);
    append->outcome = (struct varve_append_outcome){ .status = VARVE_OK, .results = append->results,
        .stream_count = append->is_change ? 1 : append->stream_count };
    return ADMITTED;
}

/* Types are never forgotten, so there may not be any number of them. */
static enum varve_status check_types(const struct tail *tail, const struct varve_append *append,
                                     struct varve_error *error)
{
    struct varve_view type, id;
    char field[32];
    uint32_t count = tail_saga_types(tail);

    for (uint32_t i = 0; i < append->saga_count; i++) {
        if (!append->sagas[i].begins_type || !saga_split(append->streams[append->sagas_from + i].name, &type, &id) ||
            tail_knows_saga_type(tail, type) || ++count <= VARVE_SAGA_MAX_TYPES)
            continue;
        snprintf(field, sizeof(field), "sagas[%" PRIu32 "].type", i);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: a store has at most %u types of sagas, \"%.*s\" "
                          "would be one more", field, VARVE_SAGA_MAX_TYPES, (int)type.size, type.data);
    }
    return VARVE_OK;
}

enum verdict admit(struct group *group, struct varve_append *append)
{
    struct varve_error error = { 0 };
    enum varve_status status = find_states(group, append, &error);

    if (status != VARVE_OK)
        return refuse(append, status, &error);
    conflicts_collect(append);
    if (append->outcome.conflict_count > 0 || any_id_known(group, append))
        return append->client_ids ? settle_doubt(group, append) : refuse_conflicts(append);
    status = check_types(group->store->tail, append, &error);
    return status == VARVE_OK ? store_events(group, append) : refuse(append, status, &error);
}
