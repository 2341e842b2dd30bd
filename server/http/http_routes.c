/* http_routes.c - the table of everything that the HTTP port answers. */
#include "api.h"
#include "http_handlers.h"
#include "push.h"

/* Parameters of routes, as docs/openapi.json has them. */
#define PAGE "from", "to", "limit", "backwards", "since", "until"
static const char *const of_append[] = { "expected", NULL };
static const char *const of_stream[] = { PAGE, "data", NULL };
static const char *const of_many[] = { PAGE, "system", "data", NULL };
static const char *const of_event[] = { "data", NULL };
static const char *const of_replay[] = { "outbox", NULL };
static const char *const of_streams[] = { "prefix", "after", "limit", "system", NULL };
static const char *const of_sagas[] = { "type", "status", "step", "overdue", "updated_before", "after", "limit", NULL };
#undef PAGE

const struct http_route http_routes[] = {
    { "GET", "/", handle_http_index, HTTP_ALWAYS, "index", NULL },
    { "GET", "/v1", handle_http_index, HTTP_ALWAYS, "index", NULL },
    { "GET", "/health/live", handle_http_live, HTTP_ALWAYS, "health_live", NULL },
    { "GET", "/health/ready", handle_http_ready, HTTP_ALWAYS, "health_ready", NULL },
    { "GET", "/metrics", handle_http_metrics, HTTP_BEFORE_STORE, "metrics", NULL },

    { "POST", "/v1/streams/{stream}", handle_api_append, HTTP_HAS_BODY, "stream_append", of_append },
    { "GET", "/v1/streams/{stream}", handle_api_read_stream, 0, "stream_read", of_stream },
    { "GET", "/v1/streams", handle_api_stream_list, 0, "stream_list", of_streams },
    { "GET", "/v1/streams/{stream}/info", handle_api_stream_info, 0, "stream_info", NULL },
    { "GET", "/v1/categories/{category}", handle_api_read_category, 0, "category_read", of_many },
    { "GET", "/v1/types/{type}", handle_api_read_type, 0, "type_read", of_many },
    { "GET", "/v1/correlations/{id}", handle_api_read_correlation, 0, "correlation_read", of_many },
    { "GET", "/v1/all", handle_api_read_all, 0, "all_read", of_many },
    { "GET", "/v1/events/{id}", handle_api_event, 0, "event_get", of_event },
    { "POST", "/v1/events/{id}/replay", handle_api_replay, 0, "event_replay", of_replay },
    { "GET", "/v1/events", handle_http_events, 0, "event_stream", push_query },
    { "GET", "/v1/outboxes", handle_api_outboxes, 0, "outbox_list", NULL },
    { "GET", "/v1/outboxes/{name}", handle_api_outbox, 0, "outbox_get", NULL },
    { "GET", "/v1/sagas", handle_api_sagas, 0, "saga_list", of_sagas },
    { "GET", "/v1/sagas/{type}/{id}", handle_api_saga, 0, "saga_get", NULL },
    { "GET", "/v1/saga-counts", handle_api_saga_counts, 0, "saga_counts", NULL },
    { "GET", "/v1/stats", handle_api_stats, 0, "stats", NULL },
    { "GET", "/v1/openapi.json", handle_api_document, HTTP_ALWAYS, "openapi", NULL },
};
const size_t http_route_count = sizeof(http_routes) / sizeof(http_routes[0]);
