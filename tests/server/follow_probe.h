/* follow_probe.h - a member of followers that keeps what it is handed, without a connection. */
#ifndef TESTS_SERVER_FOLLOW_PROBE_H
#define TESTS_SERVER_FOLLOW_PROBE_H

#include "fixture.h"

#include "server/follow.h"

enum { PROBE_ROOM = 65536 };

struct probe {
    struct follow_member member;   /* first */
    struct fixture *fixture;
    struct varve_filter *filter;
    uint64_t position;             /* of the last batch */
    bool at_end;
    unsigned batches;              /* with events or without */
    uint32_t count;
    uint64_t positions[PROBE_ROOM]; /* of all events it got */
    struct varve_error error;
    bool stays;                    /* joins again after each batch */
};
struct probe *probe_create(struct fixture *f, const struct varve_filter *filter, uint64_t position);
void probe_join(struct probe *probe);
/* Turn the loop until it has got a batch that ends where the log does; until it has got so many batches. */
void probe_take_to_end(struct probe *probe);
void probe_take(struct probe *probe, unsigned batches);
void probe_free(struct probe *probe); /* leaves */

#endif
