/* ledger.h - what became of the acks that were sent: those not answered yet, and those that were not taken.
 *
 *   ledger_begin(), positions --ledger_add(): it was sent--> unanswered --its answer--> ledger_settle(): gone
 *                                                                |  '--refused----> ledger_refuse()
 *                                                                '--ledger_lose()-> all of it refused: DISCONNECTED
 *
 * Answers may come in any order. Both parts are bounded: ledger_is_full() says when to wait for answers; of what was
 * refused the newest are kept. */
#ifndef CLIENT_LEDGER_H
#define CLIENT_LEDGER_H

#include "varve/subscription.h"

#define LEDGER_MAX_REQUESTS 16384u
#define LEDGER_MAX_POSITIONS 100000u /* of them all, unless it is one request */

struct ledger_request {
    struct ledger_request *older, *younger;
    uint32_t id;
    uint32_t count;
    uint64_t positions[];
};

struct ledger {
    struct ledger_request *oldest, *newest; /* sent, without an answer */
    uint32_t request_count, position_count; /* of these */
    bool lost;                              /* some were lost since that was last told */

    struct varve_refused_ack refused[VARVE_MAX_REFUSED]; /* a ring */
    uint32_t refused_begin, refused_count;
    bool handed_over;                       /* what is refused was told: it goes when more comes */
};

void ledger_free(struct ledger *ledger); /* of zeros allowed */

/* Room for one more request of so many positions? One always fits. */
bool ledger_is_full(const struct ledger *ledger, size_t count);
/* A request with room for so many positions and none yet; the caller's to free() until it is added. NULL: no memory. */
struct ledger_request *ledger_begin(size_t count);
/* It was sent: it has its id and its positions. */
void ledger_add(struct ledger *ledger, struct ledger_request *request);
/* NULL: none with this id is unanswered. */
struct ledger_request *ledger_find(const struct ledger *ledger, uint32_t id);
/* Its answer has come. */
void ledger_settle(struct ledger *ledger, struct ledger_request *request);
/* No answers will come any more. */
void ledger_lose(struct ledger *ledger);

void ledger_refuse(struct ledger *ledger, uint64_t position, enum varve_status status);
void ledger_refuse_all(struct ledger *ledger, const struct ledger_request *request, enum varve_status status);
/* What was refused since this was last called, the oldest first; lives until more is refused. */
size_t ledger_hand_over(struct ledger *ledger, const struct varve_refused_ack **ret_refused);

#endif
