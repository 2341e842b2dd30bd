/* check.h - what the parts of varve_check_directory() share; private to check*.c.
 *
 *   check.c            the directory: who owns it, pages, then the parts below in turn
 *   check_events.c     every settled record; sums over what the indexes ought to hold
 *   check_journal.c    the records that only the journal has
 *   check_streams.c    rows of streams and their posting lists
 *   check_indexes.c    categories, types, correlations, ids
 *   check_sagas.c      sagas: rows, order, counts
 *   check_precise.c    when sums differ: which entries do
 *
 * Memory is bounded: an index is held against the log by an order-independent sum over hashes of their entries. */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include "format.h"
#include "tables.h"
#include "varve/record.h"

enum check_index { CHECK_STREAMS, CHECK_CATEGORIES, CHECK_TYPES, CHECK_CORRELATIONS, CHECK_IDS, CHECK_INDEXES };

struct check_sum {
    uint64_t entries, sum;
};

struct check_tail; /* versions of the streams that the journal goes on with, see check_journal.c */

struct check {
    const char *path;
    const struct varve_os *os;
    bool deep;
    varve_check_progress progress;
    varve_check_found found;
    void *user;
    struct varve_check_report *report;
    struct varve_error *error;
    struct format format;

    struct db *db; /* NULL while store.mdb cannot be read */
    struct db_txn *txn;
    struct tables_meta meta;
    uint64_t last_position; /* of the log, with the journal */
    int64_t last_recorded_at_us;
    uint64_t damaged_records;
    struct check_sum log[CHECK_INDEXES];
    struct check_tail *tail;
};

/* Say a problem. `where` as in "events, position 4711". */
void check_say(struct check *check, const char *where, const char *what_format, ...)
    __attribute__((format(printf, 3, 4)));
/* A fault of the tables: CORRUPT is said as a problem and forgotten (VARVE_OK), anything else is returned,
 * explained. */
enum varve_status check_fault(struct check *check, enum varve_status status);
void check_progress(const struct check *check, const char *stage, uint64_t done, uint64_t total);

/* What an event, or an entry of an index, adds to a sum. */
void check_add(struct check_sum *sum, uint64_t key_hash, uint64_t version, uint64_t position);
uint64_t check_hash(struct varve_view text);

/* The event at a settled position, as it lies there and decoded. False: there is none, or it is damaged (said when
 * events were checked). */
bool check_get_record(struct check *check, uint64_t position, const uint8_t **ret_record, uint32_t *ret_size,
                      enum varve_status *status);
bool check_get_event(struct check *check, uint64_t position, struct varve_event *ret_event, enum varve_status *status);

enum varve_status check_events(struct check *check);
enum varve_status check_journal(struct check *check);
void check_tail_free(struct check_tail *tail);
/* Does the journal hold a metadata event of this stream? */
bool check_tail_changes(const struct check_tail *tail, struct varve_view stream);
enum varve_status check_streams(struct check *check);
enum varve_status check_indexes(struct check *check);
enum varve_status check_sagas(struct check *check);
/* An index is as sound in itself as `is_sound` says; hold it against the log. */
enum varve_status check_compare(struct check *check, enum check_index index, const struct check_sum *sum,
                                bool is_sound);
/* The sums of an index and of the log differ: say where. */
enum varve_status check_precisely(struct check *check, enum check_index index);

/* The positions of a stream, one by one. Ends early when a chunk is damaged or out of place. */
struct check_reader {
    struct check *check;
    struct tables_list_key key;
    struct tables_chunk chunk;
    uint64_t version; /* of the next position */
    uint32_t index;
    bool has_chunk, is_broken;
};
void check_reader_init(struct check_reader *reader, struct check *check, uint64_t stream_id);
bool check_reader_next(struct check_reader *reader, uint64_t *ret_position, enum varve_status *status);

/* Chunk by chunk through the table of an index; damaged chunks are said once (`say_damage`) and passed over. */
typedef enum varve_status (*check_visit_chunk)(void *user, const struct tables_list_key *list,
                                               const struct tables_chunk *chunk);
enum varve_status check_each_chunk(struct check *check, enum db_table table, bool say_damage, check_visit_chunk visit,
                                   void *user, bool *ret_is_sound);

struct check_index_info {
    const char *name;      /* of the table */
    enum db_table table;
    unsigned kept_by;      /* VARVE_INDEX_*, 0: always */
};
extern const struct check_index_info check_index_infos[CHECK_INDEXES];

#endif
