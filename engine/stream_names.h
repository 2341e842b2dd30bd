/* stream_names.h - the first so many stream names behind a given one, sorted, from the tail and the store together. */
#ifndef ENGINE_STREAM_NAMES_H
#define ENGINE_STREAM_NAMES_H

#include "store_parts.h"

struct stream_names {
    struct varve_view prefix, after;
    bool include_system;
    size_t count;
    struct stream_name *names; /* sorted by bytes once collected, each once */
    size_t room;
};

/* At most `limit` names that begin with prefix and are greater than after. Free with stream_names_free() either way. */
enum varve_status stream_names_collect(struct stream_names *names, struct varve_store *store, size_t limit,
                                       struct varve_error *error);
struct varve_view stream_names_at(const struct stream_names *names, size_t i);
void stream_names_free(struct stream_names *names);

#endif
