/* push_text.c - an event as it is sent: checked, cut to what may go out, and written. Once for all clients.
 *
 *   event: offer.made
 *   id: 4711
 *   data: {"stream":"offer-1","type":"offer.made",...}
 */
#include "push_parts.h"

#include "varve/event_json.h"
#include "varve/json.h"
#include "varve/json_text.h"
#include "varve/record.h"

enum { KEPT_SCRATCH_BYTES = 256 * 1024 };

/* ---- rejections ------------------------------------------------------------------------------------------------- */

/* Several filters let the same event through, and each has its own batches; but it is one event. */
static bool is_counted(struct push *push, uint64_t position)
{
    uint64_t *place = &push->counted[position % PUSH_COUNTED];

    if (*place == position)
        return true;
    *place = position;
    return false;
}

static void reject(struct push *push, struct push_event *event, enum push_verdict verdict)
{
    struct figures *figures = &push->server->figures;
    _Atomic uint64_t *const counts[] = {
        [PUSH_TYPE_NOT_ALLOWED] = &figures->push_rejected_type_not_allowed,
        [PUSH_MISSING_FIELD] = &figures->push_rejected_missing_field,
        [PUSH_BAD_ID] = &figures->push_rejected_bad_id,
        [PUSH_BAD_TIME] = &figures->push_rejected_bad_time,
    };

    event->state = PUSH_REJECTED;
    if (!is_counted(push, varve_record_position(event->record)))
        figure_add(counts[verdict], 1);
}

/* ---- the text --------------------------------------------------------------------------------------------------- */

/* The event without what push.fields does not name: of its data and metadata only that. */
static void write_allowed(struct varve_wire_buffer *out, const struct push_rules *rules, struct varve_view json)
{
    struct varve_view key, value;
    size_t cursor = 0;

    varve_json_write_raw(out, "{");
    while (varve_json_next_member(json, &cursor, &key, &value)) {
        const struct push_list *fields = varve_view_equal(key, varve_view_str("data")) ? &rules->fields : NULL;
        size_t before = out->size;

        if (varve_view_equal(key, varve_view_str("metadata"))) {
            if (rules->metadata.count == 0)
                continue;
            fields = &rules->metadata;
        }
        varve_json_item(out);
        varve_json_write_bytes(out, varve_view_of(key.data - 1, key.size + 2));
        varve_json_write_raw(out, ":");
        if (fields == NULL)
            varve_json_write_bytes(out, value);
        else if (!push_fields_write(out, fields, value))
            out->size = before;
    }
    varve_json_write_raw(out, "}");
}

static void write_name(struct varve_wire_buffer *out, struct varve_view type)
{
    varve_json_write_raw(out, "event: ");
    varve_json_write_bytes(out, type); /* Without control characters, so without line breaks. */
    varve_json_write_raw(out, "\n");
}

static void write_event(struct push *push, struct varve_wire_buffer *out, uint64_t position, struct varve_view json)
{
    varve_json_write_raw(out, "id: ");
    varve_json_write_uint(out, position);
    varve_json_write_raw(out, "\ndata: ");
    if (push->rules->fields.count == 0 && push->rules->metadata.count == 0)
        varve_json_write_bytes(out, json);
    else
        write_allowed(out, push->rules, json);
    varve_json_write_raw(out, "\n\n");
}

static unsigned flags_for(const struct varve_event *event)
{
    return VARVE_EVENT_JSON_SAFE |
           (event->data.size <= VARVE_EVENT_JSON_MAX_MSGPACK ? (unsigned)VARVE_EVENT_JSON_MSGPACK : 0);
}

/* Where an event is written whole, before it is looked at. */
static struct varve_wire_buffer *take_scratch(struct push *push)
{
    if (push->scratch.failed || push->scratch.capacity > KEPT_SCRATCH_BYTES)
        varve_wire_buffer_free(&push->scratch);
    push->scratch.size = 0;
    return &push->scratch;
}

bool push_text_render(struct push *push, struct push_batch *batch, struct push_event *event)
{
    struct varve_event decoded;

    if (event->state != PUSH_UNSEEN)
        return true;
    enum varve_status status = varve_record_decode(event->record, event->size, &decoded);
    assert(status == VARVE_OK); /* It was verified when it was read. */
    if (!push_rules_allow_type(push->rules, decoded.type)) {
        reject(push, event, PUSH_TYPE_NOT_ALLOWED);
        return true;
    }
    struct varve_wire_buffer *scratch = take_scratch(push);
    varve_event_json_write(scratch, &decoded, flags_for(&decoded));
    if (scratch->failed)
        return false;
    struct varve_view json = varve_view_of((const char *)scratch->bytes, scratch->size);
    enum push_verdict verdict = push_rules_judge(push->rules, json);
    if (verdict != PUSH_GOOD) {
        reject(push, event, verdict);
        return true;
    }
    event->text_at = batch->text.size;
    write_name(&batch->text, decoded.type);
    event->name_size = (uint32_t)(batch->text.size - event->text_at);
    write_event(push, &batch->text, decoded.position, json);
    if (batch->text.failed) { /* A part of it is nothing to be sent to the others who hold the batch. */
        batch->text.failed = false;
        batch->text.size = event->text_at;
        return false;
    }
    event->text_size = batch->text.size - event->text_at;
    event->state = PUSH_RENDERED;
    figure_add(&push->server->figures.push_events_rendered, 1);
    return true;
}

struct varve_view push_text_user(struct push_event *event)
{
    struct varve_event decoded;

    if (!event->user_known) {
        enum varve_status status = varve_record_decode(event->record, event->size, &decoded);

        assert(status == VARVE_OK);
        event->user_id = decoded.user_id;
        event->user_known = true;
    }
    return event->user_id;
}
