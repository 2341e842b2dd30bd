/* tail.h - the newest events in memory: those that are committed (or about to be) and not yet settled into store.mdb.
 *
 * Two layers at most: the active one, which grows, and a frozen one, which the settler is writing out. A layer indexes
 * its events by position, stream, category, type and correlation id, and holds the state of every stream that was
 * touched in it, and the row of every saga. The ids of the newest events, settled or not, are remembered beside the
 * layers (recent.h), those of the layers' own events always.
 *
 *   ACTIVE --tail_freeze--> FROZEN --tail_drop_frozen--> gone (its memory kept for the next layer)
 *
 * Threads: one writer (recovery at open, then whoever holds the commit lock) adds, publishes, freezes and drops, and
 * may look without a lock. Readers hold tail_lock_read() for short bites and use only what is published. The settler
 * reads the frozen layer without a lock, because nothing changes it. */
#ifndef ENGINE_TAIL_H
#define ENGINE_TAIL_H

#include "saga_counts.h"
#include "skip_list.h"
#include "stream_state.h"
#include "varve/record.h"

struct tail;
struct tail_layer;

enum tail_kind { TAIL_STREAM, TAIL_CATEGORY, TAIL_TYPE, TAIL_CORRELATION, TAIL_KINDS };

/* One key of a layer and its events there, ascending: positions are layer first_position + offsets[i]. */
struct tail_key {
    enum tail_kind kind;
    struct varve_view name;        /* stream, category, type: text. correlation: the 16 bytes */
    const uint32_t *offsets;
    uint32_t count;                /* may be 0 for a stream that was only changed by metadata */
    struct stream_state state;     /* TAIL_STREAM: after the layer's last event, */
    struct stream_state published; /* and after its last published event */
    int64_t first_version;         /* TAIL_STREAM: of offsets[0] */
};

/* ---- layers, for the settler and for readers under the lock ---- */

uint64_t tail_layer_first_position(const struct tail_layer *layer);
uint32_t tail_layer_count(const struct tail_layer *layer);
/* The i-th record of the layer. */
const uint8_t *tail_layer_record(const struct tail_layer *layer, uint32_t i, uint32_t *ret_size);
/* Every key of a kind, in order of first appearance; start with *cursor = 0, false at the end. */
bool tail_layer_next_key(const struct tail_layer *layer, enum tail_kind kind, uint32_t *cursor,
                         struct tail_key *ret_key);
bool tail_layer_find(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name,
                     struct tail_key *ret_key);
/* The sagas published in the layer, by what they are listed by (saga_keys.h); values are struct layer_saga
 * (tail_sagas.h). */
const struct skip_list *tail_layer_sagas(const struct tail_layer *layer);

/* ---- the writer ---- */

struct tail_options {
    uint64_t seed;             /* of the hash tables */
    uint64_t next_position;    /* of the first event that will be added */
    uint32_t recent_ids;       /* how many ids are remembered */
    unsigned indexes;          /* VARVE_INDEX_*: other keys are not kept */
};
enum varve_status tail_create(const struct tail_options *options, struct tail **ret_tail);
void tail_destroy(struct tail *tail); /* NULL allowed */

/* One event to add: its assigned record, and the parts of it that are looked up by. The views may point anywhere; the
 * tail copies the record. */
struct tail_event {
    const uint8_t *record;
    uint32_t size;
    struct varve_uuid correlation_id;
    /* The stream's state before this event, from outside the active layer; used if the active layer does not know the
     * stream yet. For events of "$$<stream>": the same of <stream>, and how the event changes it. */
    const struct stream_state *before;
    const struct stream_state *target_before;
    const struct saga_row *saga_before; /* For events of a saga's stream likewise. */
};
/* Between these two, and only there, events are added; readers wait meanwhile. */
void tail_begin_adding(struct tail *tail);
void tail_end_adding(struct tail *tail);
/* A hint that an event with this id is added a little later. */
void tail_prefetch(const struct tail *tail, const struct varve_uuid *id);
/* NO_MEMORY leaves the tail as it was. CORRUPT: a metadata event, or a saga's, that cannot be
 * understood. */
enum varve_status tail_add(struct tail *tail, const struct tail_event *event);
/* All that was added is durable now: show it. */
void tail_publish(struct tail *tail);
/* Freeze what is published and begin a new active layer. Nothing unpublished, nothing frozen may exist. NO_MEMORY. */
enum varve_status tail_freeze(struct tail *tail);
const struct tail_layer *tail_frozen(const struct tail *tail); /* NULL when there is none */
void tail_drop_frozen(struct tail *tail);
const struct tail_layer *tail_active(const struct tail *tail);
uint64_t tail_active_bytes(const struct tail *tail);
uint64_t tail_next_position(const struct tail *tail);
uint64_t tail_bytes(const struct tail *tail);                  /* memory held, both layers */
/* The newest state of a stream that the layers know, published or not. */
bool tail_find_state(const struct tail *tail, struct varve_view stream, struct stream_state *ret_state);
/* The newest row of a saga, by its stream's name, likewise. Its texts live as long as the layer. */
bool tail_find_saga(const struct tail *tail, struct varve_view stream, struct saga_row *ret_row);
/* So many sagas there were when the store was settled last; before anything is added. False: no memory. */
bool tail_load_saga_counts(struct tail *tail, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES]);
uint32_t tail_saga_types(const struct tail *tail);
bool tail_knows_saga_type(const struct tail *tail, struct varve_view type);

/* An id among the newest: its position, or 0. Writer, or a reader under the lock. */
uint64_t tail_recent_position(const struct tail *tail, const struct varve_uuid *id);
/* Remember the id of a settled event at open, before anything is added; positions must come in order. */
void tail_remember_id(struct tail *tail, const struct varve_uuid *id, uint64_t position);

/* ---- readers ---- */

void tail_lock_read(struct tail *tail);
void tail_unlock_read(struct tail *tail);
uint64_t tail_visible_position(const struct tail *tail); /* atomic, no lock needed */
/* The first position that a layer holds (next_position when both are empty). Atomic; under the lock it stays. */
uint64_t tail_first_position(const struct tail *tail);
/* Under the lock: the record at a position >= tail_first_position() that is published, else NULL. */
const uint8_t *tail_record(const struct tail *tail, uint64_t position, uint32_t *ret_size);
/* Under the lock: published positions of a key from `from` on, ascending (or descending), at most `room`. */
size_t tail_positions(const struct tail *tail, enum tail_kind kind, struct varve_view name, uint64_t from,
                      bool backwards, uint64_t *ret_positions, size_t room);
/* Under the lock: the position of a stream's version; 0 when the layers do not hold it (or it is not published). */
uint64_t tail_version_position(const struct tail *tail, struct varve_view stream, uint64_t version);
/* Under the lock: the published state of a stream that the layers know. */
bool tail_published_state(const struct tail *tail, struct varve_view stream, struct stream_state *ret_state);
/* Under the lock: the published row of a saga likewise. */
bool tail_published_saga(const struct tail *tail, struct varve_view stream, struct saga_row *ret_row);
/* Under the lock. */
const struct saga_counts *tail_saga_counts(const struct tail *tail);

#endif
