/* api_stats.c - GET /v1/stats: the figures of STATS. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#include "lookups.h"

enum { STATS_BYTES = 48 * 1024 }; /* small: it is asked when there is little left */

static void write_stats(struct varve_wire_buffer *out, const struct varve_stat *stats, size_t count)
{
    char name[64];

    varve_json_write_raw(out, "{");
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%.*s", (int)stats[i].name.size, stats[i].name.data);
        if (stats[i].is_text)
            varve_json_member_text(out, name, stats[i].text);
        else
            varve_json_member_number(out, name, stats[i].number);
    }
    varve_json_write_raw(out, "}");
}

/* The frame that the binary port would send, so that both always tell the same. */
static void write_frame(struct api_look *look, struct varve_wire_arena *arena)
{
    struct varve_wire_buffer frame = { 0 };
    const struct lookup_context context = { .server = look->server, .arena = arena, .request_id = 1, .out = &frame };
    const struct varve_stat *stats;
    size_t count;
    enum varve_status status = answer_stats(&context, varve_view_of("\x90", 1), &look->error); /* [] */

    if (status == VARVE_OK && frame.failed)
        status = varve_fail(&look->error, VARVE_NO_MEMORY, NULL, "the server has no memory for the figures");
    if (status == VARVE_OK)
        status = varve_decode_stats_ok(varve_view_of((const char *)frame.bytes + VARVE_WIRE_HEADER,
                                                     frame.size - VARVE_WIRE_HEADER), arena, &stats, &count,
                                       &look->error);
    if (status == VARVE_OK)
        write_stats(&look->out, stats, count);
    varve_wire_buffer_free(&frame);
}

static void make(struct api_look *look)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    if (arena == NULL)
        varve_fail(&look->error, VARVE_NO_MEMORY, NULL, "the server has no memory for the figures");
    else
        write_frame(look, arena);
    varve_wire_arena_free(arena);
}

void handle_api_stats(struct http_request *request)
{
    struct api_look *look = api_look_create(request, sizeof(*look));

    if (look == NULL)
        return;
    look->make = make;
    api_look_begin(request, look, sizeof(*look) + STATS_BYTES);
}
