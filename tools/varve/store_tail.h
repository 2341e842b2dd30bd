/* store_tail.h - a directory followed in this process: what it holds, then nothing.
 *
 * Nobody else can append to it meanwhile. For `varve --db DIR tail`; notices mean what varve/subscription.h says. */
#ifndef TOOLS_STORE_TAIL_H
#define TOOLS_STORE_TAIL_H

#include "varve/subscription.h"

struct store_tail;

/* `after` a position or VARVE_AFTER_END; behind the end of the log: INVALID_ARGUMENT. `store` must outlive the tail. */
enum varve_status store_tail_open(struct varve_store *store, const struct varve_filter *filter, uint64_t after,
                                  struct store_tail **ret_tail, struct varve_error *error);
/* EVENTs, CAUGHT_UP once, then TIMEOUT only. CANCELLED once stopped. */
enum varve_status store_tail_next(struct store_tail *tail, uint32_t timeout_ms, struct varve_notice *ret_notice,
                                  struct varve_error *error);
void store_tail_stop(struct store_tail *tail); /* any thread, or a signal handler */
uint64_t store_tail_position(const struct store_tail *tail);
void store_tail_close(struct store_tail *tail); /* NULL allowed */

#endif
