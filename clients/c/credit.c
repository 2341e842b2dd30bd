/* credit.c - see credit.h. */
#include "credit.h"

#define BATCHES_PER_WINDOW 8u
#define BATCH_MIN (4u << 10)
#define BATCH_MAX (512u << 10)

void credit_begin(struct credit *credit, uint32_t wanted_bytes, const struct varve_hello_ok *server)
{
    uint32_t window = wanted_bytes < server->max_credit_bytes ? wanted_bytes : server->max_credit_bytes;
    uint32_t batch = window / BATCHES_PER_WINDOW;

    batch = batch < BATCH_MIN ? BATCH_MIN : batch > BATCH_MAX ? BATCH_MAX : batch;
    *credit = (struct credit){ .window_bytes = window, .batch_bytes = batch, .left_bytes = window };
}

bool credit_spend(struct credit *credit, size_t bytes)
{
    bool had = credit->left_bytes > 0;

    credit->left_bytes -= (int64_t)bytes;
    return had;
}

void credit_return(struct credit *credit, struct connection *c, uint32_t request_id, size_t bytes)
{
    credit->eaten_bytes += (uint32_t)bytes;
    if (request_id == 0 || c->state != CONNECTION_READY || credit->eaten_bytes < credit->window_bytes / 2)
        return;
    size_t begin = connection_begin_post(c);
    varve_encode_credit(&c->out, request_id, credit->eaten_bytes);
    if (!connection_post(c, begin))
        return; /* Given with the next batch. */
    credit->left_bytes += credit->eaten_bytes;
    credit->eaten_bytes = 0;
}
