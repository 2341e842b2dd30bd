/* session.h - one connection: bytes in, frames to the dispatcher, replies out, and the requests under way between.
 *
 * All of it on the loop thread. A session ends itself; it lives until the last of its requests has come back. */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "request.h"
#include "server.h"

/* Take the next connection of a listener; one too many is told so and closed. False: no memory, try again later. */
bool session_accept(struct server *server, uv_stream_t *listener);

struct server *session_server(struct session *session);
uint64_t session_id(const struct session *session);      /* in the log */
bool session_is_greeted(const struct session *session);  /* HELLO was said */
bool session_is_open(const struct session *session);     /* it was, and more may come from the peer */
bool session_is_closing(const struct session *session);  /* replies are pointless */
/* May what is under way go on? Not when the peer broke the protocol or the server stops. */
bool session_goes_on(const struct session *session);
struct request_list *session_requests(struct session *session);

/* HELLO was good. `client_name` goes into the log. */
void session_opened(struct session *session, struct varve_view client_name);

/* Charge and attach a request. False: the budget has no room, nothing happened; answer OVERLOADED. */
bool session_begin(struct session *session, struct request *request, const struct request_kind *kind, uint32_t id,
                   uint64_t bytes);
/* Does it wait for the client? What does is not counted against max_requests, or the client could not be heard. */
void session_wait_for_peer(struct request *request, bool waits);
/* Detach it, after its reply was sent; the caller frees it. The session may be gone afterwards. */
void session_end(struct request *request);

/* Replies: encode frames into session_out(), then say so with session_sent(). */
struct varve_wire_buffer *session_out(struct session *session);
void session_sent(struct session *session);
/* Send the frames in *buffer, which is empty afterwards. */
void session_send_buffer(struct session *session, struct varve_wire_buffer *buffer);
/* Send a whole frame that others get, too, as a reply to this request; a reference is held until it is gone. */
void session_send_shared(struct session *session, uint32_t request_id, struct shared_bytes *frame);

/* May more be sent that nobody is owed yet? And are there so many bytes to make it in, which then are charged to the
 * request until it ends? When not, the kind's room() is called later. */
bool session_has_room(struct session *session);
bool session_take_room(struct request *request, uint64_t bytes);
void session_give_room(struct request *request, uint64_t bytes); /* before its end */

/* The peer broke the protocol, or may not stay: say why, send what is owed, then close. */
void session_dismiss(struct session *session, uint32_t request_id, const struct varve_error *error);

/* ---- for the loop -------------------------------------------------------------------------------------------- */

/* Before the loop sleeps: write what was gathered, go on with what waited. */
void session_flush_all(struct server *server);
/* Once a second: who is late? */
void session_tick_all(struct server *server);
/* The server stops (server->stopping is set): answer what is under way, refuse what waits, then close. */
void session_stop_all(struct server *server, const struct varve_error *why);
/* Cut every connection now. */
void session_close_all(struct server *server, const char *why);

#endif
