/* state_driver.h - an outbox's machine with a clock of its own, led into any of its phases by reports it asked for. */
#ifndef TESTS_STATE_DRIVER_H
#define TESTS_STATE_DRIVER_H

#include "server/outbox/outbox_state_parts.h"

struct driven {
    struct outbox_state state;
    int64_t now_us;
    uint64_t head;       /* 1,000 */
};

struct outbox_settings driven_settings(void); /* the defaults, exactly_once */
void driven_begin(struct driven *driven, const struct outbox_settings *settings);

/* What the machine asks for, waits included. */
struct outbox_todo driven_next(const struct driven *driven);
/* The same, after all waits that end by themselves were waited for. */
struct outbox_todo driven_wait(struct driven *driven);
/* It is done, and well: messages are sent for as many positions as were asked for. Returns what is asked for next. */
struct outbox_todo driven_do(struct driven *driven);
/* Do well until this step is asked for; so often at most that a test fails rather than hangs. */
void driven_until(struct driven *driven, enum outbox_step step);
/* It failed. */
struct outbox_todo driven_fail(struct driven *driven, enum outbox_result result);
/* The PUBLISH that is asked for is refused: Kafka will not have the event at `poison`, or all when it is 0. */
struct outbox_todo driven_refuse(struct driven *driven, uint64_t poison);
void driven_report(struct driven *driven, const struct outbox_report *report);
/* Lead it there, from the start. */
void driven_to(struct driven *driven, enum varve_outbox_phase phase);

#endif
