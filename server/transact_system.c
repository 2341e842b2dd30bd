/* transact_system.c - see transact_system.h. */
#include "transact_system.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "$checkpoint-"
enum {
    NAME_BYTES = sizeof(PREFIX) - 1 + VARVE_MAX_CHECKPOINT_NAME,
    DATA_BYTES = 40, /* {"position":18446744073709551615} */
};

/* What the decoder cannot know. */
static enum varve_status check(const struct varve_checkpoint *checkpoints, size_t index, uint64_t last_position,
                               struct varve_error *error)
{
    const struct varve_checkpoint *checkpoint = &checkpoints[index];
    char field[48];

    assert(checkpoint->name.size <= VARVE_MAX_CHECKPOINT_NAME);
    snprintf(field, sizeof(field), "checkpoints[%zu].position", index);
    if (checkpoint->position > last_position)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: %" PRIu64 " is behind the end of the log, which is at %" PRIu64, field,
                          checkpoint->position, last_position);
    snprintf(field, sizeof(field), "checkpoints[%zu].name", index);
    for (size_t i = 0; i < index; i++) {
        if (varve_view_equal(checkpoints[i].name, checkpoint->name))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: checkpoints[%zu] has the same name", field, i);
    }
    return VARVE_OK;
}

static struct varve_event event_of(const char *type, struct varve_view data)
{
    return (struct varve_event){ .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                 .content_type = VARVE_CONTENT_JSON, .data = data };
}

static void move_checkpoint(const struct varve_checkpoint *checkpoint, char *name, char *data,
                            struct varve_append_stream *ret_stream, struct varve_event *ret_event)
{
    size_t prefix = sizeof(PREFIX) - 1;

    memcpy(name, PREFIX, prefix);
    memcpy(name + prefix, checkpoint->name.data, checkpoint->name.size);
    int size = snprintf(data, DATA_BYTES, "{\"position\":%" PRIu64 "}", checkpoint->position);
    *ret_stream = (struct varve_append_stream){ varve_view_of(name, prefix + checkpoint->name.size),
                                                checkpoint->expected };
    *ret_event = event_of("$checkpoint.moved", varve_view_of(data, (size_t)size));
    ret_event->id = checkpoint->event_id;
}

/* Room for so many streams with an event each, all in one piece. */
static bool reserve(struct transact_system *system, size_t count, char **ret_texts)
{
    size_t each = sizeof(struct varve_append_stream) + sizeof(struct varve_event) + sizeof(uint32_t);
    char *memory = calloc(count, each + NAME_BYTES + DATA_BYTES);

    if (memory == NULL)
        return false;
    struct varve_event *events = (struct varve_event *)memory; /* The largest alignment first. */
    struct varve_append_stream *streams = (struct varve_append_stream *)(events + count);
    uint32_t *stream_of = (uint32_t *)(streams + count);
    for (size_t i = 0; i < count; i++)
        stream_of[i] = (uint32_t)i;
    system->memory = memory;
    system->request = (struct varve_append_request){ .streams = streams, .stream_count = count, .events = events,
                                                     .stream_of = stream_of, .event_count = count };
    *ret_texts = (char *)(stream_of + count);
    return true;
}

enum varve_status transact_system_make(const struct varve_transact_request *request, uint64_t last_position,
                                       const struct group_hold *hold, struct transact_system *ret,
                                       struct varve_error *error)
{
    struct group_hold_event held[GROUP_HOLD_MAX_EVENTS];
    size_t held_count = hold == NULL ? 0 : group_hold_events(hold, held);
    size_t count = request->checkpoint_count + held_count;
    char *texts;

    *ret = (struct transact_system){ .memory = NULL };
    for (size_t i = 0; i < request->checkpoint_count; i++) {
        enum varve_status status = check(request->checkpoints, i, last_position, error);
        if (status != VARVE_OK)
            return status;
    }
    if (count == 0)
        return VARVE_OK;
    if (!reserve(ret, count, &texts))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this transaction");
    struct varve_append_stream *streams = (struct varve_append_stream *)ret->request.streams;
    struct varve_event *events = (struct varve_event *)ret->request.events;
    for (size_t i = 0; i < request->checkpoint_count; i++, texts += NAME_BYTES + DATA_BYTES)
        move_checkpoint(&request->checkpoints[i], texts, texts + NAME_BYTES, &streams[i], &events[i]);
    for (size_t i = 0; i < held_count; i++) {
        size_t at = request->checkpoint_count + i;
        streams[at] = (struct varve_append_stream){ held[i].stream, VARVE_EXPECTED_ANY };
        events[at] = event_of(held[i].type, held[i].data);
        events[at].id = held[i].id;
    }
    return VARVE_OK;
}

void transact_system_free(struct transact_system *system)
{
    free(system->memory);
    system->memory = NULL;
}
