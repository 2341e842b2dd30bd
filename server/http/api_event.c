/* api_event.c - single events: by id or position, and how the API writes them. */
#include "api.h"

#include <inttypes.h>
#include <stdlib.h>

#include "varve/number_text.h"
#include "varve/record.h"
#include "varve/uuid.h"

enum {
    ENVELOPE_BYTES = 1024,       /* of an event, but for its texts */
    TEXT_FACTOR = 6,             /* \u0001 */
    MSGPACK_FACTOR = 10,         /* an extension of 3 bytes is {"type":-128,"data":"AAAA"} */
};

static bool is_base64(const struct varve_event *event, unsigned flags)
{
    return event->content_type == VARVE_CONTENT_OCTET_STREAM ||
           (event->content_type == VARVE_CONTENT_MSGPACK &&
            (!(flags & VARVE_EVENT_JSON_MSGPACK) || event->data.size > VARVE_EVENT_JSON_MAX_MSGPACK));
}

uint64_t api_event_bound(const struct varve_event *event, unsigned flags)
{
    uint64_t texts = event->stream.size + event->type.size + event->source.size + event->user_id.size;
    uint64_t data = event->data.size;

    if (is_base64(event, flags))
        data = (data + 2) / 3 * 4;
    else if (event->content_type == VARVE_CONTENT_MSGPACK)
        data *= MSGPACK_FACTOR;
    return ENVELOPE_BYTES + TEXT_FACTOR * texts + data + event->metadata.size;
}

void api_write_event(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags)
{
    if (is_base64(event, flags))
        flags &= ~(unsigned)VARVE_EVENT_JSON_MSGPACK;
    varve_event_json_write(out, event, flags | VARVE_EVENT_JSON_SAFE);
}

/* A record, the batch it is a part of, and the answer, whose memory grows by doubling. */
static uint64_t bytes_for(const struct server *server, uint64_t answer_bytes)
{
    return API_BATCH_BYTES + server->limits.max_event_bytes + VARVE_RECORD_MAX_OVERHEAD + 2 * answer_bytes;
}

uint64_t api_page_bytes(const struct server *server)
{
    return bytes_for(server, API_PAGE_BYTES);
}

uint64_t api_needs(const struct server *server, const struct varve_event *event, unsigned flags)
{
    uint64_t bound = api_event_bound(event, flags);

    return bound <= API_PAGE_BYTES ? 0 : bytes_for(server, bound);
}

enum varve_status api_event_flags(const struct http_request *request, unsigned *ret_flags, struct varve_error *error)
{
    struct varve_view data = http_query(request, "data");

    *ret_flags = VARVE_EVENT_JSON_MSGPACK;
    if (data.data == NULL || varve_view_equal(data, varve_view_str("json")))
        return VARVE_OK;
    *ret_flags = 0;
    if (varve_view_equal(data, varve_view_str("base64")))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "data",
                      "data=%.*s: expected json or base64, of data that is application/msgpack", http_shown(data),
                      data.data);
}

enum varve_status api_event_name(struct varve_view text, struct api_event_name *ret, struct varve_error *error)
{
    *ret = (struct api_event_name){ .position = 0 };
    if (varve_number_parse(text, &ret->position) && ret->position > 0)
        return VARVE_OK;
    if (varve_uuid_parse(text, &ret->id) && !varve_uuid_is_nil(&ret->id))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "id", "\"%.*s\": expected an event's UUID, or its position",
                      http_shown(text), text.data);
}

enum varve_status api_find_event(struct varve_store *store, const struct api_event_name *name, uint64_t *ret_position,
                                 struct varve_error *error)
{
    char text[VARVE_UUID_TEXT];

    *ret_position = name->position;
    if (name->position > 0 && name->position > varve_store_last_position(store))
        return varve_fail(error, VARVE_EVENT_NOT_FOUND, "id", "position %" PRIu64 " is behind the last event",
                          name->position);
    if (name->position > 0)
        return VARVE_OK;
    enum varve_status status = varve_store_find(store, &name->id, 1, ret_position, error);
    if (status != VARVE_OK || *ret_position > 0)
        return status;
    varve_uuid_format(&name->id, text);
    return varve_fail(error, VARVE_EVENT_NOT_FOUND, "id", "no event has the id %s", text);
}

/* ---- GET /v1/events/{id} ----------------------------------------------------------------------------------------- */

struct event_look {
    struct api_look look; /* first */
    struct api_event_name name;
    unsigned flags;
};

static void write_record(struct event_look *look, const uint8_t *record, uint32_t size)
{
    struct api_look *all = &look->look;
    struct varve_event event;

    if (varve_record_decode(record, size, &event) != VARVE_OK) {
        varve_fail(&all->error, VARVE_CORRUPT, NULL, "an event's bytes are not what was stored");
        return;
    }
    all->needs = api_needs(all->server, &event, look->flags);
    if (all->needs <= all->bytes)
        api_write_event(&all->out, &event, look->flags);
}

static void make_event(struct api_look *all)
{
    struct event_look *look = (struct event_look *)all;
    uint8_t *record = NULL;
    uint32_t size = 0;
    uint64_t position;

    if (api_find_event(all->server->store, &look->name, &position, &all->error) != VARVE_OK ||
        varve_store_get(all->server->store, position, &record, &size, &all->error) != VARVE_OK)
        return;
    write_record(look, record, size);
    free(record);
}

void handle_api_event(struct http_request *request)
{
    struct event_look *look = api_look_create(request, sizeof(*look));
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL)
        return;
    look->look.make = make_event;
    if (api_event_name(http_path_part(request, 0), &look->name, &error) != VARVE_OK ||
        api_event_flags(request, &look->flags, &error) != VARVE_OK)
        api_look_refuse(request, &look->look, &error);
    else
        api_look_begin(request, &look->look, api_page_bytes(http_server(request)));
}
