/* plan.h - what the workload appends: every append and every event follows from its number and the seed, so that
 * whoever finds an event in a store knows what it must be. */
#ifndef TESTS_CRASH_PLAN_H
#define TESTS_CRASH_PLAN_H

#include "varve/store.h"

#define PLAN_STREAMS 48u
#define PLAN_CATEGORIES 4u
#define PLAN_TYPES 5u
#define PLAN_CORRELATIONS 16u
#define PLAN_MAX_EVENTS 32u
#define PLAN_MAX_DATA 24576u

#define PLAN_SAGAS 12u        /* at a time; when one is archived, its place is another's */
#define PLAN_CHECKPOINTS 2u

#define PLAN_LAST (UINT32_MAX - 1) /* number of one more append, of one event, for who finds the store */

/* Some are transactions: behind their events, which may be none, comes a saga's transition, and then perhaps a
 * checkpoint. Which transition it is depends on what became of the saga so far, all else about it on the number. */
struct plan_append {
    uint32_t number;
    uint32_t event_count, stream_count;
    uint32_t saga;        /* PLAN_SAGAS: none */
    uint32_t checkpoint;  /* PLAN_CHECKPOINTS: none */
    uint32_t streams[3];
    uint32_t stream_of[PLAN_MAX_EVENTS]; /* index into streams */
};
void plan_append(uint64_t seed, uint32_t number, struct plan_append *ret_plan);
/* With the transition and the checkpoint. */
uint32_t plan_total_events(const struct plan_append *plan);
struct varve_uuid plan_id(uint32_t number, uint32_t index);

struct plan_event {
    struct varve_event event; /* points into the texts and the data */
    char stream[16], type[16];
    uint8_t data[PLAN_MAX_DATA];
};
void plan_event(uint64_t seed, const struct plan_append *plan, uint32_t index, struct plan_event *ret_event);

void plan_stream_name(uint32_t stream, char ret_name[16]);
/* PLAN_STREAMS when it is none of them. */
uint32_t plan_stream_of_name(struct varve_view name);
void plan_type_name(uint32_t type, char ret_name[16]);
void plan_category_name(uint32_t category, char ret_name[16]);
struct varve_uuid plan_correlation(uint32_t correlation);

/* Which event an id belongs to; false when it is none of the plan's. */
bool plan_parse_id(const struct varve_uuid *id, uint32_t *ret_number, uint32_t *ret_index);

/* ---- what the workload marks in the trace ---- */

struct plan_mark {
    uint32_t number;          /* of the append; PLAN_DELETE: a stream was deleted instead, */
    uint32_t stream;          /* this one */
    uint64_t first_position;
    int64_t first_versions[3]; /* by the plan's streams, */
    int64_t saga_version, checkpoint_version; /* and of what a transaction has besides */
};
#define PLAN_DELETE UINT32_MAX

/* The engine, small enough that everything happens often: 256 KiB segments, settling after a few appends. */
void plan_options(struct varve_options *options);

#endif
