/* runs.c - looking into runs; runs_merge.c writes them. */
#include "runs.h"

#include "runs_format.h"

uint64_t runs_hash(uint64_t seed, const struct varve_uuid *id)
{
    return XXH3_64bits_withSeed(id->bytes, sizeof(id->bytes), seed);
}

enum varve_status runs_directory(struct db_txn *txn, enum db_table table, const uint8_t **ret_runs,
                                 uint32_t *ret_count)
{
    uint8_t key_bytes[RUN_KEY];
    struct db_bytes key = run_key(0, 0, 0, key_bytes), value;
    enum varve_status status = VARVE_OK;
    const uint8_t *bytes;
    uint32_t count;

    *ret_runs = NULL;
    *ret_count = 0;
    if (!db_get(txn, table, key, &value, &status))
        return status;
    bytes = value.data;
    if (value.size < RUNS_AT + ROW_CHECKSUM)
        return db_damaged(txn, "table %s: the directory of runs is too short", db_table_names[table]);
    memcpy(&count, bytes + RUNS_COUNT_AT, sizeof(count));
    if (bytes[0] != ROW_FORMAT || value.size != RUNS_AT + (size_t)count * sizeof(struct run) + ROW_CHECKSUM ||
        !row_is_sound(table, key, bytes, value.size - ROW_CHECKSUM))
        return db_damaged(txn, "table %s: the directory of runs does not match its checksum", db_table_names[table]);
    *ret_runs = bytes + RUNS_AT;
    *ret_count = count;
    return VARVE_OK;
}

bool runs_take_chunk(struct db_txn *txn, enum db_table table, uint32_t number, struct db_bytes key,
                     struct db_bytes value, struct run_chunk *ret_chunk, enum varve_status *status)
{
    const uint8_t *bytes = value.data;
    uint16_t count = 0;

    if (key.size == RUN_KEY && load_be32(key.data) != number)
        return false;
    if (value.size >= RUN_CHUNK_ENTRIES_AT + ROW_CHECKSUM)
        memcpy(&count, bytes + RUN_CHUNK_COUNT_AT, sizeof(count));
    if (key.size == RUN_KEY && count > 0 && count <= RUN_CHUNK && bytes[0] == ROW_FORMAT &&
        value.size == RUN_CHUNK_ENTRIES_AT + sizeof(struct run_entry) * count + ROW_CHECKSUM &&
        row_is_sound(table, key, bytes, value.size - ROW_CHECKSUM)) {
        *ret_chunk = (struct run_chunk){ number, count, bytes + RUN_CHUNK_ENTRIES_AT };
        return true;
    }
    *status = db_damaged(txn, "table %s, run %u: a chunk does not match its checksum", db_table_names[table], number);
    return false;
}

/* ---- finding ---- */

struct search {
    struct db_txn *txn;
    enum db_table table;
    uint64_t hash, from;
    bool backwards;
    uint64_t *positions;
    size_t room, count;
};

/* How many entries of the chunk come before `entry`. */
static uint32_t count_before(const struct run_chunk *chunk, const struct run_entry *entry)
{
    uint32_t low = 0, high = chunk->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct run_entry there = run_chunk_entry(chunk, middle);

        if (run_is_before(&there, entry))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Take what fits of one chunk. True: what is wanted may go on in the next one. */
static bool take_forwards(struct search *search, const struct run_chunk *chunk)
{
    struct run_entry first = { search->hash, search->from };

    for (uint32_t i = count_before(chunk, &first); i < chunk->count; i++) {
        struct run_entry entry = run_chunk_entry(chunk, i);

        if (entry.hash != search->hash || search->count == search->room)
            return false;
        search->positions[search->count++] = entry.position;
    }
    return true;
}

static bool take_backwards(struct search *search, const struct run_chunk *chunk)
{
    struct run_entry behind = { search->hash, search->from };
    uint32_t i = count_before(chunk, &behind);

    if (i < chunk->count && run_chunk_entry(chunk, i).hash == search->hash &&
        run_chunk_entry(chunk, i).position == search->from)
        i++; /* `from` itself is wanted too. */
    while (i-- > 0) {
        struct run_entry entry = run_chunk_entry(chunk, i);

        if (entry.hash != search->hash || search->count == search->room)
            return false;
        search->positions[search->count++] = entry.position;
    }
    return true;
}

/* Go to the chunk with the greatest key <= (hash, from), or to the run's first if there is none. */
static bool seek_in_run(struct search *search, struct db_cursor *cursor, uint32_t number, struct run_chunk *ret_chunk,
                        enum varve_status *status)
{
    uint8_t bytes[RUN_KEY];
    struct db_bytes key = run_key(number, search->hash, search->from, bytes), value;
    bool sought = db_cursor_move(cursor, DB_SEEK, &key, &value, status), before;

    if (sought && key.size == RUN_KEY && memcmp(key.data, bytes, RUN_KEY) == 0)
        return runs_take_chunk(search->txn, search->table, number, key, value, ret_chunk, status);
    before = *status == VARVE_OK && db_cursor_move(cursor, sought ? DB_PREV : DB_LAST, &key, &value, status);
    if (before && runs_take_chunk(search->txn, search->table, number, key, value, ret_chunk, status))
        return true;
    if (!sought || *status != VARVE_OK)
        return false;
    key = run_key(number, search->hash, search->from, bytes);
    return db_cursor_move(cursor, DB_SEEK, &key, &value, status) &&
           runs_take_chunk(search->txn, search->table, number, key, value, ret_chunk, status);
}

static enum varve_status find_in_run(struct search *search, struct db_cursor *cursor, uint32_t number)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes key = { 0 }, value;
    struct run_chunk chunk;
    bool more = seek_in_run(search, cursor, number, &chunk, &status);

    while (more) {
        more = search->backwards ? take_backwards(search, &chunk) : take_forwards(search, &chunk);
        more = more && db_cursor_move(cursor, search->backwards ? DB_PREV : DB_NEXT, &key, &value, &status) &&
               runs_take_chunk(search->txn, search->table, number, key, value, &chunk, &status);
    }
    return status;
}

static bool may_hold(const struct search *search, const struct run *run)
{
    return search->backwards ? run->first_position <= search->from : run->last_position >= search->from;
}

enum varve_status runs_find(struct db_txn *txn, enum db_table table, uint64_t hash, uint64_t from, bool backwards,
                            uint64_t *ret_positions, size_t room, size_t *ret_count)
{
    struct search search = { txn, table, hash, from, backwards, ret_positions, room, 0 };
    struct db_cursor *cursor;
    const uint8_t *runs;
    uint32_t count;
    enum varve_status status = runs_directory(txn, table, &runs, &count);

    *ret_count = 0;
    if (status == VARVE_OK)
        status = db_cursor_open(txn, table, &cursor);
    if (status != VARVE_OK)
        return status;
    for (uint32_t i = 0; i < count && search.count < room && status == VARVE_OK; i++) {
        struct run run = run_at(runs, backwards ? count - 1 - i : i);

        if (may_hold(&search, &run))
            status = find_in_run(&search, cursor, run.number);
    }
    db_cursor_close(cursor);
    *ret_count = search.count;
    return status;
}

/* ---- walking ---- */

struct walk {
    struct db_txn *txn;
    enum db_table table;
    enum varve_status (*visit)(void *user, const struct run_entry *entry);
    void *user;
};

static enum varve_status damaged_run(const struct walk *walk, const struct run *run, const char *problem)
{
    return db_damaged(walk->txn, "table %s, run %u: %s", db_table_names[walk->table], run->number, problem);
}

static enum varve_status walk_chunk(const struct walk *walk, const struct run *run, const struct run_chunk *chunk,
                                    struct run_entry *last, uint64_t *seen)
{
    enum varve_status status = VARVE_OK;

    for (uint32_t i = 0; i < chunk->count && status == VARVE_OK; i++) {
        struct run_entry entry = run_chunk_entry(chunk, i);

        if (*seen > 0 && !run_is_before(last, &entry))
            return damaged_run(walk, run, "its entries are out of order");
        if (entry.position < run->first_position || entry.position > run->last_position)
            return damaged_run(walk, run, "an entry is outside of its range of positions");
        *last = entry;
        ++*seen;
        status = walk->visit(walk->user, &entry);
    }
    return status;
}

/* The cursor stands before the run's first chunk; afterwards at its last. */
static enum varve_status walk_run(const struct walk *walk, struct db_cursor *cursor, const struct run *run)
{
    struct run_entry last = { 0, 0 };
    enum varve_status status = VARVE_OK;
    struct db_bytes key = { 0 }, value;
    struct run_chunk chunk;
    uint64_t seen = 0;

    while (status == VARVE_OK && seen < run->count && db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
        if (!runs_take_chunk(walk->txn, walk->table, run->number, key, value, &chunk, &status))
            return status != VARVE_OK ? status : damaged_run(walk, run, "its end is missing");
        status = walk_chunk(walk, run, &chunk, &last, &seen);
    }
    if (status == VARVE_OK && seen != run->count)
        status = damaged_run(walk, run, "it does not hold as many entries as its directory says");
    return status;
}

static enum varve_status walk_all(const struct walk *walk, struct db_cursor *cursor, const uint8_t *runs,
                                  uint32_t count)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes key = { 0 }, value;
    uint64_t behind = 0;

    if (!db_cursor_move(cursor, DB_FIRST, &key, &value, &status))
        return status; /* An empty table. Else this is the directory, the least key of all. */
    for (uint32_t i = 0; i < count && status == VARVE_OK; i++) {
        struct run run = run_at(runs, i);

        if (run.first_position <= behind || run.last_position < run.first_position)
            return damaged_run(walk, &run, "its range of positions does not follow that of the run before it");
        behind = run.last_position;
        status = walk_run(walk, cursor, &run);
    }
    if (status == VARVE_OK && db_cursor_move(cursor, DB_NEXT, &key, &value, &status))
        status = db_damaged(walk->txn, "table %s: there are chunks of no run", db_table_names[walk->table]);
    return status;
}

enum varve_status runs_each(struct db_txn *txn, enum db_table table,
                            enum varve_status (*visit)(void *user, const struct run_entry *entry), void *user)
{
    struct walk walk = { txn, table, visit, user };
    struct db_cursor *cursor;
    const uint8_t *runs;
    uint32_t count;
    enum varve_status status = runs_directory(txn, table, &runs, &count);

    if (status == VARVE_OK)
        status = db_cursor_open(txn, table, &cursor);
    if (status != VARVE_OK)
        return status;
    status = walk_all(&walk, cursor, runs, count);
    db_cursor_close(cursor);
    return status;
}
