/* flow.h - appends submitted by the tests of the pipeline, and the book of what became of them. */
#ifndef TESTS_CLIENT_FLOW_H
#define TESTS_CLIENT_FLOW_H

#include "peer.h"

#define FLOW_MAX 600

/* What the `done`s were told, in their order. */
struct flow {
    struct varve_client *client;
    unsigned count;
    unsigned numbers[FLOW_MAX];           /* which append, */
    enum varve_status statuses[FLOW_MAX]; /* how it ended, */
    int64_t versions[FLOW_MAX];           /* and where */
    unsigned submit_more;                 /* appends that `done` submits itself */
    unsigned submitted;
    enum varve_status inside;             /* what other calls say inside `done` */
    struct flow_ticket {
        struct flow *flow;
        unsigned number;
    } tickets[FLOW_MAX];
};

void flow_begin(struct flow *flow, struct fake_server *server, const char *query);
/* The next append: one event, which says its number in its schema_version. */
enum varve_status flow_submit(struct flow *flow, bool with_id, struct varve_error *error);
void flow_submit_some(struct flow *flow, unsigned count, bool with_id);
/* Every append was told once and in order; those from `first` to `last` ended with `status`. */
void flow_assert_ended(const struct flow *flow, unsigned first, unsigned last, enum varve_status status);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

/* Take an append: its request id, and which number it is. */
uint32_t flow_take_any(struct fake_server *server, unsigned *ret_number);
uint32_t flow_take(struct fake_server *server, unsigned expected);
/* Take and answer those from `first` to `last`. */
void flow_serve(struct fake_server *server, unsigned first, unsigned last);

#endif
