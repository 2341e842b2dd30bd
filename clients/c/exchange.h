/* exchange.h - one request and its answer, however many connections that takes. */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include "client_state.h"

/* For a call that begins now. */
void patience_begin(struct patience *patience, const struct varve_client *client);

/* Be READY, connecting as often as patience allows, with growing pauses; once only when the server was never met: the
 * address may be wrong. The last connect's status when it does not. */
enum varve_status client_reach(struct varve_client *client, struct patience *patience, struct varve_error *error);

/* After a loss: may the request be sent once more? Spends an attempt and, but for the first, pauses. */
bool client_recover(struct varve_client *client, struct patience *patience);

/* The server's ERROR, in the client's arena: returns its status. PROTOCOL, and the connection dropped, when it cannot
 * be read; *ret_said then holds that. */
enum varve_status client_take_error(struct varve_client *client, struct varve_view body,
                                    struct varve_wire_error *ret_said);

/* Wait for the frame that answers request `id`. TIMEOUT and PROTOCOL (an answer to something else) drop the connection,
 * so that a late answer is never taken for that of another request. */
enum varve_status client_await(struct varve_client *client, uint32_t id, uint64_t deadline_us,
                               struct varve_frame *ret_frame, struct varve_view *ret_body, struct varve_error *error);

/* Drops the connection: a frame came that the request does not allow. */
enum varve_status client_refuse(struct varve_client *client, uint8_t opcode, const char *due,
                                struct varve_error *error);

/* Drops the connection: PROTOCOL, the frame is not what its opcode says; or NO_MEMORY, if `why` says that. */
enum varve_status client_unreadable(struct varve_client *client, uint8_t opcode, const struct varve_error *why,
                                    struct varve_error *error);

/* NO_MEMORY: take the request that was half written at `size_before` out of `out`. */
enum varve_status client_drop_request(struct varve_client *client, size_t size_before, struct varve_error *error);

/* The whole of it, for the one request that stands in connection.out: *ret_body is that of a frame with `opcode`. Any
 * other status is told in *ret_said, with conflicts when the server sent them. Sent again after a loss when
 * `repeatable`, or when it had not left entirely or was answered NOT_READY. `out` is empty afterwards. */
enum varve_status client_exchange(struct varve_client *client, struct patience *patience, uint32_t id, uint8_t opcode,
                                  bool repeatable, struct varve_view *ret_body, struct varve_wire_error *ret_said);

/* The same for a repeatable request that begins now and has nothing to tell but an error. */
enum varve_status client_ask(struct varve_client *client, uint32_t id, uint8_t opcode, struct varve_view *ret_body,
                             struct varve_error *error);
/* And for one that is not repeatable. */
enum varve_status client_ask_once(struct varve_client *client, uint32_t id, uint8_t opcode,
                                  struct varve_view *ret_body, struct varve_error *error);

/* The same for one whose answer the server may keep back for `wait_ms`. */
enum varve_status client_ask_patiently(struct varve_client *client, uint32_t id, uint8_t opcode, uint32_t wait_ms,
                                       struct varve_view *ret_body, struct varve_error *error);

/* The same for one that takes as long as it takes. */
enum varve_status client_ask_for_long(struct varve_client *client, uint32_t id, uint8_t opcode,
                                      struct varve_view *ret_body, struct varve_error *error);

/* What was read over many frames is closed; request_id 0: it had ended. */
void client_end_reading(struct varve_client *client, uint32_t request_id);

/* Every synchronous call begins with this: appends in flight first, nothing while a read is open or inside a `done`;
 * what the last call returned ends here. */
enum varve_status client_begin(struct varve_client *client, struct varve_error *error);

/* A whole synchronous call whose request has no fields: client_begin(), the request, client_ask(). */
enum varve_status client_ask_plainly(struct varve_client *client,
                                     void (*encode)(struct varve_wire_buffer *out, uint32_t request_id),
                                     uint8_t opcode, struct varve_view *ret_body, struct varve_error *error);

#endif
