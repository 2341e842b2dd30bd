/* check_indexes.c - categories, types, correlations and ids: sound in themselves, and the same as the log says. */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "runs.h"

enum varve_status check_compare(struct check *check, enum check_index index, const struct check_sum *sum,
                                bool is_sound)
{
    const struct check_sum *log = &check->log[index];

    /* What is damaged was said; everything that depends on it would differ as well. */
    if (!is_sound || check->damaged_records > 0 || (sum->entries == log->entries && sum->sum == log->sum))
        return VARVE_OK;
    check_say(check, check_index_infos[index].name, "it holds %" PRIu64 " entries, the log has %" PRIu64
              " for it, and they are not the same", sum->entries, log->entries);
    return check_precisely(check, index);
}

enum varve_status check_each_chunk(struct check *check, enum db_table table, bool say_damage, check_visit_chunk visit,
                                   void *user, bool *ret_is_sound)
{
    struct db_bytes key = { 0 }, value;
    struct tables_list_key list;
    struct tables_chunk chunk;
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(check->txn, table, &cursor);
    bool more;

    *ret_is_sound = true;
    if (status != VARVE_OK)
        return check_fault(check, status);
    more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status);
    while (more && status == VARVE_OK) {
        status = tables_read_chunk(check->txn, table, key, value, &list, &chunk);
        if (status == VARVE_OK) {
            status = visit(user, &list, &chunk);
        } else {
            *ret_is_sound = false;
            if (say_damage)
                status = check_fault(check, status);
            db_forget(check->txn);
            status = status == VARVE_CORRUPT ? VARVE_OK : status;
        }
        more = status == VARVE_OK && db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    }
    db_cursor_close(cursor);
    return status;
}

/* ---- by name ---- */

struct names_walk {
    struct check *check;
    enum check_index index;
    struct check_sum sum;
    uint64_t list_hash, last; /* of the chunk before */
    bool is_sound;
};

static enum varve_status add_chunk(void *user, const struct tables_list_key *list, const struct tables_chunk *chunk)
{
    struct names_walk *walk = user;
    uint64_t hash = check_hash(list->name), last = hash == walk->list_hash ? walk->last : 0;
    bool ascends = tables_chunk_value(chunk, 0) == chunk->first_ordinal;
    char where[600];

    for (uint32_t i = 0; i < chunk->count; i++) {
        uint64_t position = tables_chunk_value(chunk, i);

        ascends = ascends && position > last;
        last = position;
        check_add(&walk->sum, hash, 0, position);
    }
    if (!ascends) {
        walk->is_sound = false;
        snprintf(where, sizeof(where), "%s, \"%.*s\", position %" PRIu64, check_index_infos[walk->index].name,
                 (int)list->name.size, list->name.data, chunk->first_ordinal);
        check_say(walk->check, where, "the positions in its chunk do not ascend");
    }
    walk->list_hash = hash;
    walk->last = last;
    return VARVE_OK;
}

static enum varve_status check_names(struct check *check, enum check_index index)
{
    struct names_walk walk = { .check = check, .index = index, .is_sound = true };
    bool is_sound;
    enum varve_status status =
        check_each_chunk(check, check_index_infos[index].table, true, add_chunk, &walk, &is_sound);

    check->report->index_entries += walk.sum.entries;
    return status == VARVE_OK ? check_compare(check, index, &walk.sum, is_sound && walk.is_sound) : status;
}

/* ---- by id ---- */

static enum varve_status add_entry(void *user, const struct run_entry *entry)
{
    check_add(user, entry->hash, 0, entry->position);
    return VARVE_OK;
}

static enum varve_status check_runs(struct check *check, enum check_index index)
{
    struct check_sum sum = { 0 };
    enum varve_status status = runs_each(check->txn, check_index_infos[index].table, add_entry, &sum);

    check->report->index_entries += sum.entries;
    if (status != VARVE_OK)
        return check_fault(check, status);
    return check_compare(check, index, &sum, true);
}

/* ---- all ---- */

static enum varve_status check_absent(struct check *check, enum check_index index)
{
    struct db_table_size size;
    enum varve_status status = db_get_table_size(check->txn, check_index_infos[index].table, &size);

    if (status != VARVE_OK)
        return check_fault(check, status);
    if (size.entries > 0)
        check_say(check, check_index_infos[index].name, "the store does not keep this index, but its table has rows");
    return VARVE_OK;
}

enum varve_status check_indexes(struct check *check)
{
    enum varve_status status = VARVE_OK;

    for (enum check_index index = CHECK_CATEGORIES; index < CHECK_INDEXES && status == VARVE_OK; index++) {
        check_progress(check, check_index_infos[index].name, 0, 1);
        if ((check->meta.indexes & check_index_infos[index].kept_by) == 0)
            status = check_absent(check, index);
        else if (index == CHECK_CATEGORIES || index == CHECK_TYPES)
            status = check_names(check, index);
        else
            status = check_runs(check, index);
        check_progress(check, check_index_infos[index].name, 1, 1);
    }
    return status;
}
