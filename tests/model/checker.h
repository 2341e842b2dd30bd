/* checker.h - every state a small consumer group can get into, each visited once.
 *
 * In each state: the rules hold, machine and naive model agree, strangers are refused without a trace, and healthy
 * consumers lead to the end. From each, every move is tried. */
#ifndef TESTS_CHECKER_H
#define TESTS_CHECKER_H

#include "packed.h"

struct checker_setup {
    const char *label;
    uint64_t keys[PACKED_EVENTS];
    uint32_t max_in_flight, consumer_max_in_flight, max_attempts;
    uint8_t crashes, replays, stops;  /* at most so many in one life of the group, */
    uint8_t holds;                    /* and events that transactions ack, whatever comes of it */
    bool adds_parked_again, adds_stored_again; /* owners who do not keep to their part */
};
struct checker_report {
    uint64_t states, moves;
};

/* Aborts at the first broken promise, after telling by which moves it was reached. */
struct checker_report checker_explore(const struct checker_setup *setup);

#endif
