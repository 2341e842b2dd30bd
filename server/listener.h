/* listener.h - the sockets that varved listens on. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "server.h"

struct listener {
    struct server *server;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    bool open;
    bool waiting;     /* a connection could not be taken for want of memory */
    char address[160]; /* for people: "127.0.0.1:8278", "unix:/run/varve.sock" */
    uint16_t port;    /* of TCP, else 0 */
};

struct listeners {
    struct listener all[CONFIG_MAX_LISTEN + 1];
    size_t count;
};

/* Listen on everything that the configuration names. On failure those begun are closed with listeners_close(). */
enum varve_status listeners_open(struct listeners *listeners, struct server *server, struct varve_error *error);
/* Now and then: take what could not be taken before. */
void listeners_retry(struct listeners *listeners);
void listeners_close(struct listeners *listeners); /* twice is fine */

/* Write the TCP ports into `path`, one a line, so that the file is there only when it is whole. */
enum varve_status listeners_write_ports(const struct listeners *listeners, const char *path,
                                        struct varve_error *error);

#endif
