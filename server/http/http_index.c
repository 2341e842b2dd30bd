/* http_index.c - GET / and GET /v1: what is here. For people who try the port with curl, and for programs. */
#include "http_handlers.h"

#include <string.h>

#include "varve/json_text.h"
#include "varve/version.h"

/* /v1 tells of what stands below it. */
static bool is_told(const struct http_route *route, bool of_v1)
{
    return !of_v1 || strncmp(route->path, "/v1", 3) == 0;
}

static void write_route(struct varve_wire_buffer *out, const struct http_route *route)
{
    varve_json_item(out);
    varve_json_write_raw(out, "\n  {");
    varve_json_member_text(out, "method", varve_view_str(route->method));
    varve_json_member_text(out, "path", varve_view_str(route->path));
    if (route->query != NULL) {
        varve_json_key(out, "query");
        varve_json_write_raw(out, "[");
        for (const char *const *name = route->query; *name != NULL; name++) {
            varve_json_item(out);
            varve_json_write_text(out, varve_view_str(*name));
        }
        varve_json_write_raw(out, "]");
    }
    varve_json_write_raw(out, "}");
}

void handle_http_index(struct http_request *request)
{
    struct varve_wire_buffer out = { 0 };

    varve_json_write_raw(&out, "{");
    varve_json_member_text(&out, "server", varve_view_str("varved"));
    varve_json_member_text(&out, "version", varve_view_str(VARVE_VERSION));
    varve_json_key(&out, "routes");
    varve_json_write_raw(&out, "[");
    for (size_t i = 0; i < http_route_count; i++) {
        if (is_told(&http_routes[i], strcmp(http_route_of(request)->path, "/v1") == 0))
            write_route(&out, &http_routes[i]);
    }
    varve_json_write_raw(&out, "\n]}\n");
    http_reply(request, 200, "application/json", &out);
}
