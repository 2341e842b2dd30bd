/* fake_server.h - a server that plays one scripted part, so that a client can be shown every kind of peer.
 *
 * A script is a function that runs on a thread of its own and talks through the calls below, blocking. What it expects
 * and does not get ends the script; fake_server_stop() then fails the test with the reason. Nothing waits
 * above 60 s. */
#ifndef TESTS_CLIENT_FAKE_SERVER_H
#define TESTS_CLIENT_FAKE_SERVER_H

#include "support/temp_dir.h"
#include "varve/wire.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>

struct fake_server {
    char url[128];                    /* what the client connects to */
    char scratch[TEMP_DIR_PATH];      /* of a unix socket; else empty */
    struct varve_hello_ok hello;      /* what fake_hello() says; may be changed before the start */
    struct varve_wire_buffer out;     /* encode answers into this, then fake_send() */
    struct varve_frame frame;         /* what fake_take() took, */
    struct varve_view body;           /* and its body, until the next fake_take() */
    struct varve_wire_arena *arena;   /* for decoding bodies */
    void *user;                       /* the test's */
    unsigned accepted;                /* connections so far */
    sem_t sign;                       /* from the script to the test, or the other way */

    int listener, connection;
    uint8_t *bytes;
    char fault[160];
    jmp_buf end;
    void (*script)(struct fake_server *server);
    pthread_t thread;
};

/* On a free TCP port of loopback. The thread begins at once. */
struct fake_server *fake_server_start(void (*script)(struct fake_server *server), void *user);
/* The same on a unix socket: for tests that begin many, since ports of closed connections stay taken for a minute. */
struct fake_server *fake_server_start_local(void (*script)(struct fake_server *server), void *user);
/* On a port, with a word to HELLO_OK before it begins. */
struct fake_server *fake_server_start_with(void (*script)(struct fake_server *server), void *user,
                                           const struct varve_hello_ok *hello);
void fake_hello_ok_init(struct varve_hello_ok *hello);
/* Waits for the script's end. Fails the test when it met something unexpected. */
void fake_server_stop(struct fake_server *server);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

void fake_accept(struct fake_server *server);       /* the next connection */
void fake_hello(struct fake_server *server);        /* take HELLO, answer HELLO_OK */
void fake_begin(struct fake_server *server);        /* both */
uint32_t fake_take(struct fake_server *server, uint8_t opcode); /* one frame, of this opcode; returns its request id */
uint32_t fake_take_any(struct fake_server *server); /* one frame; `frame` says of which opcode */
void fake_send(struct fake_server *server);         /* all of `out` */
void fake_send_some(struct fake_server *server, size_t size, size_t at_once); /* so many of its bytes, in pieces */
void fake_raw(struct fake_server *server, const void *bytes, size_t size);
void fake_cut(struct fake_server *server);          /* close the connection */
void fake_gone(struct fake_server *server);         /* the client must close it, saying nothing more */
void fake_listen_until_gone(struct fake_server *server); /* the same, whatever it says until then */
void fake_nobody(struct fake_server *server);       /* stop listening: whoever connects is refused */
void fake_sleep_ms(unsigned ms);
/* Whatever takes how long: one side gives a sign when it is so far, the other waits for it. */
void fake_sign(struct fake_server *server);
void fake_wait_for_sign(struct fake_server *server);
void fake_expect(struct fake_server *server, bool condition, const char *what);

#endif
