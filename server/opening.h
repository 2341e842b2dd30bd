/* opening.h - opens the store on a thread of its own, and reads what the server needs of it: recovery may take long,
 * and the loop turns meanwhile. */
#ifndef SERVER_OPENING_H
#define SERVER_OPENING_H

#include "server.h"

struct opening {
    struct server *server;
    pthread_t thread;
    bool under_way;                 /* begun, and done() has not been called */
    enum varve_status status;       /* what became of it: */
    struct varve_store *store;      /* the caller's; NULL: it cannot be opened */
    struct varve_error error;       /* why, or why the server cannot begin on it */
    void (*done)(struct opening *opening);
    struct completion completion;
};

/* Open the directory of the configuration, and server_load(); done() tells on the loop that it was tried. NO_MEMORY: no
 * thread. */
enum varve_status opening_begin(struct opening *opening, struct server *server,
                                void (*done)(struct opening *opening), struct varve_error *error);

/* One line for the log: the open store, what was recovered, and the memory that all may take. */
void opening_log(const struct server *server);

#endif
