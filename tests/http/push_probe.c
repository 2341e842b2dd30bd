/* push_probe.c - events, batches and clients for tests of push. */
#include "push_probe.h"
#include "support/figure_named.h"

#include <stdlib.h>

#include "varve/record.h"

static struct varve_event event_of(const struct probe_event *from)
{
    const char *data = from->data != NULL ? from->data : "{}";

    return (struct varve_event){
        .stream = varve_view_str("probe-1"), .type = varve_view_str(from->type != NULL ? from->type : "tested"),
        .time_us = VARVE_TIME_NONE, .schema_version = 1, .class_ = from->class_, .content_type = from->content_type,
        .user_id = varve_view_str(from->user), .metadata = varve_view_str(from->metadata),
        .data = varve_view_of(data, from->data_size > 0 ? from->data_size : strlen(data)),
    };
}

uint64_t probe_append(struct fixture *f, const char *stream, const struct probe_event *events, size_t count)
{
    const struct varve_append_stream streams[] = { { varve_view_str(stream), VARVE_EXPECTED_ANY } };
    struct varve_event *made = calloc(count, sizeof(*made));
    struct varve_append *append = NULL;
    struct varve_error error;

    for (size_t i = 0; i < count; i++)
        made[i] = event_of(&events[i]);
    const struct varve_append_request request = { .streams = streams, .stream_count = 1, .events = made,
                                                  .event_count = count };
    if (varve_append_create(f->store, &request, &append, &error) != VARVE_OK ||
        varve_append_wait(append, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    uint64_t position = varve_append_get_outcome(append)->results[0].last_position;
    varve_append_free(append);
    free(made);
    return position;
}

uint64_t probe_append_one(struct fixture *f, const char *stream, const char *type, const char *data)
{
    return probe_append(f, stream, &(struct probe_event){ .type = type, .data = data }, 1);
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

struct follow_batch probe_batch(uint64_t after, const struct probe_event *events, size_t count)
{
    const uint8_t **records = calloc(count, sizeof(*records));
    uint32_t *sizes = calloc(count, sizeof(*sizes));
    struct varve_wire_buffer buffer = { 0 };
    size_t offset = 0;

    for (size_t i = 0; i < count; i++) {
        struct varve_event event = event_of(&events[i]);

        event.id.bytes[0] = 1;
        sizes[i] = (uint32_t)varve_record_size(&event);
        buffer.capacity += sizes[i];
    }
    buffer.bytes = malloc(buffer.capacity);
    buffer.size = buffer.capacity;
    for (size_t i = 0; i < count; offset += sizes[i++]) {
        struct varve_event event = event_of(&events[i]);

        event.id.bytes[0] = 1;
        varve_record_encode(&event, buffer.bytes + offset);
        varve_record_assign(buffer.bytes + offset, sizes[i], after + 1 + i, i, 1700000000000000);
        records[i] = buffer.bytes + offset;
    }
    return (struct follow_batch){ .frame = shared_bytes_create(&buffer), .records = records, .sizes = sizes,
                                  .count = (uint32_t)count, .position = after + count };
}

void probe_batch_end(struct follow_batch *batch)
{
    shared_bytes_drop(batch->frame);
    free((void *)batch->records);
    free((void *)batch->sizes);
}

/* ---- clients ---------------------------------------------------------------------------------------------------- */

struct client *probe_open(struct fixture *f, const char *query)
{
    uint64_t before = probe_figure(f, "push_clients_total");
    struct client *c = client_open(f);
    char request[1024];

    snprintf(request, sizeof(request), "GET /v1/events?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query);
    client_send(c, request);
    client_wait_for(c, "retry:");
    assert_int_equal(probe_figure(f, "push_clients_total"), before + 1);
    return c;
}

struct push_client *probe_server_end(struct fixture *f)
{
    assert_non_null(f->server.push->clients);
    return f->server.push->clients;
}

struct count {
    struct fixture *fixture;
    uint32_t count;
};

static bool are_so_many(void *user)
{
    struct count *wanted = user;

    return wanted->fixture->server.push->client_count == wanted->count;
}

void probe_wait_clients(struct fixture *f, uint32_t count)
{
    fixture_wait(f, are_so_many, &(struct count){ f, count });
}

uint64_t probe_figure(struct fixture *f, const char *name)
{
    return figure_named(&f->server.figures, name);
}

const char *probe_text(struct client *c)
{
    static char text[sizeof(c->text)];
    const char *at = strstr(c->text, "\r\n\r\n");
    size_t used = 0;

    for (at = at != NULL ? at + 4 : ""; *at != 0;) {
        char *end;
        unsigned long size = strtoul(at, &end, 16), there = strlen(end) > 2 ? strlen(end + 2) : 0;

        if (there < size)
            size = there; /* The rest of the chunk is on its way. */
        memcpy(text + used, end + 2, size);
        used += size;
        at = there > size ? end + 2 + size + 2 : "";
    }
    text[used] = 0;
    return text;
}
