/* admission.c - see admission.h.
 *
 *   streams' states --all expectations hold, no id known--> admitted
 *                   --some do not, or an id is known------> was it stored before?  --yes--> replayed
 *                                                                                  --no---> refused, naming every
 * stream */
#include "admission.h"

#include "replay.h"
#include "streams_meta.h"
#include "tables.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PREFETCH_EVENTS = 4 };

bool expectation_holds(int64_t expected, const struct stream_state *state)
{
    if (state->flags & STREAM_TOMBSTONED)
        return false;
    switch (expected) {
    case VARVE_EXPECTED_ANY:
        return true;
    case VARVE_EXPECTED_NO_STREAM:
        return stream_state_actual(state) < 0;
    case VARVE_EXPECTED_STREAM_EXISTS:
        return stream_state_actual(state) >= 0;
    default: /* A deleted stream's versions continue, so whoever saw the last one may go on from it. */
        return state->version == expected;
    }
}

/* ---- outcomes ---- */

static enum verdict refuse(struct varve_append *append, enum varve_status status, const struct varve_error *error)
{
    append->outcome = (struct varve_append_outcome){ .status = status, .error = *error };
    return REFUSED;
}

static void describe_version(int64_t version, char ret_text[24])
{
    static const char *const words[] = { "no_stream", "any", "stream_exists" };

    if (version < 0)
        snprintf(ret_text, 24, "%s", words[-1 - version]);
    else
        snprintf(ret_text, 24, "%" PRId64, version);
}

static void describe_conflict(const struct append_stream *stream, const struct varve_conflict *conflict,
                              struct varve_error *ret_error)
{
    char expected[24], actual[24];
    int size = (int)stream->name.size;
    const char *name = stream->name.data;

    describe_version(conflict->expected, expected);
    describe_version(conflict->actual, actual);
    switch (conflict->status) {
    case VARVE_STREAM_TOMBSTONED:
        varve_fail(ret_error, conflict->status, NULL, "stream \"%.*s\": is tombstoned, it takes no more events", size,
                   name);
        break;
    case VARVE_STREAM_NOT_FOUND:
        varve_fail(ret_error, conflict->status, NULL, "stream \"%.*s\": not found", size, name);
        break;
    case VARVE_ID_REUSED:
        varve_fail(ret_error, conflict->status, NULL,
                   "stream \"%.*s\": an event id of this append was used before with other content", size, name);
        break;
    default:
        varve_fail(ret_error, conflict->status, NULL, "stream \"%.*s\": expected %s, actual %s", size, name, expected,
                   actual);
    }
}

static void add_conflict(struct varve_append *append, uint32_t index, enum varve_status status)
{
    struct append_stream *stream = &append->streams[index];
    int64_t actual = stream->expected >= 0 ? stream->state.version : stream_state_actual(&stream->state);
    struct varve_conflict *conflict = &append->conflicts[append->outcome.conflict_count++];

    *conflict = (struct varve_conflict){ .stream_index = index, .status = status, .expected = stream->expected,
                                         .actual = actual };
}

static enum verdict refuse_conflicts(struct varve_append *append)
{
    assert(append->outcome.conflict_count > 0);
    append->outcome.conflicts = append->conflicts;
    append->outcome.status = append->conflicts[0].status;
    describe_conflict(&append->streams[append->conflicts[0].stream_index], &append->conflicts[0],
                      &append->outcome.error);
    for (size_t i = 0; append->is_change && i < append->outcome.conflict_count; i++)
        append->conflicts[i].stream_index = 0; /* Its sender named one stream only. */
    return REFUSED;
}

static enum varve_status conflict_status(const struct varve_append *append, const struct append_stream *stream)
{
    if (stream->state.flags & STREAM_TOMBSTONED)
        return VARVE_STREAM_TOMBSTONED;
    if (append->is_change && stream->expected == VARVE_EXPECTED_STREAM_EXISTS)
        return VARVE_STREAM_NOT_FOUND;
    return VARVE_WRONG_EXPECTED_VERSION;
}

static void collect_conflicts(struct varve_append *append)
{
    append->outcome.conflict_count = 0;
    for (uint32_t i = 0; i < append->stream_count; i++)
        if (!expectation_holds(append->streams[i].expected, &append->streams[i].state))
            add_conflict(append, i, conflict_status(append, &append->streams[i]));
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
        add_conflict(append, replay.stream_index, VARVE_ID_REUSED);
        return refuse_conflicts(append);
    }
    if (append->outcome.conflict_count == 0) /* A mix of old and new. */
        add_conflict(append, replay.stream_index, VARVE_WRONG_EXPECTED_VERSION);
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
    struct tail_event added = { .record = record, .size = event->size, .correlation_id = event->correlation_id,
                                .before = &stream->state,
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

enum verdict admit(struct group *group, struct varve_append *append)
{
    struct varve_error error = { 0 };

    for (uint32_t i = 0; i < append->stream_count; i++) {
        struct append_stream *stream = &append->streams[i];
        enum varve_status status = find_state(group, stream->name, &stream->state, &error);
        if (status != VARVE_OK)
            return refuse(append, status, &error);
    }
    collect_conflicts(append);
    if (append->outcome.conflict_count == 0 && !any_id_known(group, append))
        return store_events(group, append);
    if (append->client_ids)
        return settle_doubt(group, append);
    return refuse_conflicts(append);
}
