/* raw_server.h - the limit over TCP: a libuv server that speaks varve's frames but keeps no store. It reads, takes
 * what has arrived as a group, writes the bytes with one pwrite and one fdatasync, and replies. Nothing is checked,
 * numbered or indexed, so no server that syncs before it replies can do better with this loop on this disk. */
#ifndef BENCH_RAW_SERVER_H
#define BENCH_RAW_SERVER_H

#include "bench.h"

#include <sys/types.h>

/* Start it in a process of its own, its file in `path`. Fills in the url. */
pid_t raw_server_start(const char *path, char ret_url[64]);
/* Start DIR_OF_BINARIES/varved on a fresh directory. */
pid_t varved_start(const struct settings *settings, const char *directory, char ret_url[64]);
/* On any directory, with `--config config` when that is not NULL. */
pid_t varved_start_with(const struct settings *settings, const char *directory, const char *config, char ret_url[64]);
/* Another binary; NULL: the same. */
pid_t varved_start_other(const struct settings *settings, const char *binary, const char *directory, char ret_url[64]);
/* With its HTTP port on. */
pid_t varved_start_with_http(const struct settings *settings, const char *directory, char ret_url[64],
                             int *ret_http_port);
/* End a process we started: SIGTERM, and wait. */
void server_stop(pid_t pid);

#endif
