/* push_share.h - how long push works for its clients in a turn of the loop, beside those who ask for something.
 *
 * While nobody asks it works, for a moment at first and for longer the longer nobody does. When requests come in every
 * turn it works for a fifth of the time all the same. Pure: the time, and how many have asked, are told. */
#ifndef SERVER_PUSH_SHARE_H
#define SERVER_PUSH_SHARE_H

#include <stdint.h>

enum {
    PUSH_PART_OF_TIME = 5,     /* while requests come in every turn, one part is for push */
    PUSH_TURN_US = 250,        /* the longest turn, */
    PUSH_LEAST_TURN_US = 50,   /* and the shortest: in less it would do little but begin and end */
    PUSH_QUIET_PER_TURN = 4,   /* a turn is at most one part of the time for which nobody has asked */
    PUSH_MOST_OWED_US = 1000,  /* so much of what it took beyond its share is remembered */
    PUSH_MOST_WAIT_US = 10000, /* then it has the shortest turn, whatever it owes: that may be what others took */
};

struct push_share {
    uint64_t looked_us;  /* when push_share_take() was called last, */
    uint64_t requests;   /* and how many requests had come by then */
    uint64_t asked_us;   /* when the newest of them was noticed */
    uint64_t worked_us;  /* when the newest turn began */
    int64_t saved;       /* microseconds that push may work although others wait, in parts; below 0: owed */
};

/* The length of the turn that begins now, after push has worked for `spent_us` since the last call. 0: this turn of the
 * loop is for others, ask again in the next. */
uint64_t push_share_take(struct push_share *share, uint64_t now_us, uint64_t requests, uint64_t spent_us);

#endif
