/* push.c - all clients of push: who may come, whose turn it is, and when they all must go.
 *
 * Whatever is done for clients is done in turns of the loop, a little at a time: a thousand of them that want the same
 * event get it one after the other, and between them the loop answers those who append. */
#include "push_parts.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TURN_WAKES = 32,                  /* streams that are woken in a turn, at most */
    WAKE_US = 16,                     /* in one that is not of full length, one for so much of it, */
    BYTES_PER_US = 1024,              /* and so much is read: what was read is sent, even if the turn is over */
    PART_OF_BUDGET = 8,               /* of it, one part may be batches of events */
    KEPT_MS = 2000,                   /* so long a batch that nobody holds may be found by those who come behind */
};

uint64_t push_now_ms(const struct push *push)
{
    return uv_now(&push->server->loop);
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

static void ask_for_turn(struct push *push)
{
    if (push->told)
        return;
    push->told = true;
    completions_push(&push->server->completions, &push->turn);
}

void push_queue(struct push_client *client)
{
    struct push *push = client->push;

    if (client->is_ready || client->is_cut)
        return;
    client->is_ready = true;
    client->next_ready = NULL;
    client->previous_ready = push->last_ready;
    if (push->last_ready != NULL)
        push->last_ready->next_ready = client;
    else
        push->ready = client;
    push->last_ready = client;
    ask_for_turn(push);
}

void push_unqueue(struct push_client *client)
{
    struct push *push = client->push;

    if (!client->is_ready)
        return;
    client->is_ready = false;
    if (client->previous_ready != NULL)
        client->previous_ready->next_ready = client->next_ready;
    else
        push->ready = client->next_ready;
    if (client->next_ready != NULL)
        client->next_ready->previous_ready = client->previous_ready;
    else
        push->last_ready = client->previous_ready;
}

/* Time runs from the first question on, once to look for text and once to send it: when that is asked depends on what
 * else the loop does. */
bool push_may_go_on(struct push *push)
{
    uint64_t now_us = uv_hrtime() / 1000;

    if (push->turn_is_fresh) {
        push->turn_is_fresh = false;
        push->turn_until_us = now_us + push->turn_us;
        push->turn_bytes = push->turn_us < PUSH_TURN_US ? push->turn_us * BYTES_PER_US : UINT64_MAX;
    }
    return now_us < push->turn_until_us && push->turn_bytes > 0;
}

/* What was sent since the last turn was sent by MHD, in its turns. */
static uint64_t share_of(struct push *push, uint64_t now_us)
{
    const struct server *server = push->server;
    uint64_t requests = figure_get(&server->figures.requests) + figure_get(&server->figures.http_requests);
    uint64_t http_us = http_turned_us(server);
    uint64_t spent_us = push->spent_us + (http_us - push->http_turned_us);

    push->http_turned_us = http_us;
    push->spent_us = 0;
    return push_share_take(&push->share, now_us, requests, spent_us);
}

static void wake_some(struct push *push)
{
    uint64_t wakes = push->turn_us < PUSH_TURN_US ? 1 + push->turn_us / WAKE_US : TURN_WAKES;

    push->turn_is_fresh = true;
    for (uint64_t woken = 0; push->ready != NULL && woken < wakes && push_may_go_on(push);) {
        struct push_client *client = push->ready;

        push_unqueue(client);
        if (client->is_waiting && (push_client_has_text(client) || client->is_ending)) {
            http_stream_wake(client->stream);
            woken++;
        }
    }
    push_batches_make_room(push);
    push->turn_is_fresh = true;
}

static void take_turn(struct completion *completion)
{
    struct push *push = (struct push *)((char *)completion - offsetof(struct push, turn));
    uint64_t now_us = uv_hrtime() / 1000, turn_us = share_of(push, now_us);

    push->told = false;
    if (turn_us > 0) {
        push->turn_us = turn_us;
        wake_some(push);
        push->spent_us = uv_hrtime() / 1000 - now_us;
    }
    if (push->ready != NULL)
        ask_for_turn(push);
}

void push_tick(struct server *server)
{
    struct push *push = server->push;
    uint64_t now_ms = push_now_ms(push);

    for (struct push_client *client = push->clients; client != NULL; client = client->next)
        push_client_tick(client, now_ms);
    push_batches_drop_unused(push, now_ms > KEPT_MS ? now_ms - KEPT_MS : 0);
}

/* ---- a request -------------------------------------------------------------------------------------------------- */

const char *const push_query[] = { "after", "category", "type", "user", "class", "stream", "prefix", "named", NULL };

static void take_parameters(const struct http_request *request, struct push_parameters *ret)
{
    *ret = (struct push_parameters){
        .after = http_query(request, "after"), .last_event_id = http_header(request, "Last-Event-ID"),
        .category = http_query(request, "category"), .type = http_query(request, "type"),
        .user = http_query(request, "user"), .class_ = http_query(request, "class"),
        .stream = http_query(request, "stream"), .prefix = http_query(request, "prefix"),
        .named = http_query(request, "named"),
    };
}

static enum varve_status find_place(struct server *server, const struct push_parameters *parameters,
                                    const struct push_ask *ask, uint64_t *ret_position, struct varve_error *error)
{
    uint64_t last_position = varve_store_last_position(server->store);
    const char *name = parameters->last_event_id.size > 0 ? "Last-Event-ID" : "after";

    *ret_position = ask->from_end ? last_position : ask->after;
    if (*ret_position <= last_position)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "%s: the log ends at position %" PRIu64 ", this is %" PRIu64,
                      name, last_position, *ret_position);
}

static void refuse(struct http_request *request, const char *why)
{
    figure_add(&http_server(request)->figures.push_refused_clients, 1);
    http_refuse(request, 503, VARVE_OVERLOADED, NULL, "%s", why);
}

static void begin(struct http_request *request, struct push_ask *ask, uint64_t position)
{
    struct push *push = http_server(request)->push;
    struct push_client *client = push_client_create(push, ask, position);

    if (client == NULL) {
        push_ask_free(ask);
        refuse(request, "the server's memory for clients of push is used up");
        return;
    }
    http_set_header(request, "X-Accel-Buffering", "no"); /* Else nginx, where there is one, would keep it back. */
    struct http_stream *stream = http_stream_begin(request, "text/event-stream", &push_client_stream, client);
    if (stream == NULL)
        push_client_free(client);
    else
        push_client_begin(client, stream);
}

void handle_http_events(struct http_request *request)
{
    struct server *server = http_server(request);
    struct push_parameters parameters;
    struct push_ask *ask = NULL;
    struct varve_error error;
    uint64_t position;

    take_parameters(request, &parameters);
    if (push_ask_create(&parameters, &ask, &error) != VARVE_OK ||
        find_place(server, &parameters, ask, &position, &error) != VARVE_OK) {
        push_ask_free(ask);
        http_reply_error(request, &error);
    } else if (server->push->client_count >= server->config->push.max_clients) {
        push_ask_free(ask);
        refuse(request, "as many clients of push as there may be are there; push.max_clients says how many");
    } else {
        begin(request, ask, position);
    }
}

/* ---- beginning, changes, end ------------------------------------------------------------------------------------ */

enum varve_status push_check_config(const struct push_config *config, struct varve_error *error)
{
    struct push_rules *rules = NULL;
    enum varve_status status = push_rules_create(config, &rules, error);

    free(rules);
    return status;
}

enum varve_status push_start(struct server *server, struct varve_error *error)
{
    struct push *push = calloc(1, sizeof(*push));

    if (push == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to push events");
    push->server = server;
    push->turn.finish = take_turn;
    push->turn_is_fresh = true;
    push->turn_us = PUSH_TURN_US;
    push->limit_bytes = server->config->memory_budget_bytes / PART_OF_BUDGET;
    enum varve_status status = push_rules_create(&server->config->push, &push->rules, error);
    if (status == VARVE_OK)
        server->push = push;
    else
        free(push);
    return status;
}

/* What was rendered by the old rules is sent no more. Who has got half an event of it must connect again. */
enum varve_status push_reload(struct server *server, struct varve_error *error)
{
    struct push *push = server->push;
    struct push_rules *rules = NULL;
    enum varve_status status = push_rules_create(&server->config->push, &rules, error);

    if (status != VARVE_OK)
        return status;
    free(push->rules);
    push->rules = rules;
    for (struct push_client *client = push->clients; client != NULL; client = client->next) {
        push_client_give_back(client);
        if (client->torn_position != 0)
            push_client_cut(client);
        else
            push_queue(client);
    }
    push_batches_hide(push);
    push->limit_bytes = server->config->memory_budget_bytes / PART_OF_BUDGET;
    return VARVE_OK;
}

void push_end(struct server *server)
{
    struct push *push = server->push;

    if (push == NULL)
        return;
    assert(push->clients == NULL && push->channels == NULL && push->batches == NULL);
    varve_wire_buffer_free(&push->scratch);
    free(push->rules);
    free(push);
    server->push = NULL;
}
