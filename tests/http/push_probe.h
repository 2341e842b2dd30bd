/* push_probe.h - what tests of push share: events appended in one line, batches made by hand, clients of streams. */
#ifndef TESTS_HTTP_PUSH_PROBE_H
#define TESTS_HTTP_PUSH_PROBE_H

#include "fixture.h"

#include "server/http/push_parts.h"

struct probe_event {
    const char *type, *data;  /* NULL: "tested", "{}" */
    const char *user, *metadata;
    size_t data_size;         /* 0: strlen(data) */
    enum varve_class class_;
    enum varve_content_type content_type;
};
/* Append to a stream; durable and visible when it returns. The last position. */
uint64_t probe_append(struct fixture *f, const char *stream, const struct probe_event *events, size_t count);
uint64_t probe_append_one(struct fixture *f, const char *stream, const char *type, const char *data);

/* A batch as a follower at `after` would deliver it, of events at after + 1, after + 2, ...; released with
 * shared_bytes_drop(batch->frame) and free() of records and sizes. */
struct follow_batch probe_batch(uint64_t after, const struct probe_event *events, size_t count);
void probe_batch_end(struct follow_batch *batch);

/* A client of GET /v1/events with this query ("" or "after=start&..."). */
struct client *probe_open(struct fixture *f, const char *query);
/* The newest client at the server's end. */
struct push_client *probe_server_end(struct fixture *f);
/* Wait until so many clients are there. */
void probe_wait_clients(struct fixture *f, uint32_t count);
uint64_t probe_figure(struct fixture *f, const char *name);
/* What came, without HTTP's head and the lengths of chunks; valid until the next call. */
const char *probe_text(struct client *c);

#endif
