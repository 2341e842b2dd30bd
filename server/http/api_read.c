/* api_read.c - GET of a stream, a category, a type, a correlation id, or all: a page of events, and where to go on. */
#include "api.h"

#include <stdlib.h>

#include "varve/record.h"
#include "varve/uuid.h"

struct page {
    struct api_look look;  /* first */
    struct varve_read read;
    uint64_t to;           /* the last that is wanted; VARVE_FROM_EDGE: all */
    uint64_t limit;
    unsigned flags;

    /* While it is made: */
    uint64_t count;
    uint64_t next;         /* `from` of the page behind this one */
    bool full;             /* there may be more */
    bool bounded;          /* what was asked for ends here, whatever comes later */
};

/* ---- on a reader thread ------------------------------------------------------------------------------------------ */

/* Versions count in a stream, positions elsewhere. */
static uint64_t key_of(const struct page *page, const struct varve_event *event)
{
    return page->read.kind == VARVE_READ_STREAM ? event->version : event->position;
}

static bool is_behind(const struct page *page, uint64_t key)
{
    return page->to != VARVE_FROM_EDGE && (page->read.backwards ? key < page->to : key > page->to);
}

static void stop_before(struct page *page, uint64_t key)
{
    page->next = key;
    page->full = true;
}

/* False: the page is over. */
static bool take(struct page *page, const struct varve_event *event)
{
    struct api_look *look = &page->look;
    uint64_t key = key_of(page, event);

    if (is_behind(page, key)) {
        page->bounded = true;
        return false;
    }
    look->needs = page->count == 0 ? api_needs(look->server, event, page->flags) : 0;
    if (look->needs > look->bytes)
        return false; /* Again, with more memory. */
    if (page->count == page->limit ||
        (page->count > 0 && look->out.size + api_event_bound(event, page->flags) > API_PAGE_BYTES)) {
        stop_before(page, key);
        return false;
    }
    varve_json_write_raw(&look->out, page->count++ > 0 ? ",\n" : "\n");
    api_write_event(&look->out, event, page->flags);
    page->next = page->read.backwards ? key - 1 : key + 1; /* Backwards below 0 there is an end. */
    return !look->out.failed;
}

static bool take_batch(struct page *page, const struct varve_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct varve_event event;

        if (varve_record_decode(batch->records[i], batch->sizes[i], &event) != VARVE_OK) {
            varve_fail(&page->look.error, VARVE_CORRUPT, NULL, "an event's bytes are not what was stored");
            return false;
        }
        if (!take(page, &event))
            return false;
    }
    if (batch->end || is_behind(page, batch->next)) {
        page->bounded = !batch->end;
        return false;
    }
    return true;
}

static void read_batches(struct page *page, struct varve_reader *reader)
{
    uint64_t begun_us = uv_hrtime() / 1000;
    struct varve_batch batch;

    do {
        /* One more than is wanted, to know whether there is one. */
        if (varve_reader_next(reader, API_BATCH_BYTES, (uint32_t)(page->limit - page->count + 1), &batch,
                              &page->look.error) != VARVE_OK || !take_batch(page, &batch))
            return;
    } while (uv_hrtime() / 1000 - begun_us < API_PAGE_US);
    stop_before(page, batch.next);
}

/* Where there is nothing more now, the next page of a reader that goes forwards begins with what comes then: behind
 * what it was given, some of which may be younger than `last_position`, and behind what it looked at in vain. */
static uint64_t next_to_come(const struct page *page, uint64_t last_position)
{
    uint64_t next = page->read.from == VARVE_FROM_EDGE ? 0 : page->read.from;

    if (page->next > next)
        next = page->next;
    return page->read.kind == VARVE_READ_STREAM || next > last_position ? next : last_position + 1;
}

static void write_tail(struct page *page, uint64_t last_position)
{
    struct varve_wire_buffer *out = &page->look.out;
    bool is_over = page->read.backwards || page->bounded || page->read.until_us != VARVE_TIME_NONE;

    varve_json_write_raw(out, page->count > 0 ? "\n]" : "]");
    if (!page->full && is_over)
        varve_json_write_raw(out, ",\"next\":null");
    else
        varve_json_member_number(out, "next", page->full ? page->next : next_to_come(page, last_position));
    varve_json_member_bool(out, "end", !page->full);
    varve_json_write_raw(out, "}");
}

static void make_page(struct api_look *look)
{
    struct page *page = (struct page *)look; /* Its first member. */
    uint64_t last_position = varve_store_last_position(look->server->store);
    struct varve_reader *reader = NULL;

    page->count = page->next = 0;
    page->full = page->bounded = false;
    if (varve_reader_open(look->server->store, &page->read, &reader, &look->error) != VARVE_OK)
        return;
    varve_json_write_raw(&look->out, "{\"events\":[");
    read_batches(page, reader);
    varve_reader_close(reader);
    if (look->needs > look->bytes) {
        varve_wire_buffer_free(&look->out);
        return;
    }
    write_tail(page, last_position);
}

/* ---- on the loop ------------------------------------------------------------------------------------------------- */

static enum varve_status take_query(const struct http_request *request, struct page *page, struct varve_error *error)
{
    struct varve_read *read = &page->read;
    enum varve_status status;

    page->to = VARVE_FROM_EDGE;
    page->limit = API_LIMIT;
    status = http_query_uint(request, "from", 0, INT64_MAX, &read->from, error);
    if (status == VARVE_OK)
        status = http_query_uint(request, "to", 0, INT64_MAX, &page->to, error);
    if (status == VARVE_OK)
        status = http_query_uint(request, "limit", 1, API_MAX_LIMIT, &page->limit, error);
    if (status == VARVE_OK)
        status = http_query_flag(request, "backwards", &read->backwards, error);
    if (status == VARVE_OK)
        status = http_query_flag(request, "system", &read->include_system, error);
    if (status == VARVE_OK)
        status = http_query_time(request, "since", &read->since_us, error);
    if (status == VARVE_OK)
        status = http_query_time(request, "until", &read->until_us, error);
    return status == VARVE_OK ? api_event_flags(request, &page->flags, error) : status;
}

static void read_page(struct http_request *request, enum varve_read_kind kind)
{
    struct page *page = api_look_create(request, sizeof(*page));
    struct varve_error error = { .status = VARVE_OK };

    if (page == NULL)
        return;
    page->look.make = make_page;
    varve_read_init(&page->read);
    page->read.kind = kind;
    if (kind != VARVE_READ_ALL && kind != VARVE_READ_CORRELATION)
        page->read.name = http_path_part(request, 0); /* It lives until the request is answered. */
    if (kind == VARVE_READ_CORRELATION && !varve_uuid_parse(http_path_part(request, 0), &page->read.correlation_id))
        varve_fail(&error, VARVE_INVALID_ARGUMENT, "id", "expected a correlation id: a UUID");
    if (error.status != VARVE_OK || take_query(request, page, &error) != VARVE_OK)
        api_look_refuse(request, &page->look, &error);
    else
        api_look_begin(request, &page->look, api_page_bytes(http_server(request)));
}

void handle_api_read_stream(struct http_request *request)
{
    read_page(request, VARVE_READ_STREAM);
}

void handle_api_read_category(struct http_request *request)
{
    read_page(request, VARVE_READ_CATEGORY);
}

void handle_api_read_type(struct http_request *request)
{
    read_page(request, VARVE_READ_TYPE);
}

void handle_api_read_correlation(struct http_request *request)
{
    read_page(request, VARVE_READ_CORRELATION);
}

void handle_api_read_all(struct http_request *request)
{
    read_page(request, VARVE_READ_ALL);
}
