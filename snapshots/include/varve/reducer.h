/* reducer.h - what a shared object must offer so that varve can fold streams with it (`--reducer ./account.so`).
 *
 * Needs no library of varve. Write one function, varve_reducer(), that returns a table of functions; see
 * docs/examples/reducer.c. One state belongs to one thread; different states are folded by different threads at the
 * same time, so the functions must not share anything that they change. */
#ifndef VARVE_REDUCER_H
#define VARVE_REDUCER_H

#include <stddef.h>
#include <stdint.h>

#define VARVE_REDUCER_ABI 1

/* One event. Pointers live during the call; texts have a size and no NUL at the end. */
struct varve_reducer_event {
    const char *stream;
    size_t stream_size;
    const char *type;
    size_t type_size;
    int64_t version;          /* in its stream, from 0 */
    uint64_t position;        /* in the store, from 1 */
    int64_t recorded_at_us;   /* microseconds since 1970 UTC */
    uint32_t schema_version;
    uint32_t content_type;    /* 0 application/json, 1 application/msgpack, 2 application/octet-stream */
    const void *data;
    size_t data_size;
};

struct varve_reducer_state;   /* the reducer's own */

struct varve_reducer {
    uint32_t abi;             /* VARVE_REDUCER_ABI */
    const char *type;         /* of the snapshots it makes: "account" */
    uint32_t schema_version;  /* likewise, from 1: raise it when what data means changes */
    uint32_t content_type;    /* of the data it makes, as above */
    /* A new state: from a snapshot's data, which may be of any age but has this type and schema_version, or, when
     * `data` is NULL, of an aggregate that has no event yet. NULL: it failed, *ret_error says why (static text). */
    struct varve_reducer_state *(*create)(const char *stream, size_t stream_size, const void *data, size_t data_size,
                                          const char **ret_error);
    /* Take the next event in. NULL: well; else why not (static text, or living as long as the state); the stream is
     * given up. */
    const char *(*apply)(struct varve_reducer_state *state, const struct varve_reducer_event *event);
    /* The state as bytes, which live until the next call with this state. NULL in *ret_data: no memory. The same state
     * must give the same bytes: `varve snapshot verify` compares them. */
    void (*save)(struct varve_reducer_state *state, const void **ret_data, size_t *ret_size);
    void (*destroy)(struct varve_reducer_state *state);
};

/* The one symbol that is looked up. */
const struct varve_reducer *varve_reducer(void);

#endif
