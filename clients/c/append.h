/* append.h - one append before it is sent and after it was answered; for the synchronous and the pipelined form. */
#ifndef CLIENT_APPEND_H
#define CLIENT_APPEND_H

#include "exchange.h"

/* What is larger than the server takes, in one sentence with the limit. Returns `status`. */
enum varve_status append_too_large(struct varve_error *error, enum varve_status status, const char *what,
                                   uint64_t size, uint32_t limit);

/* Whole, and within what the server said in HELLO? INVALID_ARGUMENT, EVENT_TOO_LARGE, APPEND_TOO_LARGE. */
enum varve_status append_check(const struct varve_client *client, const struct varve_append_request *request,
                               struct varve_error *error);
/* The request that was encoded at `before` of connection.out: is it whole and no larger than the server takes? Else
 * `out` is as before: NO_MEMORY, or `status`. `what`: "... in the frame of one append:". */
enum varve_status append_check_frame(struct varve_client *client, size_t before, enum varve_status status,
                                     const char *what, struct varve_error *error);
/* Write it into connection.out as request `id`. APPEND_TOO_LARGE, NO_MEMORY: `out` is as before. */
enum varve_status append_encode(struct varve_client *client, uint32_t id, const struct varve_append_request *request,
                                struct varve_error *error);

/* All its events have ids, so the server recognises it when it comes a second time. */
bool append_is_repeatable(const struct varve_append_request *request);

/* The outcome that a frame tells (an ERROR, or the opcode of success), in the client's arena. When the frame cannot be
 * read or does not fit the request, the outcome is PROTOCOL and the connection dropped. */
void append_outcome(struct varve_client *client, uint8_t opcode, struct varve_view body, uint32_t stream_count,
                    struct varve_append_outcome *ret_outcome);

extern const struct slot_kind append_kind; /* of those in flight */

#endif
