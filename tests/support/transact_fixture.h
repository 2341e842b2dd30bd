/* transact_fixture.h - transactions and sagas in one line, for the stores of store_fixture.h.
 *
 * A transaction is items with a space between. "a:none=xy" is a stream as in store_fixture.h; with a '$' in front, a
 * stream of the system part. A '*' in front is a transition of a saga: "*TYPE-ID:ACTION", and behind it, in any order,
 *   :EXPECTED  a version or "exists" (as without)     /STEP
 *   =STATE     as octets; may be empty                !DEADLINE  in microseconds
 *   #LETTER    its event's id                         ^ERROR
 * such as "a:any=. *order-1:step:3/pay=7!500#k $checkpoint-p:any=.". */
#ifndef TESTS_TRANSACT_FIXTURE_H
#define TESTS_TRANSACT_FIXTURE_H

#include "support/store_fixture.h"
#include "varve/transact.h"

enum { TRANSACT_ITEMS = 64, TRANSACT_TEXT = 128, TRANSACT_EVENTS = 256 };

struct transact_parsed {
    struct varve_transact transact;
    char names[3][TRANSACT_ITEMS][TRANSACT_TEXT]; /* by enum varve_part; of sagas "*TYPE-ID" */
    struct varve_append_stream streams[2][TRANSACT_ITEMS];
    struct varve_event events[2][TRANSACT_EVENTS];
    uint32_t stream_of[2][TRANSACT_EVENTS];
    struct varve_saga_change sagas[TRANSACT_ITEMS];
    char data[2 * TRANSACT_EVENTS][24];
    size_t data_count;
    char text[8192];
};
/* Free it with free(). */
struct transact_parsed *transact_parse(const char *text);

/* "ok a@0-1/1-2 *order-1@3-3/3-3 $p@0-0/4-4", "again ...", "no: *order-1 SAGA_CONFLICT 2/3", or the status' name. */
const char *transact(struct store_fixture *f, const char *text);
/* Made, for the caller to submit and free; it must be possible. And how it came out. */
struct varve_append *transact_make(struct store_fixture *f, const char *text);
const char *transact_outcome(const struct varve_append *append, const char *text);

/* "running reserve v0 @2 =STATE !500 ^ERROR" (what is absent is left out), or the status' name. */
const char *saga_text(struct store_fixture *f, const char *type, const char *id);
/* "order-1@2 order-2@5", all pages of `query` one behind the other. */
const char *saga_list_text(struct store_fixture *f, const struct varve_saga_query *query);
/* "order 1,0,0,2,0 pay 0,0,0,0,0". */
const char *saga_counts_text(struct store_fixture *f);

#endif
