/* fixture.h - an HTTP port on a store of its own, its loop turned by the test, and clients that talk to it.
 *
 * The table of routes is the fixture's: handlers that show what the port does for its handlers. Whatever a test waits
 * for, it turns the loop until it is there, and fails after a patience that only a broken server exhausts. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "support/check.h"
#include "support/log_pipe.h"
#include "support/temp_dir.h"

#include "server/http/http_parts.h"

struct fixture {
    char directory[TEMP_DIR_PATH];
    struct config config;
    struct varve_store *store;
    struct server server;
    struct log_pipe log;
    struct http_request *waiting;   /* of GET /wait and POST /wait */
    struct http_stream *stream;     /* of GET /stream, the last one */
    char to_stream[256];            /* what it reads next */
    bool stream_ends;
    bool stream_cuts;               /* it cuts itself when it is read */
    unsigned streams_closed, reads;
    struct http_work work;          /* of GET /away */
    uint64_t away_bytes;            /* what it asks for */
    unsigned parses_asked, parses_wanted, parses; /* of GET /parse: begun, awaited by the test, done */
    _Atomic unsigned parsing;       /* under way now */
    _Atomic bool parsed_wrongly;    /* two at once, or with an arena that has something in it */
};
extern struct fixture *fixture_now;  /* the one that is open */

struct fixture *fixture_open(const char *line); /* with these options, as on varved's command line */
void fixture_close(struct fixture *f);
void fixture_turn(struct fixture *f);
void fixture_take_store(struct fixture *f); /* as before it is open; f->server.store = f->store gives it back */
void fixture_wait(struct fixture *f, bool (*there)(void *user), void *user);
const char *fixture_log(struct fixture *f);

struct client {
    struct fixture *fixture;
    int fd;
    bool closed;             /* by the server */
    size_t size;
    char text[256 * 1024];   /* what came */
};
struct client *client_open(struct fixture *f);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const char *bytes, size_t size);
/* Wait until this much is there; what came so far. */
const char *client_wait_for(struct client *c, const char *text);
const char *client_wait_for_end(struct client *c);
void client_forget(struct client *c);    /* what came */
bool client_hears_nothing(struct client *c);

/* One request on a connection of its own, which it asks to be closed; the whole answer. */
const char *ask(struct fixture *f, const char *request);
/* Its status. */
int ask_status(struct fixture *f, const char *request);

#endif
