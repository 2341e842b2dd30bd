/* check_sagas.c - sagas: each row a fold of its stream's events, listed where it belongs and nowhere else, and counted.
 *
 * Streams are gone through by name, so that a type's sagas come one after the other and memory does not grow with
 * them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "tables_sagas.h"

enum { MOST_WHERE = 400 };

struct sagas_walk {
    struct check *check;
    struct varve_view type;                   /* of the sagas at hand; size 0: none yet */
    uint64_t by_status[VARVE_SAGA_STATUSES];  /* of that type */
    bool is_known;                            /* none of that type was beyond reading */
    uint64_t looked_at;
};

static void describe(char where[MOST_WHERE], struct varve_view type, struct varve_view id)
{
    snprintf(where, MOST_WHERE, "sagas, \"%.*s\" of type %.*s", (int)id.size, id.data, (int)type.size, type.data);
}

/* Damage that was said already, or is said when its turn comes; anything else is returned. */
static enum varve_status pass_over(struct check *check, enum varve_status status)
{
    if (status != VARVE_CORRUPT)
        return status == VARVE_OK ? status : check_fault(check, status);
    db_forget(check->txn);
    return VARVE_OK;
}

/* ---- a saga ---- */

/* The fold of its settled events. False: they cannot be read, which was said, or understood, which is said here. */
static bool fold(struct check *check, const struct stream_state *stream, const char *where, struct saga_row *ret_row,
                 enum varve_status *status)
{
    struct check_reader reader;
    const uint8_t *record;
    uint64_t position;
    uint32_t size;

    saga_row_init(ret_row);
    check_reader_init(&reader, check, stream->id);
    while (check_reader_next(&reader, &position, status)) {
        if (!check_get_record(check, position, &record, &size, status))
            return false;
        if (saga_fold(ret_row, record, size) != VARVE_OK) {
            check_say(check, where, "its event at position %" PRIu64 " cannot be understood", position);
            return false;
        }
    }
    return *status == VARVE_OK && reader.version == (uint64_t)(stream->version + 1);
}

static bool is_same_text(struct varve_view a, struct varve_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* NULL: they are the same. */
static const char *find_difference(const struct saga_row *a, const struct saga_row *b)
{
    const struct {
        const char *name;
        bool is_same;
    } parts[] = {
        { "status", a->status == b->status },
        { "version", a->version == b->version },
        { "position", a->position == b->position },
        { "state", a->state_position == b->state_position && a->content_type == b->content_type },
        { "started_at", a->started_at_us == b->started_at_us },
        { "updated_at", a->updated_at_us == b->updated_at_us },
        { "completed_at", a->completed_at_us == b->completed_at_us },
        { "failed_at", a->failed_at_us == b->failed_at_us },
        { "deadline", a->deadline_us == b->deadline_us },
        { "correlation_id", memcmp(&a->correlation_id, &b->correlation_id, sizeof(a->correlation_id)) == 0 },
        { "step", is_same_text(a->step, b->step) },
        { "error", is_same_text(a->error_json, b->error_json) },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!parts[i].is_same)
            return parts[i].name;
    return NULL;
}

static enum varve_status check_row(struct check *check, struct varve_view type, struct varve_view id,
                                   const struct saga_row *folded, const char *where)
{
    struct saga_row row;
    enum varve_status status = tables_get_saga(check->txn, type, id, &row);
    const char *difference;

    if (status == VARVE_SAGA_NOT_FOUND) {
        if (saga_row_is_listed(folded))
            check_say(check, where, "its events say that it is %s, but it has no row",
                      varve_saga_status_name((enum varve_saga_status)folded->status));
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return pass_over(check, status);
    if (!saga_row_is_listed(folded)) {
        check_say(check, where, "it has a row, but its events say that there is no such saga any more");
        return VARVE_OK;
    }
    difference = find_difference(&row, folded);
    if (difference != NULL)
        check_say(check, where, "its row's %s is not what its events say", difference);
    return VARVE_OK;
}

/* Is it listed wherever the fold says? What an entry holds is looked at when all of them are. */
static enum varve_status check_listed(struct check *check, struct varve_view type, const struct saga_row *folded,
                                      const char *where)
{
    enum varve_status status = VARVE_OK;
    struct saga_key keys[2];
    size_t count = saga_keys_of(folded, type, keys);

    for (size_t i = 0; i < count && status == VARVE_OK; i++) {
        uint8_t bytes[SAGA_KEY_MAX];
        struct db_bytes key = { bytes, saga_key_encode(&keys[i], bytes) }, value;

        if (!db_get(check->txn, DB_SAGA_INDEX, key, &value, &status) && status == VARVE_OK)
            check_say(check, where, "it is missing from the list by %s",
                      keys[i].order == VARVE_SAGA_BY_DEADLINE ? "deadline" : "change");
    }
    return status == VARVE_OK ? status : check_fault(check, status);
}

/* ---- counts ---- */

static bool find_counts(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    struct sagas_walk *walk = user;
    char where[MOST_WHERE];

    if (!is_same_text(type, walk->type))
        return true;
    if (memcmp(by_status, walk->by_status, sizeof(walk->by_status)) != 0) {
        snprintf(where, sizeof(where), "saga_counts, \"%.*s\"", (int)type.size, type.data);
        for (unsigned i = 0; i < VARVE_SAGA_STATUSES; i++)
            if (by_status[i] != walk->by_status[i])
                check_say(walk->check, where, "%" PRIu64 " are counted as %s, but there are %" PRIu64, by_status[i],
                          varve_saga_status_name((enum varve_saga_status)i), walk->by_status[i]);
    }
    walk->type.size = 0; /* Found. */
    return false;
}

/* No more of the type at hand will come. */
static enum varve_status end_type(struct sagas_walk *walk)
{
    struct varve_view type = walk->type;
    enum varve_status status = VARVE_OK;
    char where[MOST_WHERE];

    if (type.size > 0 && walk->is_known)
        status = tables_each_saga_counts(walk->check->txn, find_counts, walk);
    if (status == VARVE_OK && walk->is_known && walk->type.size > 0) {
        snprintf(where, sizeof(where), "saga_counts, \"%.*s\"", (int)type.size, type.data);
        check_say(walk->check, where, "there are sagas of this type, but they are not counted");
    }
    walk->type.size = 0;
    return pass_over(walk->check, status);
}

static enum varve_status begin_type(struct sagas_walk *walk, struct varve_view type)
{
    enum varve_status status = end_type(walk);

    walk->type = type;
    walk->is_known = true;
    memset(walk->by_status, 0, sizeof(walk->by_status));
    return status;
}

/* ---- from streams to rows ---- */

static enum varve_status check_stream(struct sagas_walk *walk, struct db_bytes key, struct db_bytes value)
{
    struct check *check = walk->check;
    struct varve_view type, id;
    struct stream_state state;
    struct saga_row folded;
    char where[MOST_WHERE];
    enum varve_status status = VARVE_OK;

    if (!saga_split(varve_view_of(key.data, key.size), &type, &id))
        return VARVE_OK;
    if (!is_same_text(type, walk->type))
        status = begin_type(walk, type);
    if (status != VARVE_OK)
        return status;
    describe(where, type, id);
    status = tables_read_stream(check->txn, key, value, &state);
    if (status != VARVE_OK || !fold(check, &state, where, &folded, &status)) {
        walk->is_known = false;
        return pass_over(check, status);
    }
    if (saga_row_is_listed(&folded))
        walk->by_status[folded.status]++;
    status = check_row(check, type, id, &folded, where);
    return status == VARVE_OK ? check_listed(check, type, &folded, where) : status;
}

typedef enum varve_status (*visit_row)(struct sagas_walk *walk, struct db_bytes key, struct db_bytes value);

/* Row by row from the first key that begins with `prefix`, as long as they do. */
static enum varve_status each_row(struct sagas_walk *walk, enum db_table table, const char *prefix, visit_row visit)
{
    struct db_bytes key = { prefix, strlen(prefix) }, value;
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(walk->check->txn, table, &cursor);
    bool more;

    if (status != VARVE_OK)
        return check_fault(walk->check, status);
    more = db_cursor_move(cursor, prefix[0] == '\0' ? DB_FIRST : DB_SEEK, &key, &value, &status);
    while (more && key.size >= strlen(prefix) && memcmp(key.data, prefix, strlen(prefix)) == 0) {
        status = visit(walk, key, value);
        if (++walk->looked_at % 4096 == 0)
            check_progress(walk->check, "sagas", walk->looked_at, walk->looked_at);
        more = status == VARVE_OK && db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    }
    db_cursor_close(cursor);
    return status == VARVE_OK ? status : check_fault(walk->check, status);
}

/* ---- from rows, entries and counts back ---- */

/* What a row says was compared if it has a stream; here is said what is damaged, or has none. */
static enum varve_status check_has_stream(struct sagas_walk *walk, struct db_bytes key, struct db_bytes value)
{
    struct check *check = walk->check;
    char name[VARVE_SAGA_MAX_NAME], where[MOST_WHERE];
    struct varve_view type, id;
    struct stream_state state;
    struct saga_row row;
    enum varve_status status = tables_read_saga(check->txn, key, value, &type, &id, &row);

    if (status != VARVE_OK)
        return check_fault(check, status);
    status = tables_get_stream(check->txn, varve_saga_stream(type, id, name), &state);
    if (status != VARVE_STREAM_NOT_FOUND)
        return pass_over(check, status);
    describe(where, type, id);
    check_say(check, where, "it has a row, but no events");
    return VARVE_OK;
}

static bool leads_to(const struct saga_key *key, struct varve_view type, const struct saga_row *row)
{
    struct saga_key keys[2];
    size_t count = saga_keys_of(row, type, keys);

    for (size_t i = 0; i < count; i++)
        if (keys[i].order == key->order && keys[i].position == key->position && keys[i].status == key->status &&
            keys[i].deadline_us == key->deadline_us && is_same_text(keys[i].type, key->type))
            return true;
    return false;
}

static enum varve_status check_entry(struct sagas_walk *walk, struct db_bytes key, struct db_bytes value)
{
    struct check *check = walk->check;
    struct varve_view type, id;
    struct saga_key found;
    struct saga_row row;
    char where[MOST_WHERE];
    enum varve_status status = tables_read_saga_entry(check->txn, key, value, &found, &type, &id);

    check->report->index_entries++;
    if (status != VARVE_OK)
        return check_fault(check, status);
    saga_row_init(&row);
    status = tables_get_saga(check->txn, type, id, &row);
    if (status != VARVE_OK && status != VARVE_SAGA_NOT_FOUND)
        return pass_over(check, status);
    if (leads_to(&found, type, &row))
        return VARVE_OK;
    snprintf(where, sizeof(where), "saga_index, position %" PRIu64, found.position);
    check_say(check, where, "it lists \"%.*s\" of type %.*s by %s, which is not what that saga's row says",
              (int)id.size, id.data, (int)type.size, type.data,
              found.order == VARVE_SAGA_BY_DEADLINE ? "deadline" : "change");
    return VARVE_OK;
}

static bool stop_at_one(void *user, struct varve_view name, const struct stream_state *state)
{
    *(bool *)user = true;
    return false;
}

static bool check_type_has_sagas(void *user, struct varve_view type,
                                 const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    struct sagas_walk *walk = user;
    char prefix[sizeof(SAGA_PREFIX) + DB_MAX_KEY + 1], where[MOST_WHERE];
    int size = snprintf(prefix, sizeof(prefix), SAGA_PREFIX "%.*s-", (int)type.size, type.data);
    bool is_found = false;
    enum varve_status status = tables_each_stream(walk->check->txn, varve_view_of(prefix, (size_t)size),
                                                  varve_view_of("", 0), stop_at_one, &is_found);

    if (status == VARVE_OK && !is_found) {
        snprintf(where, sizeof(where), "saga_counts, \"%.*s\"", (int)type.size, type.data);
        check_say(walk->check, where, "there never was a saga of this type");
    }
    return pass_over(walk->check, status) == VARVE_OK;
}

enum varve_status check_sagas(struct check *check)
{
    struct sagas_walk walk = { .check = check };
    enum varve_status status = each_row(&walk, DB_STREAMS, SAGA_PREFIX, check_stream);

    if (status == VARVE_OK)
        status = end_type(&walk);
    if (status == VARVE_OK)
        status = each_row(&walk, DB_SAGAS, "", check_has_stream);
    if (status == VARVE_OK)
        status = each_row(&walk, DB_SAGA_INDEX, "", check_entry);
    if (status == VARVE_OK) {
        status = tables_each_saga_counts(check->txn, check_type_has_sagas, &walk);
        status = status == VARVE_OK ? status : check_fault(check, status);
    }
    return status;
}
