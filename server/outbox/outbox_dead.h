/* outbox_dead.h - the dead letters of an outbox in memory: which streams wait, since which event, and
 * what waits behind.
 *
 * A fold of the events of $outbox-<name> (outbox_memory.h), 8 bytes for each waiting position and some 200 and its name
 * for each stream. Changed by the outbox's thread; others may list: there is a lock inside. */
#ifndef SERVER_OUTBOX_DEAD_H
#define SERVER_OUTBOX_DEAD_H

#include "varve/outbox.h"

struct outbox_dead;

enum varve_status outbox_dead_create(struct outbox_dead **ret);
void outbox_dead_destroy(struct outbox_dead *dead); /* NULL allowed */

/* Must events of this stream be set aside, because an earlier one is? (Not for a stream with `skipped` only.) */
bool outbox_dead_blocks(const struct outbox_dead *dead, struct varve_view stream);
/* Position of the last skipped event of the stream behind which nothing was published yet; 0: none. For v-gap-after.
 * That something was published is not in the log: after a restart the mark may come once more. */
uint64_t outbox_dead_gap(const struct outbox_dead *dead, struct varve_view stream);

/* What happened; each is idempotent, for a fold may see it twice. Views are copied. `log_version` is that of the event
 * of $outbox-<name> that says so. NO_MEMORY: nothing changed. */
enum varve_status outbox_dead_put(struct outbox_dead *dead, const struct varve_dead_letter *letter,
                                  uint64_t log_version);
/* Behind a letter: a stream that has none is not looked at, for a fold may begin after the letter was settled. */
enum varve_status outbox_dead_add_waiting(struct outbox_dead *dead, struct varve_view stream,
                                          const uint64_t *positions, size_t count);
/* The first that waits was tried again, in vain; perhaps another event than the time before. Nothing for any other. */
void outbox_dead_attempted(struct outbox_dead *dead, const struct varve_dead_letter *letter);
void outbox_dead_delivered(struct outbox_dead *dead, struct varve_view stream, uint64_t through);
/* An event that was refused, or one behind it. False: nothing is set aside there. */
bool outbox_dead_discard(struct outbox_dead *dead, struct varve_view stream, uint64_t position);
/* An event that was published tells of the gap after this one. A newer gap is still to be told. */
void outbox_dead_passed_gap(struct outbox_dead *dead, struct varve_view stream, uint64_t after);
/* Of the event at this position, when it is the first that waits. */
void outbox_dead_set_version(struct outbox_dead *dead, struct varve_view stream, uint64_t position, uint64_t version);

/* Memory for so many positions more of a stream, known or not, so that put() and add_waiting() of them cannot fail.
 * Adds up until unreserve(), which gives back what was not used. */
enum varve_status outbox_dead_reserve(struct outbox_dead *dead, struct varve_view stream, size_t positions);
void outbox_dead_unreserve(struct outbox_dead *dead);

/* Positions of a stream that are set aside, the refused one included, ascending, at most `room`. */
size_t outbox_dead_waiting(const struct outbox_dead *dead, struct varve_view stream, uint64_t *ret_positions,
                           size_t room);
/* Is the position set aside? In which stream it is must be known. */
bool outbox_dead_has(const struct outbox_dead *dead, struct varve_view stream, uint64_t position);

struct outbox_dead_counts {
    uint64_t streams, positions;
    uint64_t first_position;       /* lowest of all; 0: none */
    uint64_t fold_from;            /* lowest version of $outbox-<name> that is still needed; UINT64_MAX: none */
};
void outbox_dead_count(const struct outbox_dead *dead, struct outbox_dead_counts *ret);

/* The stream in which a position is set aside, into `room`. False: in none. */
bool outbox_dead_stream_of(const struct outbox_dead *dead, uint64_t position,
                           char room[VARVE_MAX_SYSTEM_STREAM_NAME + 1]);

/* Streams whose names sort after `after`, at most `limit`. One block of memory for all: free(*ret). A letter whose
 * event was not refused itself, but stood behind one that is delivered or discarded by now, has no attempts, error or
 * times; its version is UINT64_MAX until somebody says it (set_version). */
enum varve_status outbox_dead_list(const struct outbox_dead *dead, struct varve_view after, size_t limit,
                                   struct varve_dead_letter **ret, size_t *ret_count, bool *ret_end);
/* One; false: no such stream here, or no memory. Free with free(*ret). */
bool outbox_dead_find(const struct outbox_dead *dead, struct varve_view stream, struct varve_dead_letter **ret);

#endif
