/* runs_merge.c - writing runs: what is new is sorted, merged with the runs it takes up, and written as one. */
#include <assert.h>
#include <stdlib.h>

#include "runs_format.h"

enum { TIER_RUNS = 8 };

/* ---- sorting ---- */

static int compare_entries(const void *a, const void *b)
{
    const struct run_entry *left = a, *right = b;

    return run_is_before(left, right) ? -1 : run_is_before(right, left);
}

static void sort_few(struct run_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct run_entry entry = entries[i];
        size_t at = i;

        for (; at > 0 && run_is_before(&entry, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* Hashes are spread evenly, so their first bits put each entry nearly where it belongs. Entries of one id share a hash
 * and meet in one place; they can be many. */
static void sort_by_hash(struct run_entry *entries, struct run_entry *spare, size_t count)
{
    enum { BITS = 14, BUCKETS = 1 << BITS, FEW = 48 };
    static const size_t few = FEW;
    uint32_t ends[BUCKETS] = { 0 };
    uint32_t begin = 0;

    for (size_t i = 0; i < count; i++)
        ends[entries[i].hash >> (64 - BITS)]++;
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
        uint32_t size = ends[bucket];

        ends[bucket] = begin;
        begin += size;
    }
    for (size_t i = 0; i < count; i++)
        spare[ends[entries[i].hash >> (64 - BITS)]++] = entries[i];
    memcpy(entries, spare, count * sizeof(*entries));
    for (uint32_t bucket = 0, from = 0; bucket < BUCKETS; from = ends[bucket++]) {
        size_t size = ends[bucket] - from;

        if (size <= few)
            sort_few(entries + from, size);
        else
            qsort(entries + from, size, sizeof(*entries), compare_entries);
    }
}

static enum varve_status sort_entries(struct run_entry *entries, size_t count)
{
    enum { SMALL = 4096 };
    struct run_entry *spare;

    assert(count <= UINT32_MAX);
    if (count < SMALL) {
        qsort(entries, count, sizeof(*entries), compare_entries);
        return VARVE_OK;
    }
    spare = malloc(count * sizeof(*spare));
    if (spare == NULL)
        return VARVE_NO_MEMORY;
    sort_by_hash(entries, spare, count);
    free(spare);
    return VARVE_OK;
}

/* ---- choosing what to take up ---- */

static unsigned class_of(uint64_t count)
{
    return (63u - (unsigned)__builtin_clzll(count)) / 3;
}

/* How many of the last `count` runs have exactly this class. */
static uint32_t tier_size(const uint8_t *runs, uint32_t count, unsigned class)
{
    uint32_t size = 0;

    while (size < count && class_of(run_at(runs, count - 1 - size).count) == class)
        size++;
    return size;
}

/* Take up runs from the end on while they are of `class` or below and the sum stays bounded. */
static uint32_t take_up(const uint8_t *runs, uint32_t count, unsigned class, uint64_t *total)
{
    while (count > 0) {
        struct run run = run_at(runs, count - 1);

        if (class_of(run.count) > class || *total + run.count > RUNS_MAX_ENTRIES)
            break;
        *total += run.count;
        count--;
    }
    return count;
}

/* How many of the runs stay as they are; the others become one with the new entries, of *total in all. First what is
 * of a lower class (it costs no more than writing the new ones), then, while a tier is full, the tier. */
static uint32_t choose_kept(const uint8_t *runs, uint32_t count, uint64_t *total)
{
    for (;;) {
        unsigned class = class_of(*total);
        uint32_t kept = class == 0 ? count : take_up(runs, count, class - 1, total);

        class = class_of(*total);
        if (tier_size(runs, kept, class) + 1 >= TIER_RUNS)
            kept = take_up(runs, kept, class, total);
        if (kept == count)
            return kept;
        count = kept;
    }
}

/* ---- merging ---- */

/* One of the sorted sequences that become one: a run, read chunk by chunk, or the new entries. */
struct source {
    const struct run_entry *at, *end;
    uint32_t run; /* 0: the new entries */
    uint64_t left; /* entries of the run that are not in `chunk` yet */
    struct run_entry chunk[RUN_CHUNK];
};

struct merge {
    struct db_txn *txn;
    enum db_table table;
    struct source *sources; /* a heap: the least entry is at sources[order[0]] */
    uint32_t *order;
    uint32_t count;
    uint32_t run; /* being written */
    uint64_t written, lowest, highest;
    uint32_t waiting;
    uint8_t value[RUN_CHUNK_ENTRIES_AT + RUN_CHUNK * sizeof(struct run_entry) + ROW_CHECKSUM];
};

/* Copy the next chunk of a run, because the map may move under it when we write. */
static enum varve_status refill(struct merge *merge, struct source *source, const struct run_entry *least)
{
    uint8_t bytes[RUN_KEY];
    struct db_bytes key = run_key(source->run, least->hash, least->position, bytes), value;
    struct run_chunk chunk = { 0 };
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(merge->txn, merge->table, &cursor);
    bool found;

    if (status != VARVE_OK)
        return status;
    found = db_cursor_move(cursor, DB_SEEK, &key, &value, &status) &&
            runs_take_chunk(merge->txn, merge->table, source->run, key, value, &chunk, &status);
    if (status == VARVE_OK && (!found || chunk.count > source->left))
        status = db_damaged(merge->txn, "table %s, run %u: it does not hold as many entries as its directory says",
                            db_table_names[merge->table], source->run);
    if (status == VARVE_OK) {
        memcpy(source->chunk, chunk.entries, chunk.count * sizeof(struct run_entry));
        source->at = source->chunk;
        source->end = source->chunk + chunk.count;
        source->left -= chunk.count;
    }
    db_cursor_close(cursor);
    return status;
}

static enum varve_status flush_chunk(struct merge *merge)
{
    struct run_entry first;
    uint8_t key_bytes[RUN_KEY];
    uint16_t count = (uint16_t)merge->waiting;
    size_t size = RUN_CHUNK_ENTRIES_AT + count * sizeof(first);
    struct db_bytes key;

    memcpy(&first, merge->value + RUN_CHUNK_ENTRIES_AT, sizeof(first));
    key = run_key(merge->run, first.hash, first.position, key_bytes);
    merge->value[0] = ROW_FORMAT;
    merge->value[1] = 0;
    memcpy(merge->value + RUN_CHUNK_COUNT_AT, &count, sizeof(count));
    row_seal(merge->table, key, merge->value, size);
    merge->waiting = 0;
    return db_append(merge->txn, merge->table, key, (struct db_bytes){ merge->value, size + ROW_CHECKSUM });
}

static enum varve_status write_entry(struct merge *merge, const struct run_entry *entry)
{
    memcpy(merge->value + RUN_CHUNK_ENTRIES_AT + merge->waiting * sizeof(*entry), entry, sizeof(*entry));
    merge->waiting++;
    merge->written++;
    if (entry->position < merge->lowest)
        merge->lowest = entry->position;
    if (entry->position > merge->highest)
        merge->highest = entry->position;
    return merge->waiting == RUN_CHUNK ? flush_chunk(merge) : VARVE_OK;
}

static const struct run_entry *least_of(const struct merge *merge, uint32_t place)
{
    return merge->sources[merge->order[place]].at;
}

static void sift_down(struct merge *merge, uint32_t place)
{
    for (;;) {
        uint32_t child = 2 * place + 1, moved = merge->order[place];

        if (child >= merge->count)
            return;
        if (child + 1 < merge->count && run_is_before(least_of(merge, child + 1), least_of(merge, child)))
            child++;
        if (!run_is_before(least_of(merge, child), least_of(merge, place)))
            return;
        merge->order[place] = merge->order[child];
        merge->order[child] = moved;
        place = child;
    }
}

/* Past the least entry: on to the next one of its source, or let go of the source. */
static enum varve_status advance(struct merge *merge)
{
    struct source *source = &merge->sources[merge->order[0]];
    struct run_entry last = *source->at++;
    enum varve_status status = VARVE_OK;

    if (source->at == source->end && source->left > 0) {
        last.position++; /* The next chunk's first entry is at or above this. */
        status = refill(merge, source, &last);
    } else if (source->at == source->end) {
        merge->order[0] = merge->order[--merge->count];
    }
    sift_down(merge, 0);
    return status;
}

static enum varve_status merge_all(struct merge *merge)
{
    enum varve_status status = VARVE_OK;

    for (uint32_t place = merge->count; place-- > 0;)
        sift_down(merge, place);
    while (merge->count > 0 && status == VARVE_OK) {
        status = write_entry(merge, least_of(merge, 0));
        if (status == VARVE_OK)
            status = advance(merge);
    }
    if (status == VARVE_OK && merge->waiting > 0)
        status = flush_chunk(merge);
    return status;
}

static enum varve_status add_sources(struct merge *merge, const uint8_t *runs, uint32_t from, uint32_t to,
                                     const struct run_entry *entries, size_t count)
{
    static const struct run_entry least = { 0, 0 };
    enum varve_status status = VARVE_OK;

    merge->sources[0].at = entries;
    merge->sources[0].end = entries + count;
    for (uint32_t i = from; i < to && status == VARVE_OK; i++) {
        struct source *source = &merge->sources[1 + i - from];
        struct run run = run_at(runs, i);

        source->run = run.number;
        source->left = run.count;
        status = refill(merge, source, &least);
    }
    merge->count = 1 + to - from;
    for (uint32_t i = 0; i < merge->count; i++)
        merge->order[i] = i;
    return status;
}

/* ---- what was taken up goes ---- */

static enum varve_status delete_run(struct db_txn *txn, enum db_table table, uint32_t number)
{
    enum varve_status status = VARVE_OK;
    bool more = true;

    while (more && status == VARVE_OK) {
        uint8_t bytes[RUN_KEY];
        struct db_bytes key = run_key(number, 0, 0, bytes), value;
        struct db_cursor *cursor;

        status = db_cursor_open(txn, table, &cursor);
        if (status != VARVE_OK)
            return status;
        more = db_cursor_move(cursor, DB_SEEK, &key, &value, &status) && key.size == RUN_KEY &&
               load_be32(key.data) == number;
        if (more)
            memcpy(bytes, key.data, RUN_KEY);
        db_cursor_close(cursor);
        if (more)
            status = db_delete(txn, table, (struct db_bytes){ bytes, RUN_KEY });
    }
    return status;
}

static enum varve_status put_directory(const struct merge *merge, const struct run *runs, uint32_t count)
{
    size_t size = RUNS_AT + count * sizeof(*runs);
    uint8_t key_bytes[RUN_KEY];
    struct db_bytes key = run_key(0, 0, 0, key_bytes);
    enum varve_status status;
    void *room;

    status = db_reserve(merge->txn, merge->table, key, size + ROW_CHECKSUM, &room);
    if (status != VARVE_OK)
        return status;
    memset(room, 0, RUNS_AT);
    *(uint8_t *)room = ROW_FORMAT;
    memcpy((uint8_t *)room + RUNS_COUNT_AT, &count, sizeof(count));
    memcpy((uint8_t *)room + RUNS_AT, runs, count * sizeof(*runs));
    row_seal(merge->table, key, room, size);
    return VARVE_OK;
}

/* `runs` is a copy of the directory with room for one more. */
static enum varve_status write_run(struct merge *merge, struct run *runs, uint32_t kept, uint32_t count, uint64_t total)
{
    enum varve_status status = merge_all(merge);

    for (uint32_t i = kept; i < count && status == VARVE_OK; i++)
        status = delete_run(merge->txn, merge->table, runs[i].number);
    if (status == VARVE_OK && merge->written != total)
        status = db_damaged(merge->txn, "table %s: its runs do not hold as many entries as their directory says",
                            db_table_names[merge->table]);
    if (status != VARVE_OK)
        return status;
    runs[kept] = (struct run){ merge->run, 0, total, merge->lowest, merge->highest };
    return put_directory(merge, runs, kept + 1);
}

enum varve_status runs_add(struct db_txn *txn, enum db_table table, struct run_entry *entries, size_t count)
{
    struct merge merge = { .txn = txn, .table = table, .lowest = UINT64_MAX };
    uint64_t total = count;
    const uint8_t *directory;
    uint32_t runs_count, kept;
    struct run *runs;
    enum varve_status status = count == 0 ? VARVE_OK : runs_directory(txn, table, &directory, &runs_count);

    if (status != VARVE_OK || count == 0)
        return status;
    kept = choose_kept(directory, runs_count, &total);
    runs = malloc(((size_t)runs_count + 1) * sizeof(*runs));
    merge.sources = calloc((size_t)runs_count - kept + 1, sizeof(*merge.sources));
    merge.order = calloc((size_t)runs_count - kept + 1, sizeof(*merge.order));
    status = runs == NULL || merge.sources == NULL || merge.order == NULL ? VARVE_NO_MEMORY
                                                                         : sort_entries(entries, count);
    if (status == VARVE_OK) {
        if (runs_count > 0)
            memcpy(runs, directory, runs_count * sizeof(*runs));
        merge.run = runs_count == 0 ? 1 : runs[runs_count - 1].number + 1;
        status = add_sources(&merge, (const uint8_t *)runs, kept, runs_count, entries, count);
    }
    if (status == VARVE_OK)
        status = write_run(&merge, runs, kept, runs_count, total);
    free(merge.order);
    free(merge.sources);
    free(runs);
    return status;
}
