/* session_parts.h - what a session is made of; for session.c, its life, and session_io.c, its bytes. */
#ifndef SERVER_SESSION_PARTS_H
#define SERVER_SESSION_PARTS_H

#include "input.h"
#include "sender.h"
#include "session.h"

enum { SESSION_NAME_BYTES = 64 };

/*   GREETING --HELLO--> OPEN
 *   GREETING, OPEN --dismissed, peer sends no more, server stops--> FLUSHING: nothing new, what is owed is sent
 *   FLUSHING --all answered and written--> LINGERING: our side is shut; wait a moment for theirs, lest the system
 *                                          answers unread bytes with a reset that eats our last replies
 *   any --error, late, both sides shut--> CLOSING --socket closed and no request under way--> freed */
enum session_state { GREETING, OPEN, FLUSHING, LINGERING, CLOSING };

struct session {
    struct server *server;
    struct session *next, *previous; /* of all */
    struct session *next_touched;
    uint64_t id;                     /* in the log */
    enum session_state state;
    bool touched;                    /* is on the server's list */
    bool counted;                    /* among the connections; those over the limit are not */
    bool reading;                    /* libuv reads the socket */
    bool peer_done;                  /* the peer sends no more */
    bool socket_closed;
    bool broken;                     /* a reply was lost for want of memory: must end */
    bool room_wanted;                /* a request waits for room in the output or in the budget */

    struct input input;
    uint64_t skip_bytes;             /* of a frame that was refused for its size */
    struct sender sender;
    struct request_list requests;
    uint32_t waiting_count;          /* of them, those that wait for the peer */

    uint64_t since_ms;               /* in this state */
    uint64_t heard_ms;               /* the peer's last bytes */

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_shutdown_t shutdown;
    char client_name[SESSION_NAME_BYTES + 1];
};

/* session.c: change the state; have it looked at before the loop sleeps; close it now; take nothing new, end what waits
 * for the peer with `why` (NULL: the peer is gone), then close. */
void session_move(struct session *session, enum session_state next);
void session_touch(struct session *session);
void session_close_now(struct session *session, enum log_level level, const char *why);
void session_begin_flushing(struct session *session, const struct varve_error *why);
bool session_takes_input(const struct session *session); /* otherwise what comes is dropped */

/* session_io.c: write what waits, handle what can be handled, read on or stop reading. */
void session_on_written(struct sender *sender, int status);
void session_write_out(struct session *session);
void session_take_waiting(struct session *session);
void session_update_reading(struct session *session);

#endif
