/* http_handlers.h - every handler that http_routes.c names. */
#ifndef SERVER_HTTP_HANDLERS_H
#define SERVER_HTTP_HANDLERS_H

#include "http.h"

/* http_health.c */
void handle_http_live(struct http_request *request);  /* GET /health/live */
void handle_http_ready(struct http_request *request); /* GET /health/ready */

/* http_metrics.c */
void handle_http_metrics(struct http_request *request); /* GET /metrics */

/* http_index.c */
void handle_http_index(struct http_request *request); /* GET /, GET /v1 */

#endif
