/* model.c - see model.h. Slow and plain on purpose. */
#include "support/model.h"

#include "support/check.h"

#include <stdlib.h>

void model_init(struct model *model, const char *const *names, uint64_t recent_ids)
{
    memset(model, 0, sizeof(*model));
    model->names = names;
    model->recent_ids = recent_ids;
    for (unsigned i = 0; i < MODEL_ALL_STREAMS; i++)
        model->streams[i].version = -1;
}

void model_free(struct model *model)
{
    free(model->events);
}

/* ---- streams ---- */

static bool is_gone(const struct model_stream *stream)
{
    return stream->deleted && stream->version >= 0;
}

static int64_t actual_version(const struct model_stream *stream)
{
    return is_gone(stream) ? -1 : stream->version;
}

static bool holds(int64_t expected, const struct model_stream *stream)
{
    if (stream->tombstoned)
        return false;
    if (expected == VARVE_EXPECTED_ANY)
        return true;
    if (expected == VARVE_EXPECTED_NO_STREAM)
        return actual_version(stream) == -1;
    if (expected == VARVE_EXPECTED_STREAM_EXISTS)
        return actual_version(stream) != -1;
    return stream->version == expected;
}

static uint64_t first_shown(const struct model_stream *stream)
{
    uint64_t count = (uint64_t)(stream->version + 1), first = stream->hidden_below;

    if (stream->tombstoned)
        return count;
    if (stream->max_count != 0 && stream->max_count < count && count - stream->max_count > first)
        first = count - stream->max_count;
    return first;
}

static bool is_shown(const struct model *model, const struct model_event *event, int64_t now_us)
{
    const struct model_stream *stream = &model->streams[event->stream];

    if (stream->tombstoned || event->version < first_shown(stream))
        return false;
    return stream->max_age_us == 0 || now_us - event->recorded_at_us <= stream->max_age_us;
}

static void apply_change(struct model_stream *target, const struct varve_stream_change *change)
{
    uint64_t all = (uint64_t)(target->version + 1), truncate = change->truncate_before;

    switch (change->kind) {
    case VARVE_STREAM_TRUNCATE:
        truncate = truncate < all ? truncate : all;
        target->hidden_below = truncate > target->hidden_below ? truncate : target->hidden_below;
        break;
    case VARVE_STREAM_RETENTION:
        target->max_count = change->max_count;
        target->max_age_us = change->max_age_us;
        break;
    case VARVE_STREAM_DELETE:
        target->hidden_below = all;
        target->deleted = true;
        break;
    case VARVE_STREAM_TOMBSTONE:
        target->hidden_below = all;
        target->tombstoned = true;
        break;
    }
}

/* ---- appending ---- */

static void store(struct model *model, struct model_event event, int64_t now_us, struct varve_append_result *result)
{
    struct model_stream *stream = &model->streams[event.stream];

    if (model->count == model->room) {
        model->room = model->room == 0 ? 256 : 2 * model->room;
        model->events = realloc(model->events, model->room * sizeof(*model->events));
        assert_non_null(model->events);
    }
    model->last_recorded_at_us = now_us > model->last_recorded_at_us ? now_us : model->last_recorded_at_us;
    event.version = (uint64_t)++stream->version;
    event.recorded_at_us = stream->updated_at_us = model->last_recorded_at_us;
    if (event.version == 0)
        stream->created_at_us = event.recorded_at_us;
    stream->deleted = false;
    model->events[model->count++] = event;
    stream->last_position = model->count;
    if (result->first_version < 0) {
        result->first_version = stream->version;
        result->first_position = model->count;
    }
    result->last_version = stream->version;
    result->last_position = model->count;
}

/* The position of a known event with this id; 0 when none of the newest has it. */
static uint64_t known_position(const struct model *model, uint64_t id)
{
    for (uint64_t at = model->count; id != 0 && at > 0 && at + model->recent_ids > model->count; at--)
        if (model->events[at - 1].id == id)
            return at;
    return 0;
}

static uint64_t position_of(const struct model *model, unsigned stream, uint64_t version)
{
    for (uint64_t at = 0; at < model->count; at++)
        if (model->events[at].stream == stream && model->events[at].version == version)
            return at + 1;
    return 0;
}

static bool same_content(const struct model *model, const struct model_request *request, unsigned i, uint64_t position)
{
    const struct model_event *event = &model->events[position - 1];

    return event->stream == request->streams[request->events[i].of].stream && event->type == request->events[i].type &&
           event->correlation == request->events[i].correlation && event->content == request->events[i].content;
}

enum finding { SAME, NEW, REUSED };

/* Was this stream's share of the request stored before, as it stands there? */
static enum finding find_share(const struct model *model, const struct model_request *request, unsigned index,
                               struct varve_append_result *result)
{
    unsigned stream = request->streams[index].stream;
    int64_t expected = request->streams[index].expected;
    uint64_t ordinal = 0, first = 0;

    for (unsigned i = 0; i < request->event_count; i++) {
        if (request->events[i].of != index)
            continue;
        uint64_t position = known_position(model, request->events[i].id);
        if (position == 0 && expected >= VARVE_EXPECTED_NO_STREAM)
            position = position_of(model, stream, (uint64_t)(expected + 1) + ordinal);
        if (position == 0 || request->events[i].id == 0 || model->events[position - 1].id != request->events[i].id)
            return NEW;
        if (!same_content(model, request, i, position))
            return REUSED;
        uint64_t version = model->events[position - 1].version;
        if (ordinal == 0) {
            first = expected >= 0 ? (uint64_t)expected + 1 : version;
            result->first_version = (int64_t)version;
            result->first_position = position;
        }
        if (version != first + ordinal++)
            return NEW;
        result->last_version = (int64_t)version;
        result->last_position = position;
    }
    return SAME;
}

static void add_conflict(const struct model *model, const struct model_request *request, unsigned index,
                         enum varve_status status, struct model_outcome *outcome)
{
    const struct model_stream *stream = &model->streams[request->streams[index].stream];
    int64_t expected = request->streams[index].expected;

    outcome->conflicts[outcome->conflict_count++] = (struct varve_conflict){
        .stream_index = index, .status = status, .expected = expected,
        .actual = expected >= 0 ? stream->version : actual_version(stream), /* A deleted one's versions go on. */
    };
    outcome->status = outcome->conflicts[0].status;
}

/* Which stream to name when not all of the request is old, and why. */
static enum finding find_mix(const struct model *model, const struct model_request *request, unsigned *index)
{
    for (unsigned i = 0; i < request->event_count; i++) {
        uint64_t position = known_position(model, request->events[i].id);
        if (position == 0)
            continue;
        *index = request->events[i].of;
        if (!same_content(model, request, i, position))
            return REUSED;
    }
    return NEW;
}

/* Something is in the way: a replay, an id used again, a mix of old and new, or plain conflicts. */
static void judge_doubt(const struct model *model, const struct model_request *request, struct model_outcome *outcome)
{
    enum finding finding = SAME;
    unsigned index = 0;

    for (unsigned i = 0; i < request->stream_count && finding == SAME; i++) {
        bool written = false;
        for (unsigned k = 0; k < request->event_count; k++)
            written = written || request->events[k].of == i;
        if (!written)
            continue;
        index = i;
        finding = find_share(model, request, i, &outcome->results[i]);
    }
    if (finding == NEW)
        finding = find_mix(model, request, &index);
    if (finding == SAME) {
        outcome->status = VARVE_OK;
        outcome->replayed = true;
        outcome->conflict_count = 0;
    } else if (finding == REUSED) {
        outcome->conflict_count = 0;
        add_conflict(model, request, index, VARVE_ID_REUSED, outcome);
    } else if (outcome->conflict_count == 0) {
        add_conflict(model, request, index, VARVE_WRONG_EXPECTED_VERSION, outcome);
    }
}

static void store_all(struct model *model, const struct model_request *request, int64_t now_us,
                      struct model_outcome *outcome)
{
    for (unsigned i = 0; i < request->event_count; i++) {
        struct model_event event = { .stream = request->streams[request->events[i].of].stream,
                                     .type = request->events[i].type, .correlation = request->events[i].correlation,
                                     .id = request->events[i].id, .content = request->events[i].content };
        store(model, event, now_us, &outcome->results[request->events[i].of]);
    }
}

void model_append(struct model *model, const struct model_request *request, int64_t now_us,
                  struct model_outcome *ret_outcome)
{
    bool has_ids = false, knows_one = false;

    memset(ret_outcome, 0, sizeof(*ret_outcome));
    for (unsigned i = 0; i < request->stream_count; i++) {
        const struct model_stream *stream = &model->streams[request->streams[i].stream];
        ret_outcome->results[i] = (struct varve_append_result){ .first_version = -1, .last_version = stream->version };
        if (!holds(request->streams[i].expected, stream))
            add_conflict(model, request, i, stream->tombstoned ? VARVE_STREAM_TOMBSTONED : VARVE_WRONG_EXPECTED_VERSION,
                         ret_outcome);
    }
    for (unsigned i = 0; i < request->event_count; i++) {
        has_ids = has_ids || request->events[i].id != 0;
        knows_one = knows_one || known_position(model, request->events[i].id) != 0;
    }
    if (ret_outcome->conflict_count == 0 && !knows_one)
        store_all(model, request, now_us, ret_outcome);
    else if (has_ids)
        judge_doubt(model, request, ret_outcome);
    if (ret_outcome->replayed)
        model->replays++;
    else if (ret_outcome->status == VARVE_OK)
        model->appends++;
    else
        model->conflicts++;
}

void model_change(struct model *model, unsigned stream, const struct varve_stream_change *change, int64_t now_us,
                  struct model_outcome *ret_outcome)
{
    struct model_stream *target = &model->streams[stream];
    int64_t expected = change->expected == VARVE_EXPECTED_ANY ? VARVE_EXPECTED_STREAM_EXISTS : change->expected;
    struct model_event event = { .stream = stream + MODEL_STREAMS, .type = MODEL_META_TYPE, .change = *change };

    memset(ret_outcome, 0, sizeof(*ret_outcome));
    ret_outcome->results[0].first_version = -1;
    if (holds(expected, target)) {
        store(model, event, now_us, &ret_outcome->results[0]);
        apply_change(target, change);
        model->appends++;
        return;
    }
    model->conflicts++;
    ret_outcome->status = target->tombstoned                         ? VARVE_STREAM_TOMBSTONED
                          : expected == VARVE_EXPECTED_STREAM_EXISTS ? VARVE_STREAM_NOT_FOUND
                                                                     : VARVE_WRONG_EXPECTED_VERSION;
    ret_outcome->conflict_count = 1;
    ret_outcome->conflicts[0] = (struct varve_conflict){ .stream_index = 0, .status = ret_outcome->status,
        .expected = expected, .actual = expected >= 0 ? target->version : actual_version(target) };
}

/* ---- reading ---- */

static bool matches(const struct model *model, const struct model_read *read, uint64_t position, int64_t now_us)
{
    const struct model_event *event = &model->events[position - 1];
    bool system = event->stream >= MODEL_STREAMS;
    uint64_t ordinal = read->kind == VARVE_READ_STREAM ? event->version : position;

    if (read->kind == VARVE_READ_STREAM && event->stream != read->key)
        return false;
    if (read->kind != VARVE_READ_STREAM && system && !read->include_system)
        return false;
    if (read->kind == VARVE_READ_TYPE && event->type != read->key)
        return false;
    if (read->kind == VARVE_READ_CORRELATION && event->correlation != read->key)
        return false;
    if (read->kind == VARVE_READ_CATEGORY) {
        char wanted[VARVE_MAX_SYSTEM_STREAM_NAME];
        struct varve_view category = varve_category(model_name(model, read->key));
        memcpy(wanted, category.data, category.size);
        category.data = wanted;
        if (!varve_view_equal(varve_category(model_name(model, event->stream)), category))
            return false;
    }
    if (read->from != VARVE_FROM_EDGE && (read->backwards ? ordinal > read->from : ordinal < read->from))
        return false;
    if ((read->since_us != VARVE_TIME_NONE && event->recorded_at_us < read->since_us) ||
        (read->until_us != VARVE_TIME_NONE && event->recorded_at_us >= read->until_us))
        return false;
    return is_shown(model, event, now_us);
}

enum varve_status model_read(const struct model *model, const struct model_read *read, int64_t now_us,
                             uint64_t *ret_positions, uint64_t *ret_count)
{
    *ret_count = 0;
    if (read->kind == VARVE_READ_STREAM) {
        const struct model_stream *stream = &model->streams[read->key];
        if (stream->version < 0)
            return VARVE_STREAM_NOT_FOUND;
        if (stream->tombstoned)
            return VARVE_STREAM_TOMBSTONED;
        if (is_gone(stream))
            return VARVE_STREAM_NOT_FOUND;
    }
    for (uint64_t i = 0; i < model->count && (read->limit == 0 || *ret_count < read->limit); i++) {
        uint64_t position = read->backwards ? model->count - i : i + 1;
        if (matches(model, read, position, now_us))
            ret_positions[(*ret_count)++] = position;
    }
    return VARVE_OK;
}

enum varve_status model_info(const struct model *model, unsigned number, struct varve_stream_info *ret_info)
{
    const struct model_stream *stream = &model->streams[number];

    if (stream->version < 0)
        return VARVE_STREAM_NOT_FOUND;
    *ret_info = (struct varve_stream_info){
        .version = stream->version, .first_version = first_shown(stream), .last_position = stream->last_position,
        .created_at_us = stream->created_at_us, .updated_at_us = stream->updated_at_us,
        .truncate_before = stream->hidden_below, .max_count = stream->max_count, .max_age_us = stream->max_age_us,
        .deleted = is_gone(stream), .tombstoned = stream->tombstoned,
    };
    return VARVE_OK;
}

bool model_has_id(const struct model *model, uint64_t id)
{
    for (uint64_t at = 0; at < model->count; at++)
        if (model->events[at].id == id)
            return true;
    return false;
}

struct varve_view model_name(const struct model *model, unsigned stream)
{
    static __thread char name[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    int size = snprintf(name, sizeof(name), "%s%s", stream < MODEL_STREAMS ? "" : "$$",
                        model->names[stream % MODEL_STREAMS]);

    return varve_view_of(name, (size_t)size);
}

static int compare(struct varve_view a, struct varve_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* The first stream behind `after` that is listed; MODEL_ALL_STREAMS when there is none. */
static unsigned next_listed(const struct model *model, struct varve_view prefix, struct varve_view after,
                            bool include_system)
{
    char best_bytes[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    struct varve_view best = { best_bytes, 0 };
    unsigned found = MODEL_ALL_STREAMS;

    for (unsigned i = 0; i < MODEL_ALL_STREAMS; i++) {
        struct varve_view name = model_name(model, i);
        if (model->streams[i].version < 0 || (i >= MODEL_STREAMS && !include_system) || name.size < prefix.size ||
            (prefix.size > 0 && memcmp(name.data, prefix.data, prefix.size) != 0) || compare(name, after) <= 0)
            continue;
        if (found == MODEL_ALL_STREAMS || compare(name, best) < 0) {
            found = i;
            memcpy(best_bytes, name.data, name.size);
            best.size = name.size;
        }
    }
    return found;
}

unsigned model_list(const struct model *model, struct varve_view prefix, struct varve_view after, unsigned limit,
                    bool include_system, unsigned ret_streams[MODEL_ALL_STREAMS], bool *ret_end)
{
    char last_bytes[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    struct varve_view last = { last_bytes, after.size };
    unsigned count = 0, next;

    if (after.size > 0)
        memcpy(last_bytes, after.data, after.size);
    while ((next = next_listed(model, prefix, last, include_system)) != MODEL_ALL_STREAMS && count < limit) {
        struct varve_view name = model_name(model, next);
        memcpy(last_bytes, name.data, name.size);
        last.size = name.size;
        ret_streams[count++] = next;
    }
    *ret_end = next == MODEL_ALL_STREAMS;
    return count;
}
