/* tail.c - see tail.h. The lock prefers writers: a stream of readers must not keep a commit waiting. */
#include "tail.h"

#include "recent.h"
#include "tail_layer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct tail {
    struct tail_options options;
    struct tail_layer *active;
    struct tail_layer *frozen;
    struct tail_layer *spare; /* a dropped layer, for its memory */
    struct recent *recent;
    struct saga_counts sagas; /* changes under the lock */
    uint64_t next_position;
    uint64_t visible_position; /* atomic */
    uint64_t first_position;   /* atomic: of the older layer; changes under the lock */
    pthread_rwlock_t lock;
};

static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;

    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

enum varve_status tail_create(const struct tail_options *options, struct tail **ret_tail)
{
    struct tail *tail = calloc(1, sizeof(*tail));

    if (tail == NULL)
        return VARVE_NO_MEMORY;
    tail->options = *options;
    tail->next_position = options->next_position;
    tail->visible_position = options->next_position - 1;
    tail->first_position = options->next_position;
    init_lock(&tail->lock);
    enum varve_status status = layer_create(options->seed, options->indexes, options->next_position, &tail->active);
    if (status == VARVE_OK)
        status = recent_create(options->recent_ids, options->seed, &tail->recent);
    if (status != VARVE_OK) {
        tail_destroy(tail);
        return status;
    }
    *ret_tail = tail;
    return VARVE_OK;
}

void tail_destroy(struct tail *tail)
{
    if (tail == NULL)
        return;
    layer_destroy(tail->active);
    layer_destroy(tail->frozen);
    layer_destroy(tail->spare);
    recent_destroy(tail->recent);
    saga_counts_free(&tail->sagas);
    pthread_rwlock_destroy(&tail->lock);
    free(tail);
}

/* ---- the writer ---- */

void tail_begin_adding(struct tail *tail)
{
    pthread_rwlock_wrlock(&tail->lock);
}

void tail_end_adding(struct tail *tail)
{
    pthread_rwlock_unlock(&tail->lock);
}

void tail_prefetch(const struct tail *tail, const struct varve_uuid *id)
{
    recent_prefetch(tail->recent, id);
}

/* What is not settled is found by id here and nowhere else, so its ids are never forgotten: the layers may hold more
 * than was reckoned with when a crash left much in the journal. */
static enum varve_status make_room_for_id(struct tail *tail)
{
    if (tail->next_position - tail_first_position(tail) < recent_capacity(tail->recent))
        return VARVE_OK;
    return recent_grow(&tail->recent);
}

/* Publishing counts it, and must not fail. */
static enum varve_status reserve_saga_type(struct tail *tail, struct varve_view stream)
{
    struct varve_view type, id;

    if (!saga_is_stream(stream) || !saga_split(stream, &type, &id))
        return VARVE_OK;
    return saga_counts_reserve(&tail->sagas, type) ? VARVE_OK : VARVE_NO_MEMORY;
}

enum varve_status tail_add(struct tail *tail, const struct tail_event *event)
{
    assert(varve_record_position(event->record) == tail->next_position);
    enum varve_status status = make_room_for_id(tail);
    if (status == VARVE_OK)
        status = reserve_saga_type(tail, varve_record_stream(event->record));
    if (status == VARVE_OK)
        status = layer_add(tail->active, event);
    if (status == VARVE_OK) {
        struct varve_uuid id = varve_record_id(event->record);
        recent_add(tail->recent, &id, tail->next_position);
        tail->next_position++;
    }
    return status;
}

void tail_publish(struct tail *tail)
{
    pthread_rwlock_wrlock(&tail->lock);
    layer_publish(tail->active, &tail->sagas);
    __atomic_store_n(&tail->visible_position, tail->next_position - 1, __ATOMIC_RELEASE);
    pthread_rwlock_unlock(&tail->lock);
}

enum varve_status tail_freeze(struct tail *tail)
{
    struct tail_layer *fresh = tail->spare;

    assert(tail->frozen == NULL);
    assert(tail_visible_position(tail) == tail->next_position - 1);
    if (fresh == NULL) {
        enum varve_status status =
            layer_create(tail->options.seed, tail->options.indexes, tail->next_position, &fresh);
        if (status != VARVE_OK)
            return status;
    }
    layer_reset(fresh, tail->next_position);
    pthread_rwlock_wrlock(&tail->lock);
    tail->spare = NULL;
    tail->frozen = tail->active;
    tail->active = fresh;
    pthread_rwlock_unlock(&tail->lock);
    return VARVE_OK;
}

const struct tail_layer *tail_frozen(const struct tail *tail)
{
    return tail->frozen;
}

const struct tail_layer *tail_active(const struct tail *tail)
{
    return tail->active;
}

void tail_drop_frozen(struct tail *tail)
{
    pthread_rwlock_wrlock(&tail->lock);
    struct tail_layer *dropped = tail->frozen;
    tail->frozen = NULL;
    __atomic_store_n(&tail->first_position, tail_layer_first_position(tail->active), __ATOMIC_RELEASE);
    pthread_rwlock_unlock(&tail->lock);
    assert(dropped != NULL && tail->spare == NULL);
    layer_reset(dropped, 0);
    tail->spare = dropped;
}

uint64_t tail_active_bytes(const struct tail *tail)
{
    return layer_record_bytes(tail->active);
}

uint64_t tail_next_position(const struct tail *tail)
{
    return tail->next_position;
}

uint64_t tail_bytes(const struct tail *tail)
{
    return layer_memory_bytes(tail->active) + (tail->frozen == NULL ? 0 : layer_memory_bytes(tail->frozen));
}

static const struct layer_key *find_stream(const struct tail *tail, struct varve_view stream)
{
    const struct layer_key *key = layer_find(tail->active, TAIL_STREAM, stream);

    return key != NULL || tail->frozen == NULL ? key : layer_find(tail->frozen, TAIL_STREAM, stream);
}

/* [0] is the newest state, [1] the published one. */
static bool find_state(const struct tail *tail, struct varve_view stream, int which, struct stream_state *ret_state)
{
    const struct layer_key *key = find_stream(tail, stream);

    if (key == NULL)
        return false;
    *ret_state = key->states[which];
    return true;
}

bool tail_find_state(const struct tail *tail, struct varve_view stream, struct stream_state *ret_state)
{
    return find_state(tail, stream, 0, ret_state);
}

bool tail_find_saga(const struct tail *tail, struct varve_view stream, struct saga_row *ret_row)
{
    const struct layer_key *key = find_stream(tail, stream);

    if (key == NULL || !key->is_saga)
        return false;
    *ret_row = layer_key_saga(key)->newest;
    return true;
}

bool tail_load_saga_counts(struct tail *tail, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    return saga_counts_load(&tail->sagas, type, by_status);
}

uint32_t tail_saga_types(const struct tail *tail)
{
    return tail->sagas.count;
}

bool tail_knows_saga_type(const struct tail *tail, struct varve_view type)
{
    return saga_counts_knows(&tail->sagas, type);
}

uint64_t tail_recent_position(const struct tail *tail, const struct varve_uuid *id)
{
    return recent_find(tail->recent, id);
}

void tail_remember_id(struct tail *tail, const struct varve_uuid *id, uint64_t position)
{
    recent_add(tail->recent, id, position);
}

/* ---- readers ---- */

void tail_lock_read(struct tail *tail)
{
    pthread_rwlock_rdlock(&tail->lock);
}

void tail_unlock_read(struct tail *tail)
{
    pthread_rwlock_unlock(&tail->lock);
}

uint64_t tail_visible_position(const struct tail *tail)
{
    return __atomic_load_n(&tail->visible_position, __ATOMIC_ACQUIRE);
}

uint64_t tail_first_position(const struct tail *tail)
{
    return __atomic_load_n(&tail->first_position, __ATOMIC_ACQUIRE);
}

static const struct tail_layer *layer_of(const struct tail *tail, uint64_t position)
{
    return position >= tail_layer_first_position(tail->active) ? tail->active : tail->frozen;
}

const uint8_t *tail_record(const struct tail *tail, uint64_t position, uint32_t *ret_size)
{
    if (position > tail_visible_position(tail) || position < tail_first_position(tail))
        return NULL;
    const struct tail_layer *layer = layer_of(tail, position);
    return tail_layer_record(layer, (uint32_t)(position - tail_layer_first_position(layer)), ret_size);
}

/* A distance from a layer's beginning; a layer holds fewer events than the greatest stands for. */
static uint32_t as_offset(uint64_t distance)
{
    return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}

/* One layer's share of tail_positions(). */
static size_t layer_positions(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name,
                              uint64_t from, uint64_t visible, bool backwards, uint64_t *ret_positions, size_t room)
{
    const struct layer_key *key = layer == NULL ? NULL : layer_find(layer, kind, name);
    uint64_t first = layer == NULL ? 0 : tail_layer_first_position(layer);
    size_t count = 0;

    if (key == NULL || visible < first || (backwards && from < first))
        return 0;
    uint32_t end = layer_key_below(key, as_offset(visible - first + 1));
    if (backwards) {
        uint64_t above = from - first + 1;
        uint32_t at = layer_key_below(key, as_offset(above));
        for (at = at < end ? at : end; at > 0 && count < room; at--)
            ret_positions[count++] = first + layer_key_offset(key, at - 1);
        return count;
    }
    uint64_t below = from <= first ? 0 : from - first;
    for (uint32_t at = layer_key_below(key, as_offset(below));
         at < end && count < room; at++)
        ret_positions[count++] = first + layer_key_offset(key, at);
    return count;
}

size_t tail_positions(const struct tail *tail, enum tail_kind kind, struct varve_view name, uint64_t from,
                      bool backwards, uint64_t *ret_positions, size_t room)
{
    const struct tail_layer *order[2] = { backwards ? tail->active : tail->frozen,
                                          backwards ? tail->frozen : tail->active };
    uint64_t visible = tail_visible_position(tail);
    size_t count = 0;

    for (int i = 0; i < 2; i++)
        count += layer_positions(order[i], kind, name, from, visible, backwards, ret_positions + count, room - count);
    return count;
}

static uint64_t version_in_layer(const struct tail_layer *layer, struct varve_view stream, uint64_t version)
{
    const struct layer_key *key = layer == NULL ? NULL : layer_find(layer, TAIL_STREAM, stream);

    if (key == NULL || version < (uint64_t)key->first_version || version - (uint64_t)key->first_version >= key->count)
        return 0;
    uint32_t offset = layer_key_offset(key, (uint32_t)(version - (uint64_t)key->first_version));
    return tail_layer_first_position(layer) + offset;
}

uint64_t tail_version_position(const struct tail *tail, struct varve_view stream, uint64_t version)
{
    uint64_t position = version_in_layer(tail->active, stream, version);

    if (position == 0)
        position = version_in_layer(tail->frozen, stream, version);
    return position <= tail_visible_position(tail) ? position : 0;
}

bool tail_published_state(const struct tail *tail, struct varve_view stream, struct stream_state *ret_state)
{
    return find_state(tail, stream, 1, ret_state);
}

bool tail_published_saga(const struct tail *tail, struct varve_view stream, struct saga_row *ret_row)
{
    const struct layer_key *key = find_stream(tail, stream);

    if (key == NULL || !key->is_saga)
        return false;
    *ret_row = layer_key_saga(key)->published;
    return true;
}

const struct saga_counts *tail_saga_counts(const struct tail *tail)
{
    return &tail->sagas;
}
