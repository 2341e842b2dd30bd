/* kill9_load.h - what the kill loop writes: events made from numbers alone, and a note of every append.
 *
 * Each writer owns some streams and appends to them with expected versions and ids, many at a time in flight. Event n
 * of a stream is a function of the seed, the stream and n, so whatever a store gives back can be held against it. */
#ifndef TESTS_CRASH_KILL9_LOAD_H
#define TESTS_CRASH_KILL9_LOAD_H

#include "varve/client.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOAD_WRITERS 4u
#define LOAD_STREAMS 6u            /* of each writer */
#define LOAD_NOTES_MAX 400000u     /* of each writer */
#define LOAD_EVENTS_MAX 10u        /* of one append */
#define LOAD_DATA_MAX 3000u

enum note_state {
    NOTE_ACKNOWLEDGED, /* durable, with the numbers below */
    NOTE_UNKNOWN,      /* the connection was lost: stored or not */
    NOTE_UNSENT,       /* the client said that the server cannot have acted on it */
};

/* One append: events for one stream, or for two. */
struct note {
    struct writer *writer;
    uint32_t first_version[2];
    uint64_t first_position[2];    /* once acknowledged */
    uint8_t stream[2], events[2];  /* events[1] = 0: one stream */
    uint8_t state;                 /* enum note_state */
    bool replayed;                 /* acknowledged from the past */
};

struct writer {
    unsigned number;
    pthread_t thread;
    const char *url;
    bool persists;                 /* its client reconnects and sends again; else a loss ends its round */
    atomic_bool stop;
    struct note *notes;
    uint32_t note_count;
    uint32_t next_version[LOAD_STREAMS];
    uint64_t random;
    char fault[600];               /* the first thing that must not be; "" = none */
    uint8_t data[LOAD_EVENTS_MAX][LOAD_DATA_MAX];
};

extern uint64_t load_seed;

/* Event `version` of a writer's stream; its data goes into `data`. */
void load_make_event(unsigned writer, unsigned stream, uint32_t version, uint8_t data[LOAD_DATA_MAX],
                     struct varve_event *ret_event);
void load_stream_name(unsigned writer, unsigned stream, char ret_name[24]);

/* False: no memory. */
bool load_init(struct writer writers[LOAD_WRITERS], const char *url);
void load_free(struct writer writers[LOAD_WRITERS]);

/* Append until told to stop or, unless `persists`, until the connection is lost. */
void load_begin(struct writer *writer, bool persists);
void load_end(struct writer *writer);

/* Append everything whose outcome is unknown once more, and `again` acknowledged ones besides: these must be answered
 * from the past with their numbers. Counts into *ret_found those that had been stored although nobody knew. */
void load_settle(struct writer *writer, unsigned again, uint32_t *ret_found);

#endif
