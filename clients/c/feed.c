/* feed.c - see feed.h for the states. */
#include "feed.h"
#include "varve/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MAX_MS 5000u

/* The attempts are its bound; a deadline would begin to run long before a loss. */
static void renew_patience(struct feed *feed)
{
    patience_begin(&feed->patience, feed->client);
    feed->patience.deadline_us = DEADLINE_NONE;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

enum varve_status feed_init(struct feed *feed, const char *url, const struct varve_client_options *options,
                            struct varve_error *error)
{
    feed->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (feed->stop_fd < 0)
        return varve_fail(error, VARVE_IO, NULL, "no descriptor for a subscription: %s", strerror(errno));
    enum varve_status status = varve_client_create(url, options, &feed->client, error);
    if (status != VARVE_OK)
        return status;
    uint32_t timeout_ms = feed->client->options.request_timeout_ms;
    feed->idle_ms = timeout_ms > 0 && timeout_ms / 2 < IDLE_MAX_MS ? timeout_ms / 2 : IDLE_MAX_MS;
    renew_patience(feed);
    feed_heed_stop(feed, true);
    return VARVE_OK;
}

void feed_free(struct feed *feed)
{
    varve_client_free(feed->client);
    if (feed->stop_fd >= 0)
        close(feed->stop_fd);
}

void feed_end(struct feed *feed)
{
    feed->request_id = 0;
}

bool feed_is_running(struct feed *feed)
{
    if (feed->client == NULL || feed->client->connection.state != CONNECTION_READY)
        feed_end(feed);
    return feed->request_id != 0;
}

/* ---- stopping --------------------------------------------------------------------------------------------------- */

void feed_stop(struct feed *feed)
{
    int kept = errno; /* The code that a signal interrupted may be about to look at it. */
    uint64_t one = 1;

    atomic_store(&feed->stopped, true);
    while (write(feed->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue; /* Nothing else can fail but for a counter that is full, which wakes as well. */
    errno = kept;
}

void feed_heed_stop(struct feed *feed, bool heed)
{
    feed->client->connection.wake_fd = heed ? feed->stop_fd : -1;
}

static bool heeds_stop(const struct feed *feed)
{
    return feed->client->connection.wake_fd >= 0 && atomic_load(&feed->stopped);
}

static enum varve_status say_stopped(struct varve_error *error)
{
    return varve_fail(error, VARVE_CANCELLED, NULL, "it was stopped");
}

enum varve_status feed_check(const struct feed *feed, struct varve_error *error)
{
    if (heeds_stop(feed))
        return say_stopped(error);
    if (feed->fault != VARVE_OK && error != NULL)
        *error = feed->why;
    return feed->fault;
}

enum varve_status feed_fail(struct feed *feed, enum varve_status status, const struct varve_error *error)
{
    if (status == VARVE_OK || status == VARVE_CANCELLED)
        return status;
    renew_patience(feed);
    feed_is_running(feed); /* No more, if its connection is gone. */
    if (!varve_status_retryable(status)) {
        feed->fault = status;
        feed->why = *error;
    }
    return status;
}

/* ---- keeping alive ---------------------------------------------------------------------------------------------- */

/* When something is to be done about a peer that says nothing: a PING, or to give it up. */
static uint64_t silence_ends(const struct feed *feed)
{
    const struct connection *c = &feed->client->connection;
    uint32_t timeout_ms = feed->client->options.request_timeout_ms;

    if (feed->ping_id == 0)
        return c->heard_us + (uint64_t)feed->idle_ms * 1000u;
    if (timeout_ms == 0)
        return DEADLINE_NONE;
    return (c->heard_us > feed->pinged_us ? c->heard_us : feed->pinged_us) + (uint64_t)timeout_ms * 1000u;
}

static enum varve_status end_silence(struct feed *feed, struct varve_error *error)
{
    struct connection *c = &feed->client->connection;

    if (feed->ping_id != 0)
        return connection_fail(c, error, VARVE_DISCONNECTED, "the server has said nothing for %u ms, not even PONG",
                               feed->client->options.request_timeout_ms);
    size_t begin = connection_begin_post(c);
    feed->ping_id = connection_next_id(c);
    feed->pinged_us = clock_now_us();
    varve_encode_ping(&c->out, feed->ping_id);
    if (connection_post(c, begin))
        return VARVE_OK;
    return connection_fail(c, error, VARVE_NO_MEMORY, "no memory for a PING");
}

static enum varve_status take_pong(struct feed *feed, const struct varve_frame *frame, struct varve_view body,
                                   struct varve_error *error)
{
    struct varve_error why;
    uint64_t last_position;
    int64_t now_us;

    feed->ping_id = 0;
    if (frame->opcode != VARVE_OP_PONG)
        return client_refuse(feed->client, frame->opcode, "PONG", error);
    if (varve_decode_pong(body, &now_us, &last_position, &why) != VARVE_OK)
        return client_unreadable(feed->client, frame->opcode, &why, error);
    return VARVE_OK;
}

/* ---- receiving -------------------------------------------------------------------------------------------------- */

/* Waits for something to be received. TIMEOUT: the caller's deadline passed. */
static enum varve_status wait_for_more(struct feed *feed, uint64_t deadline_us, struct varve_error *error)
{
    uint64_t silent_us = silence_ends(feed), until_us = silent_us < deadline_us ? silent_us : deadline_us;
    enum varve_status status = connection_move(&feed->client->connection, until_us, error);

    if (status == VARVE_CANCELLED)
        return say_stopped(error);
    if (status != VARVE_TIMEOUT)
        return status;
    if (clock_now_us() >= silence_ends(feed)) {
        status = end_silence(feed, error);
        if (status != VARVE_OK)
            return status;
    }
    return clock_now_us() >= deadline_us ? varve_fail(error, VARVE_TIMEOUT, NULL, "nothing came in time") : VARVE_OK;
}

/* The next frame that is no PONG. */
static enum varve_status next_frame(struct feed *feed, uint64_t deadline_us, struct varve_frame *ret_frame,
                                    struct varve_view *ret_body, struct varve_error *error)
{
    for (;;) {
        bool taken;
        enum varve_status status = connection_take(&feed->client->connection, &taken, ret_frame, ret_body, error);

        if (status == VARVE_OK && taken && (feed->ping_id == 0 || ret_frame->request_id != feed->ping_id))
            return VARVE_OK;
        if (status == VARVE_OK)
            status = taken ? take_pong(feed, ret_frame, *ret_body, error) : wait_for_more(feed, deadline_us, error);
        if (status != VARVE_OK)
            return status;
    }
}

/* The server ended the request. When it, or another in its place, may take it later, that is a lost connection. */
static enum varve_status take_end(struct feed *feed, struct varve_view body, struct varve_error *error)
{
    struct varve_wire_error said;
    enum varve_status status = client_take_error(feed->client, body, &said);

    feed_end(feed);
    if (varve_status_retryable(status))
        connection_drop(&feed->client->connection);
    if (error != NULL)
        *error = said.error;
    return status;
}

enum varve_status feed_receive(struct feed *feed, uint64_t deadline_us, struct varve_frame *ret_frame,
                               struct varve_view *ret_body, struct varve_error *error)
{
    enum varve_status status = next_frame(feed, deadline_us, ret_frame, ret_body, error);
    if (feed->client->connection.state != CONNECTION_READY)
        feed_end(feed);
    if (status != VARVE_OK)
        return status;
    if (feed->request_id != 0 && ret_frame->request_id == feed->request_id && ret_frame->opcode == VARVE_OP_ERROR)
        return take_end(feed, *ret_body, error);
    renew_patience(feed);
    return VARVE_OK;
}

bool feed_recover(struct feed *feed, enum varve_status status)
{
    bool lost = status == VARVE_DISCONNECTED || status == VARVE_NOT_READY || status == VARVE_OVERLOADED ||
                status == VARVE_CONSUMER_TOO_SLOW;

    return lost && feed->started && client_recover(feed->client, &feed->patience);
}

/* ---- starting --------------------------------------------------------------------------------------------------- */

static enum varve_status check_database(struct feed *feed, struct varve_error *error)
{
    struct connection *c = &feed->client->connection;
    char before[VARVE_UUID_TEXT], now[VARVE_UUID_TEXT];

    if (!feed->started || varve_uuid_equal(&feed->database_id, &c->server.database_id))
        return VARVE_OK;
    varve_uuid_format(&feed->database_id, before);
    varve_uuid_format(&c->server.database_id, now);
    return connection_fail(c, error, VARVE_CORRUPT, "the server has another database now (%s) than was followed (%s): "
                           "its positions mean other events", now, before);
}

static enum varve_status post_request(struct feed *feed, struct varve_error *error)
{
    struct connection *c = &feed->client->connection;
    size_t begin = connection_begin_post(c);

    feed->ping_id = 0;
    feed->request_id = connection_next_id(c);
    credit_begin(&feed->credit, feed->client->options.read_credit_bytes, &c->server);
    feed->ask(feed, &c->out);
    if (connection_post(c, begin))
        return VARVE_OK;
    feed_end(feed);
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
}

static enum varve_status take_first_answer(struct feed *feed, struct varve_view *ret_body, struct varve_error *error)
{
    struct connection *c = &feed->client->connection;
    struct varve_frame frame;
    enum varve_status status = next_frame(feed, deadline_after(feed->client->options.request_timeout_ms), &frame,
                                          ret_body, error);

    if (status == VARVE_TIMEOUT)
        return connection_fail(c, error, VARVE_TIMEOUT, "no %s in time", varve_opcode_name(feed->due));
    if (status != VARVE_OK)
        return status;
    if (frame.request_id == feed->request_id && frame.opcode == VARVE_OP_ERROR)
        return take_end(feed, *ret_body, error);
    if (frame.request_id != feed->request_id || frame.opcode != feed->due)
        return client_refuse(feed->client, frame.opcode, varve_opcode_name(feed->due), error);
    return VARVE_OK;
}

/* Once, if the server can be reached. */
static enum varve_status try_start(struct feed *feed, struct varve_view *ret_body, struct varve_error *error)
{
    struct connection *c = &feed->client->connection;

    if (c->state != CONNECTION_READY)
        connection_clear_out(c); /* What was written there for the lost one. */
    enum varve_status status = client_reach(feed->client, &feed->patience, error);
    if (status == VARVE_OK)
        status = check_database(feed, error);
    if (status == VARVE_OK)
        status = post_request(feed, error);
    if (status == VARVE_OK)
        status = take_first_answer(feed, ret_body, error);
    if (c->state != CONNECTION_READY)
        feed_end(feed);
    return status;
}

enum varve_status feed_start(struct feed *feed, struct varve_view *ret_body, struct varve_error *error)
{
    enum varve_status status;

    do
        status = try_start(feed, ret_body, error);
    while (status != VARVE_OK && !heeds_stop(feed) && feed_recover(feed, status));
    if (status != VARVE_OK && heeds_stop(feed)) {
        connection_drop(&feed->client->connection); /* What was asked is not waited for. */
        feed_end(feed);
        return say_stopped(error);
    }
    if (status == VARVE_CORRUPT || status == VARVE_INVALID_ARGUMENT) {
        connection_drop(&feed->client->connection); /* The next attempt may find the right server again. */
        return status;
    }
    if (status != VARVE_OK)
        return feed_fail(feed, status, error);
    if (!feed->started)
        renew_patience(feed); /* Of a connection that stands now: the first attempt after its loss needs no pause. */
    feed->started = true;
    feed->database_id = feed->client->connection.server.database_id;
    return VARVE_OK;
}
