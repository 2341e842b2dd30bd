/* http_routes.c - the table of everything that the HTTP port answers. */
#include "http_handlers.h"

const struct http_route http_routes[] = {
    { "GET", "/", handle_http_index, HTTP_BEFORE_STORE, "index", NULL },
    { "GET", "/v1", handle_http_index, HTTP_BEFORE_STORE, "index", NULL },
    { "GET", "/health/live", handle_http_live, HTTP_BEFORE_STORE, "health_live", NULL },
    { "GET", "/health/ready", handle_http_ready, HTTP_BEFORE_STORE, "health_ready", NULL },
};
const size_t http_route_count = sizeof(http_routes) / sizeof(http_routes[0]);
