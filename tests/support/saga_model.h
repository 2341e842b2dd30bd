/* saga_model.h - transactions and sagas as arrays and linear search: what each must give, and what sagas there are
 * then.
 *
 * Names, steps, states, errors and ids are small numbers here; the test turns them into real ones. All ids are known
 * for ever. Nothing is shared with the engine. */
#ifndef TESTS_SAGA_MODEL_H
#define TESTS_SAGA_MODEL_H

#include "varve/transact.h"

enum {
    SAGA_MODEL_TYPES = 3, SAGA_MODEL_IDS = 16, SAGA_MODEL_SAGAS = SAGA_MODEL_TYPES * SAGA_MODEL_IDS,
    SAGA_MODEL_STREAMS = 4,  /* the last of them the server's */
    SAGA_MODEL_ITEMS = 8, SAGA_MODEL_EVENTS = 3,
    SAGA_MODEL_NONE = 5, SAGA_MODEL_ARCHIVED = 6 /* beside enum varve_saga_status */
};

struct saga_model_event {
    uint64_t id;             /* 0 = made by the store */
    uint64_t content;        /* equal numbers, equal bytes */
};
/* One transition; 0 is "none" for the numbers. */
struct saga_model_change {
    enum varve_saga_action action;
    unsigned step, error;
    bool has_state;
    unsigned state;
    int64_t deadline_us;
    unsigned correlation;
};
/* A stream (number below SAGA_MODEL_STREAMS) or a saga (its number + SAGA_MODEL_STREAMS). */
struct saga_model_item {
    unsigned number;
    int64_t expected;
    unsigned event_count;    /* of a saga always 1 */
    struct saga_model_event events[SAGA_MODEL_EVENTS];
    struct saga_model_change change;
};
/* Client streams first, then sagas, then the server's. Each number once. */
struct saga_model_request {
    unsigned count;
    struct saga_model_item items[SAGA_MODEL_ITEMS];
};
struct saga_model_outcome {
    enum varve_status status;
    bool replayed;
    unsigned conflict_count;
    struct varve_conflict conflicts[SAGA_MODEL_ITEMS];
    struct varve_append_result results[SAGA_MODEL_ITEMS];
};

struct saga_model_saga {
    unsigned status;
    int64_t version;
    uint64_t position;
    unsigned step, error, state, correlation;
    bool has_state;
    int64_t started_at_us, updated_at_us, completed_at_us, failed_at_us, deadline_us;
};
struct saga_model {
    int64_t versions[SAGA_MODEL_STREAMS];
    struct saga_model_saga sagas[SAGA_MODEL_SAGAS];
    struct saga_model_stored { unsigned number; struct saga_model_event event; int64_t version; } *log;
    uint64_t count, room;
    int64_t last_recorded_at_us;
    bool had_type[SAGA_MODEL_TYPES];
};

void saga_model_init(struct saga_model *model);
void saga_model_free(struct saga_model *model);
void saga_model_transact(struct saga_model *model, const struct saga_model_request *request, int64_t now_us,
                         struct saga_model_outcome *ret_outcome);

struct saga_model_query {
    enum varve_saga_order order;
    int type;                /* -1: all */
    unsigned statuses, step; /* 0: all */
    int64_t updated_before_us, deadline_before_us;
};
/* The numbers of the sagas listed, in order; their count. */
unsigned saga_model_list(const struct saga_model *model, const struct saga_model_query *query,
                         unsigned ret_sagas[SAGA_MODEL_SAGAS]);

#endif
