/* group_fixture.h - a group machine with a clock of its own, and one line for each thing that is done to it. */
#ifndef TESTS_GROUP_FIXTURE_H
#define TESTS_GROUP_FIXTURE_H

#include "server/group_state_parts.h"
#include "support/check.h"

enum { GROUP_FIXTURE_FAR = 1000 }; /* the ack timeout of group_fixture_setup() */

struct group_fixture {
    struct group_state_limits limits;
    struct group_state *state;
    uint64_t now_ms, released; /* how many events came back */
};

/* 3 attempts, backoff 10 and 20 ms, 100 in flight of the group and of each consumer. */
void group_fixture_setup(struct group_fixture *f);
/* With these limits instead, from `checkpoint`. */
void group_fixture_begin(struct group_fixture *f, struct group_state_limits limits, uint64_t checkpoint);
void group_fixture_teardown(struct group_fixture *f);

void add_events(struct group_fixture *f, uint64_t first, uint64_t count, uint64_t key);
void join_ready(struct group_fixture *f, uint64_t epoch);
/* The next thing to do, after which the rules are checked; what is released is counted and not shown. */
struct group_action next_action(struct group_fixture *f);
/* It must be this. */
void expect_delivery(struct group_fixture *f, uint64_t epoch, uint64_t position, uint32_t attempt);
void expect_settling(struct group_fixture *f, enum group_action_kind kind, uint64_t position, const char *reason);
void expect_nothing(struct group_fixture *f);
void ack(struct group_fixture *f, uint64_t epoch, uint64_t position); /* must succeed */
void hold(struct group_fixture *f, uint64_t epoch, uint64_t position);               /* must succeed */
void settle(struct group_fixture *f, uint64_t epoch, uint64_t position, bool stored); /* must succeed */
void nack(struct group_fixture *f, uint64_t epoch, uint64_t position, enum varve_nack action); /* must succeed */

#endif
