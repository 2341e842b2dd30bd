/* saga_query.c - looking at sagas: one, a list of them, how many there are. */
#include "saga_copies.h"
#include "saga_walk.h"
#include "tables_sagas.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_BYTES = 1 << 20 /* of one list, and one more */ };

/* ---- one ---- */

static enum varve_status fail_not_found(struct varve_view type, struct varve_view id, bool archived,
                                        struct varve_error *error)
{
    return varve_fail(error, VARVE_SAGA_NOT_FOUND, NULL, "saga %.*s \"%.*s\": not found, it was %s", (int)type.size,
                      type.data, (int)id.size, id.data, archived ? "archived" : "never begun");
}

/* The published row: copied, because it lives under the lock or in the transaction only. */
static enum varve_status copy_row(struct view *view, struct varve_view type, struct varve_view id,
                                  struct saga_copies *copies, struct varve_error *error)
{
    char name[VARVE_SAGA_MAX_NAME];
    struct varve_view stream = varve_saga_stream(type, id, name);
    struct tail *tail = view->store->tail;
    struct stream_state state;
    struct saga_row row;
    bool enough = true;
    enum varve_status status = view_lock_tail(view, error);

    if (status != VARVE_OK)
        return status;
    view->visible = tail_visible_position(tail);
    bool in_tail = tail_published_saga(tail, stream, &row);
    if (in_tail && saga_row_is_listed(&row))
        enough = saga_copies_add(copies, type, id, &row);
    tail_unlock_read(tail);
    if (!in_tail) {
        status = tables_get_saga(view->txn, type, id, &row);
        if (status == VARVE_SAGA_NOT_FOUND)
            return fail_not_found(type, id, tables_get_stream(view->txn, stream, &state) == VARVE_OK, error);
        if (status != VARVE_OK)
            return db_explain(view->txn, status, error);
        enough = saga_copies_add(copies, type, id, &row);
    } else if (!saga_row_is_listed(&row)) {
        return fail_not_found(type, id, row.status == SAGA_ARCHIVED, error);
    }
    return enough ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a saga");
}

enum varve_status varve_saga_get(struct varve_store *store, struct varve_view type, struct varve_view id,
                                 struct varve_saga **ret_saga, struct varve_error *error)
{
    struct saga_copies copies = { 0 };
    struct varve_saga *saga = NULL;
    struct view view;
    enum varve_status status = varve_check_saga_type(type, "type", error);

    if (status == VARVE_OK)
        status = varve_check_saga_id(id, "id", error);
    if (status == VARVE_OK)
        status = view_begin(&view, store, false, error);
    if (status != VARVE_OK)
        return status;
    status = copy_row(&view, type, id, &copies, error);
    if (status == VARVE_OK)
        status = saga_copies_add_state(&copies, 0, &view, error);
    view_end(&view);
    if (status == VARVE_OK)
        saga = saga_copies_pack(&copies, 1, 0);
    saga_copies_free(&copies);
    if (status == VARVE_OK && saga == NULL)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a saga");
    if (status == VARVE_OK)
        *ret_saga = saga;
    return status;
}

/* ---- many ---- */

static enum varve_status check_after(const struct varve_saga_query *query, struct varve_error *error)
{
    struct saga_key key;

    if (query->after.size == 0)
        return VARVE_OK;
    if (saga_key_decode((const uint8_t *)query->after.data, query->after.size, &key) && key.order == query->order &&
        (query->type.size == 0 || query->order == VARVE_SAGA_BY_DEADLINE || varve_view_equal(key.type, query->type)))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "after: must be what a list of the same query gave");
}

static enum varve_status check_query(const struct varve_saga_query *query, struct varve_error *error)
{
    if ((unsigned)query->order > VARVE_SAGA_BY_DEADLINE)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "order", "order: must be 0 (by change) or 1 (by deadline), is "
                          "%u", (unsigned)query->order);
    if (query->statuses >> VARVE_SAGA_STATUSES != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "statuses", "statuses: must be a sum of bits 1 << status");
    if (query->step.size > VARVE_SAGA_MAX_STEP)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "step", "step: must be at most %u bytes, is %zu",
                          VARVE_SAGA_MAX_STEP, query->step.size);
    if (query->limit < 1 || query->limit > VARVE_SAGA_MAX_LIST)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "limit", "limit: must be 1 to %u, is %" PRIu32,
                          VARVE_SAGA_MAX_LIST, query->limit);
    if (query->type.size > 0) {
        enum varve_status status = varve_check_saga_type(query->type, "type", error);
        if (status != VARVE_OK)
            return status;
    }
    return check_after(query, error);
}

struct listing {
    struct saga_copies copies;
    uint32_t limit;
    bool out_of_memory;
};

static bool take_saga(void *user, struct varve_view type, struct varve_view id, const struct saga_row *row)
{
    struct listing *listing = user;

    listing->out_of_memory = !saga_copies_add(&listing->copies, type, id, row);
    return !listing->out_of_memory && listing->copies.count < listing->limit;
}

/* The states of as many as fit; *ret_count of them. */
static enum varve_status add_states(struct listing *listing, struct view *view, size_t *ret_count,
                                    struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    size_t before = listing->copies.size, i = 0;

    while (i < listing->copies.count && status == VARVE_OK && listing->copies.size - before < STATES_BYTES)
        status = saga_copies_add_state(&listing->copies, i++, view, error);
    *ret_count = i;
    return status;
}

static void set_next(const struct saga_walk *walk, const struct listing *listing, size_t count,
                     struct varve_saga_list *list)
{
    list->end = walk->end;
    list->next_size = (uint32_t)walk->at_size;
    memcpy(list->next, walk->at, walk->at_size);
    if (count == listing->copies.count)
        return;
    /* Cut short for its states: on behind the last that is in it. */
    struct saga_key keys[2];
    saga_keys_of(saga_copies_row(&listing->copies, count - 1), list->sagas[count - 1].type, keys);
    list->end = false;
    list->next_size = (uint32_t)saga_key_encode(&keys[walk->query->order], list->next);
}

static enum varve_status list_sagas(struct saga_walk *walk, struct listing *listing, struct varve_saga_list **ret_list,
                                    struct varve_error *error)
{
    enum varve_status status = saga_walk_run(walk, error);
    size_t count = listing->copies.count;

    if (status == VARVE_OK && !listing->out_of_memory && walk->query->include_state)
        status = add_states(listing, walk->view, &count, error);
    if (status != VARVE_OK)
        return status;
    struct varve_saga_list *list =
        listing->out_of_memory ? NULL : saga_copies_pack(&listing->copies, count, sizeof(*list));
    if (list == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of sagas");
    *list = (struct varve_saga_list){ .sagas = (struct varve_saga *)(list + 1), .count = count };
    set_next(walk, listing, count, list);
    *ret_list = list;
    return VARVE_OK;
}

enum varve_status varve_saga_list(struct varve_store *store, const struct varve_saga_query *query,
                                  struct varve_saga_list **ret_list, struct varve_error *error)
{
    struct listing listing = { .limit = query->limit };
    struct view view;
    enum varve_status status = check_query(query, error);

    if (status != VARVE_OK)
        return status;
    struct saga_walk *walk = malloc(sizeof(*walk));
    if (walk == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of sagas");
    status = view_begin(&view, store, false, error);
    if (status == VARVE_OK) {
        saga_walk_begin(walk, &view, query, take_saga, &listing);
        status = list_sagas(walk, &listing, ret_list, error);
        view_end(&view);
    }
    saga_copies_free(&listing.copies);
    free(walk);
    return status;
}

uint32_t varve_saga_cursor(struct varve_view type, enum varve_saga_status status, uint64_t position,
                           uint8_t ret_cursor[VARVE_SAGA_MAX_CURSOR])
{
    struct saga_key key = { .order = VARVE_SAGA_BY_CHANGE, .type = type, .status = status, .position = position };
    _Static_assert(SAGA_KEY_MAX <= VARVE_SAGA_MAX_CURSOR, "a key is a cursor");

    return (uint32_t)saga_key_encode(&key, ret_cursor);
}

/* ---- how many ---- */

uint32_t varve_saga_type_count(struct varve_store *store)
{
    tail_lock_read(store->tail);
    uint32_t count = tail_saga_counts(store->tail)->count;
    tail_unlock_read(store->tail);
    return count;
}

/* False: there are more types than `room` by now. */
static bool copy_counts(struct varve_store *store, struct varve_saga_counts *list, uint32_t room)
{
    char *names = (char *)(list->types + room);

    tail_lock_read(store->tail);
    const struct saga_counts *counts = tail_saga_counts(store->tail);
    bool fits = counts->count <= room;
    for (uint32_t i = 0; fits && i < counts->count; i++) {
        const struct saga_type *type = counts->types[i];
        if (!type->counted)
            continue;
        struct varve_saga_count *count = &list->types[list->count];
        count->type = varve_view_of(names + list->count * VARVE_SAGA_MAX_TYPE, type->name_size);
        memcpy(names + list->count * VARVE_SAGA_MAX_TYPE, type->name, type->name_size);
        memcpy(count->by_status, type->by_status, sizeof(count->by_status));
        list->count++;
    }
    tail_unlock_read(store->tail);
    return fits;
}

enum varve_status varve_saga_counts(struct varve_store *store, struct varve_saga_counts **ret_counts,
                                    struct varve_error *error)
{
    for (;;) {
        uint32_t room = varve_saga_type_count(store);
        struct varve_saga_counts *list =
            malloc(sizeof(*list) + room * (sizeof(struct varve_saga_count) + VARVE_SAGA_MAX_TYPE));
        if (list == NULL)
            return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to count sagas");
        *list = (struct varve_saga_counts){ .types = (struct varve_saga_count *)(list + 1) };
        if (copy_counts(store, list, room)) {
            *ret_counts = list;
            return VARVE_OK;
        }
        free(list);
    }
}
