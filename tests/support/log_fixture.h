/* log_fixture.h - a log in the making without committer or journal: events go into a real tail and are settled from it,
 * and a naive copy of all of them is kept beside. */
#ifndef TESTS_LOG_FIXTURE_H
#define TESTS_LOG_FIXTURE_H

#include "db_fixture.h"

#include "engine/tables.h"
#include "engine/tail.h"
#include "varve/saga.h"

struct log_event { /* the event at position index + 1 */
    char stream[96], type[32];
    uint64_t version;
    struct varve_uuid id, correlation_id; /* nil: none */
    uint32_t data_size;
    char change[64]; /* the data of a metadata event, else "" */
    char metadata[192]; /* of a saga's event, else "" */
};

struct log_fixture {
    struct db_fixture db;
    struct tail *tail;
    uint64_t hash_seed;
    unsigned indexes;
    struct log_event *events;
    size_t count, room;
};

void log_open(struct log_fixture *log, unsigned indexes);
void log_close(struct log_fixture *log);

/* `correlation` 0 is none; ids are made from numbers. The data is `data_size` bytes. */
void log_append(struct log_fixture *log, const char *stream, const char *type, uint64_t correlation,
                uint32_t data_size);
/* A "$metadata" event in "$$<stream>" with this data. */
void log_change(struct log_fixture *log, const char *stream, const char *data);
/* The event of a change, of which what it is about, its step, its deadline and whether it has a state are used. */
void log_saga(struct log_fixture *log, const char *stream, const struct varve_saga_change *change);
void log_settle(struct log_fixture *log); /* all of it */
/* Only up to offset `until` of what is not settled, in slices of so many events; then the process dies and comes back,
 * and the tail is made anew from what follows the settled position. */
void log_settle_and_die(struct log_fixture *log, uint32_t slice_events, uint32_t until);
/* What a stream is known as: in the tail, else in the table. */
bool log_find_state(struct log_fixture *log, const char *stream, struct stream_state *ret_state);

struct varve_uuid log_uuid(uint64_t kind, uint64_t number);
static inline int64_t log_recorded_at(uint64_t position)
{
    return 1700000000000000 + (int64_t)position * 10;
}

#endif
