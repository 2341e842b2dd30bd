/* calls.h - calls of the client that ask one thing, each with an answer of the server: what comes of answers that are
 * none, of a connection that is lost, of memory that cannot be had. */
#ifndef TESTS_CLIENT_CALLS_H
#define TESTS_CLIENT_CALLS_H

#include "peer.h"

struct call {
    const char *label;
    uint8_t opcode;
    enum varve_status (*call)(struct varve_client *client, struct varve_error *error);
    void (*answer)(struct fake_server *server, uint32_t id);
};

/* The answer's opcode, and no body. */
void answer_with_nothing(struct fake_server *server, uint32_t id);

/* Each of these answers is a PROTOCOL fault, and ends the connection. */
void calls_refuse(const struct call *calls, size_t count);
/* The connection is lost before the answer: the first `repeated` of them are sent again, on a new one; the others say
 * DISCONNECTED, and do well when they are made again. */
void calls_survive_a_loss(const struct call *calls, size_t count, size_t repeated);
/* Each says NO_MEMORY wherever it has none, and does well afterwards. */
void calls_survive_no_memory(const struct call *calls, size_t count);

#endif
