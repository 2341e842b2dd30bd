/* client_state.h - what a client consists of; each part belongs to the file of its name. */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include "credit.h"
#include "varve/load.h"
#include "varve/state.h"

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

/* The one load that a client may have open (load.c). */
struct loading {
    bool active;                       /* opened and not yet closed */
    bool broken;                       /* a loss that cannot be repaired */
    enum varve_status fault;           /* why it cannot go on: given to every further call, */
    struct varve_error why;            /* with this */

    const struct varve_view *streams;  /* the caller's */
    size_t count;
    struct varve_load_wanted wanted;   /* its type points to `type` */
    char type[VARVE_SNAPSHOT_MAX_TYPE];
    size_t due;                        /* the stream whose LOADING comes next */

    uint32_t request_id;               /* on the present connection; 0: none */
    size_t asked_from, asked_until;    /* the streams it asked for */
    struct credit credit;
    const struct varve_view *records;  /* the batch in hand, in the client's arena */
    uint32_t record_count, record_index, batch_bytes;

    struct varve_loaded loaded;        /* the stream in hand, as it was handed over */
    bool fresh;                        /* it came during this call */
    bool told;                         /* it is due a second time, after a loss */
    bool events_told;                  /* of it were handed over */
    bool passing_over;                 /* the rest of it is not wanted */
    int64_t next_version;              /* of its next event */
    int64_t last_version;              /* up to here they will come */
    struct varve_snapshot snapshot;    /* its texts in `kept` */
    char *kept;
    size_t kept_capacity;
    struct varve_event event;
};

/* How a request in flight ended. */
struct ending {
    const struct varve_error *fault;   /* NULL: it was answered, with this: */
    uint8_t opcode;
    struct varve_view body;
};

/* What differs between the requests that can be in flight. */
struct slot;
struct slot_kind {
    uint8_t opcode;                    /* of its answer, unless that is an ERROR */
    void (*tell)(struct varve_client *client, const struct slot *slot, const struct ending *ending); /* its `done` */
};

/* One request in flight (slots.c). */
struct slot {
    const struct slot_kind *kind;
    uint32_t request_id;
    uint32_t counts[VARVE_PART_ACK + 1]; /* of each part of its request, to hold the answer against */
    uint64_t begin, end;               /* its frame, in bytes ever written to `out` */
    uint64_t deadline_us;
    bool repeatable;                   /* the server recognises it when it comes a second time */
    bool heard;                        /* it had left entirely on a connection that was lost */
    bool refused;                      /* answered NOT_READY on this connection: it goes to the next */
    bool settled;                      /* its outcome is known but an earlier one is not */
    enum varve_status fault;           /* OK: the server's answer is below; else what it ended with */
    uint8_t opcode;
    uint8_t *answer;
    size_t answer_size, answer_capacity;
    union {
        varve_client_done append;
        varve_transact_done transact;
        varve_snapshot_done snapshot;
    } done;                            /* as its kind says */
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
    struct loading loading;
    struct pipeline pipeline;
};

/* Is the connection taken by an answer that comes in many frames? */
static inline bool client_is_reading(const struct varve_client *client)
{
    return client->reading.active || client->loading.active;
}

#endif
