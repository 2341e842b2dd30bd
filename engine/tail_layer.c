/* tail_layer.c - see tail_layer.h. Records, vectors, names and states are in the arena and go with the layer. */
#include "tail_layer.h"

#include "streams_meta.h"
#include "tail_arena.h"
#include "varve/uuid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    ENTRIES_PER_PAGE = 4096,
    KEYS_PER_PAGE = 1024,
    FIRST_SLOTS = 1024,
};

struct entry {
    const uint8_t *record;
    uint32_t size;
};

struct tail_layer {
    uint64_t seed, first_position;
    unsigned indexes;
    uint32_t event_count, key_count;
    uint64_t record_bytes;
    struct tail_arena arena;
    struct tail_pages entries, keys;
    uint32_t *slots; /* key index + 1 */
    uint32_t slot_mask;
    uint32_t *touched; /* indexes of the keys changed since the last publish */
    uint32_t touched_count, touched_capacity;
    struct skip_list sagas; /* those published, by what they are listed by */
};

static struct entry *entry_at(const struct tail_layer *layer, uint32_t i)
{
    return (struct entry *)layer->entries.page[i / ENTRIES_PER_PAGE] + i % ENTRIES_PER_PAGE;
}

static struct layer_key *key_at(const struct tail_layer *layer, uint32_t i)
{
    return (struct layer_key *)layer->keys.page[i / KEYS_PER_PAGE] + i % KEYS_PER_PAGE;
}

/* ---- life ---- */

enum varve_status layer_create(uint64_t seed, unsigned indexes, uint64_t first_position, struct tail_layer **ret_layer)
{
    struct tail_layer *layer = calloc(1, sizeof(*layer));

    if (layer == NULL)
        return VARVE_NO_MEMORY;
    layer->slots = calloc(FIRST_SLOTS, sizeof(*layer->slots));
    if (layer->slots == NULL) {
        free(layer);
        return VARVE_NO_MEMORY;
    }
    layer->slot_mask = FIRST_SLOTS - 1;
    layer->seed = seed;
    layer->indexes = indexes;
    layer->first_position = first_position;
    skip_list_init(&layer->sagas, seed);
    *ret_layer = layer;
    return VARVE_OK;
}

void layer_destroy(struct tail_layer *layer)
{
    if (layer == NULL)
        return;
    tail_arena_free(&layer->arena);
    tail_pages_free(&layer->entries);
    tail_pages_free(&layer->keys);
    free(layer->slots);
    free(layer->touched);
    free(layer);
}

void layer_reset(struct tail_layer *layer, uint64_t first_position)
{
    tail_arena_reset(&layer->arena);
    if (layer->key_count != 0)
        memset(layer->slots, 0, ((size_t)layer->slot_mask + 1) * sizeof(*layer->slots));
    layer->first_position = first_position;
    layer->event_count = layer->key_count = layer->touched_count = 0;
    layer->record_bytes = 0;
    skip_list_init(&layer->sagas, layer->seed);
}

uint64_t layer_record_bytes(const struct tail_layer *layer)
{
    return layer->record_bytes;
}

uint64_t layer_memory_bytes(const struct tail_layer *layer)
{
    return layer->arena.bytes + (uint64_t)layer->entries.count * ENTRIES_PER_PAGE * sizeof(struct entry) +
           (uint64_t)layer->keys.count * KEYS_PER_PAGE * sizeof(struct layer_key) +
           ((uint64_t)layer->slot_mask + 1) * sizeof(*layer->slots);
}

/* ---- keys ---- */

static uint64_t hash_of(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name)
{
    return XXH3_64bits_withSeed(name.data, name.size, layer->seed + (uint64_t)kind);
}

static bool same_key(const struct layer_key *key, uint64_t hash, enum tail_kind kind, struct varve_view name)
{
    return key->hash == hash && key->kind == kind && key->name_size == name.size &&
           memcmp(key->name, name.data, name.size) == 0;
}

static struct layer_key *find_hashed(const struct tail_layer *layer, uint64_t hash, enum tail_kind kind,
                                     struct varve_view name)
{
    for (uint32_t at = (uint32_t)hash & layer->slot_mask; layer->slots[at] != 0; at = (at + 1) & layer->slot_mask) {
        struct layer_key *key = key_at(layer, layer->slots[at] - 1);
        if (same_key(key, hash, kind, name))
            return key;
    }
    return NULL;
}

struct layer_key *layer_find(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name)
{
    return find_hashed(layer, hash_of(layer, kind, name), kind, name);
}

static void enter_slot(uint32_t *slots, uint32_t mask, uint64_t hash, uint32_t index)
{
    uint32_t at = (uint32_t)hash & mask;

    while (slots[at] != 0)
        at = (at + 1) & mask;
    slots[at] = index + 1;
}

static bool grow_slots(struct tail_layer *layer)
{
    if (2 * (uint64_t)(layer->key_count + 1) <= (uint64_t)layer->slot_mask + 1)
        return true;
    uint32_t mask = layer->slot_mask * 4 + 3;
    uint32_t *slots = calloc((size_t)mask + 1, sizeof(*slots));
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < layer->key_count; i++)
        enter_slot(slots, mask, key_at(layer, i)->hash, i);
    free(layer->slots);
    layer->slots = slots;
    layer->slot_mask = mask;
    return true;
}

/* A saga's rows lie behind the states of its stream. They count as records do: a layer of nothing but sagas that begin
 * holds more for each of them than its event. */
static bool init_states(struct tail_layer *layer, struct layer_key *key, const struct tail_event *event, bool is_target)
{
    const struct stream_state *before = is_target ? event->target_before : event->before;
    struct varve_view name = { key->name, key->name_size }, type, id;
    size_t size = 2 * sizeof(*key->states);

    key->is_saga = saga_is_stream(name) && saga_split(name, &type, &id);
    key->states = tail_arena_take(&layer->arena, size + (key->is_saga ? sizeof(struct layer_saga) : 0));
    if (key->states == NULL)
        return false;
    if (before != NULL)
        key->states[0] = *before;
    else
        stream_state_init(&key->states[0]);
    key->states[1] = key->states[0];
    key->first_version = key->states[0].version + 1;
    if (!key->is_saga)
        return true;
    layer->record_bytes += LAYER_SAGA_BYTES;
    return layer_saga_init(layer_key_saga(key), &layer->arena, type, id, event->saga_before);
}

/* The key, made if absent; its name must live as long as the layer. NULL: out of memory. */
static struct layer_key *obtain_key(struct tail_layer *layer, enum tail_kind kind, struct varve_view name,
                                    const struct tail_event *event, bool is_target)
{
    uint64_t hash = hash_of(layer, kind, name);
    struct layer_key *key = find_hashed(layer, hash, kind, name);

    if (key != NULL)
        return key;
    if (!grow_slots(layer) || !tail_pages_reserve(&layer->keys, KEYS_PER_PAGE, sizeof(*key), layer->key_count))
        return NULL;
    key = key_at(layer, layer->key_count);
    *key = (struct layer_key){ .hash = hash, .name = name.data, .name_size = (uint32_t)name.size,
                               .kind = (uint8_t)kind, .capacity = 1 };
    if (kind == TAIL_STREAM && !init_states(layer, key, event, is_target))
        return NULL;
    enter_slot(layer->slots, layer->slot_mask, hash, layer->key_count);
    layer->key_count++;
    return key;
}

static bool reserve_offset(struct tail_layer *layer, struct layer_key *key)
{
    if (key->count < key->capacity)
        return true;
    uint32_t capacity = key->capacity == 1 ? 4 : key->capacity * 2;
    uint32_t *many = tail_arena_take(&layer->arena, capacity * sizeof(*many));
    if (many == NULL)
        return false;
    for (uint32_t i = 0; i < key->count; i++)
        many[i] = layer_key_offset(key, i);
    key->offsets.many = many;
    key->capacity = capacity;
    return true;
}

static void add_offset(struct layer_key *key, uint32_t offset)
{
    if (key->capacity > 1)
        key->offsets.many[key->count] = offset;
    else
        key->offsets.one = offset;
    key->count++;
}

uint32_t layer_key_below(const struct layer_key *key, uint32_t offset)
{
    uint32_t low = 0, high = key->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (layer_key_offset(key, middle) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- adding ---- */

/* All that an event needs, obtained before anything is changed, so that running out of memory changes nothing. Keys
 * without events that such a failure leaves behind are harmless: nothing refers to them. */
struct admission {
    uint8_t *record;
    struct layer_key *keys[TAIL_KINDS]; /* by kind; NULL: not kept */
    struct layer_key *target;           /* of a metadata event */
    struct stream_state target_state;
    struct layer_saga *saga;            /* NULL: it is no saga's */
    struct saga_row saga_row;           /* after the event */
};

static bool reserve_touched(struct tail_layer *layer)
{
    if (layer->touched_count + 2 <= layer->touched_capacity)
        return true;
    uint32_t capacity = layer->touched_capacity == 0 ? 256 : layer->touched_capacity * 2;
    uint32_t *touched = realloc(layer->touched, capacity * sizeof(*touched));
    if (touched == NULL)
        return false;
    layer->touched = touched;
    layer->touched_capacity = capacity;
    return true;
}

static bool obtain_lookup_keys(struct tail_layer *layer, const struct tail_event *event, struct admission *admission)
{
    struct varve_view stream = varve_record_stream(admission->record);
    struct varve_view correlation = { NULL, 16 };
    const struct {
        enum tail_kind kind;
        bool kept;
        struct varve_view name;
    } wanted[] = {
        { TAIL_STREAM, true, stream },
        { TAIL_CATEGORY, (layer->indexes & VARVE_INDEX_CATEGORY) != 0, varve_category(stream) },
        { TAIL_TYPE, (layer->indexes & VARVE_INDEX_TYPE) != 0, varve_record_type(admission->record) },
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (wanted[i].kept) {
            admission->keys[wanted[i].kind] = obtain_key(layer, wanted[i].kind, wanted[i].name, event, false);
            if (admission->keys[wanted[i].kind] == NULL)
                return false;
        }
    if ((layer->indexes & VARVE_INDEX_CORRELATION) == 0 || varve_uuid_is_nil(&event->correlation_id))
        return true;
    struct varve_view given = { (const char *)event->correlation_id.bytes, 16 };
    struct layer_key *key = layer_find(layer, TAIL_CORRELATION, given);
    if (key == NULL) {
        char *bytes = tail_arena_take(&layer->arena, 16);
        if (bytes == NULL)
            return false;
        correlation.data = memcpy(bytes, given.data, 16);
        key = obtain_key(layer, TAIL_CORRELATION, correlation, event, false);
    }
    admission->keys[TAIL_CORRELATION] = key;
    return key != NULL;
}

static enum varve_status prepare_target(struct tail_layer *layer, const struct tail_event *event,
                                        struct admission *admission)
{
    struct varve_view name;
    struct varve_event decoded;

    if (!streams_meta_target(varve_record_stream(admission->record), &name))
        return VARVE_OK;
    admission->target = obtain_key(layer, TAIL_STREAM, name, event, true);
    if (admission->target == NULL)
        return VARVE_NO_MEMORY;
    admission->target_state = admission->target->states[0];
    if (varve_record_decode(admission->record, event->size, &decoded) != VARVE_OK)
        return VARVE_CORRUPT;
    return streams_meta_apply(decoded.data, &admission->target_state);
}

static enum varve_status prepare_saga(struct tail_layer *layer, const struct tail_event *event,
                                      struct admission *admission)
{
    struct layer_saga *saga = layer_key_saga(admission->keys[TAIL_STREAM]);

    if (saga == NULL)
        return VARVE_OK;
    admission->saga = saga;
    admission->saga_row = saga->newest;
    enum varve_status status = saga_fold(&admission->saga_row, admission->record, event->size);
    if (status != VARVE_OK)
        return status;
    return layer_saga_reserve(saga, &layer->arena, &layer->sagas, &admission->saga_row) ? VARVE_OK : VARVE_NO_MEMORY;
}

static enum varve_status prepare(struct tail_layer *layer, const struct tail_event *event, struct admission *admission)
{
    if (!tail_pages_reserve(&layer->entries, ENTRIES_PER_PAGE, sizeof(struct entry), layer->event_count) ||
        !reserve_touched(layer))
        return VARVE_NO_MEMORY;
    admission->record = tail_arena_take(&layer->arena, event->size);
    if (admission->record == NULL)
        return VARVE_NO_MEMORY;
    memcpy(admission->record, event->record, event->size);
    if (!obtain_lookup_keys(layer, event, admission))
        return VARVE_NO_MEMORY;
    enum varve_status status = prepare_target(layer, event, admission);
    if (status == VARVE_OK)
        status = prepare_saga(layer, event, admission);
    for (int kind = 0; kind < TAIL_KINDS && status == VARVE_OK; kind++)
        if (admission->keys[kind] != NULL && !reserve_offset(layer, admission->keys[kind]))
            status = VARVE_NO_MEMORY;
    return status;
}

static void touch(struct tail_layer *layer, struct layer_key *key)
{
    if (key->touched)
        return;
    key->touched = true;
    /* A key's index is found again by its slot only here, once per group and stream. */
    uint32_t at = (uint32_t)key->hash & layer->slot_mask;
    while (key_at(layer, layer->slots[at] - 1) != key)
        at = (at + 1) & layer->slot_mask;
    layer->touched[layer->touched_count++] = layer->slots[at] - 1;
}

enum varve_status layer_add(struct tail_layer *layer, const struct tail_event *event)
{
    struct admission admission = { 0 };
    enum varve_status status = prepare(layer, event, &admission);

    if (status != VARVE_OK)
        return status;
    uint32_t offset = layer->event_count;
    *entry_at(layer, offset) = (struct entry){ admission.record, event->size };
    for (int kind = 0; kind < TAIL_KINDS; kind++)
        if (admission.keys[kind] != NULL)
            add_offset(admission.keys[kind], offset);
    struct layer_key *stream = admission.keys[TAIL_STREAM];
    stream_state_add(&stream->states[0], layer->first_position + offset, varve_record_recorded_at(admission.record));
    assert((uint64_t)stream->states[0].version == varve_record_version(admission.record));
    touch(layer, stream);
    if (admission.saga != NULL)
        admission.saga->newest = admission.saga_row;
    if (admission.target != NULL) {
        admission.target->states[0] = admission.target_state;
        touch(layer, admission.target);
    }
    layer->event_count++;
    layer->record_bytes += event->size;
    return VARVE_OK;
}

void layer_publish(struct tail_layer *layer, struct saga_counts *counts)
{
    for (uint32_t i = 0; i < layer->touched_count; i++) {
        struct layer_key *key = key_at(layer, layer->touched[i]);
        key->states[1] = key->states[0];
        key->touched = false;
        if (key->is_saga)
            layer_saga_publish(layer_key_saga(key), &layer->sagas, counts);
    }
    layer->touched_count = 0;
}

/* ---- looking ---- */

uint64_t tail_layer_first_position(const struct tail_layer *layer)
{
    return layer->first_position;
}

uint32_t tail_layer_count(const struct tail_layer *layer)
{
    return layer->event_count;
}

const uint8_t *tail_layer_record(const struct tail_layer *layer, uint32_t i, uint32_t *ret_size)
{
    assert(i < layer->event_count);
    *ret_size = entry_at(layer, i)->size;
    return entry_at(layer, i)->record;
}

static void describe_key(const struct layer_key *key, struct tail_key *ret_key)
{
    *ret_key = (struct tail_key){
        .kind = (enum tail_kind)key->kind, .name = { key->name, key->name_size }, .count = key->count,
        .offsets = key->capacity > 1 ? key->offsets.many : &key->offsets.one,
    };
    if (key->kind == TAIL_STREAM) {
        ret_key->state = key->states[0];
        ret_key->published = key->states[1];
        ret_key->first_version = key->first_version;
    }
}

bool tail_layer_next_key(const struct tail_layer *layer, enum tail_kind kind, uint32_t *cursor,
                         struct tail_key *ret_key)
{
    while (*cursor < layer->key_count) {
        const struct layer_key *key = key_at(layer, (*cursor)++);
        if (key->kind == kind) {
            describe_key(key, ret_key);
            return true;
        }
    }
    return false;
}

const struct skip_list *tail_layer_sagas(const struct tail_layer *layer)
{
    return &layer->sagas;
}

bool tail_layer_find(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name,
                     struct tail_key *ret_key)
{
    const struct layer_key *key = layer_find(layer, kind, name);

    if (key == NULL)
        return false;
    describe_key(key, ret_key);
    return true;
}
