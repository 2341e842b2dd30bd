/* outbox_history_request.c - OUTBOX_HISTORY: what became of the events of a stream. Read from the log, each judged by
 * the outbox as it is now; on a reader thread. */
#include "lookups.h"

#include <stdlib.h>
#include <string.h>

#include "outbox/outbox_memory.h"
#include "outbox/outbox_route.h"
#include "outbox_requests.h"
#include "varve/record.h"
#include "varve/wire_outbox.h"

enum { BATCH_BYTES = 1024 * 1024, BATCH_EVENTS = 1024 };

struct row {
    char type[VARVE_MAX_TYPE];
    char topic[OUTBOX_MAX_TOPIC + 1];
};
struct history {
    struct varve_store *store;
    struct outbox *outbox;
    const struct outbox_config *config;
    struct varve_dead_letter *letter;          /* of the stream; NULL: none */
    struct varve_outbox_history_event *events; /* room for `limit` */
    struct row *rows;                          /* their texts, likewise */
    size_t count, limit;
    bool more;
};

static void note_refusal(const struct history *history, struct varve_outbox_history_event *event)
{
    const struct varve_dead_letter *letter = history->letter;

    if (event->fate != VARVE_FATE_FAILED || letter == NULL || letter->position != event->position)
        return;
    event->retry_count = letter->retry_count;
    event->last_error = letter->last_error;
}

static void add(struct history *history, const struct varve_event *event)
{
    struct row *row = &history->rows[history->count];
    struct varve_outbox_history_event *to = &history->events[history->count++];
    struct outbox_routing routing;

    memcpy(row->type, event->type.data, event->type.size);
    *to = (struct varve_outbox_history_event){
        .version = event->version,
        .position = event->position,
        .type = varve_view_of(row->type, event->type.size),
        .recorded_at_us = event->recorded_at_us,
        .fate = outbox_fate_of(history->outbox, event),
        .published_at_us = VARVE_TIME_NONE,
    };
    if (outbox_route(history->config, event, &routing) == OUTBOX_SEND) {
        memcpy(row->topic, routing.topic, sizeof(row->topic));
        to->topic = varve_view_str(row->topic);
    }
    note_refusal(history, to);
}

static enum varve_status add_batch(struct history *history, const struct varve_batch *batch, struct varve_error *error)
{
    for (uint32_t i = 0; i < batch->count && !history->more; i++) {
        struct varve_event event;

        if (varve_record_decode((const char *)batch->records[i], batch->sizes[i], &event) != VARVE_OK)
            return varve_fail(error, VARVE_CORRUPT, NULL, "a record of the stream cannot be read");
        history->more = history->count == history->limit;
        if (!history->more)
            add(history, &event);
    }
    return VARVE_OK;
}

static enum varve_status read_stream(struct history *history, const struct varve_outbox_history_request *request,
                                     struct varve_error *error)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = request->stream;
    read.from = request->from_version;
    read.limit = (uint64_t)request->limit + 1; /* One tells whether there are more. */
    enum varve_status status = varve_reader_open(history->store, &read, &reader, error);
    while (status == VARVE_OK && !batch.end && !history->more) {
        status = varve_reader_next(reader, BATCH_BYTES, BATCH_EVENTS, &batch, error);
        if (status == VARVE_OK)
            status = add_batch(history, &batch, error);
    }
    varve_reader_close(reader);
    return status;
}

static enum varve_status find_discards(struct history *history, struct varve_error *error)
{
    uint64_t *positions = calloc(history->count + 1, sizeof(*positions));
    enum varve_outbox_fate *fates = calloc(history->count + 1, sizeof(*fates));
    bool good = positions != NULL && fates != NULL;

    for (size_t i = 0; i < history->count && good; i++) {
        positions[i] = history->events[i].position;
        fates[i] = history->events[i].fate;
    }
    if (good)
        outbox_find_discards(history->outbox, positions, fates, history->count);
    for (size_t i = 0; i < history->count && good; i++)
        history->events[i].fate = fates[i];
    free(positions);
    free(fates);
    return good ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for a history");
}

/* ---- when they were published ----------------------------------------------------------------------------------- */

static enum varve_status find_time(struct history *history, size_t index, struct varve_error *error)
{
    struct varve_outbox_history_event *event = &history->events[index];
    struct varve_error why; /* Also of a note that is not there, which is no error. */
    enum varve_status status = outbox_memory_published_at(history->store, history->config->name, event->position,
                                                          &event->published_at_us, &why);

    if (status != VARVE_OK)
        *error = why;
    return status;
}

/* Between two events with the same time all have it: later ones were not published before earlier ones. That spares
 * most of the searches, because what the outbox notes once a second holds for many events. */
static enum varve_status fill_between(struct history *history, size_t first, size_t last, struct varve_error *error)
{
    size_t middle = first + (last - first) / 2;
    enum varve_status status;

    if (last - first < 2)
        return VARVE_OK;
    if (history->events[first].published_at_us == history->events[last].published_at_us) {
        for (size_t i = first + 1; i < last; i++)
            history->events[i].published_at_us = history->events[first].published_at_us;
        return VARVE_OK;
    }
    status = find_time(history, middle, error);
    if (status == VARVE_OK)
        status = fill_between(history, first, middle, error);
    return status == VARVE_OK ? fill_between(history, middle, last, error) : status;
}

static enum varve_status find_times(struct history *history, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    if (history->count > 0)
        status = find_time(history, 0, error);
    if (status == VARVE_OK && history->count > 1)
        status = find_time(history, history->count - 1, error);
    if (status == VARVE_OK && history->count > 1)
        status = fill_between(history, 0, history->count - 1, error);
    for (size_t i = 0; i < history->count; i++) {
        if (history->events[i].fate != VARVE_FATE_PUBLISHED)
            history->events[i].published_at_us = VARVE_TIME_NONE;
    }
    return status;
}

/* ---- the request ------------------------------------------------------------------------------------------------ */

static enum varve_status begin(struct history *history, const struct lookup_context *context,
                               const struct varve_outbox_history_request *request, struct varve_error *error)
{
    struct outbox_view view;
    struct outbox *outbox;
    enum varve_status status = outbox_requests_find(context->server, request->name, &outbox, error);

    if (status != VARVE_OK)
        return status;
    outbox_look(outbox, &view);
    *history = (struct history){ .store = context->server->store, .outbox = outbox, .config = view.config,
                                 .limit = request->limit };
    history->events = calloc(request->limit, sizeof(*history->events));
    history->rows = calloc(request->limit, sizeof(*history->rows));
    if (history->events == NULL || history->rows == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for %u events", request->limit);
    if (!outbox_find_dead(outbox, request->stream, &history->letter))
        history->letter = NULL;
    return VARVE_OK;
}

static void end(struct history *history)
{
    free(history->events);
    free(history->rows);
    free(history->letter);
}

enum varve_status answer_outbox_history(const struct lookup_context *context, struct varve_view body,
                                        struct varve_error *error)
{
    struct varve_outbox_history_request request;
    struct history history = { .count = 0 };
    enum varve_status status = varve_decode_outbox_history(body, &request, error);

    if (status == VARVE_OK)
        status = begin(&history, context, &request, error);
    if (status == VARVE_OK)
        status = read_stream(&history, &request, error);
    if (status == VARVE_OK)
        status = find_discards(&history, error);
    if (status == VARVE_OK)
        status = find_times(&history, error);
    if (status == VARVE_OK)
        varve_encode_outbox_history_ok(context->out, context->request_id, history.events, history.count,
                                       !history.more);
    end(&history);
    return status;
}

uint64_t outbox_history_bytes(const struct server *server, struct varve_view body)
{
    struct varve_outbox_history_request request;

    if (varve_decode_outbox_history(body, &request, NULL) != VARVE_OK)
        return 0; /* The answer will be an error. */
    return BATCH_BYTES + server->limits.max_event_bytes +
           request.limit * 3 * (sizeof(struct row) + sizeof(struct varve_outbox_history_event));
}
