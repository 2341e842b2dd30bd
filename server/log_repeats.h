/* log_repeats.h - what the log says again and again: of the same event from the same cause, only so many lines in an
 * interval; the rest is counted and told later. Any thread.
 *
 * Memory is bounded: of more causes than there are rows, the one that was quiet longest is forgotten. Whoever is not
 * known is let through, so the first line of anything always gets out. */
#ifndef SERVER_LOG_REPEATS_H
#define SERVER_LOG_REPEATS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_REPEATS_LINES = 20,            /* of one cause, in */
    LOG_REPEATS_INTERVAL_US = 10000000,
    LOG_REPEATS_ROWS = 256,
    LOG_REPEATS_CAUSE = 96,            /* bytes of a cause that are told apart */
};

struct log_repeats_row {
    const char *event;                 /* a constant of ours; NULL: the row is free */
    int level;
    char cause[LOG_REPEATS_CAUSE];
    uint64_t since_us;                 /* of the interval */
    uint32_t lines;                    /* in it */
    uint64_t left_out;                 /* and not told yet */
};
struct log_repeats {
    pthread_mutex_t lock;
    struct log_repeats_row rows[LOG_REPEATS_ROWS];
};
void log_repeats_init(struct log_repeats *repeats);
void log_repeats_end(struct log_repeats *repeats);

/* May this line go out? Then *ret_repeated says how many like it were left out before. */
bool log_repeats_allow(struct log_repeats *repeats, const char *event, int level, const char *cause, uint64_t now_us,
                       uint64_t *ret_repeated);
/* One whose interval is over (or any, with `all`) and of which lines were left out, as *ret; it begins anew. False:
 * none. */
bool log_repeats_take(struct log_repeats *repeats, uint64_t now_us, bool all, struct log_repeats_row *ret);

#endif
