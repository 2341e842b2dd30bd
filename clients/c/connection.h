/* connection.h - one connection to a server: frames out, frames in, and what the server said about itself.
 *
 *   DISCONNECTED --open--> CONNECTING --socket is there--> HELLO --HELLO_OK--> READY
 *   any other state --fault, end of the peer's bytes, drop--> DISCONNECTED
 *
 * Requests are written into `out` by the wire's encoders and stay there until whoever wrote them clears it: after a new
 * connection they are sent once more from the beginning. Bytes move only in connection_push() and connection_move(), so
 * the body of a frame taken stays valid until the next of these. */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include "socket.h"

enum connection_state { CONNECTION_DISCONNECTED, CONNECTION_CONNECTING, CONNECTION_HELLO, CONNECTION_READY };

#define CONNECTION_ABANDONED_MAX 8u

struct connection {
    enum connection_state state;
    const struct url *url;          /* the client's */
    int fd;
    int wake_fd;                    /* readable: whoever waits shall come back; -1: there is none */
    uint64_t heard_us;              /* when the peer's last bytes came */
    bool deaf;                      /* the peer takes no more bytes; what it said before may still arrive */
    uint32_t last_id;

    struct varve_wire_buffer out;
    size_t sent;                    /* of out, on this connection */

    uint8_t *in;
    size_t in_capacity, in_begin, in_end;
    uint32_t in_limit;              /* the longest body accepted now */

    /* Reads closed early: their frames are thrown away until the server has ended them. */
    uint32_t abandoned[CONNECTION_ABANDONED_MAX];
    uint32_t abandoned_count;

    bool met;                       /* `server` is filled in: there was a connection once */
    uint8_t *hello;                 /* the body that `server` points into */
    struct varve_hello_ok server;
    struct varve_wire_arena *arena; /* for errors */
};

/* NO_MEMORY. `url` must outlive the connection. */
enum varve_status connection_init(struct connection *c, const struct url *url, struct varve_error *error);
void connection_free(struct connection *c);

/* From DISCONNECTED to READY: one attempt. UNREACHABLE, TIMEOUT, DISCONNECTED, UNSUPPORTED, PROTOCOL, NO_MEMORY, or
 * what the server answered instead of HELLO_OK; CANCELLED when woken. Nothing of `out` counts as sent afterwards. */
enum varve_status connection_open(struct connection *c, const char *client_name, uint64_t deadline_us,
                                  struct varve_error *error);
/* Close the socket, if any. `out` and `sent` keep what they say, so that the caller sees what had left. */
void connection_drop(struct connection *c);

uint32_t connection_next_id(struct connection *c);

/* Hand bytes of `out` to the system as far as it takes them at once. */
void connection_push(struct connection *c);
/* Forget the bytes of `out`. Only when all were sent, or the connection is not READY. */
void connection_clear_out(struct connection *c);
/* Room for a message that is no answer's request: forgets what has left, if it has left entirely. Returns where the
 * message begins in `out`; written there, connection_post() sends it, or takes it back: false, no memory. */
size_t connection_begin_post(struct connection *c);
bool connection_post(struct connection *c, size_t begin);

/* Send and receive what is possible, waiting until something was received or `out` moved on. VARVE_OK; TIMEOUT when the
 * deadline came first, CANCELLED when woken (*error untouched, nothing dropped); DISCONNECTED, NO_MEMORY: dropped. */
enum varve_status connection_move(struct connection *c, uint64_t deadline_us, struct varve_error *error);

/* Take one whole frame out of what was received, if there is one. PROTOCOL, or the fault with which the server ends the
 * connection: dropped. */
enum varve_status connection_take(struct connection *c, bool *ret_taken, struct varve_frame *ret_frame,
                                  struct varve_view *ret_body, struct varve_error *error);

/* Take, moving until there is something to take. Statuses of both. */
enum varve_status connection_receive(struct connection *c, uint64_t deadline_us, struct varve_frame *ret_frame,
                                     struct varve_view *ret_body, struct varve_error *error);

/* Notice that an idle connection was ended by the server meanwhile, and drop it, before anything is sent on it. */
void connection_look(struct connection *c);

/* The answer to request `id` is no longer wanted: cancel it and skip what still comes. */
void connection_abandon(struct connection *c, uint32_t id);

/* Drop, and say why. Returns `status`. */
enum varve_status connection_fail(struct connection *c, struct varve_error *error, enum varve_status status,
                                  const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
