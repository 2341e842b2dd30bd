/* check.c - a directory that nobody has open is looked at from end to end, and nothing of it changed. First the pages
 * of store.mdb, without LMDB; only if they hold together is LMDB asked for what they hold. */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "db_walk.h"

#define CHECK_MAP_BYTES (UINT64_C(1) << 20) /* LMDB takes what the file needs when it is more */

const struct check_index_info check_index_infos[CHECK_INDEXES] = {
    [CHECK_STREAMS] = { "stream_events", DB_STREAM_EVENTS, 0 },
    [CHECK_CATEGORIES] = { "categories", DB_CATEGORIES, VARVE_INDEX_CATEGORY },
    [CHECK_TYPES] = { "types", DB_TYPES, VARVE_INDEX_TYPE },
    [CHECK_CORRELATIONS] = { "correlations", DB_CORRELATIONS, VARVE_INDEX_CORRELATION },
    [CHECK_IDS] = { "ids", DB_IDS, VARVE_INDEX_ID },
};

/* ---- saying ---- */

static void say(struct check *check, const char *where, const char *what)
{
    struct varve_check_finding finding = { where, what };

    check->report->findings++;
    if (check->found != NULL)
        check->found(check->user, &finding);
}

void check_say(struct check *check, const char *where, const char *what_format, ...)
{
    char what[320];
    va_list arguments;

    va_start(arguments, what_format);
    vsnprintf(what, sizeof(what), what_format, arguments);
    va_end(arguments);
    say(check, where, what);
}

enum varve_status check_fault(struct check *check, enum varve_status status)
{
    static const char file[] = "store.mdb: ";
    struct varve_error fault;

    if (status != VARVE_CORRUPT)
        return db_explain(check->txn, status, check->error);
    db_explain(check->txn, status, &fault);
    say(check, "store.mdb", fault.message + (strncmp(fault.message, file, strlen(file)) == 0 ? strlen(file) : 0));
    db_forget(check->txn);
    return VARVE_OK;
}

void check_progress(const struct check *check, const char *stage, uint64_t done, uint64_t total)
{
    if (check->progress != NULL)
        check->progress(check->user, stage, done, total);
}

/* ---- sums ---- */

uint64_t check_hash(struct varve_view text)
{
    return XXH3_64bits(text.data, text.size);
}

void check_add(struct check_sum *sum, uint64_t key_hash, uint64_t version, uint64_t position)
{
    uint64_t entry[3] = { key_hash, version, position };

    sum->entries++;
    sum->sum += XXH3_64bits(entry, sizeof(entry));
}

bool check_get_record(struct check *check, uint64_t position, const uint8_t **ret_record, uint32_t *ret_size,
                      enum varve_status *status)
{
    struct tables_block block;
    enum varve_status got = tables_get_block(check->txn, position, &block);

    if (got == VARVE_CORRUPT || got == VARVE_EVENT_NOT_FOUND) {
        db_forget(check->txn);
        return false;
    }
    if (got != VARVE_OK) {
        *status = db_explain(check->txn, got, check->error);
        return false;
    }
    return tables_block_record(&block, (uint32_t)(position - block.first_position), ret_record, ret_size) &&
           varve_record_verify(*ret_record, *ret_size) && varve_record_position(*ret_record) == position;
}

bool check_get_event(struct check *check, uint64_t position, struct varve_event *ret_event, enum varve_status *status)
{
    const uint8_t *record;
    uint32_t size;

    return check_get_record(check, position, &record, &size, status) &&
           varve_record_decode(record, size, ret_event) == VARVE_OK;
}

/* ---- store.mdb ---- */

static void relay_page_problem(void *user, const char *where, const char *what)
{
    say(user, where, what);
}

static enum varve_status check_pages(struct check *check, const char *file, bool *ret_sound)
{
    struct db_walk_report walked;
    enum varve_status status = db_walk(file, check->os, relay_page_problem, check, &walked, check->error);

    *ret_sound = status == VARVE_OK && walked.problems == 0;
    if (status == VARVE_NOT_A_STORE) {
        say(check, "store.mdb", "the file is missing");
        return VARVE_OK;
    }
    return status;
}

static enum varve_status check_meta(struct check *check)
{
    enum varve_status status = tables_get_meta(check->txn, &check->meta);

    if (status == VARVE_NOT_A_STORE) {
        check_say(check, "store.mdb, table meta", "the row is missing");
        return status;
    }
    if (status == VARVE_CORRUPT) {
        check_fault(check, status);
        return VARVE_NOT_A_STORE; /* Without it there is nothing to hold the tables against. */
    }
    if (status != VARVE_OK)
        return check_fault(check, status);
    if (memcmp(&check->meta.database_id, &check->format.database_id, sizeof(check->meta.database_id)) != 0)
        check_say(check, "store.mdb, table meta", "it belongs to another store than the format file");
    else if (check->meta.hash_seed != check->format.hash_seed || check->meta.indexes != check->format.indexes)
        check_say(check, "store.mdb, table meta", "its hash seed or indexes are not those of the format file");
    return VARVE_OK;
}

static enum varve_status check_tables(struct check *check)
{
    enum varve_status status = check_meta(check);

    if (status == VARVE_NOT_A_STORE) {
        db_abort(check->txn);
        db_close(check->db);
        check->txn = NULL;
        check->db = NULL;
        return VARVE_OK;
    }
    return status == VARVE_OK ? check_events(check) : status;
}

/* Leaves check->db open when the tables can be read. */
static enum varve_status check_store(struct check *check)
{
    char file[FORMAT_MAX_PATH + 16];
    struct varve_error fault;
    bool sound = false;
    enum varve_status status;

    snprintf(file, sizeof(file), "%s/store.mdb", check->path);
    status = check_pages(check, file, &sound);
    if (status != VARVE_OK || !sound)
        return status;
    status = db_open(file, check->os, CHECK_MAP_BYTES, true, &check->db, &fault);
    if (status == VARVE_CORRUPT) {
        say(check, "store.mdb", fault.message);
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return varve_fail(check->error, status, NULL, "%s", fault.message);
    status = db_begin_read(check->db, &check->txn, check->error);
    return status == VARVE_OK ? check_tables(check) : status;
}

/* ---- the directory ---- */

static enum varve_status check_all(struct check *check)
{
    enum varve_status status = check_store(check);

    if (status == VARVE_OK)
        status = check_journal(check);
    if (status == VARVE_OK && check->deep && check->db != NULL)
        status = check_streams(check);
    if (status == VARVE_OK && check->deep && check->db != NULL)
        status = check_indexes(check);
    if (status == VARVE_OK && check->deep && check->db != NULL && check->format.version >= FORMAT_SAGAS)
        status = check_sagas(check);
    db_abort(check->txn);
    db_close(check->db);
    check_tail_free(check->tail);
    return status;
}

static enum varve_status look(struct check *check)
{
    enum format_verdict verdict;
    enum varve_status status = format_look(check->path, check->os, &verdict, &check->format, check->error);

    if (status == VARVE_OK && verdict != FORMAT_STORE)
        status = varve_fail(check->error, VARVE_NOT_A_STORE, NULL, "%s: %s", check->path,
                            verdict == FORMAT_EMPTY ? "there is no store" : "the making of a store was interrupted");
    return status;
}

enum varve_status varve_check_directory(const char *path, bool deep, varve_check_progress progress,
                                        varve_check_found found, void *user, struct varve_check_report *ret_report,
                                        struct varve_error *error)
{
    struct check check = { .path = path, .os = varve_os_default(), .deep = deep, .progress = progress, .found = found,
                           .user = user, .report = ret_report, .error = error };
    enum varve_status status;
    int lock_fd = -1;

    *ret_report = (struct varve_check_report){ 0 };
    status = look(&check);
    if (status == VARVE_OK) {
        status = format_lock(path, &lock_fd, error);
        if (status == VARVE_READ_ONLY)
            status = VARVE_OK; /* Nobody can have it open for writing then. */
    }
    if (status == VARVE_OK)
        status = check_all(&check);
    format_unlock(lock_fd);
    return status;
}
