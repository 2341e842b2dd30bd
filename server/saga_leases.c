/* saga_leases.c - see saga_leases.h. A table of leases, found by the saga's name and, the first to end, by a heap. */
#include "saga_leases.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "group_state_heap.h"

#define NONE UINT32_MAX
enum { FIRST_SLOTS = 64, MALLOC_ROUNDING = 32 };

struct lease {
    char *name;               /* type 0 id; NULL: the slot is free */
    uint32_t type_size, name_size;
    uint64_t hash;
    int64_t version;
    uint64_t position;
    uint64_t claim;
    uint32_t next;            /* in its bucket, or of the free slots */
};

struct want {                 /* struct saga_want, with memory of its own */
    char type[VARVE_SAGA_MAX_TYPE], step[VARVE_SAGA_MAX_STEP];
    uint32_t type_size, step_size;
    enum varve_saga_status status;
    uint64_t low;
    uint64_t used;            /* when, in uses */
};

struct saga_leases {
    uint32_t capacity, slots, count, free;
    uint64_t seed, freed, uses;
    struct lease *leases;     /* `slots` of them, a power of two */
    uint32_t *buckets;        /* likewise */
    struct group_heap ends;   /* of slots, by the end of the lease's time */
    struct want wants[SAGA_MAX_WANTS];
    uint32_t want_count;
};

uint64_t saga_leases_bound(uint32_t capacity)
{
    uint64_t slot = sizeof(struct lease) + sizeof(uint32_t) + sizeof(struct group_heap_entry) + sizeof(uint32_t);
    uint64_t name = VARVE_SAGA_MAX_TYPE + 1 + VARVE_SAGA_MAX_ID + MALLOC_ROUNDING;

    return sizeof(struct saga_leases) + capacity * (2 * slot + name); /* Tables double, and are copied then. */
}

struct saga_leases *saga_leases_create(uint32_t capacity, uint64_t seed)
{
    struct saga_leases *leases = calloc(1, sizeof(*leases));

    if (leases == NULL)
        return NULL;
    leases->capacity = capacity;
    leases->seed = seed;
    leases->free = NONE;
    return leases;
}

void saga_leases_free(struct saga_leases *leases)
{
    if (leases == NULL)
        return;
    for (uint32_t slot = 0; slot < leases->slots; slot++)
        free(leases->leases[slot].name);
    free(leases->leases);
    free(leases->buckets);
    group_heap_free(&leases->ends);
    free(leases);
}

uint32_t saga_leases_count(const struct saga_leases *leases)
{
    return leases->count;
}

uint64_t saga_leases_freed(const struct saga_leases *leases)
{
    return leases->freed;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct saga_leases *leases, struct varve_view type, struct varve_view id)
{
    return XXH3_64bits_withSeed(id.data, id.size, XXH3_64bits_withSeed(type.data, type.size, leases->seed));
}

static uint32_t *bucket_of(const struct saga_leases *leases, uint64_t hash)
{
    return &leases->buckets[hash & (leases->slots - 1)];
}

static struct varve_view type_of(const struct lease *lease)
{
    return varve_view_of(lease->name, lease->type_size);
}

static bool is_of(const struct lease *lease, struct varve_view type, struct varve_view id)
{
    size_t id_at = lease->type_size + 1;

    return varve_view_equal(type_of(lease), type) &&
           varve_view_equal(varve_view_of(lease->name + id_at, lease->name_size - id_at), id);
}

static uint32_t find(const struct saga_leases *leases, uint64_t hash, struct varve_view type, struct varve_view id)
{
    if (leases->count == 0)
        return NONE;
    uint32_t slot = *bucket_of(leases, hash);
    while (slot != NONE && (leases->leases[slot].hash != hash || !is_of(&leases->leases[slot], type, id)))
        slot = leases->leases[slot].next;
    return slot;
}

static void link_slot(struct saga_leases *leases, uint32_t slot)
{
    uint32_t *bucket = bucket_of(leases, leases->leases[slot].hash);

    leases->leases[slot].next = *bucket;
    *bucket = slot;
}

static void unlink_slot(struct saga_leases *leases, uint32_t slot)
{
    uint32_t *at = bucket_of(leases, leases->leases[slot].hash);

    while (*at != slot)
        at = &leases->leases[*at].next;
    *at = leases->leases[slot].next;
}

/* All slots are taken: twice as many. False: no memory, nothing changed. */
static bool grow(struct saga_leases *leases)
{
    uint32_t slots = leases->slots == 0 ? FIRST_SLOTS : 2 * leases->slots;

    if (!group_heap_reserve(&leases->ends, slots))
        return false;
    uint32_t *buckets = malloc(slots * sizeof(*buckets));
    struct lease *table = buckets == NULL ? NULL : realloc(leases->leases, slots * sizeof(*table));
    if (table == NULL) {
        free(buckets);
        return false;
    }
    free(leases->buckets);
    leases->buckets = buckets;
    leases->leases = table;
    memset(buckets, 0xff, slots * sizeof(*buckets)); /* NONE */
    uint32_t taken = leases->slots;
    leases->slots = slots;
    for (uint32_t slot = 0; slot < taken; slot++)
        link_slot(leases, slot);
    for (uint32_t slot = slots; slot-- > taken;) {
        table[slot] = (struct lease){ .next = leases->free };
        leases->free = slot;
    }
    return true;
}

/* A slot with this name, linked. NONE: no room or no memory. */
static uint32_t add(struct saga_leases *leases, uint64_t hash, struct varve_view type, struct varve_view id)
{
    if (leases->count == leases->capacity || (leases->free == NONE && !grow(leases)))
        return NONE;
    char *name = malloc(type.size + 1 + id.size);
    if (name == NULL)
        return NONE;
    memcpy(name, type.data, type.size);
    name[type.size] = 0;
    memcpy(name + type.size + 1, id.data, id.size);
    uint32_t slot = leases->free;
    struct lease *lease = &leases->leases[slot];
    leases->free = lease->next;
    *lease = (struct lease){ .name = name, .type_size = (uint32_t)type.size, .hash = hash,
                             .name_size = (uint32_t)(type.size + 1 + id.size) };
    link_slot(leases, slot);
    leases->count++;
    return slot;
}

static void drop(struct saga_leases *leases, uint32_t slot)
{
    struct lease *lease = &leases->leases[slot];

    group_heap_remove(&leases->ends, slot);
    unlink_slot(leases, slot);
    free(lease->name);
    *lease = (struct lease){ .next = leases->free };
    leases->free = slot;
    leases->count--;
}

/* ---- what is wanted --------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct want *known, const struct saga_want *want)
{
    return known->status == want->status &&
           varve_view_equal(varve_view_of(known->type, known->type_size), want->type) &&
           known->step_size == want->step.size &&
           (want->step.size == 0 || memcmp(known->step, want->step.data, want->step.size) == 0);
}

static struct want *find_want(struct saga_leases *leases, const struct saga_want *want)
{
    for (uint32_t i = 0; i < leases->want_count; i++) {
        if (is_wanted(&leases->wants[i], want)) {
            leases->wants[i].used = ++leases->uses;
            return &leases->wants[i];
        }
    }
    return NULL;
}

/* A new one, or that which was not used for longest: whoever wants it begins at the list's beginning again. */
static struct want *place_for_want(struct saga_leases *leases)
{
    struct want *oldest = &leases->wants[0];

    if (leases->want_count < SAGA_MAX_WANTS)
        return &leases->wants[leases->want_count++];
    for (uint32_t i = 1; i < leases->want_count; i++) {
        if (leases->wants[i].used < oldest->used)
            oldest = &leases->wants[i];
    }
    return oldest;
}

uint64_t saga_leases_low(struct saga_leases *leases, const struct saga_want *want)
{
    const struct want *known = find_want(leases, want);

    return known == NULL ? 0 : known->low;
}

void saga_leases_looked(struct saga_leases *leases, const struct saga_want *want, uint64_t from, uint64_t to)
{
    struct want *known = find_want(leases, want);

    if (known == NULL && from == 0) {
        assert(want->type.size <= VARVE_SAGA_MAX_TYPE && want->step.size <= VARVE_SAGA_MAX_STEP);
        known = place_for_want(leases);
        *known = (struct want){ .type_size = (uint32_t)want->type.size, .step_size = (uint32_t)want->step.size,
                                .status = want->status, .used = ++leases->uses };
        memcpy(known->type, want->type.data, want->type.size);
        if (want->step.size > 0)
            memcpy(known->step, want->step.data, want->step.size);
    }
    /* Where it fell back meanwhile, what lies before `from` was not looked at. */
    if (known != NULL && known->low >= from && known->low < to)
        known->low = to;
}

/* ---- beginning and end of a lease ------------------------------------------------------------------------------- */

/* It can be given again: nobody may look past it. */
static void free_again(struct saga_leases *leases, uint32_t slot)
{
    const struct lease *lease = &leases->leases[slot];

    for (uint32_t i = 0; i < leases->want_count; i++) {
        struct want *want = &leases->wants[i];

        if (want->low >= lease->position && varve_view_equal(varve_view_of(want->type, want->type_size),
                                                             type_of(lease)))
            want->low = lease->position - 1;
    }
    leases->freed++;
    drop(leases, slot);
}

void saga_leases_end_due(struct saga_leases *leases, uint64_t now_ms)
{
    while (leases->ends.count > 0 && leases->ends.entries[0].rank <= now_ms)
        free_again(leases, leases->ends.entries[0].item);
}

uint64_t saga_leases_next_end(const struct saga_leases *leases)
{
    return leases->ends.count == 0 ? UINT64_MAX : leases->ends.entries[0].rank;
}

enum saga_lease_outcome saga_leases_take(struct saga_leases *leases, const struct varve_saga *saga, uint64_t claim,
                                         uint64_t until_ms)
{
    uint64_t hash = hash_of(leases, saga->type, saga->id);
    uint32_t slot = find(leases, hash, saga->type, saga->id);

    if (slot != NONE && leases->leases[slot].version >= saga->version)
        return SAGA_LEASE_TAKEN;
    if (slot == NONE)
        slot = add(leases, hash, saga->type, saga->id);
    if (slot == NONE)
        return SAGA_LEASE_NO_ROOM;
    leases->leases[slot].version = saga->version;
    leases->leases[slot].position = saga->position;
    leases->leases[slot].claim = claim;
    group_heap_set(&leases->ends, slot, until_ms, saga->position);
    return SAGA_LEASE_GIVEN;
}

void saga_leases_changed(struct saga_leases *leases, struct varve_view type, struct varve_view id, int64_t version)
{
    uint32_t slot = find(leases, hash_of(leases, type, id), type, id);

    if (slot != NONE && leases->leases[slot].version < version)
        drop(leases, slot);
}

void saga_leases_give_back(struct saga_leases *leases, uint64_t claim)
{
    for (uint32_t slot = 0; slot < leases->slots; slot++) {
        if (leases->leases[slot].name != NULL && leases->leases[slot].claim == claim)
            free_again(leases, slot);
    }
}
