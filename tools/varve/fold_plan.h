/* fold_plan.h - which streams are to be folded: what is listed of streams, beside what is listed of their snapshots.
 *
 * Both lists are in the order of the streams' names, so one pass over both, in pages, is enough whatever their size. */
#ifndef TOOLS_FOLD_PLAN_H
#define TOOLS_FOLD_PLAN_H

#include "fold_pool.h"
#include "snapshot_cursor.h"

struct fold_plan_counts {
    uint64_t streams;      /* looked at: the sum of what follows but for `events` */
    uint64_t due;          /* to be folded, */
    uint64_t events;       /* with so many events */
    uint64_t up_to_date;   /* their newest snapshot is that of their last event */
    uint64_t not_due;      /* fewer than `every` events are behind it */
    uint64_t too_short;    /* no more than `longer_than` events */
    uint64_t ended;        /* deleted or tombstoned */
    uint64_t crashed;      /* to be skipped */
    uint64_t without;      /* verify: they have no snapshot of the kind */
};

/* Which streams: one of this name, those whose names begin so, or those of this category. */
enum fold_choice_kind { FOLD_STREAM, FOLD_PREFIX, FOLD_CATEGORY };
struct fold_choice {
    enum fold_choice_kind kind;
    struct varve_view name;
};

struct fold_plan {
    enum fold_purpose purpose;
    struct state_source *source;              /* for nothing else */
    struct varve_view type;                   /* of the snapshots, */
    uint32_t schema_version;                  /* likewise */
    uint64_t every, longer_than;
    /* Takes the batch over; false: it wants no more. */
    bool (*take)(void *user, struct fold_batch *batch);
    void (*tick)(void *user);                 /* now and then */
    bool (*skip)(void *user, struct varve_view stream); /* it is known to crash */
    void *user;

    struct fold_plan_counts counts;
    const struct fold_choice *choices;        /* sorted, */
    size_t stream_choices, choice_at;         /* so many of streams first; which one is being planned */
    struct fold_batch *batch;                 /* not yet full */
    struct snapshot_cursor cursor;
    int64_t *versions;                        /* of the stream's snapshots of this kind */
    size_t version_count, version_capacity;
    bool stopped;                             /* take() wants no more */
};

/* What any of the choices takes, each stream once; the choices get sorted. Without any: all streams but system streams.
 * STREAM_NOT_FOUND: one that is named. */
enum varve_status fold_plan_choose(struct fold_plan *plan, struct fold_choice *choices, size_t count,
                                   struct varve_error *error);
/* Hands over what is left, and frees what the plan holds. */
void fold_plan_end(struct fold_plan *plan);

#endif
