/* http_routing.c - from method and path to a row of the table; what to say when there is none. */
#include "http_parts.h"

#include <stdio.h>
#include <string.h>

#include "varve/nearest.h"

enum { PATH_TEXT = 256, ALLOW_TEXT = 128 };

static bool is_method(const struct http_route *route, const char *method)
{
    return strcmp(method, "HEAD") == 0 ? strcmp(route->method, "GET") == 0 : strcmp(route->method, method) == 0;
}

static void append(char *text, size_t room, const char *more, size_t size)
{
    size_t used = strlen(text);

    snprintf(text + used, room - used, "%.*s", (int)size, more);
}

/* The path as it came, as far as it fits. */
static void write_path(const struct http_target *target, char text[PATH_TEXT])
{
    text[0] = 0;
    if (target->segment_count == 0)
        append(text, PATH_TEXT, "/", 1);
    for (size_t i = 0; i < target->segment_count; i++) {
        append(text, PATH_TEXT, "/", 1);
        append(text, PATH_TEXT, target->segments[i].data, target->segments[i].size);
    }
}

/* The route's path with what was asked for in place of {names}, so that those make no difference. */
static void write_likeness(const struct http_route *route, const struct http_target *target, char text[PATH_TEXT])
{
    const char *at = route->path;

    text[0] = 0;
    for (size_t i = 0; *at != 0; i++) {
        size_t size = 1 + strcspn(at + 1, "/");

        append(text, PATH_TEXT, "/", 1);
        if (at[1] == '{' && i < target->segment_count)
            append(text, PATH_TEXT, target->segments[i].data, target->segments[i].size);
        else
            append(text, PATH_TEXT, at + 1, size - 1);
        at += size;
    }
}

static void refuse_path(struct http_request *request)
{
    char path[PATH_TEXT], likeness[PATH_TEXT], hint[VARVE_NEAREST_HINT];

    write_path(&request->target, path);
    struct varve_nearest nearest = varve_nearest_to(path);
    for (size_t i = 0; i < http_route_count; i++) {
        write_likeness(&http_routes[i], &request->target, likeness);
        varve_nearest_offer(&nearest, likeness);
        if (nearest.best == likeness) /* Which the next one writes over. */
            nearest.best = http_routes[i].path;
    }
    http_refuse(request, MHD_HTTP_NOT_FOUND, VARVE_UNSUPPORTED, "path", "nothing is at %s%s (see /)", path,
                varve_nearest_hint(&nearest, "", hint));
}

/* "GET, HEAD, OPTIONS"; empty when the path is none of ours. */
static void write_allowed(struct http_request *request, char text[ALLOW_TEXT])
{
    text[0] = 0;
    for (size_t i = 0; i < http_route_count; i++) {
        const char *method = http_routes[i].method;

        if (!http_target_matches(&request->target, http_routes[i].path, request->parts) || strstr(text, method) != NULL)
            continue;
        append(text, ALLOW_TEXT, method, strlen(method));
        append(text, ALLOW_TEXT, strcmp(method, "GET") == 0 ? ", HEAD, " : ", ", 8);
    }
    if (text[0] != 0)
        append(text, ALLOW_TEXT, "OPTIONS", 7);
}

static void answer_options(struct http_request *request)
{
    struct varve_wire_buffer nothing = { 0 };
    struct varve_view origin;

    if (http_origin_allowed(request, &origin)) {
        http_set_header(request, "Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
        http_set_header(request, "Access-Control-Allow-Headers", "Content-Type, Last-Event-ID");
        http_set_header(request, "Access-Control-Max-Age", "600");
    }
    http_reply(request, MHD_HTTP_NO_CONTENT, NULL, &nothing);
}

bool http_route_request(struct http_request *request)
{
    char allowed[ALLOW_TEXT];

    for (size_t i = 0; i < http_route_count && request->route == NULL; i++) {
        if (is_method(&http_routes[i], request->method) &&
            http_target_matches(&request->target, http_routes[i].path, request->parts))
            request->route = &http_routes[i];
    }
    if (request->route != NULL)
        return true;
    write_allowed(request, allowed);
    if (allowed[0] == 0) {
        refuse_path(request);
        return false;
    }
    http_set_header(request, "Allow", allowed);
    if (strcmp(request->method, "OPTIONS") == 0)
        answer_options(request);
    else
        http_refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, VARVE_UNSUPPORTED, "method", "%.32s is not for this path: %s",
                    request->method, allowed);
    return false;
}
