/* saga_claims_parts.h - what a claim is made of; for saga_claims.c, which lets claims wait, and saga_look.c, which
 * looks for sagas on a reader thread. */
#ifndef SERVER_SAGA_CLAIMS_PARTS_H
#define SERVER_SAGA_CLAIMS_PARTS_H

#include "varve/wire_saga.h"

#include "session.h"
#include "saga_claims.h"
#include "saga_leases.h"

/* How far a look has come. */
struct saga_look {
    unsigned status_at;          /* in the order in which statuses are looked at */
    bool begun;                  /* in this status */
    uint64_t from;               /* nothing can be given up to here */
    uint32_t page_sagas;         /* of the next page */
    uint8_t cursor[VARVE_SAGA_MAX_CURSOR];
    uint32_t cursor_size;        /* 0: from the beginning */
    uint32_t given_count;
    uint64_t given_bytes;        /* of states */
    struct varve_saga *given[VARVE_MAX_CLAIM]; /* from varve_saga_get() */
};

struct claim_line;
struct claim {
    struct request request;      /* first */
    struct job job;
    struct server *server;
    struct varve_saga_claim what; /* its views point to what follows */
    char type[VARVE_SAGA_MAX_TYPE], step[VARVE_SAGA_MAX_STEP], worker[VARVE_MAX_WORKER_NAME];
    uint64_t id;                 /* of its leases */
    uint64_t until_ms;           /* when it has waited enough; uv_now() */
    struct claim_line *line;     /* NULL: it does not wait, or has not yet */
    struct claim *next, *previous; /* in its line */
    bool charged;                /* for a look */
    bool held;                   /* wants to look, and there is no room */
    uint64_t seen;               /* changes, when the look began */
    struct varve_error why_ended; /* by the client, while it is away; status VARVE_OK: not so */

    /* With the reader thread while away: */
    struct saga_look look;
    bool looked_enough;          /* there is more to be looked at, but others wait for the thread */
    struct varve_wire_buffer out;
    struct varve_error error;    /* status VARVE_OK: none */
};

/* saga_look.c: look for sagas, take leases, fetch states, and encode the answer if there is something to be answered.
 * On a reader thread. */
void saga_look(struct claim *claim);

/* saga_claims.c: the leases, for a moment; any thread. Those whose time is over have ended. */
struct saga_leases *saga_claims_lock(struct server *server);
void saga_claims_unlock(struct server *server);

#endif
