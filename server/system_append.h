/* system_append.h - one event that the server itself appends to a stream of its own, and what came of it. */
#ifndef SERVER_SYSTEM_APPEND_H
#define SERVER_SYSTEM_APPEND_H

#include "server.h"

enum { SYSTEM_APPEND_RETRY_MS = 1000 }; /* what was refused may be tried again so long afterwards */

struct system_append {
    struct completion completion;
    struct server *server;
    struct varve_append *append;
    void (*done)(struct system_append *append, const struct varve_append_outcome *outcome);
};
/* Queue one event with this data, with whatever else is appended in this turn. VARVE_OK: `done` is called once, later,
 * on the loop; it may free what embeds *append. Otherwise it is not called and nothing was stored: OVERLOADED and
 * DISK_FULL pass by themselves. Views are copied. */
enum varve_status system_append_queue(struct server *server, struct system_append *append, struct varve_view stream,
                                      const char *type, struct varve_view data,
                                      void (*done)(struct system_append *append,
                                                   const struct varve_append_outcome *outcome),
                                      struct varve_error *error);
/* Is the same worth another try? */
bool system_append_passes(enum varve_status status);

#endif
