/* subscribe.c - SUBSCRIBE: the events behind a position, those there are and those to come.
 *
 *   HELD --credit and room--> JOINED to the follower of its filter and position --a batch--> HELD
 *   either --fault, bad credit, cancelled, peer gone--> gone
 * What it knows of the log is a position. The frames that come between the events, and when:
 *   CAUGHT_UP    the end of the log was reached, and it was not told so since it last fell behind
 *   FELL_BEHIND  it was, and now so much lies ahead that it is history again
 *   CHECKPOINT   nothing matched for so many positions, or for a second */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "follow.h"
#include "reply.h"

enum { CHECKPOINT_POSITIONS = 1000, BEHIND_POSITIONS = 10000 };

struct subscription {
    struct request request;
    struct follow_member member;
    struct subscription *next, *previous; /* of all */
    struct varve_filter *filter;
    uint64_t position;                    /* everything up to here was looked at, */
    uint64_t told_position;               /* and up to here it knows so */
    int64_t credit_bytes;
    bool live;                            /* CAUGHT_UP was said */
};

static struct server *server_of(const struct subscription *s)
{
    return session_server(s->request.session);
}

static void end_subscription(struct subscription *s)
{
    struct server *server = server_of(s);

    follow_leave(&s->member);
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        server->subscriptions = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    figure_subtract(&server->figures.subscriptions, 1);
    session_end(&s->request);
    free(s->filter);
    free(s);
}

static void fail(struct subscription *s, const struct varve_error *why)
{
    reply_error(s->request.session, s->request.id, why);
    end_subscription(s);
}

static void tell_position(struct subscription *s, uint8_t opcode)
{
    varve_encode_position(session_out(s->request.session), s->request.id, opcode, s->position);
    session_sent(s->request.session);
    s->told_position = s->position;
}

/* So far behind, what it gets is no news. */
static void judge_distance(struct subscription *s, bool at_end)
{
    uint64_t last_position = varve_store_last_position(server_of(s)->store);

    if (at_end && !s->live) {
        s->live = true;
        tell_position(s, VARVE_OP_CAUGHT_UP);
    } else if (s->live && last_position - s->position > BEHIND_POSITIONS) {
        s->live = false;
        tell_position(s, VARVE_OP_FELL_BEHIND);
    }
}

/* Join the follower, if it can take more. May end the subscription. */
static void go_on(struct subscription *s)
{
    struct varve_error error;

    if (s->member.follower != NULL || s->credit_bytes <= 0 || !session_has_room(s->request.session))
        return;
    if (follow_join(server_of(s), &s->member, s->filter, s->position, &error) != VARVE_OK)
        fail(s, &error);
}

static void deliver(struct follow_member *member, const struct follow_batch *batch)
{
    struct subscription *s = (struct subscription *)((char *)member - offsetof(struct subscription, member));

    if (batch->error.status != VARVE_OK) {
        fail(s, &batch->error);
        return;
    }
    s->position = batch->position;
    if (batch->frame != NULL) {
        s->credit_bytes -= (int64_t)(batch->frame->size - VARVE_WIRE_HEADER);
        session_send_shared(s->request.session, s->request.id, batch->frame);
        s->told_position = s->position;
        figure_add(&server_of(s)->figures.subscription_events, batch->count);
    }
    judge_distance(s, batch->at_end);
    if (s->position - s->told_position >= CHECKPOINT_POSITIONS)
        tell_position(s, VARVE_OP_CHECKPOINT);
    go_on(s);
}

void subscribe_tick_all(struct server *server)
{
    for (struct subscription *s = server->subscriptions; s != NULL; s = s->next) {
        judge_distance(s, false);
        if (s->position > s->told_position)
            tell_position(s, VARVE_OP_CHECKPOINT);
    }
}

/* ---- as a request ----------------------------------------------------------------------------------------------- */

static void stop(struct request *request, const struct varve_error *why)
{
    struct subscription *s = (struct subscription *)request; /* Its first member. */

    if (why != NULL)
        fail(s, why);
    else
        end_subscription(s);
}

static void room(struct request *request)
{
    go_on((struct subscription *)request);
}

static enum varve_status check_credit(uint64_t bytes, struct varve_error *error)
{
    if (bytes <= SERVER_MAX_CREDIT_BYTES)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "credit_bytes",
                      "credit_bytes: a subscription may have %d, this makes %" PRIu64, SERVER_MAX_CREDIT_BYTES, bytes);
}

static void credit(struct request *request, uint32_t bytes)
{
    struct subscription *s = (struct subscription *)request;
    struct varve_error error;

    s->credit_bytes += bytes;
    if (s->credit_bytes > 0 && check_credit((uint64_t)s->credit_bytes, &error) != VARVE_OK)
        fail(s, &error);
    else
        go_on(s);
}

static const struct request_kind subscription_kind = { .stop = stop, .room = room, .credit = credit, .cancel = stop,
                                                       .noun = "subscription", .is_subscription = true };

/* ---- its beginning ---------------------------------------------------------------------------------------------- */

static enum varve_status check(struct session *session, uint32_t id, const struct varve_subscribe_request *request,
                               uint64_t last_position, struct varve_error *error)
{
    const struct request_list *requests = session_requests(session);
    const struct request *other = request_list_find(requests, id);

    if (other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (requests->subscription_count >= SERVER_MAX_SUBSCRIPTIONS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d subscriptions are open on this connection",
                          SERVER_MAX_SUBSCRIPTIONS);
    if (request->after != VARVE_AFTER_END && request->after > last_position)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after",
                          "after: the log ends at position %" PRIu64 ", this is %" PRIu64, last_position,
                          request->after);
    return check_credit(request->credit_bytes, error);
}

static uint32_t choose_batch_bytes(uint32_t wanted)
{
    return wanted < SERVER_MAX_BATCH_BYTES ? wanted : SERVER_MAX_BATCH_BYTES;
}

static struct subscription *create(const struct varve_subscribe_request *request, uint64_t last_position)
{
    struct subscription *s = calloc(1, sizeof(*s));
    struct varve_filter *filter = varve_filter_copy(&request->filter);

    if (s == NULL || filter == NULL) {
        free(s);
        free(filter);
        return NULL;
    }
    s->filter = filter;
    s->member.deliver = deliver;
    s->member.batch_bytes = choose_batch_bytes(request->batch_bytes);
    s->position = s->told_position = request->after == VARVE_AFTER_END ? last_position : request->after;
    s->credit_bytes = request->credit_bytes;
    return s;
}

static void begin(struct subscription *s, uint64_t last_position)
{
    struct session *session = s->request.session;
    struct server *server = session_server(session);

    session_wait_for_peer(&s->request, true); /* However many there are, the client must be heard. */
    s->next = server->subscriptions;
    if (s->next != NULL)
        s->next->previous = s;
    server->subscriptions = s;
    figure_add(&server->figures.subscriptions, 1);
    varve_encode_subscribed(session_out(session), s->request.id, s->position, last_position);
    session_sent(session);
    judge_distance(s, s->position == last_position);
    go_on(s);
}

void handle_subscribe(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    uint64_t last_position = varve_store_last_position(server->store);
    struct varve_subscribe_request request;
    struct varve_error error = { .status = VARVE_OK };

    if (varve_decode_subscribe(body, server->arena, &request, &error) != VARVE_OK ||
        check(session, frame->request_id, &request, last_position, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct subscription *s = create(&request, last_position);
    if (s == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    uint64_t bytes = sizeof(*s) + follow_filter_bytes(s->filter);
    if (!session_begin(session, &s->request, &subscription_kind, frame->request_id, bytes)) {
        free(s->filter);
        free(s);
        reply_overloaded(session, frame->request_id, "the server's memory for subscriptions is used up");
        return;
    }
    begin(s, last_position);
}
