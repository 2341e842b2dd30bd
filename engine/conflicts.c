/* conflicts.c - see conflicts.h. */
#include "conflicts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

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

static enum varve_status saga_status(const struct varve_append *append, uint32_t index)
{
    const struct append_saga *saga = append_saga(append, index);

    return saga_may(&saga->row, saga->action, append->streams[index].expected);
}

static enum varve_status stream_status(const struct varve_append *append, const struct append_stream *stream)
{
    if (expectation_holds(stream->expected, &stream->state))
        return VARVE_OK;
    if (stream->state.flags & STREAM_TOMBSTONED)
        return VARVE_STREAM_TOMBSTONED;
    if (append->is_change && stream->expected == VARVE_EXPECTED_STREAM_EXISTS)
        return VARVE_STREAM_NOT_FOUND;
    return VARVE_WRONG_EXPECTED_VERSION;
}

void conflicts_collect(struct varve_append *append)
{
    append->outcome.conflict_count = 0;
    for (uint32_t i = 0; i < append->stream_count; i++) {
        enum varve_status status = append_is_saga(append, i) ? saga_status(append, i)
                                                             : stream_status(append, &append->streams[i]);
        if (status != VARVE_OK)
            conflicts_add(append, i, status);
    }
}

void conflicts_add(struct varve_append *append, uint32_t index, enum varve_status status)
{
    const struct append_stream *stream = &append->streams[index];
    int64_t actual = stream->expected >= 0 ? stream->state.version : stream_state_actual(&stream->state);

    if (append_is_saga(append, index) && status == VARVE_WRONG_EXPECTED_VERSION)
        status = VARVE_SAGA_CONFLICT;
    append->conflicts[append->outcome.conflict_count++] = (struct varve_conflict){
        .stream_index = index, .status = status, .expected = stream->expected, .actual = actual,
    };
}

/* ---- for people ---- */

static void describe_version(int64_t version, char ret_text[24])
{
    static const char *const words[] = { "no_stream", "any", "stream_exists" };

    if (version < 0)
        snprintf(ret_text, 24, "%s", words[-1 - version]);
    else
        snprintf(ret_text, 24, "%" PRId64, version);
}

static void describe_stream(const struct append_stream *stream, const struct varve_conflict *conflict,
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

static const char *describe_status(const struct saga_row *row)
{
    return saga_row_is_listed(row) ? varve_saga_status_name((enum varve_saga_status)row->status)
           : row->status == SAGA_NONE ? "never begun" : "archived";
}

/* What does not fit, without the saga's name. */
static void describe_misfit(const struct append_saga *saga, const struct varve_conflict *conflict, char ret_text[160])
{
    const char *status = describe_status(&saga->row), *action = varve_saga_action_name(saga->action);
    int64_t version = saga->row.version;

    switch (conflict->status) {
    case VARVE_SAGA_EXISTS:
        snprintf(ret_text, 160, "was begun before; it is %s, at version %" PRId64, status, version);
        break;
    case VARVE_SAGA_NOT_FOUND:
        snprintf(ret_text, 160, "not found, it was %s", status);
        break;
    case VARVE_SAGA_FINISHED:
        if (saga->action == VARVE_SAGA_TIME_OUT && saga_next_status(saga->row.status, saga->action) >= 0)
            snprintf(ret_text, 160, "has no deadline that could pass; it is %s, at version %" PRId64, status, version);
        else
            snprintf(ret_text, 160, "is %s, at version %" PRId64 ", and cannot %s", status, version, action);
        break;
    case VARVE_ID_REUSED:
        snprintf(ret_text, 160, "its event's id was used before with other content");
        break;
    default:
        if (conflict->expected >= 0)
            snprintf(ret_text, 160, "is %s, at version %" PRId64 ", not at %" PRId64 " as expected", status, version,
                     conflict->expected);
        else
            snprintf(ret_text, 160, "is %s, at version %" PRId64 "; a part of this transaction was stored before",
                     status, version);
    }
}

static void describe_saga(const struct append_stream *stream, const struct append_saga *saga,
                          const struct varve_conflict *conflict, struct varve_error *ret_error)
{
    struct varve_view type = { NULL, 0 }, id = { NULL, 0 };
    char misfit[160];
    bool named = saga_split(stream->name, &type, &id);

    assert(named);
    describe_misfit(saga, conflict, misfit);
    varve_fail(ret_error, conflict->status, NULL, "saga %.*s \"%.*s\": %s", (int)type.size, type.data, (int)id.size,
               id.data, misfit);
}

/* From all the append's streams to those of the part that the caller named. */
static void place(const struct varve_append *append, struct varve_conflict *conflict)
{
    uint32_t index = conflict->stream_index;

    if (append->is_change) {
        conflict->stream_index = 0; /* Its sender named one stream only. */
    } else if (append_is_saga(append, index)) {
        conflict->part = VARVE_PART_SAGA;
        conflict->stream_index = index - append->sagas_from;
    } else if (index >= append->sagas_from) {
        conflict->part = VARVE_PART_SYSTEM;
        conflict->stream_index = index - append->sagas_from - append->saga_count;
    }
}

void conflicts_conclude(struct varve_append *append)
{
    struct varve_conflict *first = &append->conflicts[0];
    uint32_t index = first->stream_index;

    assert(append->outcome.conflict_count > 0);
    append->outcome.conflicts = append->conflicts;
    append->outcome.status = first->status;
    if (append_is_saga(append, index))
        describe_saga(&append->streams[index], append_saga(append, index), first, &append->outcome.error);
    else
        describe_stream(&append->streams[index], first, &append->outcome.error);
    for (size_t i = 0; i < append->outcome.conflict_count; i++)
        place(append, &append->conflicts[i]);
}
