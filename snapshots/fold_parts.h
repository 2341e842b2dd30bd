/* fold_parts.h - what the kinds of reducers fill in, and what they are built of. */
#ifndef SNAPSHOTS_FOLD_PARTS_H
#define SNAPSHOTS_FOLD_PARTS_H

#include "varve/fold.h"

/* Of one kind. Streams and snapshots of them are checked by fold.c, which also says where it was: messages need not. */
struct fold_kind {
    enum varve_status (*begin)(struct varve_fold *fold, struct varve_error *error);
    void (*end)(struct varve_fold *fold);
    enum varve_status (*stream)(struct varve_fold *fold, const struct varve_view *data, struct varve_error *error);
    enum varve_status (*event)(struct varve_fold *fold, const struct varve_event *event, struct varve_error *error);
    enum varve_status (*save)(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error);
    void (*close)(struct varve_reducing *reducing);
};
extern const struct fold_kind fold_merge, fold_object, fold_program;

struct varve_reducing {
    const struct fold_kind *kind;
    char type[VARVE_SNAPSHOT_MAX_TYPE + 1];
    uint32_t schema_version;
    enum varve_content_type content_type;
    void *own;           /* the kind's; NULL or freed by its close() */
    char *command;       /* of a program, or the path of an object */
    bool msgpack;
    uint32_t timeout_ms;
};

struct varve_fold {
    struct varve_reducing *reducing;
    struct varve_view stream; /* the one at work; absent: none, or it has failed */
    bool lost;
    void *own;           /* the kind's; freed by its end() */
};

/* fold_object.c: opens the object and takes type, schema_version and content_type from it. */
enum varve_status fold_object_open(struct varve_reducing *reducing, struct varve_error *error);

#endif
