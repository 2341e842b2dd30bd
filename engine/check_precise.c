/* check_precise.c - an index and the log differ: every entry is held against the event it leads to, and every event
 * looked up in the index. Slow, and only done when something is wrong. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "runs.h"
#include "varve/uuid.h"

enum { MOST_SAID = 100 /* of each direction */ };

struct comparison {
    struct check *check;
    enum check_index index;
    unsigned said;
    enum varve_status status;
};

static bool say(struct comparison *comparison, uint64_t position, const char *what_format, ...)
    __attribute__((format(printf, 3, 4)));
/* False when enough was said. */
static bool say(struct comparison *comparison, uint64_t position, const char *what_format, ...)
{
    char where[80], what[600];
    va_list arguments;

    va_start(arguments, what_format);
    vsnprintf(what, sizeof(what), what_format, arguments);
    va_end(arguments);
    snprintf(where, sizeof(where), "%s, position %" PRIu64, check_index_infos[comparison->index].name, position);
    check_say(comparison->check, where, "%s", what);
    if (++comparison->said < MOST_SAID)
        return true;
    check_say(comparison->check, check_index_infos[comparison->index].name, "and more");
    return false;
}

/* ---- from the index to the log ---- */

static bool is_named(const struct comparison *comparison, const struct varve_event *event, struct varve_view name)
{
    return varve_view_equal(comparison->index == CHECK_TYPES ? event->type : varve_category(event->stream), name);
}

static enum varve_status compare_chunk(void *user, const struct tables_list_key *list, const struct tables_chunk *chunk)
{
    struct comparison *comparison = user;
    struct varve_event event;

    for (uint32_t i = 0; i < chunk->count && comparison->said < MOST_SAID; i++) {
        uint64_t position = tables_chunk_value(chunk, i);

        if (!check_get_event(comparison->check, position, &event, &comparison->status))
            say(comparison, position, "listed under \"%.*s\", but there is no such event", (int)list->name.size,
                list->name.data);
        else if (!is_named(comparison, &event, list->name))
            say(comparison, position, "listed under \"%.*s\", but the event is not of it", (int)list->name.size,
                list->name.data);
    }
    return comparison->status;
}

static bool has_hash(const struct comparison *comparison, const struct varve_event *event, uint64_t hash)
{
    uint64_t seed = comparison->check->meta.hash_seed;

    if (comparison->index == CHECK_IDS)
        return runs_hash(seed, &event->id) == hash;
    return !varve_uuid_is_nil(&event->correlation_id) && runs_hash(seed, &event->correlation_id) == hash;
}

static enum varve_status compare_entry(void *user, const struct run_entry *entry)
{
    struct comparison *comparison = user;
    struct varve_event event;

    if (comparison->said >= MOST_SAID)
        return VARVE_CANCELLED;
    if (!check_get_event(comparison->check, entry->position, &event, &comparison->status))
        say(comparison, entry->position, "listed, but there is no such event");
    else if (!has_hash(comparison, &event, entry->hash))
        say(comparison, entry->position, "listed under hash %016" PRIx64 ", which is not the event's", entry->hash);
    return comparison->status;
}

static bool compare_stream(void *user, struct varve_view name, const struct stream_state *state)
{
    struct comparison *comparison = user;
    struct check_reader reader;
    struct varve_event event;
    uint64_t position;

    check_reader_init(&reader, comparison->check, state->id);
    while (comparison->said < MOST_SAID && check_reader_next(&reader, &position, &comparison->status))
        if (!check_get_event(comparison->check, position, &event, &comparison->status))
            say(comparison, position, "listed for \"%.*s\", but there is no such event", (int)name.size, name.data);
        else if (!varve_view_equal(event.stream, name) || event.version != reader.version - 1)
            say(comparison, position, "listed as version %" PRIu64 " of \"%.*s\", but the event is not that",
                reader.version - 1, (int)name.size, name.data);
    return comparison->said < MOST_SAID && comparison->status == VARVE_OK;
}

static enum varve_status compare_index(struct comparison *comparison)
{
    struct db_txn *txn = comparison->check->txn;
    enum db_table table = check_index_infos[comparison->index].table;
    enum varve_status status;
    bool unused;

    if (comparison->index == CHECK_STREAMS)
        status = tables_each_stream(txn, varve_view_of("", 0), varve_view_of("", 0), compare_stream, comparison);
    else if (comparison->index == CHECK_CATEGORIES || comparison->index == CHECK_TYPES)
        status = check_each_chunk(comparison->check, table, false, compare_chunk, comparison, &unused);
    else
        status = runs_each(txn, table, compare_entry, comparison);
    return status == VARVE_CANCELLED ? VARVE_OK : status;
}

/* ---- from the log to the index ---- */

static bool chunk_holds(const struct tables_chunk *chunk, uint64_t position)
{
    for (uint32_t i = 0; i < chunk->count; i++)
        if (tables_chunk_value(chunk, i) == position)
            return true;
    return false;
}

static bool is_in_stream(struct comparison *comparison, const struct varve_event *event)
{
    struct tables_list_key key = { .table = DB_STREAM_EVENTS };
    struct stream_state state;
    struct tables_chunk chunk;

    if (tables_get_stream(comparison->check->txn, event->stream, &state) != VARVE_OK)
        return false;
    key.stream_id = state.id;
    return tables_seek_chunk(comparison->check->txn, &key, event->version, &chunk, &comparison->status) &&
           event->version >= chunk.first_ordinal && event->version - chunk.first_ordinal < chunk.count &&
           tables_chunk_value(&chunk, (uint32_t)(event->version - chunk.first_ordinal)) == event->position;
}

static bool is_in_list(struct comparison *comparison, const struct varve_event *event)
{
    struct tables_list_key key = { .table = check_index_infos[comparison->index].table };
    struct tables_chunk chunk;

    key.name = comparison->index == CHECK_TYPES ? event->type : varve_category(event->stream);
    return tables_seek_chunk(comparison->check->txn, &key, event->position, &chunk, &comparison->status) &&
           chunk_holds(&chunk, event->position);
}

static bool is_in_runs(struct comparison *comparison, const struct varve_event *event)
{
    const struct varve_uuid *id = comparison->index == CHECK_IDS ? &event->id : &event->correlation_id;
    uint64_t position = 0, hash = runs_hash(comparison->check->meta.hash_seed, id);
    size_t count;

    if (varve_uuid_is_nil(id))
        return true; /* Has no place in this index. */
    comparison->status = runs_find(comparison->check->txn, check_index_infos[comparison->index].table, hash,
                                   event->position, false, &position, 1, &count);
    return comparison->status == VARVE_OK && count == 1 && position == event->position;
}

static bool is_in_index(struct comparison *comparison, const struct varve_event *event)
{
    switch (comparison->index) {
    case CHECK_STREAMS:
        return is_in_stream(comparison, event);
    case CHECK_CATEGORIES:
    case CHECK_TYPES:
        return is_in_list(comparison, event);
    default:
        return is_in_runs(comparison, event);
    }
}

static enum varve_status compare_log(struct comparison *comparison)
{
    struct check *check = comparison->check;
    struct varve_event event;

    for (uint64_t position = 1; position <= check->meta.settled_position; position++) {
        if (!check_get_event(check, position, &event, &comparison->status))
            continue;
        if (!is_in_index(comparison, &event) && comparison->status == VARVE_OK &&
            !say(comparison, position, "the event is missing from the index"))
            break;
        if (comparison->status != VARVE_OK)
            break;
    }
    return comparison->status;
}

enum varve_status check_precisely(struct check *check, enum check_index index)
{
    struct comparison comparison = { .check = check, .index = index };
    enum varve_status status = compare_index(&comparison);

    comparison.said = 0;
    if (status == VARVE_OK)
        status = compare_log(&comparison);
    return status == VARVE_OK ? status : check_fault(check, status);
}
