/* batches.h - a request that is answered in batches, made by a reader thread, as many as the client's credit and the
 * connection's room allow: READ and LOAD. Between batches it holds nothing of the store; a client that stops taking
 * costs the memory of one batch.
 *
 *   WAITING --credit and room--> AWAY (one batch with a reader thread) --more to come--> WAITING
 *                                  '--end, fault, cancelled--> gone */
#ifndef SERVER_BATCHES_H
#define SERVER_BATCHES_H

#include <stdatomic.h>

#include "session.h"

struct batches;
struct batches_kind {
    struct request_kind request;      /* BATCHES_REQUEST("read", describe) */
    /* On a reader thread: encode the next frames into `frames`, and count their bodies in `body_bytes`; then say
     * whether the last one is among them (`ended`), or what went wrong (`error`). */
    void (*make)(struct batches *batches);
    void (*destroy)(struct batches *batches); /* what `make` holds, and itself */
    const char *failed;               /* "read.failed", in the log */
};

struct batches { /* first in what it is a part of */
    struct request request;
    struct job job;
    struct server *server;
    int64_t credit_bytes;
    uint32_t batch_bytes;             /* about so large a batch is wanted */
    struct varve_error why_ended;     /* by the client; status VARVE_OK: not so */
    atomic_bool cancelled;            /* likewise, for the reader thread, which may stop early */

    /* With the reader thread while away: */
    struct varve_wire_buffer frames;
    size_t body_bytes;                /* as taken from the credit */
    bool ended;
    struct varve_error error;         /* status VARVE_OK: none */
};

void batches_stop(struct request *request, const struct varve_error *why);
void batches_room(struct request *request);
void batches_credit(struct request *request, uint32_t bytes);
void batches_cancel(struct request *request, const struct varve_error *why);
#define BATCHES_REQUEST(what, about)                                                                                   \
    { .stop = batches_stop, .room = batches_room, .credit = batches_credit, .cancel = batches_cancel, .noun = (what),  \
      .describe = (about) }

/* May another begin on this connection? INVALID_ARGUMENT: its id is in use; OVERLOADED. */
enum varve_status batches_check(struct session *session, uint32_t request_id, struct varve_error *error);
/* Begin. Takes `batches` (from malloc, zero but for the fields of its kind) whatever happens; `bytes` is what it holds
 * beside its batches. Answers OVERLOADED when there is no memory for it. */
void batches_begin(struct session *session, uint32_t request_id, struct batches *batches,
                   const struct batches_kind *kind, uint32_t credit_bytes, uint32_t batch_bytes, uint64_t bytes);

/* For `make`: room for so many more bytes of frames. False: no memory, and `error` says so. */
bool batches_reserve(struct batches *batches, size_t bytes);
/* An event's bytes in a READ_BATCH, and all that is around them. */
size_t batches_size_of(const struct varve_batch *batch);
/* Has it made enough for one turn with the reader thread, which began at `begun_us`? */
bool batches_is_enough(const struct batches *batches, uint64_t begun_us);

#endif
