/* mutations.h - rules of the group machine that can be broken on purpose, to see that the checker notices. The
 * machine's own files are compiled into mutated_*.c, with some of their functions behind others of the same name. */
#ifndef TESTS_MUTATIONS_H
#define TESTS_MUTATIONS_H

enum mutation {
    MUTATION_NONE,
    CHECKPOINT_IGNORES_RETRYING,
    CHECKPOINT_IGNORES_PARKING,
    CHECKPOINT_WAITS_FOR_REPLAYS,
    LATE_ACK_COUNTS,
    CONSUMER_LIMIT_IGNORED,
    NOTHING_RETURNS_FROM_LEAVERS,
    LOST_DELIVERIES_DO_NOT_COUNT,
    RETRY_LETS_ITS_KEY_GO_ON,
    PARKING_IS_NOT_WAITED_FOR,
    PARKING_IS_TOLD_TWICE,
    STOP_DOES_NOT_STOP,
    EXTEND_DOES_NOTHING,
    REPLAY_IS_FORGOTTEN,
    TIMEOUTS_ARE_IGNORED,
    LATEST_OF_KEY_FIRST,
    CHECKPOINT_IGNORES_HELD,
    HELD_RUNS_LATE,
    HELD_CAN_BE_ACKED,
    HELD_RETURNS_FROM_LEAVERS,
    ORPHANS_ARE_FINISHED,
    STORED_IS_GIVEN_BACK,
    UNSTORED_IS_FINISHED,
    ANYBODY_SETTLES,
    MUTATIONS
};
extern enum mutation mutation;

#endif
