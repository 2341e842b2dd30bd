/* lookup.c - single things looked up: an event by id or position, a stream's state, a page of stream names. */
#include "runs.h"
#include "stream_names.h"
#include "varve/record.h"
#include "varve/uuid.h"
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 16, MAX_LIST = 10000 };

/* ---- by id ---- */

struct id_match {
    const struct varve_uuid *id;
    bool same;
};

static bool compare_id(void *user, const uint8_t *record, uint32_t size)
{
    struct id_match *match = user;
    struct varve_uuid id = varve_record_id(record);

    match->same = varve_uuid_equal(&id, match->id);
    return true;
}

/* Candidates have the id's hash; the record tells. */
static enum varve_status find_settled(struct view *view, const struct varve_uuid *id, uint64_t *ret_position,
                                      struct varve_error *error)
{
    uint64_t hash = runs_hash(view->hash_seed, id), positions[CANDIDATES], from = 1;
    size_t count;

    do {
        enum varve_status status = runs_find(view->txn, DB_IDS, hash, from, false, positions, CANDIDATES, &count);
        if (status != VARVE_OK)
            return varve_fail(error, status, NULL, "the index of event ids is damaged; run `varve check --deep`");
        for (size_t i = 0; i < count; i++) {
            struct id_match match = { id, false };
            bool taken;
            if (positions[i] > view->visible)
                return VARVE_OK;
            status = view_record(view, positions[i], compare_id, &match, &taken, error);
            if (status != VARVE_OK)
                return status;
            if (match.same) {
                *ret_position = positions[i];
                return VARVE_OK;
            }
            from = positions[i] + 1;
        }
    } while (count == CANDIDATES);
    return VARVE_OK;
}

static enum varve_status find_id(struct view *view, const struct varve_uuid *id, uint64_t *ret_position,
                                 struct varve_error *error)
{
    enum varve_status status = view_lock_tail(view, error);

    if (status != VARVE_OK)
        return status;
    uint64_t position = tail_recent_position(view->store->tail, id);
    tail_unlock_read(view->store->tail);
    *ret_position = position <= view->visible ? position : 0;
    return position != 0 ? VARVE_OK : find_settled(view, id, ret_position, error);
}

enum varve_status varve_store_find(struct varve_store *store, const struct varve_uuid *ids, size_t count,
                                   uint64_t *ret_positions, struct varve_error *error)
{
    struct view view;

    if ((store->format.indexes & VARVE_INDEX_ID) == 0)
        return varve_fail(error, VARVE_INDEX_NOT_KEPT, "id", "this store was created without the index of id");
    enum varve_status status = view_begin(&view, store, false, error);
    for (size_t i = 0; i < count && status == VARVE_OK; i++)
        status = find_id(&view, &ids[i], &ret_positions[i], error);
    view_end(&view);
    return status;
}

/* ---- by position ---- */

struct copy {
    uint8_t *record;
    uint32_t size;
};

static bool copy_record(void *user, const uint8_t *record, uint32_t size)
{
    struct copy *copy = user;

    copy->record = malloc(size);
    if (copy->record == NULL)
        return false;
    memcpy(copy->record, record, size);
    copy->size = size;
    return true;
}

enum varve_status varve_store_get(struct varve_store *store, uint64_t position, uint8_t **ret_record,
                                  uint32_t *ret_size, struct varve_error *error)
{
    struct copy copy = { 0 };
    struct view view;
    bool taken = false;
    enum varve_status status = view_begin(&view, store, false, error);

    if (status != VARVE_OK)
        return status;
    if (position == 0 || position > view.visible)
        status = varve_fail(error, VARVE_EVENT_NOT_FOUND, NULL, "position %" PRIu64 " is not in the store, which ends "
                            "at %" PRIu64, position, view.visible);
    else
        status = view_record(&view, position, copy_record, &copy, &taken, error);
    view_end(&view);
    if (status == VARVE_OK && !taken)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for an event");
    if (status != VARVE_OK)
        return status;
    *ret_record = copy.record;
    *ret_size = copy.size;
    return VARVE_OK;
}

/* ---- streams ---- */

enum varve_status varve_stream_info(struct varve_store *store, struct varve_view stream,
                                    struct varve_stream_info *ret_info, struct varve_error *error)
{
    struct stream_state state;
    struct view view;
    enum varve_status status = varve_check_stream_name(stream, true, "stream", error);

    if (status == VARVE_OK)
        status = view_begin(&view, store, false, error);
    if (status != VARVE_OK)
        return status;
    status = view_state(&view, stream, &state, error);
    view_end(&view);
    if (status == VARVE_OK)
        stream_state_to_info(&state, ret_info);
    return status;
}

/* Versions ascend with positions: the last one at or below `position`, by halving. */
static enum varve_status go_back(struct view *view, struct varve_view stream, uint64_t position,
                                 struct varve_stream_info *info, struct varve_error *error)
{
    int64_t low = -1, high = info->version;

    info->last_position = 0;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        uint64_t at;
        enum varve_status status = view_version_position(view, stream, (uint64_t)middle, &at, error);

        if (status != VARVE_OK)
            return status;
        if (at > position) {
            high = middle - 1;
        } else {
            low = middle;
            info->last_position = at;
        }
    }
    info->version = low;
    if (low >= 0)
        return VARVE_OK;
    return varve_fail(error, VARVE_STREAM_NOT_FOUND, NULL, "stream \"%.*s\": not found at position %" PRIu64,
                      (int)stream.size, stream.data, position);
}

enum varve_status varve_stream_info_at(struct varve_store *store, struct varve_view stream, uint64_t position,
                                       struct varve_stream_info *ret_info, struct varve_error *error)
{
    struct varve_stream_info info;
    struct stream_state state;
    struct view view;
    enum varve_status status = varve_check_stream_name(stream, true, "stream", error);

    if (status == VARVE_OK)
        status = view_begin(&view, store, false, error);
    if (status != VARVE_OK)
        return status;
    status = view_state(&view, stream, &state, error);
    if (status == VARVE_OK) {
        stream_state_to_info(&state, &info);
        if (info.last_position > position)
            status = go_back(&view, stream, position, &info, error);
    }
    view_end(&view);
    if (status == VARVE_OK)
        *ret_info = info;
    return status;
}

void varve_stream_list_free(struct varve_stream_list *list)
{
    free(list->entries);
    *list = (struct varve_stream_list){ .end = true };
}

/* Entries and the names they point to, in one piece of memory. */
static struct varve_stream_entry *make_entries(const struct stream_names *names, size_t count)
{
    size_t text = 0;

    for (size_t i = 0; i < count; i++)
        text += stream_names_at(names, i).size;
    struct varve_stream_entry *entries = malloc(count * sizeof(*entries) + text + 1);
    if (entries == NULL)
        return NULL;
    char *at = (char *)(entries + count);
    for (size_t i = 0; i < count; i++) {
        struct varve_view name = stream_names_at(names, i);
        memcpy(at, name.data, name.size);
        entries[i].name = varve_view_of(at, name.size);
        at += name.size;
    }
    return entries;
}

static enum varve_status describe_streams(struct varve_store *store, struct varve_stream_list *list,
                                          struct varve_error *error)
{
    struct stream_state state;
    struct view view;
    enum varve_status status = view_begin(&view, store, false, error);

    for (size_t i = 0; i < list->count && status == VARVE_OK; i++) {
        status = view_state(&view, list->entries[i].name, &state, error);
        if (status == VARVE_OK)
            stream_state_to_info(&state, &list->entries[i].info);
    }
    view_end(&view);
    return status;
}

enum varve_status varve_store_list_streams(struct varve_store *store, struct varve_view prefix, struct varve_view after,
                                           uint32_t limit, bool include_system, struct varve_stream_list *ret_list,
                                           struct varve_error *error)
{
    struct stream_names names = { .prefix = prefix, .after = after, .include_system = include_system };

    if (limit < 1 || limit > MAX_LIST)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "limit", "limit: must be 1 to %d, is %" PRIu32, MAX_LIST,
                          limit);
    bool long_prefix = prefix.size > VARVE_MAX_SYSTEM_STREAM_NAME;
    if (long_prefix || after.size > VARVE_MAX_SYSTEM_STREAM_NAME)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, long_prefix ? "prefix" : "after",
                          "prefix and after: at most %u bytes", VARVE_MAX_SYSTEM_STREAM_NAME);
    enum varve_status status = stream_names_collect(&names, store, limit + 1, error);
    struct varve_stream_list list = { .count = names.count < limit ? names.count : limit, .end = names.count <= limit };
    if (status == VARVE_OK) {
        list.entries = make_entries(&names, list.count);
        status = list.entries == NULL ? varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of streams")
                                      : describe_streams(store, &list, error);
    }
    stream_names_free(&names);
    if (status == VARVE_OK)
        *ret_list = list;
    else
        varve_stream_list_free(&list);
    return status;
}
