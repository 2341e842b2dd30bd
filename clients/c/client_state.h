/* client_state.h - what a client consists of; each part belongs to the file of its name. */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include "credit.h"

/* How long and how often one call tries. */
struct patience {
    uint64_t deadline_us;
    uint32_t attempts_left;            /* further attempts after a loss */
    uint32_t delay_ms;                 /* before the next connect but one */
};

/* The one streamed read that a client may have open (read.c). */
struct reading {
    bool active;                       /* opened and not yet closed */
    bool ended;                        /* nothing follows the batch in hand */
    enum varve_status fault;           /* why it cannot go on: given to every further call, */
    struct varve_error why;            /* with this */

    struct varve_read want;            /* what is still to be read: moves along; its name points to `name` */
    char name[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    bool limited;                      /* want.limit counts down to 0, which then does not mean "no limit" */
    bool exhausted;                    /* backwards: the first event of all was handed over */

    uint32_t request_id;               /* on the present connection; 0: none */
    struct credit credit;
    const struct varve_view *records;  /* the batch in hand, in the client's arena */
    uint32_t count, index, batch_bytes;
    uint64_t next;                     /* where the server would go on behind this batch */
    struct varve_event event;
};

/* One append in flight (slots.c). */
struct slot {
    uint32_t request_id;
    uint32_t stream_count;             /* of its request, to hold the answer against */
    uint64_t begin, end;               /* its frame, in bytes ever written to `out` */
    uint64_t deadline_us;
    bool repeatable;                   /* all its events have ids */
    bool heard;                        /* it had left entirely on a connection that was lost */
    bool refused;                      /* answered NOT_READY on this connection: it goes to the next */
    bool settled;                      /* its outcome is known but an earlier one is not */
    enum varve_status fault;           /* OK: the server's answer is below; else what it ended with */
    uint8_t opcode;
    uint8_t *answer;
    size_t answer_size, answer_capacity;
    varve_client_done done;
    void *user;
};

struct pipeline {
    struct slot *slots;                /* a ring of `capacity`, made at the first submit */
    uint32_t capacity, head, count;
    uint64_t out_base;                 /* how many bytes ever written to `out` have left its front */
    size_t held_bytes;                 /* of answers waiting for earlier ones */
    bool delivering;                   /* a `done` is running */
    uint64_t delivered;                /* outcomes handed over, ever */
    struct patience patience;          /* renewed by every answer */
    struct varve_error why;            /* of the last loss */
};

struct varve_client {
    struct url url;
    struct varve_client_options options; /* client_name points to `name` */
    char name[CLIENT_NAME_MAX + 1];
    struct connection connection;
    struct varve_wire_arena *arena;    /* what the last call returned */
    uint64_t dice;                     /* for jitter */
    struct reading reading;
    struct pipeline pipeline;
};

#endif
