/* push_client.c - one client: where it stands, and the text its stream asks for. push_parts.h draws its states. */
#include "push_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "varve/json_text.h"
#include "varve/record.h"

enum { RETRY_MS = 2000 };

static struct server *server_of(const struct push_client *c)
{
    return c->push->server;
}

/* ---- what is said between the events ---------------------------------------------------------------------------- */

/* It is short and there is little of it: what a client has not taken yet is not said again. */
static void say(struct push_client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct push_client *c, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(c->said) - c->said_size;

    va_start(arguments, format);
    int size = vsnprintf(c->said + c->said_size, room, format, arguments);
    va_end(arguments);
    assert(size > 0);
    if ((size_t)size < room)
        c->said_size += (size_t)size;
}

static bool has_said(const struct push_client *c)
{
    return c->said_at < c->said_size;
}

/* Positions above 2^53 as strings, as everywhere in JSON. */
static void say_caught_up(struct push_client *c)
{
    const char *quote = c->position > VARVE_JSON_SAFE_NUMBER ? "\"" : "";

    say(c, "id: %" PRIu64 "\nevent: caught_up\ndata: {\"position\":%s%" PRIu64 "%s}\n\n", c->position, quote,
        c->position, quote);
    c->told_position = c->position;
    c->is_live = true;
}

/* An `id` without data moves the browser's last event id and is no event: who comes back reads less again. */
static void say_alive(struct push_client *c)
{
    if (has_said(c) || c->sent > 0 || c->torn_position != 0) /* Behind the event, its id would lead back before it. */
        return;
    if (c->position > c->told_position)
        say(c, ": alive\nid: %" PRIu64 "\n\n", c->position);
    else
        say(c, ": alive\n\n");
    c->told_position = c->position;
}

static void fail(struct push_client *c, const struct varve_error *why)
{
    if (c->torn_position != 0) { /* Nothing is said within an event. */
        push_client_cut(c);
        return;
    }
    say(c, "event: failed\ndata: {\"code\":\"%s\"}\n\n", varve_status_name(why->status));
    c->is_ending = true;
}

/* ---- its place in the log --------------------------------------------------------------------------------------- */

/* A batch that others have had may have ended at the end of the log long before this client came. */
static void look_at_end(struct push_client *c, bool at_end)
{
    if (at_end && !c->is_live && c->position >= c->history_position)
        say_caught_up(c);
}

/* The first event of the batch behind its position. */
static uint32_t find_first(const struct push_batch *batch, uint64_t position)
{
    uint32_t low = 0, high = batch->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (varve_record_position(batch->events[middle].record) <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void hold(struct push_client *c, struct push_batch *batch)
{
    push_batch_hold(batch, c);
    c->at = find_first(batch, c->position);
    c->sent = 0;
}

static void deliver(struct follow_member *member, const struct follow_batch *from)
{
    struct push_client *c = (struct push_client *)((char *)member - offsetof(struct push_client, member));
    struct push_batch *batch;

    if (from->error.status != VARVE_OK) {
        fail(c, &from->error);
    } else if (from->frame == NULL) {
        if (c->torn_position != 0 && from->position >= c->torn_position)
            push_client_cut(c); /* The event is there no more. */
        c->position = from->position;
        look_at_end(c, from->at_end);
    } else if ((batch = push_batch_of(c->push, c->channel, c->position, from)) != NULL) {
        hold(c, batch);
        push_batches_make_room(c->push);
    } else {
        push_client_cut(c);
        return;
    }
    push_queue(c);
}

/* Hold a batch that others have had, or join a follower. False: it waits. */
static bool go_on(struct push_client *c)
{
    struct push_batch *batch = push_channel_find(c->channel, c->position);
    struct varve_error error;

    if (batch != NULL) {
        follow_leave(&c->member);
        hold(c, batch);
    } else if (c->member.follower == NULL) {
        follow_join(server_of(c), &c->member, c->channel->filter, c->position, &error); /* Else at the next tick. */
    }
    return batch != NULL;
}

static void finish_batch(struct push_client *c)
{
    struct push_batch *batch = c->batch;

    if (batch->position > c->position)
        c->position = batch->position;
    bool at_end = batch->at_end;
    push_batch_release(c);
    look_at_end(c, at_end);
}

void push_client_give_back(struct push_client *c)
{
    if (c->batch == NULL)
        return;
    if (c->sent > 0) {
        const struct push_event *event = &c->batch->events[c->at];

        c->torn_position = varve_record_position(event->record);
        c->torn_size = event->text_size;
        c->position = c->torn_position - 1;
        c->torn_sent = c->sent;
        c->sent = 0;
    } else if (c->at > 0) {
        uint64_t position = varve_record_position(c->batch->events[c->at - 1].record);

        c->position = position > c->position ? position : c->position;
    }
    push_batch_release(c);
}

/* ---- the events ------------------------------------------------------------------------------------------------- */

static bool is_for(const struct push_client *c, struct push_event *event)
{
    const struct push_ask *ask = c->ask;

    if (ask->types.count > 0 && !push_list_matches(&ask->types, varve_record_type(event->record)))
        return false;
    return ask->user_id.data == NULL || varve_view_equal(ask->user_id, push_text_user(event));
}

/* Part of an event was sent when its batch was given back: the rest must come first, and be the rest of the same. */
static bool mend(struct push_client *c, const struct push_event *event)
{
    if (c->torn_position == 0)
        return true;
    if (varve_record_position(event->record) != c->torn_position || event->text_size != c->torn_size)
        return false;
    c->sent = c->torn_sent;
    c->torn_position = 0;
    return true;
}

/* Find the next event of the batch that is for this client and may be pushed. */
static bool find_event(struct push_client *c)
{
    for (; c->at < c->batch->count; c->at++) {
        struct push_event *event = &c->batch->events[c->at];

        if (!is_for(c, event))
            continue;
        if (!push_text_render(c->push, c->batch, event)) {
            push_client_cut(c);
            return false;
        }
        if (event->state == PUSH_REJECTED)
            continue;
        if (mend(c, event))
            return true;
        push_client_cut(c);
        return false;
    }
    if (c->torn_position != 0 && c->batch->position >= c->torn_position)
        push_client_cut(c); /* The event is there no more. */
    return false;
}

bool push_client_has_text(struct push_client *c)
{
    while (!c->is_cut) {
        if (has_said(c) && (c->sent == 0 && c->torn_position == 0)) /* Nothing is said within an event. */
            return true;
        if (c->is_ending || (c->batch == NULL && !go_on(c)))
            return false;
        if (find_event(c))
            return true;
        if (c->is_cut)
            return false;
        finish_batch(c);
        if (!push_may_go_on(c->push)) {
            push_queue(c);
            return false;
        }
    }
    return false;
}

/* ---- the stream ------------------------------------------------------------------------------------------------- */

static size_t copy(char *into, size_t room, const char *text, size_t size)
{
    size_t copied = size < room ? size : room;

    memcpy(into, text, copied);
    return copied;
}

static size_t take_said(struct push_client *c, char *into, size_t room)
{
    size_t size = copy(into, room, c->said + c->said_at, c->said_size - c->said_at);

    c->said_at += size;
    if (!has_said(c))
        c->said_at = c->said_size = 0;
    return size;
}

static size_t take_event(struct push_client *c, char *into, size_t room)
{
    const struct push_event *event = &c->batch->events[c->at];
    const char *text = (const char *)c->batch->text.bytes + event->text_at;

    if (c->sent == 0 && c->ask->unnamed)
        c->sent = event->name_size;
    size_t size = copy(into, room, text + c->sent, event->text_size - c->sent);
    c->sent += size;
    if (c->sent == event->text_size) {
        c->position = c->told_position = varve_record_position(event->record);
        c->sent = 0;
        c->at++;
        figure_add(&server_of(c)->figures.push_events, 1);
    }
    return size;
}

static size_t take(struct push_client *c, char *into, size_t room)
{
    size_t size = 0;

    while (size < room && push_client_has_text(c)) {
        if (has_said(c) && c->sent == 0) {
            size += take_said(c, into + size, room - size);
        } else {
            push_batch_use(c->push, c->batch);
            size += take_event(c, into + size, room - size);
        }
    }
    return size;
}

static size_t read_text(void *user, char *into, size_t room)
{
    struct push_client *c = user;
    struct push *push = c->push;

    c->read_ms = push_now_ms(push);
    c->is_waiting = true;
    if (c->is_cut)
        return 0;
    if (!push_may_go_on(push)) {
        push_queue(c);
        return 0;
    }
    size_t size = take(c, into, room);
    push_batches_make_room(push);
    if (size == 0)
        return c->is_ending && !has_said(c) ? HTTP_STREAM_ENDS : 0;
    push->turn_bytes -= size < push->turn_bytes ? size : push->turn_bytes;
    c->is_waiting = false;
    c->said_ms = c->read_ms;
    figure_add(&server_of(c)->figures.push_bytes, size);
    return size;
}

static void closed(void *user)
{
    push_client_free(user);
}

const struct http_stream_kind push_client_stream = { .read = read_text, .closed = closed };

/* Gives back what it has; the stream ends soon. */
void push_client_cut(struct push_client *c)
{
    if (c->is_cut)
        return;
    c->is_cut = true;
    push_unqueue(c);
    follow_leave(&c->member);
    push_batch_release(c);
    http_stream_cut(c->stream);
}

/* ---- once a second ---------------------------------------------------------------------------------------------- */

static void drop_slow(struct push_client *c)
{
    struct server *server = server_of(c);

    figure_add(&server->figures.push_dropped_clients, 1);
    log_warn(&server->log, "push.dropped", log_number("position", c->position),
             log_number("send_timeout_ms", server->config->push.send_timeout_ms));
    push_client_cut(c);
}

void push_client_tick(struct push_client *c, uint64_t now_ms)
{
    const struct push_config *config = &server_of(c)->config->push;

    if (c->is_cut)
        return;
    if (!c->is_waiting) {
        if (now_ms - c->read_ms >= config->send_timeout_ms)
            drop_slow(c);
        return;
    }
    if (now_ms - c->said_ms >= config->heartbeat_ms)
        say_alive(c); /* Its turn may be to come: it has not got anything for as long. */
    if (has_said(c) || c->member.follower == NULL)
        push_queue(c); /* To be woken; or nobody could be joined the last time. */
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static void link_client(struct push_client *c)
{
    struct push *push = c->push;

    c->next = push->clients;
    if (c->next != NULL)
        c->next->previous = c;
    push->clients = c;
    push->client_count++;
    figure_add(&push->server->figures.push_clients, 1);
    figure_add(&push->server->figures.push_clients_total, 1);
}

static void unlink_client(struct push_client *c)
{
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->push->clients = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->push->client_count--;
    figure_subtract(&server_of(c)->figures.push_clients, 1);
}

struct push_client *push_client_create(struct push *push, struct push_ask *ask, uint64_t position)
{
    uint64_t bytes = sizeof(struct push_client) + ask->bytes + follow_filter_bytes(ask->filter) +
                     sizeof(struct push_channel);

    if (!budget_take(&push->server->budget, bytes))
        return NULL;
    struct push_client *c = calloc(1, sizeof(*c));
    struct push_channel *channel = c != NULL ? push_channel_enter(push, ask->filter) : NULL;
    if (channel == NULL) {
        budget_give(&push->server->budget, bytes);
        free(c);
        return NULL;
    }
    ask->filter = NULL; /* The channel's now. */
    c->push = push;
    c->channel = channel;
    c->ask = ask;
    c->position = c->told_position = position;
    c->charged_bytes = bytes;
    c->member.deliver = deliver;
    c->member.batch_bytes = PUSH_BATCH_BYTES;
    link_client(c);
    return c;
}

void push_client_begin(struct push_client *c, struct http_stream *stream)
{
    c->stream = stream;
    c->is_waiting = true;
    c->read_ms = c->said_ms = push_now_ms(c->push);
    say(c, "retry: %d\n\n", RETRY_MS);
    c->history_position = varve_store_last_position(server_of(c)->store);
    look_at_end(c, c->position == c->history_position);
    push_queue(c);
}

void push_client_free(struct push_client *c)
{
    push_unqueue(c);
    follow_leave(&c->member);
    push_batch_release(c);
    push_channel_leave(c->push, c->channel);
    unlink_client(c);
    budget_give(&server_of(c)->budget, c->charged_bytes);
    push_ask_free(c->ask);
    free(c);
}
