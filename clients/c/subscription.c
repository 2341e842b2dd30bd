/* subscription.c - a subscription: events in the order of the log, each once, however many connections that takes. */
#include "varve/subscription.h"
#include "feed.h"
#include "varve/record.h"

#include <stdlib.h>
#include <string.h>

struct varve_subscription {
    struct feed feed;                  /* first: feed_ask() finds the rest by it */
    struct varve_filter *filter;
    uint64_t position;                 /* up to here all was handed over; VARVE_AFTER_END before the first SUBSCRIBED */
    const struct varve_view *records;  /* the batch in hand, in the client's arena */
    uint32_t count, index;
    size_t batch_bytes;
    uint64_t batch_position;           /* up to where it tells everything */
    struct varve_event event;
};

static unsigned long long shown(uint64_t position)
{
    return position;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static void ask(struct feed *feed, struct varve_wire_buffer *out)
{
    const struct varve_subscription *s = (const struct varve_subscription *)feed;

    varve_encode_subscribe(out, feed->request_id,
                           &(struct varve_subscribe_request){ *s->filter, s->position, feed->credit.window_bytes,
                                                              feed->credit.batch_bytes });
}

/* A log that ends before what it has told already is no log of ours. */
static enum varve_status say_shorter(struct varve_subscription *s, struct varve_error *error)
{
    struct varve_error why = *error;

    if (!s->feed.started || strcmp(why.field, "after") != 0)
        return why.status;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "after",
                      "%s: the log ends before position %llu, up to which it was followed already: it is another log "
                      "or was set back (the server: %.200s)", s->feed.client->url.shown, shown(s->position),
                      why.message);
}

/* Subscribes behind what was handed over. */
static enum varve_status begin(struct varve_subscription *s, struct varve_error *error)
{
    struct varve_error why;
    struct varve_view body;
    uint64_t after, last_position;
    enum varve_status status = feed_start(&s->feed, &body, error);

    if (status == VARVE_INVALID_ARGUMENT)
        return say_shorter(s, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_subscribed(body, &after, &last_position, &why) != VARVE_OK)
        status = client_unreadable(s->feed.client, VARVE_OP_SUBSCRIBED, &why, error);
    else if (s->position != VARVE_AFTER_END && after != s->position)
        status = connection_fail(&s->feed.client->connection, error, VARVE_PROTOCOL,
                                 "subscribed after %llu where %llu was asked for", shown(after), shown(s->position));
    if (status != VARVE_OK) {
        feed_end(&s->feed);
        return feed_fail(&s->feed, status, error);
    }
    s->position = after;
    return VARVE_OK;
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

static enum varve_status refuse_position(struct varve_subscription *s, uint8_t opcode, uint64_t position,
                                         struct varve_error *error)
{
    s->count = 0;
    return connection_fail(&s->feed.client->connection, error, VARVE_PROTOCOL, "%s up to position %llu, behind %llu",
                           varve_opcode_name(opcode), shown(position), shown(s->position));
}

static enum varve_status take_events(struct varve_subscription *s, struct varve_view body, struct varve_error *error)
{
    struct varve_client *client = s->feed.client;
    struct varve_error why;

    if (varve_decode_events(body, client->arena, &s->records, &s->count, &s->batch_position, &why) != VARVE_OK) {
        s->count = 0;
        return client_unreadable(client, VARVE_OP_EVENTS, &why, error);
    }
    if (s->batch_position < s->position)
        return refuse_position(s, VARVE_OP_EVENTS, s->batch_position, error);
    s->batch_bytes = body.size;
    s->position = s->count == 0 ? s->batch_position : s->position;
    return VARVE_OK;
}

/* CAUGHT_UP, FELL_BEHIND, CHECKPOINT. */
static enum varve_status take_position(struct varve_subscription *s, uint8_t opcode, struct varve_view body,
                                       enum varve_notice_kind kind, struct varve_notice *ret_notice,
                                       struct varve_error *error)
{
    struct varve_client *client = s->feed.client;
    struct varve_error why;
    uint64_t position;

    if (varve_decode_position(body, opcode, &position, &why) != VARVE_OK)
        return client_unreadable(client, opcode, &why, error);
    if (position < s->position)
        return refuse_position(s, opcode, position, error);
    if (kind != VARVE_NOTICE_FELL_BEHIND) /* Which says what is not: that all up to there was sent. */
        s->position = position;
    *ret_notice = (struct varve_notice){ kind, s->position, NULL };
    return VARVE_OK;
}

static enum varve_status take_frame(struct varve_subscription *s, const struct varve_frame *frame,
                                    struct varve_view body, bool *ret_done, struct varve_notice *ret_notice,
                                    struct varve_error *error)
{
    enum varve_notice_kind kind = VARVE_NOTICE_CHECKPOINT;

    if (frame->request_id != s->feed.request_id)
        return client_refuse(s->feed.client, frame->opcode, "an answer to SUBSCRIBE", error);
    if (frame->opcode == VARVE_OP_EVENTS)
        return take_events(s, body, error);
    if (frame->opcode == VARVE_OP_CAUGHT_UP)
        kind = VARVE_NOTICE_CAUGHT_UP;
    else if (frame->opcode == VARVE_OP_FELL_BEHIND)
        kind = VARVE_NOTICE_FELL_BEHIND;
    else if (frame->opcode != VARVE_OP_CHECKPOINT)
        return client_refuse(s->feed.client, frame->opcode, "EVENTS", error);
    *ret_done = true;
    return take_position(s, frame->opcode, body, kind, ret_notice, error);
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* Is it the next event of those that were asked for? Going on after a loss relies on it. */
static bool is_next(const struct varve_subscription *s, struct varve_view record)
{
    return s->event.position > s->position && s->event.position <= s->batch_position &&
           varve_filter_matches(s->filter, (const uint8_t *)record.data, (uint32_t)record.size);
}

static enum varve_status hand_over(struct varve_subscription *s, struct varve_notice *ret_notice,
                                   struct varve_error *error)
{
    struct connection *c = &s->feed.client->connection;
    struct varve_view record = s->records[s->index];

    if (varve_record_decode(record.data, record.size, &s->event) != VARVE_OK)
        return connection_fail(c, error, VARVE_CORRUPT, "an event behind position %llu does not verify",
                               shown(s->position));
    if (!is_next(s, record))
        return connection_fail(c, error, VARVE_PROTOCOL,
                               "\"%.*s\"@%llu at position %llu came behind position %llu: not asked for, or not next",
                               (int)(s->event.stream.size < 100 ? s->event.stream.size : 100), s->event.stream.data,
                               shown(s->event.version), shown(s->event.position), shown(s->position));
    s->index++;
    s->position = s->index == s->count ? s->batch_position : s->event.position;
    *ret_notice = (struct varve_notice){ VARVE_NOTICE_EVENT, s->position, &s->event };
    return VARVE_OK;
}

/* The last event of the batch has been used. */
static void finish_batch(struct varve_subscription *s)
{
    if (s->index < s->count || s->batch_bytes == 0)
        return;
    credit_return(&s->feed.credit, &s->feed.client->connection, s->feed.request_id, s->batch_bytes);
    s->batch_bytes = 0;
    s->index = s->count = 0;
}

/* One step further: *ret_done when there is something to tell. */
static enum varve_status step(struct varve_subscription *s, uint64_t deadline_us, bool *ret_done,
                              struct varve_notice *ret_notice, struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;
    enum varve_status status;

    if (s->index < s->count) {
        *ret_done = true;
        return feed_fail(&s->feed, hand_over(s, ret_notice, error), error);
    }
    finish_batch(s);
    if (!feed_is_running(&s->feed)) {
        *ret_done = true;
        status = begin(s, error);
        *ret_notice = (struct varve_notice){ VARVE_NOTICE_RECONNECTED, s->position, NULL };
        return status;
    }
    status = feed_receive(&s->feed, deadline_us, &frame, &body, error);
    if (status == VARVE_TIMEOUT) {
        *ret_done = true;
        *ret_notice = (struct varve_notice){ VARVE_NOTICE_TIMEOUT, s->position, NULL };
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return feed_recover(&s->feed, status) ? VARVE_OK : feed_fail(&s->feed, status, error);
    return feed_fail(&s->feed, take_frame(s, &frame, body, ret_done, ret_notice, error), error);
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status open_checked(struct varve_subscription *s, const char *url,
                                      const struct varve_client_options *options, const struct varve_filter *filter,
                                      struct varve_error *error)
{
    enum varve_status status = feed_init(&s->feed, url, options, error);

    if (status == VARVE_OK)
        status = varve_filter_check(filter, error);
    if (status != VARVE_OK)
        return status;
    s->filter = varve_filter_copy(filter);
    if (s->filter == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a filter");
    return begin(s, error);
}

enum varve_status varve_subscription_open(const char *url, const struct varve_client_options *options,
                                          const struct varve_filter *filter, uint64_t after,
                                          struct varve_subscription **ret_subscription, struct varve_error *error)
{
    static const struct varve_filter everything = { .streams = NULL };
    struct varve_subscription *s = calloc(1, sizeof(*s));
    struct varve_error own;

    error = error != NULL ? error : &own;
    if (s == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a subscription");
    s->feed.ask = ask;
    s->feed.due = VARVE_OP_SUBSCRIBED;
    s->position = after;
    enum varve_status status = open_checked(s, url, options, filter == NULL ? &everything : filter, error);
    if (status != VARVE_OK) {
        varve_subscription_close(s);
        return status;
    }
    *ret_subscription = s;
    return VARVE_OK;
}

enum varve_status varve_subscription_next(struct varve_subscription *s, uint32_t timeout_ms,
                                          struct varve_notice *ret_notice, struct varve_error *error)
{
    uint64_t deadline_us = timeout_ms == UINT32_MAX ? DEADLINE_NONE : clock_now_us() + (uint64_t)timeout_ms * 1000u;
    struct varve_notice notice;
    struct varve_error own;
    bool done = false;

    error = error != NULL ? error : &own;
    enum varve_status status = feed_check(&s->feed, error);
    while (status == VARVE_OK && !done)
        status = step(s, deadline_us, &done, &notice, error);
    if (status == VARVE_OK)
        *ret_notice = notice;
    return status;
}

enum varve_status varve_subscription_run(struct varve_subscription *s, varve_take_notice take, void *user,
                                         struct varve_error *error)
{
    struct varve_notice notice;
    enum varve_status status;

    while ((status = varve_subscription_next(s, UINT32_MAX, &notice, error)) == VARVE_OK)
        if (!take(user, &notice))
            return VARVE_OK;
    return status;
}

void varve_subscription_stop(struct varve_subscription *s)
{
    feed_stop(&s->feed);
}

uint64_t varve_subscription_position(const struct varve_subscription *s)
{
    return s->position;
}

void varve_subscription_close(struct varve_subscription *s)
{
    if (s == NULL)
        return;
    feed_free(&s->feed);
    free(s->filter);
    free(s);
}
