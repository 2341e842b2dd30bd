/* outbox_history.c - see outbox_history.h. */
#include "outbox_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "json_fields.h"
#include "varve/record.h"

enum { READ_BYTES = 1 << 20, READ_EVENTS = 1000 };

void outbox_history_begin(struct outbox_history *history, struct varve_store *store, const char *name)
{
    *history = (struct outbox_history){ .store = store };
    snprintf(history->stream, sizeof(history->stream), "$outbox-%s", name);
}

void outbox_history_end(struct outbox_history *history)
{
    free(history->topics);
    free(history->parked.all);
    free(history->retried.all);
    free(history->discarded.all);
}

/* The array with room for one more; NULL: no memory. */
static void *grow(void *all, size_t count, size_t *room, size_t size)
{
    size_t more = *room == 0 ? 64 : *room * 2;

    if (count < *room)
        return all;
    void *grown = realloc(all, more * size);
    if (grown != NULL)
        *room = more;
    return grown;
}

static uint64_t hash_of(struct varve_view stream)
{
    return XXH3_64bits(stream.data, stream.size);
}

/* ---- what one event says ---- */

static enum varve_status add_mark(struct outbox_history_marks *marks, struct varve_view stream, uint64_t position,
                                  uint64_t at, struct varve_error *error)
{
    struct outbox_history_mark *all = marks->count < OUTBOX_HISTORY_MAX
                                          ? grow(marks->all, marks->count, &marks->room, sizeof(*all)) : NULL;

    if (all == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the history of dead letters");
    marks->all = all;
    marks->all[marks->count++] = (struct outbox_history_mark){ .stream = stream.data == NULL ? 0 : hash_of(stream),
                                                               .position = position, .at = at };
    return VARVE_OK;
}

static struct outbox_history_topic *find_topic(const struct outbox_history *history, const char *name)
{
    for (size_t i = 0; i < history->topic_count; i++)
        if (strcmp(history->topics[i].name, name) == 0)
            return &history->topics[i];
    return NULL;
}

const struct outbox_history_topic *outbox_history_topic(const struct outbox_history *history, const char *name)
{
    return find_topic(history, name);
}

static struct outbox_history_topic *add_topic(struct outbox_history *history, const char *name)
{
    struct outbox_history_topic *all = history->topic_count < OUTBOX_HISTORY_TOPICS
        ? grow(history->topics, history->topic_count, &history->topic_room, sizeof(*all)) : NULL;

    if (all == NULL)
        return NULL;
    history->topics = all;
    struct outbox_history_topic *topic = &all[history->topic_count++];
    *topic = (struct outbox_history_topic){ .count = 0 };
    snprintf(topic->name, sizeof(topic->name), "%s", name);
    return topic;
}

static void add_count(struct outbox_history_topic *topic, int32_t partitions)
{
    if (topic->count > 0 && topic->counts[topic->count - 1] == partitions)
        return;
    if (topic->count == OUTBOX_HISTORY_COUNTS)
        memmove(topic->counts, topic->counts + 1, --topic->count * sizeof(topic->counts[0]));
    topic->counts[topic->count++] = partitions;
}

static enum varve_status read_topics(struct outbox_history *history, const json_t *topics, struct varve_error *error)
{
    const char *name;
    json_t *partitions;

    json_object_foreach((json_t *)topics, name, partitions) {
        struct outbox_history_topic *topic = find_topic(history, name);
        json_int_t count = json_integer_value(partitions);
        if (strlen(name) > OUTBOX_MAX_TOPIC || count <= 0 || count > INT32_MAX)
            continue;
        if (topic == NULL && (topic = add_topic(history, name)) == NULL)
            return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the names of topics");
        add_count(topic, (int32_t)count);
    }
    return VARVE_OK;
}

/* What is not as it should be says nothing: to find that out is the part of who loads the memory. */
static enum varve_status read_event(struct outbox_history *history, const struct varve_event *event,
                                    struct varve_error *error)
{
    static const char *const types[] = { "$outbox.parked", "$outbox.retried", "$outbox.discarded", "$outbox.topics" };
    struct outbox_history_marks *const marks[] = { &history->parked, &history->retried, &history->discarded };
    enum varve_status status = VARVE_OK;
    struct json_fields fields;
    struct varve_error ignored;
    size_t kind = 0;

    while (kind < 4 && !varve_view_equal(event->type, varve_view_str(types[kind])))
        kind++;
    json_t *json = kind < 4 ? json_fields_parse(&fields, event->data, &ignored) : NULL;
    if (json == NULL)
        return VARVE_OK;
    if (kind == 3) {
        status = read_topics(history, json_object_get(json, "topics"), error);
    } else {
        struct varve_view stream = json_fields_text(&fields, "stream", VARVE_MAX_SYSTEM_STREAM_NAME);
        uint64_t position = json_fields_uint(&fields, kind == 1 ? "through" : "position", UINT64_MAX);
        if (!fields.failed)
            status = add_mark(marks[kind], stream, position, event->position, error);
    }
    json_decref(json);
    return status;
}

/* ---- reading ---- */

static enum varve_status read_batch(struct outbox_history *history, const struct varve_batch *batch,
                                    struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    struct varve_event event;

    for (uint32_t i = 0; i < batch->count && status == VARVE_OK; i++) {
        if (varve_record_decode(batch->records[i], batch->sizes[i], &event) != VARVE_OK)
            continue;
        history->next_version = event.version + 1;
        status = read_event(history, &event, error);
    }
    return status;
}

enum varve_status outbox_history_read(struct outbox_history *history, struct varve_error *error)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(history->stream);
    read.from = history->next_version;
    read.include_system = true;
    enum varve_status status = varve_reader_open(history->store, &read, &reader, error);
    if (status == VARVE_STREAM_NOT_FOUND)
        return VARVE_OK;
    while (status == VARVE_OK && !batch.end) {
        status = varve_reader_next(reader, READ_BYTES, READ_EVENTS, &batch, error);
        if (status == VARVE_OK)
            status = read_batch(history, &batch, error);
    }
    varve_reader_close(reader);
    return status;
}

/* ---- questions ---- */

bool outbox_history_was_retried(const struct outbox_history *history, const struct varve_event *event, uint64_t after)
{
    const struct outbox_history_marks *parked = &history->parked, *retried = &history->retried;
    uint64_t stream = hash_of(event->stream);
    bool was_parked = false, was_delivered = false;

    for (size_t i = 0; i < parked->count && !was_parked; i++)
        was_parked = parked->all[i].stream == stream && parked->all[i].position <= event->position;
    for (size_t i = 0; i < retried->count && was_parked && !was_delivered; i++)
        was_delivered = retried->all[i].stream == stream && retried->all[i].position >= event->position &&
                        retried->all[i].at >= after;
    return was_delivered;
}

bool outbox_history_was_discarded(const struct outbox_history *history, uint64_t position)
{
    for (size_t i = 0; i < history->discarded.count; i++)
        if (history->discarded.all[i].position == position)
            return true;
    return false;
}
