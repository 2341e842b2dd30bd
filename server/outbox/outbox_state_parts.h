/* outbox_state_parts.h - what the files of the outbox's machine use of each other. */
#ifndef SERVER_OUTBOX_STATE_PARTS_H
#define SERVER_OUTBOX_STATE_PARTS_H

#include "outbox_state.h"

/* Measured with Kafka 3.9 and 4.3: of transactions that begin at once, 11 to 24 % come too early; after 1 ms up to 3 %;
 * after 2 ms hardly any. */
enum { OUTBOX_GAP_START_US = 2000, OUTBOX_GAP_MIN_US = 1000, OUTBOX_GAP_MAX_US = 20000 };

/* ---- outbox_state_fail.c ---- */

/* What the fault says, in one line for people. */
void outbox_state_say(struct outbox_state *state, const struct outbox_fault *fault);
void outbox_state_halt(struct outbox_state *state, enum varve_outbox_halt halt);
/* A failure of the environment: the breaker opens, or the machine halts for MISCONFIGURED once too often. */
void outbox_state_back_off(struct outbox_state *state, int64_t now_us, const struct outbox_report *report);
/* Kafka answered, and will not have something of what was sent. */
void outbox_state_refuse(struct outbox_state *state, int64_t now_us, const struct outbox_report *report);
/* Some of what was looked at for poison is published. */
void outbox_state_narrow(struct outbox_state *state, uint32_t events);
void outbox_state_forget_poison(struct outbox_state *state);
void outbox_state_job_failed(struct outbox_state *state, int64_t now_us);
bool outbox_state_is_isolating(const struct outbox_state *state);

/* ---- outbox_state_gap.c ---- */

int64_t outbox_state_first_gap(const struct outbox_settings *settings);
/* A transaction was committed whose first acknowledgement took so long; 0: there was nothing to acknowledge. */
void outbox_state_tune_gap(struct outbox_state *state, int64_t first_ack_us);

#endif
