/* consumer.c - a member of a consumer group: joins, is handed events, joins again after a loss, leaves. */
#include "consumer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVE_MS 5000u /* how long leaving waits for the server's word */

/* ---- joining ---------------------------------------------------------------------------------------------------- */

static void ask(struct feed *feed, struct varve_wire_buffer *out)
{
    const struct varve_consumer *c = (const struct varve_consumer *)feed;

    varve_encode_group_join(out, feed->request_id,
                            &(struct varve_group_join){ varve_view_str(c->group), varve_view_str(c->name),
                                                        c->max_in_flight, feed->credit.window_bytes,
                                                        c->takeover || feed->started });
}

/* Whatever waited belongs to the membership before, and comes again; what was acked and not answered may. A membership
 * that can be taken up again ended with its connection, so no answer is on its way. */
static enum varve_status join(struct varve_consumer *c, struct varve_error *error)
{
    struct varve_error why;
    struct varve_view body;
    uint64_t epoch, checkpoint;
    uint32_t ack_timeout_ms;

    assert(c->ledger.request_count == 0 || c->feed.client->connection.state != CONNECTION_READY);
    ledger_lose(&c->ledger);
    deliveries_forget_waiting(&c->deliveries);
    enum varve_status status = feed_start(&c->feed, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_group_joined(body, &epoch, &checkpoint, &ack_timeout_ms, &why) != VARVE_OK)
        status = client_unreadable(c->feed.client, VARVE_OP_GROUP_JOINED, &why, error);
    else if (epoch <= c->epoch)
        status = connection_fail(&c->feed.client->connection, error, VARVE_PROTOCOL,
                                 "joined with epoch %llu after %llu", (unsigned long long)epoch,
                                 (unsigned long long)c->epoch);
    if (status != VARVE_OK)
        return feed_fail(&c->feed, status, error);
    c->epoch = epoch;
    return VARVE_OK;
}

/* ---- being handed events ---------------------------------------------------------------------------------------- */

enum varve_status consumer_take(struct varve_consumer *c, const struct varve_frame *frame, struct varve_view body,
                                struct varve_error *error)
{
    struct connection *connection = &c->feed.client->connection;
    struct ledger_request *acked = ledger_find(&c->ledger, frame->request_id);

    if (acked != NULL)
        return acks_take_answer(c, acked, frame, body, error);
    if (frame->request_id != c->feed.request_id || frame->opcode != VARVE_OP_GROUP_EVENTS)
        return client_refuse(c->feed.client, frame->opcode, "GROUP_EVENTS", error);
    if (!credit_spend(&c->feed.credit, body.size))
        return connection_fail(connection, error, VARVE_PROTOCOL, "GROUP_EVENTS without credit for them");
    enum varve_status status = deliveries_add(&c->deliveries, body, error);
    if (status != VARVE_OK)
        connection_drop(connection);
    return status;
}

static enum varve_status hand_over(struct varve_consumer *c, struct varve_work *ret_work, struct varve_error *error)
{
    size_t bytes;
    enum varve_status status = deliveries_next(&c->deliveries, c->epoch, ret_work, &bytes, error);

    if (status != VARVE_OK && status != VARVE_NO_MEMORY)
        connection_drop(&c->feed.client->connection);
    if (status == VARVE_INVALID_ARGUMENT)
        status = varve_fail(error, VARVE_PROTOCOL, NULL, "GROUP_EVENTS that cannot be read");
    if (bytes > 0)
        credit_return(&c->feed.credit, &c->feed.client->connection, c->feed.request_id, bytes);
    return feed_fail(&c->feed, status, error);
}

/* Waits for a frame and takes it. */
static enum varve_status receive(struct varve_consumer *c, uint64_t deadline_us, struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;
    enum varve_status status = feed_receive(&c->feed, deadline_us, &frame, &body, error);

    if (status == VARVE_TIMEOUT && c->feed.request_id != 0)
        return status;
    if (status != VARVE_OK)
        return feed_recover(&c->feed, status) ? VARVE_OK : feed_fail(&c->feed, status, error);
    return feed_fail(&c->feed, consumer_take(c, &frame, body, error), error);
}

enum varve_status varve_consumer_next(struct varve_consumer *c, uint32_t timeout_ms, struct varve_work *ret_work,
                                      struct varve_error *error)
{
    uint64_t deadline_us = timeout_ms == UINT32_MAX ? DEADLINE_NONE : clock_now_us() + (uint64_t)timeout_ms * 1000u;
    struct varve_work work = { .event = NULL };
    struct varve_error own;

    error = error != NULL ? error : &own;
    deliveries_sweep(&c->deliveries);
    enum varve_status status = feed_check(&c->feed, error);
    while (status == VARVE_OK && work.event == NULL) {
        if (!feed_is_running(&c->feed))
            status = join(c, error);
        if (status == VARVE_OK)
            status = hand_over(c, &work, error);
        if (status == VARVE_OK && work.event == NULL)
            status = receive(c, deadline_us, error);
    }
    if (status == VARVE_OK)
        *ret_work = work;
    return status;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

/* The message of whoever did the work, as a reason that the server takes. */
static struct varve_view reason_of(struct varve_error *why)
{
    for (char *at = why->message; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    struct varve_view reason = varve_view_str(why->message);
    if (reason.size == 0 || varve_check_text(reason, VARVE_MAX_REASON, "reason", NULL) != VARVE_OK)
        reason = varve_view_str(varve_status_name(why->status));
    return reason;
}

static enum varve_status work_on(struct varve_consumer *c, const struct varve_work *work, varve_do_work do_work,
                                 void *user, struct varve_error *error)
{
    struct varve_error why = { .status = VARVE_OK };
    enum varve_status status = do_work(user, work, &why);
    uint64_t position = work->event->position;

    why.status = status;
    status = status == VARVE_OK ? varve_consumer_ack(c, position, error)
                                : varve_consumer_nack(c, position, VARVE_NACK_RETRY, VARVE_RETRY_BACKOFF,
                                                      reason_of(&why), error);
    /* What the group could not be told comes again; whether it can go on, the next event will show. */
    bool goes_on = status == VARVE_FENCED || status == VARVE_NOT_DELIVERED || varve_status_retryable(status);
    return goes_on ? VARVE_OK : status;
}

enum varve_status varve_consumer_run(struct varve_consumer *c, varve_do_work do_work, void *user,
                                     struct varve_error *error)
{
    struct varve_work work;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK) {
        status = varve_consumer_next(c, UINT32_MAX, &work, error);
        if (status == VARVE_OK)
            status = work_on(c, &work, do_work, user, error);
    }
    return status;
}

void varve_consumer_stop(struct varve_consumer *c)
{
    feed_stop(&c->feed);
}

/* ---- coming and going ------------------------------------------------------------------------------------------- */

static enum varve_status open_checked(struct varve_consumer *c, const char *url,
                                      const struct varve_client_options *options, struct varve_view group,
                                      struct varve_view name, struct varve_error *error)
{
    enum varve_status status = feed_init(&c->feed, url, options, error);

    if (status == VARVE_OK)
        status = deliveries_init(&c->deliveries, error);
    if (status == VARVE_OK)
        status = varve_check_group_name(group, "group", error);
    if (status == VARVE_OK)
        status = varve_check_text(name, VARVE_MAX_CONSUMER_NAME, "consumer", error);
    if (status == VARVE_OK && c->max_in_flight > VARVE_MAX_IN_FLIGHT)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "max_in_flight", "max_in_flight: expected at most %u, is %u",
                            VARVE_MAX_IN_FLIGHT, c->max_in_flight);
    if (status != VARVE_OK)
        return status;
    memcpy(c->group, group.data, group.size);
    memcpy(c->name, name.data, name.size);
    return join(c, error);
}

enum varve_status varve_consumer_open(const char *url, const struct varve_client_options *options,
                                      struct varve_view group, struct varve_view name, uint32_t max_in_flight,
                                      bool takeover, struct varve_consumer **ret_consumer, struct varve_error *error)
{
    struct varve_consumer *c = calloc(1, sizeof(*c));
    struct varve_error own;

    error = error != NULL ? error : &own;
    if (c == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a consumer");
    c->feed.ask = ask;
    c->feed.due = VARVE_OP_GROUP_JOINED;
    c->max_in_flight = max_in_flight;
    c->takeover = takeover;
    enum varve_status status = open_checked(c, url, options, group, name, error);
    if (status != VARVE_OK) {
        varve_consumer_close(c);
        return status;
    }
    *ret_consumer = c;
    return VARVE_OK;
}

/* Waits for the server's word that it is done, so that the name is free when we return. */
static void leave(struct varve_consumer *c)
{
    struct connection *connection = &c->feed.client->connection;
    uint64_t deadline_us = deadline_after(LEAVE_MS);
    struct varve_frame frame;
    struct varve_view body;

    feed_heed_stop(&c->feed, false);
    size_t begin = connection_begin_post(connection);
    varve_encode_cancel(&connection->out, c->feed.request_id);
    if (!connection_post(connection, begin))
        return; /* It ends with the connection, too. */
    while (feed_receive(&c->feed, deadline_us, &frame, &body, NULL) == VARVE_OK)
        continue; /* Events that we shall not work on. */
}

/* Waits for the answers to what was acked, so that it is durable when we return, if that can be had. */
static void confirm(struct varve_consumer *c)
{
    uint32_t timeout_ms = c->feed.client->options.request_timeout_ms;

    varve_consumer_flush(c, timeout_ms > 0 ? timeout_ms : UINT32_MAX, NULL, NULL, NULL);
}

void varve_consumer_close(struct varve_consumer *c)
{
    if (c == NULL)
        return;
    if (c->ledger.request_count > 0)
        confirm(c);
    if (feed_is_running(&c->feed))
        leave(c);
    ledger_free(&c->ledger);
    free(c->conflicts);
    deliveries_free(&c->deliveries);
    feed_free(&c->feed);
    free(c);
}
