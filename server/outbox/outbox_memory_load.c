/* outbox_memory_load.c - what the log remembers of an outbox: the newest hint, and what is not settled since. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_memory_parts.h"
#include "varve/record.h"

enum { BATCH_BYTES = 1024 * 1024, BATCH_EVENTS = 4096, LETTERS_AT_A_TIME = 1000 };

struct load {
    struct outbox_memory *memory;
    uint64_t hint_at;      /* position of the newest hint in the log; 0: none */
    uint64_t from;         /* version of `stream` from which to read */
    uint64_t topics_at;    /* as the hint says */
    struct varve_error *error;
};

/* ---- one event -------------------------------------------------------------------------------------------------- */

/* What kind of event a record is, decoded when it is one of ours; *ret_known false: nothing to end. */
static enum varve_status read_record(struct load *load, const uint8_t *record, uint32_t size, struct varve_event *event,
                                     struct memory_event *ret, bool *ret_known)
{
    enum memory_kind kind;
    struct varve_error why;
    enum varve_status status = varve_record_decode(record, size, event);

    load->memory->events_read++;
    *ret_known = false;
    if (status != VARVE_OK)
        return varve_fail(load->error, status, NULL, "an event of %s cannot be read", load->memory->stream);
    if (!memory_event_kind(event->type, &kind))
        return VARVE_OK;
    status = memory_event_decode(kind, event->data, ret, &why);
    *ret_known = status == VARVE_OK;
    if (status == VARVE_OK)
        return VARVE_OK;
    return varve_fail(load->error, status, NULL, "event %" PRIu64 " of %.*s, at position %" PRIu64
                      ", is not understood: %s", event->version, (int)event->stream.size, event->stream.data,
                      event->position, why.message);
}

static enum varve_status open_reader(const struct load *load, const char *stream, bool backwards, uint64_t from,
                                     struct varve_reader **ret)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(stream);
    read.backwards = backwards;
    read.from = from;
    return varve_reader_open(load->memory->store, &read, ret, load->error);
}

/* ---- the newest hint -------------------------------------------------------------------------------------------- */

static void take_hint(struct load *load, const struct memory_event *hint, uint64_t position)
{
    load->memory->position = hint->position;
    load->memory->generation = hint->generation;
    load->memory->paused = hint->paused;
    load->memory->replays = hint->replays;
    load->from = hint->fold_from;
    load->topics_at = hint->topics_at;
    load->hint_at = position;
}

/* Backwards, one at a time: the first is the newest, and there are many. */
static enum varve_status find_hint(struct load *load, struct varve_reader *reader)
{
    struct varve_batch batch = { .end = false };
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && load->hint_at == 0 && !batch.end) {
        struct memory_event hint;
        struct varve_event event;
        bool known = false;

        status = varve_reader_next(reader, BATCH_BYTES, 1, &batch, load->error);
        if (status != VARVE_OK || batch.count == 0)
            continue;
        status = read_record(load, batch.records[0], batch.sizes[0], &event, &hint, &known);
        if (known && hint.kind == MEMORY_PUBLISHED)
            take_hint(load, &hint, event.position);
        if (known)
            memory_event_end(&hint);
    }
    return status;
}

static enum varve_status read_hint(struct load *load)
{
    struct varve_reader *reader = NULL;
    enum varve_status status = open_reader(load, load->memory->hints, true, VARVE_FROM_EDGE, &reader);

    if (status == VARVE_STREAM_NOT_FOUND)
        return VARVE_OK;
    if (status == VARVE_OK)
        status = find_hint(load, reader);
    varve_reader_close(reader);
    return status;
}

/* ---- what is not settled ---------------------------------------------------------------------------------------- */

static enum varve_status fold_record(struct load *load, const uint8_t *record, uint32_t size)
{
    struct memory_event known;
    struct varve_event event;
    bool is_known;
    enum varve_status status = read_record(load, record, size, &event, &known, &is_known);

    if (!is_known)
        return status;
    status = memory_apply(load->memory, &known, event.version, event.position > load->hint_at);
    memory_event_end(&known);
    return status == VARVE_OK ? VARVE_OK : memory_no_memory(load->error);
}

static enum varve_status fold(struct load *load)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    enum varve_status status = open_reader(load, load->memory->stream, false, load->from, &reader);

    while (status == VARVE_OK && !batch.end) {
        status = varve_reader_next(reader, BATCH_BYTES, BATCH_EVENTS, &batch, load->error);
        for (uint32_t i = 0; status == VARVE_OK && i < batch.count; i++)
            status = fold_record(load, batch.records[i], batch.sizes[i]);
    }
    varve_reader_close(reader);
    return status;
}

/* The topics lie before what was folded, and nothing newer was said about them. */
static enum varve_status read_topics(struct load *load)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .count = 0 };

    if (load->topics_at == UINT64_MAX || load->memory->topics_at != UINT64_MAX)
        return VARVE_OK;
    enum varve_status status = open_reader(load, load->memory->stream, false, load->topics_at, &reader);
    if (status == VARVE_OK)
        status = varve_reader_next(reader, BATCH_BYTES, 1, &batch, load->error);
    if (status == VARVE_OK && (batch.count == 0 || varve_record_version(batch.records[0]) != load->topics_at))
        status = varve_fail(load->error, VARVE_CORRUPT, NULL, "%s has no event %" PRIu64 ", but a hint speaks of it",
                            load->memory->stream, load->topics_at);
    if (status == VARVE_OK)
        status = fold_record(load, batch.records[0], batch.sizes[0]);
    if (status == VARVE_OK && load->memory->topics_at != load->topics_at)
        status = varve_fail(load->error, VARVE_CORRUPT, NULL, "event %" PRIu64 " of %s has no topics, but a hint says "
                            "so", load->topics_at, load->memory->stream);
    varve_reader_close(reader);
    return status;
}

static enum varve_status read_stream(struct load *load)
{
    struct outbox_memory *memory = load->memory;
    struct varve_stream_info info;
    enum varve_status status = varve_stream_info(memory->store, varve_view_str(memory->stream), &info, load->error);

    if (status == VARVE_OK)
        memory->next_version = (uint64_t)info.version + 1;
    else if (status != VARVE_STREAM_NOT_FOUND)
        return status;
    if (load->from > memory->next_version)
        return varve_fail(load->error, VARVE_CORRUPT, NULL, "%s ends before event %" PRIu64
                          ", but a hint speaks of it", memory->stream, load->from);
    if (load->from < memory->next_version)
        status = fold(load);
    else
        status = VARVE_OK;
    return status == VARVE_OK ? read_topics(load) : status;
}

/* Some letters stand first only since others before them were delivered: nothing told of their versions. */
static enum varve_status name_versions(struct load *load)
{
    char after[VARVE_MAX_SYSTEM_STREAM_NAME];
    struct varve_view last = varve_view_of(after, 0);
    bool end = false;

    while (!end) {
        struct varve_dead_letter *letters;
        size_t count;

        if (outbox_dead_list(load->memory->dead, last, LETTERS_AT_A_TIME, &letters, &count, &end) != VARVE_OK)
            return memory_no_memory(load->error);
        for (size_t i = 0; i < count; i++)
            if (letters[i].version == UINT64_MAX)
                memory_name_version(load->memory, letters[i].stream);
        if (count > 0) {
            memcpy(after, letters[count - 1].stream.data, letters[count - 1].stream.size);
            last.size = letters[count - 1].stream.size;
        }
        free(letters);
    }
    return VARVE_OK;
}

enum varve_status outbox_memory_open(struct outbox_memory *memory, struct varve_store *store, const char *name,
                                     struct varve_error *error)
{
    struct load load = { .memory = memory, .topics_at = UINT64_MAX, .error = error };

    memset(memory, 0, sizeof(*memory));
    memory->store = store;
    memory->topics_at = UINT64_MAX;
    snprintf(memory->stream, sizeof(memory->stream), "$outbox-%.*s", (int)VARVE_MAX_OUTBOX_NAME, name);
    snprintf(memory->hints, sizeof(memory->hints), "$outbox.published-%.*s", (int)VARVE_MAX_OUTBOX_NAME, name);
    memory->topics = memory_topics_create();
    if (memory->topics == NULL || outbox_dead_create(&memory->dead) != VARVE_OK) {
        outbox_memory_close(memory);
        return memory_no_memory(error);
    }
    enum varve_status status = read_hint(&load);
    if (status == VARVE_OK)
        status = read_stream(&load);
    if (status == VARVE_OK)
        status = name_versions(&load);
    if (status != VARVE_OK)
        outbox_memory_close(memory);
    return status;
}

void outbox_memory_close(struct outbox_memory *memory)
{
    outbox_dead_destroy(memory->dead);
    memory_topics_free(memory->topics);
    memory->dead = NULL;
    memory->topics = NULL;
}
