/* fixture.h - a server on a store of its own, its loop turned by the test, and clients that talk to it.
 *
 * Everything runs on the test's thread but the store's and the reader threads; whatever a test waits for, it turns the
 * loop until it is there, and fails after a patience that only a broken server exhausts. */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include "support/check.h"
#include "support/log_pipe.h"
#include "support/temp_dir.h"

#include "server/listener.h"
#include "server/session.h"

struct fixture {
    char directory[TEMP_DIR_PATH];
    struct config config;
    struct varve_store *store;
    struct server server;
    struct listeners listeners;
    struct log_pipe log;
};
/* With the options of `line`, as on varved's command line; the log is kept for fixture_log(). */
struct fixture *fixture_open(const char *line);
/* Ends the clients' connections, the server, the store. */
void fixture_close(struct fixture *f);
/* The server stops as it does at SIGTERM, and another one serves the same directory. Clients must be connected anew. */
void fixture_restart(struct fixture *f);
/* Turn the loop until it is there. */
void fixture_wait(struct fixture *f, bool (*there)(void *user), void *user);
/* One turn of the loop, as run.c does it. */
void fixture_turn(struct fixture *f);
/* What was logged since the last call; at most 64 KiB. */
const char *fixture_log(struct fixture *f);

struct client {
    struct fixture *fixture;
    int fd;
    size_t size;
    uint8_t *bytes;          /* received, and not yet taken */
    struct varve_view body;  /* of the last frame received; lives until the next */
    struct varve_wire_buffer out;
    struct varve_wire_arena *arena;
};
struct client *client_connect(struct fixture *f);  /* and nothing said */
struct client *client_open(struct fixture *f);     /* HELLO was said and answered */
void client_close(struct client *c);
void client_send_bytes(struct client *c, const void *bytes, size_t size);
void client_send(struct client *c);                /* what was encoded into c->out */
void client_shut(struct client *c);                /* sends no more */
struct varve_frame client_receive(struct client *c);
/* The ERROR that must come next, for this request. */
struct varve_wire_error client_receive_error(struct client *c, uint32_t request_id, enum varve_status status);
void client_expect(struct client *c, uint8_t opcode, uint32_t request_id);
void client_expect_closed(struct client *c);       /* and nothing before it */
bool client_hears_nothing(struct client *c);       /* for some turns of the loop */

/* Append `count` small events to a stream and wait for the answer. */
void client_append(struct client *c, const char *stream, size_t count);
/* Encode such an append. */
void client_encode_append(struct client *c, uint32_t request_id, const char *stream, int64_t expected, size_t count,
                          size_t data_size);

#endif
