/* push_share.h - how long push works for its clients in a turn of the loop, beside those who ask for something.
 *
 * While nobody asks it works, for a moment at first and for longer the longer nobody does. When requests come in every
 * turn it works for a part of the time all the same: half when they are few, a fifth when they are so many that they
 * want the loop for themselves. Pure: the time, and how many have asked, are told. */
#ifndef SERVER_PUSH_SHARE_H
#define SERVER_PUSH_SHARE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PUSH_TURN_US = 250,          /* the longest turn */
    PUSH_MOST_OWED_US = 1000,    /* so much of what it took beyond its share is remembered */
    PUSH_MOST_WAIT_US = 10000,   /* then it has the shortest turn, whatever it owes: that may be what others took */
    PUSH_MANY_PER_MS = 20,       /* requests, over a while, */
    PUSH_WHILE_US = 2000,        /* so long at least */
};

/* What push is granted beside few requests, and beside many. */
struct push_grant {
    unsigned tenths;             /* of the time, while requests come in every turn; */
    unsigned least_us;           /* the shortest turn: in less it would do little but begin and end; */
    unsigned quiet_per_turn;     /* and the longest is one part of the time for which nobody has asked */
};
extern const struct push_grant push_grant_few, push_grant_many;

struct push_share {
    uint64_t looked_us;          /* when push_share_take() was called last, */
    uint64_t requests;           /* and how many requests had come by then */
    uint64_t asked_us;           /* when the newest of them was noticed */
    uint64_t worked_us;          /* when the newest turn began */
    int64_t saved;               /* tenths of microseconds to work although others wait; below 0: owed */
    uint64_t while_us, while_requests; /* since when, and from how many on, they are counted to tell */
    bool many;                   /* whether they are many */
};

/* The length of the turn that begins now, after push has worked for `spent_us` since the last call. 0: this turn of the
 * loop is for others, ask again in the next. */
uint64_t push_share_take(struct push_share *share, uint64_t now_us, uint64_t requests, uint64_t spent_us);

#endif
