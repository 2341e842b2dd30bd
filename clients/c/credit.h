/* credit.h - how much a server may send of one request before what came was handed over. */
#ifndef CLIENT_CREDIT_H
#define CLIENT_CREDIT_H

#include "connection.h"

struct credit {
    uint32_t window_bytes; /* what the request began with */
    uint32_t batch_bytes;  /* how large its batches should be */
    uint32_t eaten_bytes;  /* of batches handed over since credit was last given back */
    int64_t left_bytes;    /* the server's as we count it: it sends while this is above 0, so one batch may overdraw */
};

/* For a request that begins now: as much as is wanted and the server allows. */
void credit_begin(struct credit *credit, uint32_t wanted_bytes, const struct varve_hello_ok *server);

/* A batch of so many bytes came. False: the server had no credit for it. */
bool credit_spend(struct credit *credit, size_t bytes);

/* So many bytes of batches were handed over. Credit goes back when half of the window was used, so that the server need
 * not stop while we work; `request_id` 0: the request is over. */
void credit_return(struct credit *credit, struct connection *c, uint32_t request_id, size_t bytes);

#endif
