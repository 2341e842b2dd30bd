/* embed.c - varve as a library, in your own process: append, meet a conflict, read back.
 *
 *   cc embed.c $(pkg-config --cflags --libs varve) -o embed && ./embed ./my-events */
#include <varve/record.h>
#include <varve/store.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    exit(1);
}

/* One event for one stream. Returns its version, or -1 when the stream was not at `expected`. */
static int64_t append(struct varve_store *store, const char *stream, int64_t expected, const char *type,
                      const char *json)
{
    struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                 .content_type = VARVE_CONTENT_JSON, .data = varve_view_str(json) };
    struct varve_append_stream target = { varve_view_str(stream), expected };
    struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = &event,
                                            .event_count = 1 };
    struct varve_append *append;
    struct varve_error error;

    if (varve_append_create(store, &request, &append, &error) != VARVE_OK)
        fail("append", &error);
    enum varve_status status = varve_append_wait(append, &error); /* Durable when it says VARVE_OK. */
    int64_t version = status == VARVE_OK ? varve_append_get_outcome(append)->results[0].last_version : -1;
    varve_append_free(append);
    if (status == VARVE_WRONG_EXPECTED_VERSION)
        printf("conflict: %s\n", error.message);
    else if (status != VARVE_OK)
        fail("append", &error);
    return version;
}

static void print_stream(struct varve_store *store, const char *stream)
{
    struct varve_read read;
    struct varve_reader *reader;
    struct varve_batch batch = { .end = false };
    struct varve_error error;
    struct varve_event event;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(stream);
    if (varve_reader_open(store, &read, &reader, &error) != VARVE_OK)
        fail("read", &error);
    while (!batch.end) {
        if (varve_reader_next(reader, 64 * 1024, 0, &batch, &error) != VARVE_OK)
            fail("read", &error);
        for (uint32_t i = 0; i < batch.count; i++)
            if (varve_record_decode(batch.records[i], batch.sizes[i], &event) == VARVE_OK)
                printf("%s@%" PRIu64 " position %" PRIu64 " %.*s %.*s\n", stream, event.version, event.position,
                       (int)event.type.size, event.type.data, (int)event.data.size, event.data.data);
    }
    varve_reader_close(reader);
}

int main(int argc, char **argv)
{
    struct varve_store *store;
    struct varve_error error;

    if (varve_store_open(argc > 1 ? argv[1] : "my-events", NULL, &store, &error) != VARVE_OK)
        fail("open", &error);
    int64_t version = append(store, "order-42", VARVE_EXPECTED_ANY, "order.placed", "{\"total\":12.50}");
    version = append(store, "order-42", version, "order.paid", "{\"by\":\"card\"}");
    append(store, "order-42", version - 1, "order.cancelled", "{}"); /* Somebody who has not seen the payment. */
    print_stream(store, "order-42");
    return varve_store_close(store) == VARVE_OK ? 0 : 1;
}
