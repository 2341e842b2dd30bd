/* model.h - the whole engine as arrays and linear search: what an append, a change, a read or a look-up must give.
 *
 * Names, types, ids, correlation ids and contents are small numbers here; the test turns them into real ones. Stream s
 * of a client has number s, its metadata stream "$$s" number s + MODEL_STREAMS. Nothing is shared with the engine. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "varve/store.h"

enum {
    MODEL_STREAMS = 12, MODEL_ALL_STREAMS = 2 * MODEL_STREAMS, MODEL_TYPES = 4, MODEL_META_TYPE = MODEL_TYPES,
    MODEL_CORRELATIONS = 5, /* 0 = none */
    MODEL_APPEND_STREAMS = 4, MODEL_APPEND_EVENTS = 12,
};

struct model_event {
    unsigned stream, type, correlation;
    uint64_t id;          /* 0 = made by the store */
    uint64_t content;     /* equal numbers, equal bytes */
    struct varve_stream_change change; /* what the event of a metadata stream says */
    uint64_t version;
    int64_t recorded_at_us;
};
struct model_stream {
    int64_t version;      /* -1: never had an event */
    uint64_t hidden_below, max_count, last_position;
    int64_t max_age_us, created_at_us, updated_at_us;
    bool deleted, tombstoned;
};
struct model {
    const char *const *names; /* of MODEL_STREAMS streams */
    uint64_t recent_ids;  /* ids of so many newest events are known */
    int64_t last_recorded_at_us;
    struct model_stream streams[MODEL_ALL_STREAMS];
    struct model_event *events; /* [position - 1] */
    uint64_t count, room;
    uint64_t appends, conflicts, replays; /* counted as the store's stats are */
};

struct model_request {
    unsigned stream_count, event_count;
    struct { unsigned stream; int64_t expected; } streams[MODEL_APPEND_STREAMS];
    struct { unsigned of, type, correlation; uint64_t id, content; } events[MODEL_APPEND_EVENTS];
};
struct model_outcome {
    enum varve_status status;
    bool replayed;
    unsigned conflict_count;
    struct varve_conflict conflicts[MODEL_APPEND_STREAMS];
    struct varve_append_result results[MODEL_APPEND_STREAMS];
};
struct model_read {
    enum varve_read_kind kind;
    unsigned key;         /* stream; category: the stream whose category it is; type; correlation */
    bool backwards, include_system;
    uint64_t from, limit;
    int64_t since_us, until_us;
};

void model_init(struct model *model, const char *const *names, uint64_t recent_ids);
void model_free(struct model *model);

void model_append(struct model *model, const struct model_request *request, int64_t now_us,
                  struct model_outcome *ret_outcome);
/* `change->stream` is not looked at: `stream` is. The outcome has one result, or one conflict. */
void model_change(struct model *model, unsigned stream, const struct varve_stream_change *change, int64_t now_us,
                  struct model_outcome *ret_outcome);

/* Positions that the read gives, in order; room for all events. Else the status that opening it gives. */
enum varve_status model_read(const struct model *model, const struct model_read *read, int64_t now_us,
                             uint64_t *ret_positions, uint64_t *ret_count);

/* STREAM_NOT_FOUND when it never was. */
enum varve_status model_info(const struct model *model, unsigned stream, struct varve_stream_info *ret_info);
/* Some event has this id. */
bool model_has_id(const struct model *model, uint64_t id);
/* The name of a stream, "$$" in front for metadata. Valid until the next call. */
struct varve_view model_name(const struct model *model, unsigned stream);
/* Numbers of the streams that a list gives, in order; *ret_end: nothing follows. */
unsigned model_list(const struct model *model, struct varve_view prefix, struct varve_view after, unsigned limit,
                    bool include_system, unsigned ret_streams[MODEL_ALL_STREAMS], bool *ret_end);

#endif
