/* ledger.h - what was asked of a store that is made to fail, and what it answered; afterwards the store must agree.
 *
 * Every append writes three events to two streams with ids of its own, so that asking again tells whether it was
 * stored: all of it, or nothing. */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include "support/store_fixture.h"

enum { LEDGER_ROOM = 256, LEDGER_TEXT = 640 };

enum fate {
    ACKNOWLEDGED, /* must be there, with these numbers */
    REFUSED,      /* must not be there */
    UNKNOWN,      /* IO: may be there, whole */
};
struct ledger_entry {
    uint64_t number;
    enum fate fate;
    struct varve_append_result results[2];
};
struct ledger {
    struct ledger_entry entries[LEDGER_ROOM];
    size_t count;
    char violation[LEDGER_TEXT]; /* "" while all is well */
};

/* One append more. Its status is noted; nothing is asserted. */
enum varve_status ledger_append(struct ledger *ledger, struct store_fixture *f);

/* Hold an open, healthy store against the ledger. false: *ledger->violation says what is wrong. */
bool ledger_holds(struct ledger *ledger, struct store_fixture *f);

/* Is this a status that a fault may lead to? */
bool ledger_status_is_sane(enum varve_status status);

#endif
