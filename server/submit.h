/* submit.h - an append on behalf of a client: to the committer and back, whatever the request was that it came from.
 *
 * Submitted in the order they came, so they are committed in that order: those of one connection keep their order,
 * plain appends and transactions alike. */
#ifndef SERVER_SUBMIT_H
#define SERVER_SUBMIT_H

#include "session.h"

struct submission { /* embedded first in what the request needs beside it */
    struct request request;
    struct completion completion;
    struct varve_append *append;
    /* Called once, on the loop, when the outcome is known: answer, if session_is_closing() does not make it pointless.
     * The request ends afterwards and `submission` is freed. */
    void (*done)(struct submission *submission, const struct varve_append_outcome *outcome);
};

/* Takes `append`, whatever happens. `bytes` is what the request holds beside it. True: it is on its way, `submission`
 * (from malloc) is no longer the caller's. False: an ERROR was sent, and the caller frees `submission`. */
bool submit(struct session *session, uint32_t request_id, struct submission *submission, struct varve_append *append,
            uint64_t bytes);

/* `append` was queued in this turn. */
static inline void note_queued(struct server *server, const struct varve_append *append)
{
    server->appends_queued = true;
    server->queued_bytes += varve_append_size_bytes(append);
}

/* The appends of this turn on their way: once per turn, if there are any. */
void commit_queued(struct server *server);

#endif
