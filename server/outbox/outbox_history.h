/* outbox_history.h - what an outbox did in the past that shows in its topics: which events came late or never, and how
 * many partitions topics had. A fold of $outbox-<name>, which can be brought up to date. One thread. */
#ifndef SERVER_OUTBOX_HISTORY_H
#define SERVER_OUTBOX_HISTORY_H

#include "outbox_route.h"
#include "varve/store.h"

enum { OUTBOX_HISTORY_MAX = 1000000,    /* of each kind; with more, nothing can be said for sure */
       OUTBOX_HISTORY_TOPICS = 10000, OUTBOX_HISTORY_COUNTS = 8 };

struct outbox_history_topic {
    char name[OUTBOX_MAX_TOPIC + 1];
    int32_t counts[OUTBOX_HISTORY_COUNTS]; /* of partitions, the newest last; the oldest ones are forgotten */
    size_t count;
};
struct outbox_history_mark {
    uint64_t stream;         /* hash of its name */
    uint64_t position;       /* set aside from here on; delivered up to here; discarded */
    uint64_t at;             /* position of the event that says so */
};
struct outbox_history_marks {
    struct outbox_history_mark *all;
    size_t count, room;
};
struct outbox_history {
    struct varve_store *store;
    char stream[VARVE_MAX_OUTBOX_NAME + 16];
    uint64_t next_version;
    struct outbox_history_topic *topics;
    size_t topic_count, topic_room;
    struct outbox_history_marks parked, retried, discarded;
};

void outbox_history_begin(struct outbox_history *history, struct varve_store *store, const char *name);
void outbox_history_end(struct outbox_history *history);
/* Reads what is new. NO_MEMORY, or the store's fault. */
enum varve_status outbox_history_read(struct outbox_history *history, struct varve_error *error);

/* Set aside, and delivered later: as said at `after` or later in the log. */
bool outbox_history_was_retried(const struct outbox_history *history, const struct varve_event *event, uint64_t after);
bool outbox_history_was_discarded(const struct outbox_history *history, uint64_t position);
const struct outbox_history_topic *outbox_history_topic(const struct outbox_history *history, const char *name);

#endif
