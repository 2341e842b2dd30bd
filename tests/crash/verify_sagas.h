/* verify_sagas.h - a book of what became of sagas and checkpoints, kept from the log alone, and what the store says of
 * them held against it. */
#ifndef TESTS_CRASH_VERIFY_SAGAS_H
#define TESTS_CRASH_VERIFY_SAGAS_H

#include "tests/crash/plan_saga.h"

#define BOOK_GENERATIONS 256u

struct book_saga {
    int status;              /* enum varve_saga_status, PLAN_NOT_BEGUN or PLAN_ARCHIVED */
    int64_t version;
    uint64_t position;
    int64_t started_at_us, updated_at_us, completed_at_us, failed_at_us, deadline_us;
    struct varve_uuid correlation_id;
    char step[16], error[32];
    int64_t state_number;    /* of the append that wrote it; -1: it has none */
};

struct book {
    struct book_saga sagas[PLAN_SAGAS][BOOK_GENERATIONS];
    uint32_t generations[PLAN_SAGAS]; /* begun so far */
    struct {
        uint64_t events, last_position;
    } checkpoints[PLAN_CHECKPOINTS];
    char *problem;           /* 512 bytes for the first that is found */
};

void book_begin(struct book *book, char problem[512]);
/* The event behind those of the append's own: is it the transition or checkpoint it must be? */
bool book_take(struct book *book, uint64_t seed, const struct plan_append *plan, uint32_t index,
               const struct varve_event *event);
/* Rows, both lists, counts and checkpoints are what the book says. */
bool book_check(const struct book *book, uint64_t seed, struct varve_store *store);
/* The saga that has the place now: its generation, and what is known of it (PLAN_NOT_BEGUN: nothing). */
struct book_saga book_newest(const struct book *book, uint32_t saga, uint32_t *ret_generation);

#endif
