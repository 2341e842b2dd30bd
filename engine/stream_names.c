/* stream_names.c - see stream_names.h. The tail's names are not sorted, so the smallest are kept in a heap with the
 * greatest on top, while the layers are walked in short bites that let commits through between them. */
#include "stream_names.h"

#include "tables.h"
#include "tail_layer.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_PER_BITE = 4096, FIRST_ROOM = 64 };

struct stream_name {
    uint16_t size;
    char bytes[VARVE_MAX_SYSTEM_STREAM_NAME];
};

struct varve_view stream_names_at(const struct stream_names *names, size_t i)
{
    return varve_view_of(names->names[i].bytes, names->names[i].size);
}

void stream_names_free(struct stream_names *names)
{
    free(names->names);
    names->names = NULL;
    names->count = names->room = 0;
}

static int compare_views(struct varve_view a, struct varve_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_names(const void *a, const void *b)
{
    const struct stream_name *x = a, *y = b;

    return compare_views(varve_view_of(x->bytes, x->size), varve_view_of(y->bytes, y->size));
}

static bool is_wanted(const struct stream_names *names, struct varve_view name)
{
    if (name.size < names->prefix.size ||
        (names->prefix.size > 0 && memcmp(name.data, names->prefix.data, names->prefix.size) != 0))
        return false;
    if (!names->include_system && name.data[0] == '$')
        return false;
    return names->after.size == 0 || compare_views(name, names->after) > 0;
}

/* ---- the heap ---- */

static bool reserve(struct stream_names *names)
{
    if (names->count < names->room)
        return true;
    size_t room = names->room == 0 ? FIRST_ROOM : names->room * 2;
    struct stream_name *grown = realloc(names->names, room * sizeof(*grown));
    if (grown == NULL)
        return false;
    names->names = grown;
    names->room = room;
    return true;
}

static void set_name(struct stream_name *at, struct varve_view name)
{
    at->size = (uint16_t)name.size;
    memcpy(at->bytes, name.data, name.size);
}

static void swap_names(struct stream_names *names, size_t a, size_t b)
{
    struct stream_name kept = names->names[a];

    names->names[a] = names->names[b];
    names->names[b] = kept;
}

static void sift_up(struct stream_names *names, size_t at)
{
    while (at > 0 && compare_names(&names->names[(at - 1) / 2], &names->names[at]) < 0) {
        swap_names(names, (at - 1) / 2, at);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct stream_names *names)
{
    for (size_t at = 0;;) {
        size_t greatest = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < names->count; child++)
            if (compare_names(&names->names[child], &names->names[greatest]) > 0)
                greatest = child;
        if (greatest == at)
            return;
        swap_names(names, at, greatest);
        at = greatest;
    }
}

/* A name can come from the active layer, the frozen one and the store; the copies are merged at the end, so callers ask
 * for three times what they need. */
static bool offer(struct stream_names *names, struct varve_view name, size_t limit)
{
    if (names->count < limit) {
        if (!reserve(names))
            return false;
        set_name(&names->names[names->count], name);
        sift_up(names, names->count++);
    } else if (compare_views(name, stream_names_at(names, 0)) < 0) {
        set_name(&names->names[0], name);
        sift_down(names);
    }
    return true;
}

/* ---- the tail ---- */

static bool offer_bite(struct stream_names *names, const struct tail_layer *layer, uint32_t *cursor, size_t limit,
                       bool *ret_end)
{
    struct tail_key key;

    for (int i = 0; i < KEYS_PER_BITE; i++) {
        *ret_end = !tail_layer_next_key(layer, TAIL_STREAM, cursor, &key);
        if (*ret_end)
            return true;
        if (key.published.version >= 0 && is_wanted(names, key.name) && !offer(names, key.name, limit))
            return false;
    }
    return true;
}

static const struct tail_layer *layer_beginning_at(const struct tail *tail, uint64_t first_position)
{
    if (tail_layer_first_position(tail_active(tail)) == first_position)
        return tail_active(tail);
    if (tail_frozen(tail) != NULL && tail_layer_first_position(tail_frozen(tail)) == first_position)
        return tail_frozen(tail);
    return NULL;
}

/* Walk one layer in bites. It may be settled and dropped between two: then the store has its names, and the rest need
 * not be walked. */
static bool offer_layer(struct stream_names *names, struct tail *tail, uint64_t first_position, size_t limit)
{
    uint32_t cursor = 0;
    bool end = false, enough_memory = true;

    while (!end && enough_memory) {
        tail_lock_read(tail);
        const struct tail_layer *layer = layer_beginning_at(tail, first_position);
        if (layer == NULL)
            end = true;
        else
            enough_memory = offer_bite(names, layer, &cursor, limit, &end);
        tail_unlock_read(tail);
    }
    return enough_memory;
}

/* The active layer first: what is frozen meanwhile is walked under its own beginning either way. */
static bool offer_tail(struct stream_names *names, struct tail *tail, size_t limit)
{
    tail_lock_read(tail);
    uint64_t active = tail_layer_first_position(tail_active(tail));
    uint64_t frozen = tail_first_position(tail);
    tail_unlock_read(tail);
    return offer_layer(names, tail, active, limit) && (frozen == active || offer_layer(names, tail, frozen, limit));
}

/* ---- the store ---- */

struct settled_walk {
    struct stream_names *names;
    size_t limit, seen;
    bool out_of_memory, met_system;
};

static bool take_settled(void *user, struct varve_view name, const struct stream_state *state)
{
    struct settled_walk *walk = user;

    if (!walk->names->include_system && name.data[0] == '$') {
        walk->met_system = true; /* Jump over them all. */
        return false;
    }
    if (state->version < 0)
        return true;
    walk->out_of_memory = !offer(walk->names, name, 3 * walk->limit);
    return !walk->out_of_memory && ++walk->seen < walk->limit;
}

/* Settled names come sorted, so the first `limit` of them are enough. */
static enum varve_status offer_settled(struct stream_names *names, struct view *view, size_t limit)
{
    struct settled_walk walk = { .names = names, .limit = limit };
    struct varve_view behind_system = varve_view_of("$\xff", 2); /* No UTF-8 text that begins with $ sorts behind. */
    enum varve_status status = tables_each_stream(view->txn, names->prefix, names->after, take_settled, &walk);

    if (status == VARVE_OK && walk.met_system && !(names->prefix.size > 0 && names->prefix.data[0] == '$'))
        status = tables_each_stream(view->txn, names->prefix, behind_system, take_settled, &walk);
    return walk.out_of_memory ? VARVE_NO_MEMORY : status;
}

static void sort_and_merge(struct stream_names *names, size_t limit)
{
    size_t kept = 0;

    if (names->count > 0)
        qsort(names->names, names->count, sizeof(*names->names), compare_names);
    for (size_t i = 0; i < names->count && kept < limit; i++)
        if (kept == 0 || compare_names(&names->names[kept - 1], &names->names[i]) != 0)
            names->names[kept++] = names->names[i];
    names->count = kept;
}

enum varve_status stream_names_collect(struct stream_names *names, struct varve_store *store, size_t limit,
                                       struct varve_error *error)
{
    struct view view;

    if (!offer_tail(names, store->tail, 3 * limit))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of streams");
    enum varve_status status = view_begin(&view, store, false, error); /* After the tail: what left it is here. */
    if (status != VARVE_OK)
        return status;
    status = offer_settled(names, &view, limit);
    view_end(&view);
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "the names of streams cannot be read from store.mdb");
    sort_and_merge(names, limit);
    return VARVE_OK;
}
