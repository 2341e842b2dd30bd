/* read.c - READ: what a cursor over the log returns, in batches. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "reply.h"

enum { BATCH_EVENTS = 65536 };

struct read {
    struct batches batches; /* first */
    struct varve_read what;
    char name[VARVE_MAX_SYSTEM_STREAM_NAME];
    struct varve_reader *reader;   /* while it is under way */
    uint64_t view_position;        /* everything up to here is in the view */
};

/* ---- on a reader thread -------------------------------------------------------------------------------------- */

static void encode_batch(struct read *read, const struct varve_batch *batch)
{
    struct batches *batches = &read->batches;

    if (!batches_reserve(batches, batches_size_of(batch)))
        return;
    if (batch->count > 0 || !batch->end) {
        varve_encode_read_batch(&batches->frames, batches->request.id, batch);
        batches->body_bytes = batches->frames.size - VARVE_WIRE_HEADER;
    }
    if (batch->end)
        varve_encode_read_end(&batches->frames, batches->request.id, read->view_position);
    batches->ended = batch->end;
}

static enum varve_status open_reader(struct read *read)
{
    struct varve_store *store = read->batches.server->store;

    if (read->reader != NULL)
        return VARVE_OK;
    read->view_position = varve_store_last_position(store);
    return varve_reader_open(store, &read->what, &read->reader, &read->batches.error);
}

static void make(struct batches *batches)
{
    struct read *read = (struct read *)batches; /* Its first member. */
    uint64_t begun_us = uv_hrtime() / 1000;
    struct varve_batch batch = { .count = 0 };

    if (open_reader(read) != VARVE_OK)
        return;
    do {
        if (varve_reader_next(read->reader, batches->batch_bytes, BATCH_EVENTS, &batch, &batches->error) != VARVE_OK)
            return;
    } while (batch.count == 0 && !batch.end && !batches_is_enough(batches, begun_us));
    encode_batch(read, &batch);
    if (batch.end) {
        varve_reader_close(read->reader);
        read->reader = NULL;
    }
}

/* ---- on the loop --------------------------------------------------------------------------------------------- */

static void destroy(struct batches *batches)
{
    struct read *read = (struct read *)batches;

    varve_reader_close(read->reader);
    free(read);
}

static size_t describe(const struct request *request, struct log_field *ret_fields)
{
    static const char *const of_kind[] = { [VARVE_READ_STREAM] = "stream", [VARVE_READ_CATEGORY] = "category",
                                           [VARVE_READ_TYPE] = "type" };
    const struct varve_read *what = &((const struct read *)request)->what; /* The first member of the first member. */
    size_t count = 0;

    if (what->name.size > 0 && what->kind <= VARVE_READ_TYPE && of_kind[what->kind] != NULL)
        ret_fields[count++] = log_view(of_kind[what->kind], what->name);
    if (what->from != VARVE_FROM_EDGE)
        ret_fields[count++] = log_number("from", what->from);
    return count;
}

static const struct batches_kind read_kind = {
    .request = BATCHES_REQUEST("read", describe), .make = make, .destroy = destroy, .failed = "read.failed"
};

static struct read *create_read(const struct varve_read_request *request)
{
    struct read *read = calloc(1, sizeof(*read));

    if (read == NULL)
        return NULL;
    read->what = request->read;
    if (request->read.name.size > 0)
        memcpy(read->name, request->read.name.data, request->read.name.size); /* The decoder checked its size. */
    read->what.name = varve_view_of(request->read.name.data != NULL ? read->name : NULL, request->read.name.size);
    return read;
}

void handle_read(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_read_request request;
    struct varve_error error = { .status = VARVE_OK };

    if (varve_decode_read(body, &request, &error) != VARVE_OK ||
        batches_check(session, frame->request_id, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct read *read = create_read(&request);
    if (read == NULL)
        reply_no_memory(session, frame->request_id);
    else
        batches_begin(session, frame->request_id, &read->batches, &read_kind, request.credit_bytes,
                      request.batch_bytes, sizeof(*read));
}
