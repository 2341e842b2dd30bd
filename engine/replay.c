/* replay.c - see replay.h. Rare, so it reads through a view of its own. */
#include "replay.h"

#include "varve/uuid.h"
#include "view.h"

#include <string.h>

struct comparison {
    const uint8_t *record; /* as encoded for the append: position, version, time not yet assigned */
    uint32_t size;
    bool same_id, same_content;
    uint64_t version;
};

static bool compare(void *user, const uint8_t *stored, uint32_t size)
{
    struct comparison *c = user;
    struct varve_uuid mine = varve_record_id(c->record), theirs = varve_record_id(stored);

    c->version = varve_record_version(stored);
    c->same_id = varve_uuid_equal(&mine, &theirs);
    c->same_content = size == c->size && memcmp(stored + VARVE_RECORD_CONTENT, c->record + VARVE_RECORD_CONTENT,
                                                size - VARVE_RECORD_CONTENT - VARVE_RECORD_CHECKSUM) == 0;
    return true;
}

struct search {
    struct group *group;
    struct varve_append *append;
    struct view view;
    struct varve_error *error;
};

static enum varve_status compare_at(struct search *search, uint32_t event, uint64_t position, struct comparison *ret)
{
    bool taken;

    *ret = (struct comparison){ .record = append_record(search->append, event),
                                .size = search->append->events[event].size };
    return view_record(&search->view, position, compare, ret, &taken, search->error);
}

/* Where the event would stand if the append had been stored; 0 = nowhere. */
static enum varve_status candidate(struct search *search, uint32_t event, uint64_t ordinal, uint64_t *ret_position)
{
    struct append_stream *stream = &search->append->streams[search->append->events[event].stream];
    struct varve_uuid id = varve_record_id(append_record(search->append, event));

    *ret_position = tail_recent_position(search->group->store->tail, &id);
    if (*ret_position != 0 || stream->expected < VARVE_EXPECTED_NO_STREAM)
        return VARVE_OK;
    uint64_t version = (uint64_t)(stream->expected + 1) + ordinal;
    if (stream->state.version < 0 || version > (uint64_t)stream->state.version)
        return VARVE_OK;
    if ((uint64_t)stream->state.last_position > search->view.visible) { /* Some of it is of this group. */
        *ret_position = stream->state.last_position;
        return VARVE_OK;
    }
    return view_version_position(&search->view, stream->name, version, ret_position, search->error);
}

/* One stream's share of the append: SAME, NEW, REUSED or UNPUBLISHED. */
static enum varve_status compare_stream(struct search *search, uint32_t index, enum replay_finding *ret_finding)
{
    struct varve_append *append = search->append;
    struct append_stream *stream = &append->streams[index];
    struct varve_append_result *result = &append->results[index];
    uint64_t ordinal = 0, expected_version = 0;

    *ret_finding = REPLAY_NEW;
    for (uint32_t i = stream->first_event; i < append->event_count; i++) {
        struct comparison c;
        uint64_t position;
        if (append->events[i].stream != index)
            continue;
        enum varve_status status = candidate(search, i, ordinal, &position);
        if (status != VARVE_OK || position == 0)
            return status;
        if (position > search->view.visible) {
            *ret_finding = REPLAY_UNPUBLISHED;
            return VARVE_OK;
        }
        status = compare_at(search, i, position, &c);
        if (status != VARVE_OK || !c.same_id)
            return status;
        if (!c.same_content) {
            *ret_finding = REPLAY_REUSED;
            return VARVE_OK;
        }
        if (ordinal == 0) {
            *result = (struct varve_append_result){ .first_version = (int64_t)c.version, .first_position = position };
            expected_version = stream->expected >= 0 ? (uint64_t)stream->expected + 1 : c.version;
        }
        if (c.version != expected_version + ordinal)
            return VARVE_OK; /* Stored, but not as this append. */
        result->last_version = (int64_t)c.version;
        result->last_position = position;
        ordinal++;
    }
    *ret_finding = REPLAY_SAME;
    return VARVE_OK;
}

/* Is an id of this stream's events known with other content? Or known at all (then old and new are mixed)? */
static enum varve_status look_for_reuse(struct search *search, struct replay *replay)
{
    for (uint32_t i = 0; i < search->append->event_count; i++) {
        struct comparison c;
        struct varve_uuid id = varve_record_id(append_record(search->append, i));
        uint64_t position = tail_recent_position(search->group->store->tail, &id);
        if (position == 0)
            continue;
        if (position > search->view.visible) {
            replay->finding = REPLAY_UNPUBLISHED;
            return VARVE_OK;
        }
        enum varve_status status = compare_at(search, i, position, &c);
        if (status != VARVE_OK)
            return status;
        replay->stream_index = search->append->events[i].stream;
        if (!c.same_content) {
            replay->finding = REPLAY_REUSED;
            return VARVE_OK;
        }
    }
    return VARVE_OK;
}

static enum varve_status compare_all(struct search *search, struct replay *replay)
{
    replay->finding = REPLAY_SAME;
    replay->stream_index = 0;
    for (uint32_t i = 0; i < search->append->stream_count && replay->finding == REPLAY_SAME; i++) {
        struct append_stream *stream = &search->append->streams[i];
        search->append->results[i] = (struct varve_append_result){ .first_version = -1,
                                                                   .last_version = stream->state.version };
        if (stream->event_count == 0)
            continue;
        replay->stream_index = i;
        enum varve_status status = compare_stream(search, i, &replay->finding);
        if (status != VARVE_OK)
            return status;
    }
    return replay->finding == REPLAY_NEW ? look_for_reuse(search, replay) : VARVE_OK;
}

enum varve_status replay_compare(struct group *group, struct varve_append *append, struct replay *ret_replay,
                                 struct varve_error *error)
{
    struct search search = { .group = group, .append = append, .error = error };
    enum varve_status status = view_begin(&search.view, group->store, false, error);

    if (status != VARVE_OK)
        return status;
    status = compare_all(&search, ret_replay);
    view_end(&search.view);
    return status;
}
