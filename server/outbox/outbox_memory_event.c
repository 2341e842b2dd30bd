/* outbox_memory_event.c - what an outbox remembers as JSON, and back with every field looked at. */
#include "outbox_memory_event.h"

#include <stdlib.h>
#include <string.h>

static const char *const types[MEMORY_KINDS] = {
    [MEMORY_PUBLISHED] = "$outbox.published", [MEMORY_PARKED] = "$outbox.parked",
    [MEMORY_WAITING] = "$outbox.waiting", [MEMORY_ATTEMPTED] = "$outbox.attempted",
    [MEMORY_RETRIED] = "$outbox.retried", [MEMORY_DISCARDED] = "$outbox.discarded",
    [MEMORY_PAUSED] = "$outbox.paused", [MEMORY_RESUMED] = "$outbox.resumed", [MEMORY_RESET] = "$outbox.reset",
    [MEMORY_TOPICS] = "$outbox.topics", [MEMORY_REPLAY] = "$outbox.replay", [MEMORY_REPLAYED] = "$outbox.replayed",
};

const char *memory_event_type(enum memory_kind kind)
{
    return types[kind];
}

bool memory_event_kind(struct varve_view type, enum memory_kind *ret)
{
    for (int kind = 0; kind < MEMORY_KINDS; kind++) {
        if (varve_view_equal(type, varve_view_str(types[kind]))) {
            *ret = (enum memory_kind)kind;
            return true;
        }
    }
    return false;
}

struct varve_view memory_clean_text(struct varve_view text, char *ret, size_t room)
{
    size_t size = text.size < room - 1 ? text.size : room - 1;

    if (size > 0)
        memcpy(ret, text.data, size);
    while (size < text.size && size > 0 && ((uint8_t)text.data[size] & 0xc0) == 0x80)
        size--; /* Not half a character. */
    ret[size] = '\0';
    if (size > 0 && varve_check_text(varve_view_of(ret, size), room, "text", NULL) != VARVE_OK) {
        for (size_t i = 0; i < size; i++)
            if ((uint8_t)ret[i] < 0x20 || (uint8_t)ret[i] >= 0x7f)
                ret[i] = '?';
    }
    return varve_view_of(ret, size);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool set_int(json_t *object, const char *name, int64_t number)
{
    return json_object_set_new(object, name, json_integer(number)) == 0;
}

static bool set_flag(json_t *object, const char *name, bool flag)
{
    return !flag || json_object_set_new(object, name, json_true()) == 0;
}

/* UINT64_MAX says that it is not known. */
static bool set_known(json_t *object, const char *name, uint64_t number)
{
    return number == UINT64_MAX || json_set_uint(object, name, number);
}

static bool set_letter(json_t *object, const struct varve_dead_letter *letter)
{
    return json_set_text(object, "stream", letter->stream) && json_set_uint(object, "position", letter->position) &&
           set_known(object, "version", letter->version) && set_flag(object, "skipped", letter->skipped) &&
           json_set_text(object, "code", letter->error_code) && json_set_text(object, "error", letter->last_error) &&
           json_set_uint(object, "attempts", letter->retry_count) &&
           set_int(object, "first_attempt_us", letter->first_attempt_us) &&
           set_int(object, "last_attempt_us", letter->last_attempt_us);
}

static bool set_positions(json_t *object, const uint64_t *positions, size_t count)
{
    json_t *list = json_array();
    bool good = list != NULL;

    for (size_t i = 0; i < count && good; i++)
        good = json_array_append_new(list, json_integer((json_int_t)positions[i])) == 0;
    good = good && json_object_set(object, "positions", list) == 0;
    json_decref(list);
    return good;
}

static bool set_hint(json_t *object, const struct memory_event *event)
{
    return json_set_uint(object, "position", event->position) &&
           json_set_uint(object, "generation", event->generation) &&
           json_set_uint(object, "fold_from", event->fold_from) && set_known(object, "topics_at", event->topics_at) &&
           json_set_uint(object, "replays", event->replays) && set_flag(object, "paused", event->paused);
}

static bool set_order(json_t *object, const struct memory_event *event)
{
    return json_set_uint(object, "position", event->position) &&
           json_set_uint(object, "generation", event->generation) && json_set_text(object, "reason", event->reason);
}

static bool set_replay(json_t *object, const struct outbox_replay *replay, struct varve_view reason)
{
    return json_set_uint(object, "number", replay->number) && json_set_uint(object, "from", replay->from) &&
           json_set_uint(object, "until", replay->until) &&
           (replay->stream[0] == '\0' || json_set_text(object, "stream", varve_view_str(replay->stream))) &&
           (replay->type[0] == '\0' || json_set_text(object, "type", varve_view_str(replay->type))) &&
           json_set_text(object, "reason", reason);
}

static bool set_fields(json_t *object, const struct memory_event *event)
{
    switch (event->kind) {
    case MEMORY_PUBLISHED:
        return set_hint(object, event);
    case MEMORY_PARKED: case MEMORY_ATTEMPTED:
        return set_letter(object, &event->letter);
    case MEMORY_WAITING:
        return json_set_text(object, "stream", event->letter.stream) &&
               set_positions(object, event->positions, event->count);
    case MEMORY_RETRIED:
        return json_set_text(object, "stream", event->letter.stream) &&
               json_set_uint(object, "through", event->through);
    case MEMORY_DISCARDED:
        return json_set_text(object, "stream", event->letter.stream) &&
               json_set_uint(object, "position", event->letter.position) &&
               json_set_text(object, "reason", event->reason);
    case MEMORY_PAUSED: case MEMORY_RESUMED: case MEMORY_RESET:
        return set_order(object, event);
    case MEMORY_TOPICS:
        return json_object_set(object, "topics", (json_t *)event->topics) == 0;
    case MEMORY_REPLAY:
        return set_replay(object, &event->replay, event->reason);
    case MEMORY_REPLAYED:
        return json_set_uint(object, "number", event->replay.number) && json_set_uint(object, "sent", event->sent);
    case MEMORY_KINDS:
        break;
    }
    return false;
}

struct varve_view memory_event_encode(const struct memory_event *event)
{
    json_t *object = json_object();

    return json_finish(object, object != NULL && set_fields(object, event));
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int64_t take_int(struct json_fields *fields, const char *name)
{
    return json_object_get(fields->object, name) == NULL ? 0 : json_fields_int(fields, name);
}

static uint64_t take_number(struct json_fields *fields, const char *name)
{
    return json_fields_uint_or(fields, name, INT64_MAX, 0);
}

static uint64_t take_position(struct json_fields *fields, const char *name)
{
    uint64_t position = json_fields_uint(fields, name, INT64_MAX);

    if (position == 0)
        json_fields_bad(fields, name, "a position above 0");
    return position;
}

static struct varve_view take_stream(struct json_fields *fields)
{
    struct varve_view name = json_fields_text(fields, "stream", VARVE_MAX_SYSTEM_STREAM_NAME);

    if (name.size == 0)
        json_fields_bad(fields, "stream", "a name");
    return name;
}

static void take_letter(struct json_fields *fields, struct varve_dead_letter *ret)
{
    *ret = (struct varve_dead_letter){
        .stream = take_stream(fields), .position = take_position(fields, "position"), .waiting = 1,
        .version = json_fields_uint_or(fields, "version", INT64_MAX, UINT64_MAX),
        .skipped = json_fields_flag(fields, "skipped"),
        .error_code = json_fields_text(fields, "code", VARVE_MAX_OUTBOX_REASON),
        .last_error = json_fields_text(fields, "error", VARVE_MAX_OUTBOX_REASON),
        .retry_count = (uint32_t)json_fields_uint_or(fields, "attempts", UINT32_MAX, 0),
        .first_attempt_us = take_int(fields, "first_attempt_us"),
        .last_attempt_us = take_int(fields, "last_attempt_us"),
    };
}

/* False: no memory. */
static bool take_positions(struct json_fields *fields, struct memory_event *ret)
{
    const json_t *list = json_fields_list(fields, "positions", SIZE_MAX);

    ret->count = json_array_size(list);
    ret->positions = ret->read_positions = malloc((ret->count + 1) * sizeof(*ret->read_positions));
    if (ret->read_positions == NULL)
        return false;
    for (size_t i = 0; i < ret->count; i++) {
        const json_t *position = json_array_get(list, i);

        if (!json_is_integer(position) || json_integer_value(position) <= 0)
            json_fields_bad(fields, "positions", "a list of positions");
        ret->read_positions[i] = (uint64_t)json_integer_value(position);
    }
    return true;
}

static void take_hint(struct json_fields *fields, struct memory_event *ret)
{
    ret->position = json_fields_uint(fields, "position", INT64_MAX);
    ret->generation = take_number(fields, "generation");
    ret->fold_from = take_number(fields, "fold_from");
    ret->topics_at = json_fields_uint_or(fields, "topics_at", INT64_MAX, UINT64_MAX);
    ret->replays = take_number(fields, "replays");
    ret->paused = json_fields_flag(fields, "paused");
}

static void take_order(struct json_fields *fields, struct memory_event *ret)
{
    ret->position = ret->kind == MEMORY_RESET ? json_fields_uint(fields, "position", INT64_MAX)
                                              : take_number(fields, "position");
    ret->generation = take_number(fields, "generation");
    ret->reason = json_fields_text(fields, "reason", SIZE_MAX);
}

static void take_text(struct json_fields *fields, const char *name, char *ret, size_t room)
{
    struct varve_view text = json_fields_text(fields, name, room - 1);

    if (text.size > 0)
        memcpy(ret, text.data, text.size);
    ret[text.size] = '\0';
}

static void take_replay(struct json_fields *fields, struct memory_event *ret)
{
    ret->replay.number = take_position(fields, "number");
    ret->replay.from = json_fields_uint(fields, "from", INT64_MAX);
    ret->replay.until = json_fields_uint(fields, "until", INT64_MAX);
    take_text(fields, "stream", ret->replay.stream, sizeof(ret->replay.stream));
    take_text(fields, "type", ret->replay.type, sizeof(ret->replay.type));
    ret->reason = json_fields_text(fields, "reason", SIZE_MAX);
}

static void take_topics(struct json_fields *fields, struct memory_event *ret)
{
    json_t *topics = json_object_get(fields->object, "topics"), *partitions;
    const char *name;

    ret->topics = topics;
    if (!json_is_object(topics)) {
        json_fields_bad(fields, "topics", "an object");
        return;
    }
    json_object_foreach(topics, name, partitions)
        if (!json_is_integer(partitions) || json_integer_value(partitions) < 1 ||
            json_integer_value(partitions) > INT32_MAX || name[0] == '\0' || strlen(name) > OUTBOX_MAX_TOPIC)
            json_fields_bad(fields, "topics", "names of topics and numbers of partitions");
}

/* False: no memory. */
static bool take_fields(struct json_fields *fields, struct memory_event *ret)
{
    switch (ret->kind) {
    case MEMORY_PUBLISHED: take_hint(fields, ret); break;
    case MEMORY_PARKED: case MEMORY_ATTEMPTED: take_letter(fields, &ret->letter); break;
    case MEMORY_WAITING:
        ret->letter.stream = take_stream(fields);
        return take_positions(fields, ret);
    case MEMORY_RETRIED:
        ret->letter.stream = take_stream(fields);
        ret->through = json_fields_uint(fields, "through", INT64_MAX);
        break;
    case MEMORY_DISCARDED:
        ret->letter.stream = take_stream(fields);
        ret->letter.position = take_position(fields, "position");
        ret->reason = json_fields_text(fields, "reason", SIZE_MAX);
        break;
    case MEMORY_PAUSED: case MEMORY_RESUMED: case MEMORY_RESET: take_order(fields, ret); break;
    case MEMORY_TOPICS: take_topics(fields, ret); break;
    case MEMORY_REPLAY: take_replay(fields, ret); break;
    case MEMORY_REPLAYED:
        ret->replay.number = take_position(fields, "number");
        ret->sent = take_number(fields, "sent");
        break;
    case MEMORY_KINDS: break;
    }
    return true;
}

enum varve_status memory_event_decode(enum memory_kind kind, struct varve_view data, struct memory_event *ret,
                                      struct varve_error *error)
{
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, data, error);

    if (object == NULL)
        return VARVE_CORRUPT;
    struct memory_event event = { .kind = kind, .json = object };
    bool good = take_fields(&fields, &event);
    if (good && !fields.failed) {
        *ret = event;
        return VARVE_OK;
    }
    memory_event_end(&event);
    return good ? VARVE_CORRUPT : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for what an outbox remembers");
}

void memory_event_end(struct memory_event *event)
{
    json_decref(event->json);
    free(event->read_positions);
    event->json = NULL;
    event->read_positions = NULL;
}
