/* api_streams.c - GET /v1/streams/{stream}/info and GET /v1/streams: streams, and how they are. */
#include "api.h"

#include <stdlib.h>

enum { BYTES_PER_STREAM = 4 * (VARVE_MAX_SYSTEM_STREAM_NAME + 512) }; /* in the list, and in the answer */

static const char *state_of(const struct varve_stream_info *info)
{
    return info->tombstoned ? "tombstoned" : info->deleted ? "deleted" : "live";
}

static uint64_t visible_events(const struct varve_stream_info *info)
{
    uint64_t next = (uint64_t)info->version + 1;

    return info->first_version < next ? next - info->first_version : 0;
}

static void write_info(struct varve_wire_buffer *out, struct varve_view name, const struct varve_stream_info *info)
{
    varve_json_write_raw(out, "{");
    varve_json_member_text(out, "stream", name);
    varve_json_member_text(out, "category", varve_category(name));
    varve_json_member_number(out, "version", (uint64_t)info->version);
    varve_json_member_number(out, "first_version", info->first_version);
    varve_json_member_number(out, "events", visible_events(info));
    varve_json_member_number(out, "last_position", info->last_position);
    varve_json_member_time(out, "created_at", info->created_at_us);
    varve_json_member_time(out, "updated_at", info->updated_at_us);
    varve_json_member_number(out, "truncate_before", info->truncate_before);
    varve_json_member_number(out, "max_count", info->max_count);
    varve_json_member_number(out, "max_age_us", (uint64_t)info->max_age_us);
    varve_json_member_text(out, "state", varve_view_str(state_of(info)));
    varve_json_write_raw(out, "}");
}

/* ---- one --------------------------------------------------------------------------------------------------------- */

struct info_look {
    struct api_look look; /* first */
    struct varve_view stream;
};

static void make_info(struct api_look *all)
{
    struct info_look *look = (struct info_look *)all;
    struct varve_stream_info info;

    if (varve_stream_info(all->server->store, look->stream, &info, &all->error) == VARVE_OK)
        write_info(&all->out, look->stream, &info);
}

void handle_api_stream_info(struct http_request *request)
{
    struct info_look *look = api_look_create(request, sizeof(*look));

    if (look == NULL)
        return;
    look->look.make = make_info;
    look->stream = http_path_part(request, 0);
    api_look_begin(request, &look->look, sizeof(*look) + BYTES_PER_STREAM);
}

/* ---- many -------------------------------------------------------------------------------------------------------- */

struct list_look {
    struct api_look look; /* first */
    struct varve_view prefix, after;
    uint64_t limit;
    bool system;
};

static void make_list(struct api_look *all)
{
    const struct list_look *look = (const struct list_look *)all;
    struct varve_wire_buffer *out = &all->out;
    struct varve_stream_list list;

    if (varve_store_list_streams(all->server->store, look->prefix, look->after, (uint32_t)look->limit, look->system,
                                 &list, &all->error) != VARVE_OK)
        return;
    varve_json_write_raw(out, "{\"streams\":[");
    for (size_t i = 0; i < list.count; i++) {
        varve_json_write_raw(out, i > 0 ? ",\n" : "\n");
        write_info(out, list.entries[i].name, &list.entries[i].info);
    }
    varve_json_write_raw(out, list.count > 0 ? "\n],\"next\":" : "],\"next\":");
    if (list.end || list.count == 0)
        varve_json_write_raw(out, "null");
    else
        varve_json_write_text(out, list.entries[list.count - 1].name);
    varve_json_member_bool(out, "end", list.end);
    varve_json_write_raw(out, "}");
    varve_stream_list_free(&list);
}

void handle_api_stream_list(struct http_request *request)
{
    struct list_look *look = api_look_create(request, sizeof(*look));
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL)
        return;
    look->look.make = make_list;
    look->prefix = http_query(request, "prefix");
    look->after = http_query(request, "after");
    look->limit = API_LIMIT;
    if (http_query_uint(request, "limit", 1, API_MAX_LIMIT, &look->limit, &error) != VARVE_OK ||
        http_query_flag(request, "system", &look->system, &error) != VARVE_OK)
        api_look_refuse(request, &look->look, &error);
    else
        api_look_begin(request, &look->look, sizeof(*look) + look->limit * BYTES_PER_STREAM);
}
