/* api_replay.c - POST /v1/events/{id}/replay: an event is published again by an outbox, marked as such. First a look
 * for where the event is, then an order to the outbox's thread. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#include "outbox_errands.h"

struct replay_order {
    struct outbox_order order;    /* first */
    struct http_request *request; /* NULL: it was answered before the outbox was done */
    char name[VARVE_MAX_OUTBOX_NAME + 1];
};

struct replay_look {
    struct api_look look;         /* first */
    struct api_event_name name;
    struct outbox *outbox;
    uint64_t position;
};

static const char *name_of(struct outbox *outbox, struct outbox_view *room)
{
    outbox_look(outbox, room);
    return room->config->name;
}

/* ---- the order --------------------------------------------------------------------------------------------------- */

static void answer(struct outbox_order *order)
{
    struct http_request *request = ((struct replay_order *)order)->request;
    struct outbox_errand *errand = &order->errand;
    struct varve_wire_buffer out = { 0 };

    if (request == NULL)
        return;
    if (errand->status != VARVE_OK) {
        errand->error.status = errand->status;
        http_reply_error(request, &errand->error);
        return;
    }
    varve_json_write_raw(&out, "{");
    varve_json_member_text(&out, "outbox", varve_view_str(((struct replay_order *)order)->name));
    varve_json_member_number(&out, "position", errand->order.position);
    varve_json_member_number(&out, "replay_number", errand->count);
    varve_json_write_raw(&out, "}\n");
    http_reply(request, 202, "application/json", &out);
}

/* The server does not wait for the outbox any longer. */
static void abandon(struct outbox_order *order)
{
    struct replay_order *replay = (struct replay_order *)order;
    struct varve_error error;

    if (replay->request == NULL)
        return;
    varve_fail(&error, VARVE_NOT_READY, NULL, "the server stops; the outbox has not said whether it took the order");
    http_reply_error(replay->request, &error);
    replay->request = NULL;
}

/* On the loop, when the event was found. */
static void order(struct api_look *all, struct http_request *request)
{
    const struct replay_look *look = (const struct replay_look *)all;
    struct replay_order *replay = calloc(1, sizeof(*replay));
    struct outbox_view view;
    struct varve_error error = { .status = VARVE_OK };

    if (replay == NULL) {
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
        http_reply_error(request, &error);
        return;
    }
    replay->request = request;
    replay->order.answer = answer;
    replay->order.abandon = abandon;
    replay->order.errand.order = (struct varve_outbox_order){
        .action = VARVE_OUTBOX_REPLAY, .position = look->position, .until = look->position,
        .reason = varve_view_str("POST /v1/events/{id}/replay"),
    };
    snprintf(replay->name, sizeof(replay->name), "%s", name_of(look->outbox, &view));
    if (outbox_errands_give(all->server, look->outbox, &replay->order))
        return;
    free(replay);
    varve_fail(&error, VARVE_OVERLOADED, NULL, "too many orders wait for the outboxes");
    http_reply_error(request, &error);
}

/* ---- the look ---------------------------------------------------------------------------------------------------- */

static void find(struct api_look *all)
{
    struct replay_look *look = (struct replay_look *)all;

    api_find_event(all->server->store, &look->name, &look->position, &all->error);
}

/* Named in the query; that may be left out when there is only one. */
static enum varve_status choose(const struct http_request *request, struct outbox **ret, struct varve_error *error)
{
    const struct server *server = http_server(request);
    struct varve_view name = http_query(request, "outbox");

    if (name.data != NULL) {
        *ret = outboxes_find(server, name);
        return *ret != NULL ? VARVE_OK
                            : varve_fail(error, VARVE_OUTBOX_NOT_FOUND, "outbox", "there is no outbox \"%.*s\"",
                                         http_shown(name), name.data);
    }
    if (outboxes_count(server) == 0)
        return varve_fail(error, VARVE_OUTBOX_NOT_FOUND, "outbox", "the server has no outbox");
    if (outboxes_count(server) > 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "outbox", "which outbox? expected ?outbox=NAME");
    *ret = outboxes_at(server, 0);
    return VARVE_OK;
}

void handle_api_replay(struct http_request *request)
{
    struct replay_look *look = api_look_create(request, sizeof(*look));
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL)
        return;
    look->look.make = find;
    look->look.then = order;
    if (api_event_name(http_path_part(request, 0), &look->name, &error) != VARVE_OK ||
        choose(request, &look->outbox, &error) != VARVE_OK)
        api_look_refuse(request, &look->look, &error);
    else
        api_look_begin(request, &look->look, sizeof(*look) + sizeof(struct replay_order));
}
