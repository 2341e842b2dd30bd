/* http_connect.h - what those who speak HTTP here share. */
#ifndef BENCH_HTTP_CONNECT_H
#define BENCH_HTTP_CONNECT_H

#include <stddef.h>

/* A blocking socket, connected to 127.0.0.1:port. */
int http_connect(int port);
void http_send(int fd, const char *bytes, size_t size);

#endif
