/* metrics_write.h - /metrics: what only the loop knows is looked at there, the rest and the text are made elsewhere. */
#ifndef SERVER_METRICS_WRITE_H
#define SERVER_METRICS_WRITE_H

#include "metrics.h"
#include "varve/group.h"

/* What only the loop may look at: is there a store to tell of, and the groups. At most metrics.label_values of them are
 * told apart. */
struct metrics_look {
    bool has_store;                          /* else nothing that works on one is told: it is absent, not 0 */
    struct metrics_group {
        char name[2 * VARVE_MAX_GROUP_NAME]; /* escaped */
        size_t name_size;
        uint64_t members, lag_events, parked, checkpoint;
    } *groups;
    size_t group_count;
    bool has_other;                          /* the last is all that have no place, together */
};
/* On the loop. False: no memory. */
bool metrics_look(const struct server *server, struct metrics_look *ret);
void metrics_look_end(struct metrics_look *look);

/* All of it as Prometheus text (version 0.0.4), appended. On a reader thread. */
enum varve_status metrics_write(struct server *server, const struct metrics_look *look, struct varve_wire_buffer *out,
                                struct varve_error *error);
/* What making it takes, the text included, as far as can be told before: what to charge the budget. That there may be
 * many groups and types of sagas takes nothing: the budget would refuse every scrape. */
uint64_t metrics_write_bytes(const struct server *server, const struct metrics_look *look);

#endif
