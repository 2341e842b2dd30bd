/* transact.c - see varve/transact.h: a transaction becomes one append, whose streams are the caller's, then the sagas',
 * then the server's own. Touches no stream. */
#include "varve/transact.h"

#include "append.h"
#include "append_check.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* All parts as one request. A saga's text is the name of its stream and its event's metadata. */
struct merged {
    struct varve_append_request request;
    struct varve_append_stream *streams;
    struct varve_event *events;
    uint32_t *stream_of;
    char **texts;
    size_t saga_count;
    uint64_t size; /* of the records */
};

/* ---- checking the parts ---- */

static enum varve_status prefix_error(const char *prefix, struct varve_error *error)
{
    char field[sizeof(error->field)] = "";

    if (error->field[0] != '\0')
        snprintf(field, sizeof(field), "%s%.40s", prefix, error->field);
    uint64_t limit = error->limit;
    varve_fail(error, error->status, field, "%s%s", prefix, error->message);
    error->limit = limit;
    return error->status;
}

static enum varve_status check_counts(const struct varve_options *limits, const struct varve_transact *transact,
                                      struct varve_error *error)
{
    const size_t most = limits->max_append_events; /* of each part first, so that no sum can overflow */
    const struct varve_append_request *appends = &transact->appends, *system = &transact->system;
    enum varve_status status = append_check_counts(limits, appends->stream_count, appends->event_count, error);

    if (status == VARVE_OK)
        status = append_check_counts(limits, transact->saga_count, transact->saga_count, error);
    if (status == VARVE_OK)
        status = append_check_counts(limits, system->stream_count, system->event_count, error);
    if (status != VARVE_OK)
        return status;
    size_t events = appends->event_count + transact->saga_count + system->event_count;
    if (events == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "events", "events: a transaction needs at least one event or "
                          "saga");
    return events <= most ? append_check_counts(limits, appends->stream_count + transact->saga_count +
                                                system->stream_count, events, error)
                          : append_check_counts(limits, 0, events, error);
}

static enum varve_status check_parts(const struct varve_options *limits, const struct varve_transact *transact,
                                     uint64_t *ret_size, struct varve_error *error)
{
    uint64_t appends = 0, system = 0;
    struct varve_error inner;
    enum varve_status status = append_check_shape(limits, &transact->appends, APPEND_CLIENT, true, &appends, error);

    for (size_t i = 0; i < transact->saga_count && status == VARVE_OK; i++) {
        char field[32];
        snprintf(field, sizeof(field), "sagas[%zu]", i);
        status = varve_saga_change_check(&transact->sagas[i], field, error);
    }
    if (status != VARVE_OK)
        return status;
    *ret_size = appends;
    status = append_check_shape(limits, &transact->system, APPEND_SERVER, true, &system, &inner);
    *ret_size += system;
    if (status == VARVE_OK)
        return VARVE_OK;
    prefix_error("system.", &inner);
    if (error != NULL)
        *error = inner;
    return status;
}

/* ---- putting them together ---- */

static void merged_free(struct merged *merged)
{
    for (size_t i = 0; i < merged->saga_count && merged->texts != NULL; i++)
        free(merged->texts[i]);
    free(merged->texts);
    free(merged->streams);
    free(merged->events);
    free(merged->stream_of);
}

static bool allocate(struct merged *merged, const struct varve_transact *transact)
{
    size_t sagas = transact->saga_count;
    size_t streams = transact->appends.stream_count + sagas + transact->system.stream_count;
    size_t events = transact->appends.event_count + sagas + transact->system.event_count;

    merged->streams = calloc(streams, sizeof(*merged->streams));
    merged->events = calloc(events, sizeof(*merged->events));
    merged->stream_of = calloc(events, sizeof(*merged->stream_of));
    merged->texts = calloc(sagas + 1, sizeof(*merged->texts));
    merged->saga_count = sagas;
    return merged->streams != NULL && merged->events != NULL && merged->stream_of != NULL && merged->texts != NULL;
}

static void add_request(struct merged *merged, const struct varve_append_request *part)
{
    struct varve_append_request *all = &merged->request;

    for (size_t i = 0; i < part->event_count; i++) {
        merged->events[all->event_count] = part->events[i];
        merged->stream_of[all->event_count++] =
            (uint32_t)all->stream_count + (part->stream_of == NULL ? 0 : part->stream_of[i]);
    }
    if (part->stream_count > 0)
        memcpy(merged->streams + all->stream_count, part->streams, part->stream_count * sizeof(*part->streams));
    all->stream_count += part->stream_count;
}

/* False: no memory. */
static bool add_saga(struct merged *merged, const struct varve_saga_change *change, char **ret_text)
{
    struct varve_append_request *all = &merged->request;
    struct varve_event *event = &merged->events[all->event_count];
    char name[VARVE_SAGA_MAX_NAME], metadata[SAGA_MAX_METADATA];
    struct varve_view stream = varve_saga_stream(change->type, change->id, name);

    saga_change_event(change, metadata, event);
    char *text = malloc(stream.size + event->metadata.size);
    if (text == NULL)
        return false;
    memcpy(text, name, stream.size);
    memcpy(text + stream.size, event->metadata.data, event->metadata.size);
    event->metadata.data = text + stream.size;
    event->stream = varve_view_of(text, stream.size);
    merged->stream_of[all->event_count++] = (uint32_t)all->stream_count;
    merged->streams[all->stream_count++] = (struct varve_append_stream){
        .stream = event->stream,
        .expected = change->action == VARVE_SAGA_BEGIN ? VARVE_EXPECTED_NO_STREAM : change->expected,
    };
    merged->size += varve_record_size(event);
    *ret_text = text;
    return true;
}

/* The server's events seldom have ids of their own. They follow from the caller's first one then, so that a transaction
 * that is repeated is the same in all its parts. */
static void derive_ids(struct merged *merged, size_t first)
{
    struct varve_append_request *all = &merged->request;
    size_t given = 0;

    while (given < first && varve_uuid_is_nil(&merged->events[given].id))
        given++;
    for (size_t i = first; i < all->event_count && given < first; i++) {
        struct varve_uuid *id = &merged->events[i].id;
        if (!varve_uuid_is_nil(id))
            continue;
        XXH128_hash_t hash = XXH3_128bits_withSeed(merged->events[given].id.bytes, sizeof(id->bytes), i - first);
        varve_uuid_v8((const uint8_t *)&hash, id);
    }
}

static enum varve_status merge(const struct varve_options *limits, const struct varve_transact *transact,
                               struct merged *merged, struct varve_error *error)
{
    bool enough = allocate(merged, transact);

    if (enough)
        add_request(merged, &transact->appends);
    /* Not more than will be accepted: metadata takes memory here, too. */
    for (size_t i = 0; i < transact->saga_count && enough && merged->size <= limits->max_append_bytes; i++)
        enough = add_saga(merged, &transact->sagas[i], &merged->texts[i]);
    if (!enough)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a transaction");
    enum varve_status status = append_check_size(limits, merged->size, error);
    if (status != VARVE_OK)
        return status;
    size_t first_of_system = merged->request.event_count;
    add_request(merged, &transact->system);
    derive_ids(merged, first_of_system);
    merged->request.streams = merged->streams;
    merged->request.events = merged->events;
    merged->request.stream_of = merged->stream_of;
    return VARVE_OK;
}

/* ---- checking the whole ---- */

/* "streams[2]", "sagas[0].event_id", "system.events[1].id": what the caller calls the i-th of all. */
static void name_item(const char *list, const char *member, size_t i, size_t first_count, size_t saga_count,
                      char ret_field[48])
{
    if (i < first_count)
        snprintf(ret_field, 48, "%s[%zu]%s", list, i, member);
    else if (i - first_count < saga_count)
        snprintf(ret_field, 48, "sagas[%zu]%s", i - first_count, member[0] == '\0' ? "" : ".event_id");
    else
        snprintf(ret_field, 48, "system.%s[%zu]%s", list, i - first_count - saga_count, member);
}

static enum varve_status check_duplicates(const struct varve_store *store, const struct varve_transact *transact,
                                          const struct merged *merged, struct varve_error *error)
{
    size_t stream, event;
    char field[48];
    enum varve_status status = append_find_duplicates(store, &merged->request, &stream, &event, error);

    if (status != VARVE_OK)
        return status;
    if (stream < merged->request.stream_count) {
        name_item("streams", "", stream, transact->appends.stream_count, transact->saga_count, field);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: each stream and saga may stand there once, this "
                          "one does twice", field);
    }
    if (event < merged->request.event_count) {
        name_item("events", ".id", event, transact->appends.event_count, transact->saga_count, field);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: another event of the transaction has this id",
                          field);
    }
    return VARVE_OK;
}

/* ---- the sagas of the append ---- */

/* Which sagas are the first of their types that this append begins: the committer counts types by them. */
static enum varve_status mark_types(struct varve_append *append, const struct varve_transact *transact,
                                    struct varve_error *error)
{
    size_t mask = 3;

    while (mask + 1 < 2 * transact->saga_count)
        mask = mask * 2 + 1;
    uint32_t *slots = calloc(mask + 1, sizeof(*slots)); /* index of a saga + 1 */
    if (slots == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a transaction");
    for (uint32_t i = 0; i < append->saga_count; i++) {
        struct varve_view type = transact->sagas[i].type;
        if (transact->sagas[i].action != VARVE_SAGA_BEGIN)
            continue;
        size_t at = XXH3_64bits_withSeed(type.data, type.size, append->store->format.hash_seed) & mask;
        while (slots[at] != 0 && !varve_view_equal(transact->sagas[slots[at] - 1].type, type))
            at = (at + 1) & mask;
        append->sagas[i].begins_type = slots[at] == 0;
        if (slots[at] == 0)
            slots[at] = i + 1;
    }
    free(slots);
    return VARVE_OK;
}

static enum varve_status describe_sagas(struct varve_append *append, const struct varve_transact *transact,
                                        struct varve_error *error)
{
    append->sagas_from = (uint32_t)transact->appends.stream_count;
    for (uint32_t i = 0; i < append->saga_count; i++)
        append->sagas[i] = (struct append_saga){ .action = transact->sagas[i].action };
    return append->saga_count == 0 ? VARVE_OK : mark_types(append, transact, error);
}

enum varve_status varve_transact_create(struct varve_store *store, const struct varve_transact *transact,
                                        struct varve_append **ret_append, struct varve_error *error)
{
    const struct varve_options *limits = &store->options;
    struct merged merged = { 0 };
    struct varve_append *append = NULL;
    enum varve_status status = check_counts(limits, transact, error);

    if (status == VARVE_OK)
        status = check_parts(limits, transact, &merged.size, error);
    if (status == VARVE_OK)
        status = merge(limits, transact, &merged, error);
    if (status == VARVE_OK)
        status = check_duplicates(store, transact, &merged, error);
    if (status == VARVE_OK)
        status = append_make(store, &merged.request, merged.size, (uint32_t)transact->saga_count, &append, error);
    if (status == VARVE_OK)
        status = describe_sagas(append, transact, error);
    merged_free(&merged);
    if (status != VARVE_OK) {
        varve_append_free(append);
        return status;
    }
    *ret_append = append;
    return VARVE_OK;
}

uint64_t varve_transact_saga_age_us(const struct varve_append *append, size_t saga)
{
    assert(saga < append->saga_count && append->outcome.status == VARVE_OK && !append->outcome.replayed);
    const struct append_stream *stream = &append->streams[append->sagas_from + saga];
    int64_t began_us = append->sagas[saga].row.started_at_us;
    int64_t now_us = varve_record_recorded_at(append_record(append, stream->first_event));

    return append->sagas[saga].action == VARVE_SAGA_BEGIN || now_us < began_us ? 0 : (uint64_t)(now_us - began_us);
}
