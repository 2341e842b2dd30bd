/* http_load.h - requests over HTTP: so many keep-alive connections, each with one request under way, all served by one
 * thread and one epoll. */
#ifndef BENCH_HTTP_LOAD_H
#define BENCH_HTTP_LOAD_H

#include "bench.h"

struct http_load {
    int port;
    uint32_t connections;
    uint32_t events_per_append;
    uint32_t streams;           /* shared out among the connections */
    uint32_t data_bytes;
    uint32_t ms;                /* so long */
};

/* The same as server_load_append() with `json`: each names the version its stream is expected to have. */
void http_load_append(const struct http_load *load, int64_t *versions, struct measurement *ret);
/* Whole streams "order-<n>" of at most 1,000 events; per_second counts streams. */
void http_load_streams(const struct http_load *load, struct measurement *ret);
/* Pages of /v1/all, 1,000 events each, from the log's beginning, and again; one connection; per_second counts events,
 * times are those of a page. */
void http_load_all(const struct http_load *load, struct measurement *ret);

#endif
