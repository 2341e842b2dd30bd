/* fold.h - the events of streams folded to states by a reducer, so that snapshots can be made of them.
 *
 * A reducer is what the user names:
 *   merge        built in: the JSON merge patches (RFC 7396) that the events' data are, one after the other
 *   ./name.so    a shared object with the functions of reducer.h, in this process
 *   program ...  a command that answers messages on its standard output; docs/reducers.md has the protocol
 *
 * A reducer is opened once and shared; each thread folds with a fold of its own, one stream at a time:
 *
 *     varve_fold_stream(fold, name, NULL, &error);             begin, or with a snapshot go on
 *     varve_fold_event(fold, event, &error);                   for each event
 *     varve_fold_save(fold, &data, &error);                    as often as wanted
 *
 * What fails is the stream: its name is in the message, and that of the event where there is one. The fold itself can
 * be used for the next one, unless varve_fold_is_lost() says that no stream will do better. A process that folds with
 * programs must ignore SIGPIPE. */
#ifndef VARVE_FOLD_H
#define VARVE_FOLD_H

#include "varve/snapshots.h"

struct varve_reducing; /* an opened reducer */
struct varve_fold;     /* what one thread folds with */

struct varve_reducing_options {
    const char *reducer;       /* as above */
    const char *type;          /* of the snapshots; NULL: the shared object's own, or "merge"; a program needs it */
    uint32_t schema_version;   /* 0: the shared object's own, else 1 */
    bool msgpack;              /* programs: messages are msgpack behind a length, instead of lines of JSON */
    uint32_t timeout_ms;       /* programs: for one answer; default 30,000; 0: for ever */
};
void varve_reducing_options_init(struct varve_reducing_options *options);

/* Does this name a shared object, whose crashes are ours? */
bool varve_reducing_is_object(const char *reducer);
/* What is there and can be used at all: INVALID_ARGUMENT (field "reducer", "type", ...), IO, NO_MEMORY. Keeps no
 * reference to the options. */
enum varve_status varve_reducing_open(const struct varve_reducing_options *options,
                                      struct varve_reducing **ret_reducing, struct varve_error *error);
void varve_reducing_close(struct varve_reducing *reducing); /* after its folds; NULL allowed */

/* What its snapshots are; the type lives as long as it. */
struct varve_view varve_reducing_type(const struct varve_reducing *reducing);
uint32_t varve_reducing_schema_version(const struct varve_reducing *reducing);
enum varve_content_type varve_reducing_content_type(const struct varve_reducing *reducing);

/* IO: a program cannot be started. NO_MEMORY. */
enum varve_status varve_fold_begin(struct varve_reducing *reducing, struct varve_fold **ret_fold,
                                   struct varve_error *error);
void varve_fold_end(struct varve_fold *fold); /* NULL allowed */

/* A stream from its first event (data NULL), or from a snapshot of this type and schema_version. `stream` must live as
 * long as the stream is folded. What was folded before is forgotten. */
enum varve_status varve_fold_stream(struct varve_fold *fold, struct varve_view stream, const struct varve_view *data,
                                    struct varve_error *error);
/* The next event; its bytes need to live during the call only. INVALID_ARGUMENT: the reducer cannot take it, or said
 * no. A program may say so later: with another event or when the state is saved. */
enum varve_status varve_fold_event(struct varve_fold *fold, const struct varve_event *event,
                                   struct varve_error *error);
/* The state as bytes, which live until the next call; folding may go on behind it. EVENT_TOO_LARGE: more than
 * VARVE_SNAPSHOT_MAX_BYTES. INVALID_ARGUMENT: it is said to be JSON, and is not. */
enum varve_status varve_fold_save(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error);
/* A program that ended without any answer so often, one time after the other, that there is no hope. */
bool varve_fold_is_lost(const struct varve_fold *fold);

/* The stream that this thread is calling a shared object for, NULL for none: for a handler of the signals that bad code
 * raises. Safe in such a handler. */
const struct varve_view *varve_fold_at_work(void);

#endif
