/* push_parts.h - what push is made of; for the files of that name. */
#ifndef SERVER_PUSH_PARTS_H
#define SERVER_PUSH_PARTS_H

#include "follow.h"
#include "push.h"
#include "push_query.h"
#include "push_rules.h"
#include "push_share.h"

enum {
    PUSH_BATCH_BYTES = 64 * 1024, /* of records, that a client takes at a time */
    PUSH_COUNTED = 16384,         /* rejected events whose positions are remembered */
    PUSH_SAID = 256,              /* room for what is said between the events */
};

/* ---- batches: push_batch.c, and push_text.c for their text ------------------------------------------------------- */

enum push_event_state { PUSH_UNSEEN, PUSH_RENDERED, PUSH_REJECTED };
struct push_event {
    const uint8_t *record;        /* in the frame */
    uint32_t size;
    enum push_event_state state;
    uint32_t name_size;           /* the line with the type, with which the text begins */
    size_t text_at, text_size;    /* RENDERED: in the batch's text */
    bool user_known;
    struct varve_view user_id;    /* in the frame */
};

/* Events of the log as they are sent, for all clients that want to know what comes behind a position. An event is
 * rendered when a client first needs it. */
struct push_batch {
    struct push_batch *next, *previous;  /* of all, the one that was used last first */
    struct push_channel *channel;        /* NULL: a new client shall not find it any more */
    struct push_batch *next_in_channel;
    struct push_client *holders;
    struct shared_bytes *frame;
    uint64_t after, position;            /* all events behind `after`, up to `position` */
    bool at_end;                         /* and that was the end of the log */
    uint64_t used_ms;
    uint64_t charged_bytes;              /* in the budget; the frame is charged already */
    struct varve_wire_buffer text;
    uint32_t count;
    struct push_event events[];
};

/* Clients whose filters are the same as far as followers know them. They share batches, however far apart they are. */
struct push_channel {
    struct push_channel *next, *previous;
    struct varve_filter *filter;
    unsigned clients;
    struct push_batch *batches;    /* the newest first; few */
    uint64_t position;             /* where the last of them ends */
};
/* The channel of this filter, which is taken over. NULL: no memory, and the filter is still the caller's. */
struct push_channel *push_channel_enter(struct push *push, struct varve_filter *filter);
void push_channel_leave(struct push *push, struct push_channel *channel);
/* A batch that has what lies behind the position. NULL: there is none. */
struct push_batch *push_channel_find(struct push_channel *channel, uint64_t position);

/* The batch made of this one, which a follower at `after` has delivered. NULL: no memory. */
struct push_batch *push_batch_of(struct push *push, struct push_channel *channel, uint64_t after,
                                 const struct follow_batch *from);
void push_batch_use(struct push *push, struct push_batch *batch);  /* it was needed just now */
void push_batch_hold(struct push_batch *batch, struct push_client *client);
void push_batch_release(struct push_client *client);               /* client->batch, which may be NULL */
/* Down to what push may have, by taking batches from clients that use theirs least. */
void push_batches_make_room(struct push *push);
void push_batches_drop_unused(struct push *push, uint64_t before_ms);
/* Nobody finds any of them any more: the rules have changed. */
void push_batches_hide(struct push *push);

/* Render an event of the batch, unless it is. False: no memory. */
bool push_text_render(struct push *push, struct push_batch *batch, struct push_event *event);
struct varve_view push_text_user(struct push_event *event);

/* ---- clients: push_client.c -------------------------------------------------------------------------------------- */

/*   WAITING   has asked for text: joined to a follower, or there is none to be had until the next tick
 *   HAS TEXT  of a batch, or said; the stream was woken, or will be when it is its turn
 *   BUSY      the stream has text that the peer has not taken; holds its place, and perhaps a batch */
struct push_client {
    struct push *push;
    struct push_client *next, *previous;             /* of all */
    struct push_client *next_ready, *previous_ready; /* of those whose turn comes */
    struct push_client *next_holder, *previous_holder;
    bool is_ready, is_waiting, is_live, is_ending, is_cut;
    struct http_stream *stream;
    struct follow_member member;
    struct push_channel *channel;
    struct push_ask *ask;
    uint64_t position;            /* everything up to here was sent, or is not for this client, */
    uint64_t told_position;       /* and up to here it knows so */
    uint64_t history_position;    /* so far the log went when it came */
    struct push_batch *batch;
    uint32_t at;                  /* the event of the batch that comes next, or whose text was sent */
    size_t sent;                  /* of that event's text, in part */
    uint64_t torn_position;       /* not 0: the rest of this event must come next, */
    size_t torn_sent, torn_size;  /* so much of it was sent, of so much */
    uint64_t read_ms;             /* when the stream asked last, */
    uint64_t said_ms;             /* and when it was given something */
    uint64_t charged_bytes;
    size_t said_size, said_at;
    char said[PUSH_SAID];
};
/* A client that wants this, standing at `position`. Takes over the ask. NULL: no memory; the ask is the caller's. */
struct push_client *push_client_create(struct push *push, struct push_ask *ask, uint64_t position);
void push_client_begin(struct push_client *client, struct http_stream *stream);
void push_client_free(struct push_client *client); /* without a stream, or one that is closed */
extern const struct http_stream_kind push_client_stream;
/* Is there text to be sent? Else it waits, or its turn will come. */
bool push_client_has_text(struct push_client *client);
/* It gives its batch back, which memory needs more; it will read on where it stands. */
void push_client_give_back(struct push_client *client);
void push_client_cut(struct push_client *client);
void push_client_tick(struct push_client *client, uint64_t now_ms);

/* ---- push.c: all of them ----------------------------------------------------------------------------------------- */

struct push {
    struct server *server;
    struct push_rules *rules;
    struct varve_wire_buffer scratch;
    struct push_client *clients;
    uint32_t client_count;
    struct push_channel *channels;
    struct push_batch *batches, *least_used;
    uint64_t held_bytes, limit_bytes; /* of all batches, frames included */
    struct push_client *ready, *last_ready;
    struct completion turn;
    bool told;                    /* `turn` is on its way */
    struct push_share share;
    bool turn_is_fresh;
    uint64_t turn_us;             /* its length */
    uint64_t turn_until_us;
    uint64_t turn_bytes;          /* may still be given to streams in it */
    uint64_t spent_us;            /* in the last turn, looking for text; */
    uint64_t http_turned_us;      /* at its end, http_turned_us() */
    uint64_t counted[PUSH_COUNTED]; /* positions of rejected events, at position % PUSH_COUNTED */
};
uint64_t push_now_ms(const struct push *push);
bool push_may_go_on(struct push *push);                /* is something left of this turn of the loop? */
void push_queue(struct push_client *client);           /* its turn will come */
void push_unqueue(struct push_client *client);

#endif
