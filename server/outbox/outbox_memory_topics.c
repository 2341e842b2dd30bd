/* outbox_memory_topics.c - how many partitions each topic had when it was last seen. */
#include "outbox_memory_parts.h"

#include <stdlib.h>
#include <string.h>

struct outbox_topics *memory_topics_create(void)
{
    return calloc(1, sizeof(struct outbox_topics));
}

static void clear(struct outbox_topics *topics)
{
    for (size_t i = 0; i < topics->count; i++)
        free(topics->all[i].name);
    free(topics->all);
    *topics = (struct outbox_topics){ .all = NULL };
}

void memory_topics_free(struct outbox_topics *topics)
{
    if (topics == NULL)
        return;
    clear(topics);
    free(topics);
}

/* The index of the first that is not below `name`. */
static size_t seek(const struct outbox_topics *topics, const char *name)
{
    size_t low = 0, high = topics->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(topics->all[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct outbox_topic *find(const struct outbox_topics *topics, const char *name)
{
    size_t at = seek(topics, name);

    return at < topics->count && strcmp(topics->all[at].name, name) == 0 ? &topics->all[at] : NULL;
}

int32_t memory_topics_get(const struct outbox_topics *topics, const char *name)
{
    const struct outbox_topic *topic = find(topics, name);

    return topic == NULL ? 0 : topic->partitions;
}

static bool grow(struct outbox_topics *topics)
{
    size_t capacity = topics->capacity == 0 ? 16 : topics->capacity * 2;

    if (topics->count < topics->capacity)
        return true;
    struct outbox_topic *grown = realloc(topics->all, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    topics->all = grown;
    topics->capacity = capacity;
    return true;
}

bool memory_topics_set(struct outbox_topics *topics, const char *name, int32_t partitions)
{
    struct outbox_topic *topic = find(topics, name);

    if (topic != NULL) {
        topic->partitions = partitions;
        return true;
    }
    char *copy = grow(topics) ? strdup(name) : NULL;
    if (copy == NULL)
        return false;
    size_t at = seek(topics, name);
    memmove(topics->all + at + 1, topics->all + at, (topics->count - at) * sizeof(*topics->all));
    topics->all[at] = (struct outbox_topic){ .name = copy, .partitions = partitions };
    topics->count++;
    return true;
}

bool memory_topics_take(struct outbox_topics *topics, const json_t *object)
{
    struct outbox_topics taken = { .all = NULL };
    const char *name;
    json_t *partitions;

    json_object_foreach((json_t *)object, name, partitions) {
        if (!memory_topics_set(&taken, name, (int32_t)json_integer_value(partitions))) {
            clear(&taken);
            return false;
        }
    }
    clear(topics);
    *topics = taken;
    return true;
}

json_t *memory_topics_object(const struct outbox_topics *topics)
{
    json_t *object = json_object();
    bool good = object != NULL;

    for (size_t i = 0; i < topics->count && good; i++) {
        const struct outbox_topic *topic = &topics->all[i];

        good = topic->partitions == 0 || json_object_set_new(object, topic->name, json_integer(topic->partitions)) == 0;
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- the memory's ----------------------------------------------------------------------------------------------- */

int32_t outbox_memory_partitions(const struct outbox_memory *memory, const char *topic)
{
    return memory_topics_get(memory->topics, topic);
}

static enum varve_status append_topics(struct outbox_memory *memory, const json_t *object, struct varve_error *error)
{
    const enum memory_kind kind = MEMORY_TOPICS;
    const struct memory_event event = { .kind = kind, .topics = object };
    struct varve_view data = memory_event_encode(&event);
    uint64_t version;

    if (data.data == NULL)
        return memory_no_memory(error);
    enum varve_status status = memory_append(memory, memory->stream, &kind, &data, 1, &version, error);
    free((char *)data.data);
    if (status == VARVE_OK) {
        memory->topics_at = version;
        memory->next_version = version + 1;
    }
    return status == VARVE_EVENT_TOO_LARGE ? VARVE_OK : status; /* Then this process alone remembers it. */
}

/* New names take their places beforehand, so that nothing can fail once the log has them; 0 is as good as none. */
static bool prepare(struct outbox_memory *memory, json_t *object, const struct outbox_topic_count *counts,
                    size_t count)
{
    bool good = object != NULL;

    for (size_t i = 0; i < count && good; i++)
        good = json_object_set_new(object, counts[i].topic, json_integer(counts[i].partitions)) == 0 &&
               memory_topics_set(memory->topics, counts[i].topic, memory_topics_get(memory->topics, counts[i].topic));
    return good;
}

enum varve_status outbox_memory_set_partitions(struct outbox_memory *memory, const struct outbox_topic_count *counts,
                                               size_t count, struct varve_error *error)
{
    bool changed = false;

    for (size_t i = 0; i < count && !changed; i++)
        changed = memory_topics_get(memory->topics, counts[i].topic) != counts[i].partitions;
    if (!changed)
        return VARVE_OK;
    json_t *object = memory_topics_object(memory->topics);
    enum varve_status status = prepare(memory, object, counts, count) ? append_topics(memory, object, error)
                                                                      : memory_no_memory(error);
    json_decref(object);
    for (size_t i = 0; i < count && status == VARVE_OK; i++)
        memory_topics_set(memory->topics, counts[i].topic, counts[i].partitions);
    return status;
}
