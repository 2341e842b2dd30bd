/* parked_record.c - parked events as JSON, and back with every field looked at. */
#include "parked_record.h"

#include <stdlib.h>

#include "json_fields.h"

static const char *const types[PARKED_EVENT_KINDS] = {
    [PARKED_PARKED] = "$parked", [PARKED_FAILED] = "$parked.failed", [PARKED_RESOLVED] = "$parked.resolved",
    [PARKED_DISCARDED] = "$parked.discarded",
};

const char *parked_event_type(enum parked_event_kind kind)
{
    return types[kind];
}

bool parked_event_parse(struct varve_view type, enum parked_event_kind *ret)
{
    for (int kind = 0; kind < PARKED_EVENT_KINDS; kind++) {
        if (varve_view_equal(type, varve_view_str(types[kind]))) {
            *ret = (enum parked_event_kind)kind;
            return true;
        }
    }
    return false;
}

struct varve_view parked_picture_encode(const struct parked_picture *picture)
{
    const struct varve_parked_event *event = &picture->event;
    json_t *object = json_object();
    bool good = json_set_uint(object, "position", event->position) && json_set_text(object, "stream", event->stream) &&
                json_set_uint(object, "version", event->version) && json_set_text(object, "type", event->type) &&
                json_set_uuid(object, "id", &event->id) && json_set_text(object, "reason", event->reason) &&
                json_set_uint(object, "attempts", event->attempts) &&
                json_set_text(object, "last_error", event->last_error) &&
                json_object_set_new(object, "first_attempt_us", json_integer(event->first_attempt_us)) == 0 &&
                json_object_set_new(object, "parked_at_us", json_integer(event->parked_at_us)) == 0 &&
                json_set_uint(object, "epoch", picture->epoch);

    return json_finish(object, good);
}

enum varve_status parked_picture_decode(struct varve_view data, struct parked_picture *ret, struct varve_error *error)
{
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, data, error);

    if (object == NULL)
        return VARVE_CORRUPT;
    struct parked_picture picture = { .json = object, .epoch = json_fields_uint(&fields, "epoch", INT64_MAX) };
    picture.event = (struct varve_parked_event){
        .position = json_fields_uint(&fields, "position", INT64_MAX),
        .stream = json_fields_text(&fields, "stream", VARVE_MAX_SYSTEM_STREAM_NAME),
        .version = json_fields_uint(&fields, "version", INT64_MAX),
        .type = json_fields_text(&fields, "type", VARVE_MAX_TYPE),
        .id = json_fields_uuid(&fields, "id"),
        .reason = json_fields_text(&fields, "reason", VARVE_MAX_REASON),
        .attempts = (uint32_t)json_fields_uint(&fields, "attempts", UINT32_MAX),
        .last_error = json_fields_text(&fields, "last_error", VARVE_MAX_REASON),
        .first_attempt_us = json_fields_int(&fields, "first_attempt_us"),
        .parked_at_us = json_fields_int(&fields, "parked_at_us"),
    };
    if (picture.event.stream.size == 0 || picture.event.type.size == 0 || picture.event.reason.size == 0)
        json_fields_bad(&fields, "stream, type, reason", "texts that are not empty");
    if (picture.event.position == 0)
        json_fields_bad(&fields, "position", "a position above 0");
    if (fields.failed) {
        json_decref(object);
        return VARVE_CORRUPT;
    }
    *ret = picture;
    return VARVE_OK;
}

void parked_picture_end(struct parked_picture *picture)
{
    json_decref(picture->json);
    picture->json = NULL;
}

struct varve_view parked_note_encode(const struct parked_note *note, struct varve_view reason)
{
    json_t *object = json_object(), *positions = json_array();
    bool good = json_set_text(object, "reason", reason) && json_set_uint(object, "epoch", note->epoch) &&
                positions != NULL;

    for (size_t i = 0; i < note->count; i++)
        good = good && json_array_append_new(positions, json_integer((json_int_t)note->positions[i])) == 0;
    good = good && json_object_set(object, "positions", positions) == 0;
    json_decref(positions);
    return json_finish(object, good);
}

enum varve_status parked_note_decode(struct varve_view data, struct parked_note *ret, struct varve_error *error)
{
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, data, error);

    if (object == NULL)
        return VARVE_CORRUPT;
    ret->epoch = json_fields_uint(&fields, "epoch", INT64_MAX);
    const json_t *positions = json_fields_list(&fields, "positions", PARKED_MAX_POSITIONS);
    ret->count = json_array_size(positions);
    for (size_t i = 0; i < ret->count; i++) {
        const json_t *position = json_array_get(positions, i);

        if (!json_is_integer(position) || json_integer_value(position) <= 0)
            json_fields_bad(&fields, "positions", "a list of positions");
        ret->positions[i] = (uint64_t)json_integer_value(position);
    }
    if (ret->count == 0)
        json_fields_bad(&fields, "positions", "at least one position");
    json_decref(object);
    return fields.failed ? VARVE_CORRUPT : VARVE_OK;
}
