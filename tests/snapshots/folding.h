/* folding.h - streams folded in a few words, for the tests of reducers. */
#ifndef TESTS_SNAPSHOTS_FOLDING_H
#define TESTS_SNAPSHOTS_FOLDING_H

#include "support/check.h"
#include "varve/fold.h"

struct folding {
    struct varve_reducing *reducing;
    struct varve_fold *fold;
    uint64_t version;             /* of the next event */
    struct varve_error error;     /* of the last call that failed */
};

/* Fails the test when the reducer cannot be opened. */
void folding_begin(struct folding *folding, const char *reducer);
void folding_begin_with(struct folding *folding, const struct varve_reducing_options *options);
void folding_end(struct folding *folding);

/* A path below the build's folder, such as "examples/reducer.so". Static. */
const char *folding_built(const char *path);

/* `state` NULL: from the beginning. */
enum varve_status folding_stream(struct folding *folding, const char *stream, const char *state);
enum varve_status folding_event(struct folding *folding, const char *type, const char *json);
enum varve_status folding_bytes(struct folding *folding, enum varve_content_type type, const void *data, size_t size);
/* Fails the test when the state is another. */
void folding_expect(struct folding *folding, const char *state);
/* The message of the error has these words in it. */
void folding_expect_error(const struct folding *folding, enum varve_status status, const char *words);

#endif
