/* transacts.h - what the tests of transactions share: one with every part, and a server's answer to it. */
#ifndef TESTS_CLIENT_TRANSACTS_H
#define TESTS_CLIENT_TRANSACTS_H

#include "peer.h"

#include "clients/c/transact.h"

/* One event, a check of another stream, a transition and a checkpoint. */
struct transact_sample {
    struct varve_append_stream streams[2];
    struct varve_event event;
    uint32_t stream_of[1];
    struct varve_saga_change saga;
    struct varve_checkpoint checkpoint;
    struct varve_transact_request request;
};
void transact_sample_init(struct transact_sample *s);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

/* TRANSACT; returns its id. */
uint32_t transact_take(struct fake_server *server, struct varve_transact_request *ret);
/* The outcome of the first so many of its parts. */
void transact_answer(struct fake_server *server, uint32_t id, size_t streams, size_t sagas, size_t checkpoints);

#endif
