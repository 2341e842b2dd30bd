/* batch.c - see batch.h. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "event_check.h"
#include "varve/event_json.h"
#include "varve/record.h"
#include "varve/uuid.h"

#define SLOTS 4096u /* of the small hash tables: a power of two, at least twice BATCH_EVENTS */

/* ---- filling ----------------------------------------------------------------------------------------------------- */

static bool is_blank(struct varve_view line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return false;
    }
    return true;
}

/* The line joins the hash of all lines before it, so equal lines at different places get different ids, and the same
 * file always the same ones. */
static void chain_line(struct batch_source *source, struct varve_view line)
{
    uint8_t both[32];
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(line.data, line.size));
    memcpy(both, source->chain, 16);
    memcpy(both + 16, canonical.digest, 16);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(both, sizeof(both)));
    memcpy(source->chain, canonical.digest, 16);
}

static enum varve_status check_event(const struct batch_source *source, const struct varve_event *event,
                                     struct varve_error *error)
{
    size_t size = event->data.size + event->metadata.size;

    if (size > source->max_event_bytes)
        return varve_fail(error, VARVE_EVENT_TOO_LARGE, "data", "data and metadata take %zu bytes; this store takes %u",
                          size, source->max_event_bytes);
    return event_check(event, error);
}

/* One line into the next place of the batch; events of system streams are left out. */
static enum varve_status take_line(struct batch *batch, struct batch_source *source, struct varve_view line,
                                   struct varve_error *error)
{
    struct varve_event *event = &batch->events[batch->count];
    char *copy = scratch_take(&batch->scratch, line.size);

    memcpy(copy, line.data, line.size);
    chain_line(source, line);
    enum varve_status status = varve_event_json_read(varve_view_of(copy, line.size), batch->arena, event, error);
    if (status != VARVE_OK)
        return status;
    if (event->stream.size > 0 && event->stream.data[0] == '$') {
        source->system_events++;
        return VARVE_OK;
    }
    if (varve_uuid_is_nil(&event->id))
        varve_uuid_v8(source->chain, &event->id);
    status = check_event(source, event, error);
    if (status == VARVE_OK)
        batch->count++;
    return status;
}

static enum varve_status name_line(struct varve_error *error, uint64_t number)
{
    struct varve_error reason = *error;

    return varve_fail(error, reason.status, reason.field, "line %llu: %s", (unsigned long long)number, reason.message);
}

enum varve_status batch_fill(struct batch *batch, struct batch_source *source, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    size_t bytes = 0;

    if (batch->arena == NULL && (batch->arena = varve_wire_arena_create()) == NULL)
        memory_exhausted();
    varve_wire_arena_reset(batch->arena);
    scratch_reset(&batch->scratch);
    batch->count = batch->missing_count = batch->stream_count = 0;
    batch->first_line = source->lines.number + 1;
    while (status == VARVE_OK && !source->over && batch->count < BATCH_EVENTS && bytes < BATCH_BYTES) {
        struct varve_view line;
        size_t before = batch->count;

        status = lines_next(&source->lines, &line, error);
        if (status == VARVE_OK && line.data == NULL)
            source->over = true;
        else if (status == VARVE_OK && !is_blank(line))
            status = take_line(batch, source, line, error);
        if (batch->count > before)
            bytes += varve_record_size(&batch->events[before]);
    }
    batch->last_line = source->over ? source->lines.number - 1 : source->lines.number;
    batch->end_bytes = source->lines.bytes;
    return status == VARVE_OK ? VARVE_OK : name_line(error, source->lines.number);
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

/* Small tables from a hash to an index; whatever is found is compared in full. */
struct slots {
    uint32_t index_plus_one[SLOTS];
};

static bool id_is_new(struct slots *ids, const struct batch *batch, size_t index)
{
    const struct varve_uuid *id = &batch->events[index].id;
    size_t at = XXH3_64bits(id->bytes, sizeof(id->bytes)) & (SLOTS - 1);

    for (; ids->index_plus_one[at] != 0; at = (at + 1) & (SLOTS - 1)) {
        if (varve_uuid_equal(&batch->events[ids->index_plus_one[at] - 1].id, id))
            return false;
    }
    ids->index_plus_one[at] = (uint32_t)index + 1;
    return true;
}

static uint32_t stream_index(struct slots *names, struct batch *batch, struct varve_view stream)
{
    size_t at = XXH3_64bits(stream.data, stream.size) & (SLOTS - 1);

    for (; names->index_plus_one[at] != 0; at = (at + 1) & (SLOTS - 1)) {
        uint32_t index = names->index_plus_one[at] - 1;

        if (varve_view_equal(batch->streams[index].stream, stream))
            return index;
    }
    names->index_plus_one[at] = (uint32_t)batch->stream_count + 1;
    batch->streams[batch->stream_count] = (struct varve_append_stream){ stream, VARVE_EXPECTED_ANY };
    return (uint32_t)batch->stream_count++;
}

void batch_choose(struct batch *batch, const uint64_t *positions)
{
    struct slots ids = { { 0 } }, names = { { 0 } };

    batch->missing_count = batch->stream_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if ((positions != NULL && positions[i] != 0) || !id_is_new(&ids, batch, i))
            continue;
        batch->stream_of[batch->missing_count] = stream_index(&names, batch, batch->events[i].stream);
        batch->missing[batch->missing_count++] = batch->events[i];
    }
}

struct varve_append_request batch_request(const struct batch *batch)
{
    return (struct varve_append_request){
        .streams = batch->streams,
        .stream_count = batch->stream_count,
        .events = batch->missing,
        .stream_of = batch->stream_of,
        .event_count = batch->missing_count,
    };
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    scratch_free(&batch->scratch);
    varve_wire_arena_free(batch->arena);
    free(batch);
}
