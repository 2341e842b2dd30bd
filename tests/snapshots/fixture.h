/* fixture.h - a cache in a directory of its own, and a naive model of what it must hold. */
#ifndef TESTS_SNAPSHOTS_FIXTURE_H
#define TESTS_SNAPSHOTS_FIXTURE_H

#include "support/check.h"
#include "support/temp_dir.h"

#include "varve/snapshots.h"

#define FIXTURE_MAP (UINT64_C(1) << 28)

struct fixture {
    char directory[TEMP_DIR_PATH];
    char path[TEMP_DIR_PATH + 32];
    struct varve_uuid database_id;
    struct varve_snapshots_options options; /* for the next opening */
    struct varve_snapshots *cache;
    bool lossy;                             /* the file may lose some: the model trims nothing then */
    unsigned told;                          /* how often `damaged` was called */
    char message[512];                      /* what it said last */
};
void fixture_open(struct fixture *fixture);    /* a new directory */
void fixture_reopen(struct fixture *fixture);  /* closed first, if it is open */
void fixture_close(struct fixture *fixture);   /* and removed */

struct model_snapshot {
    char stream[32];
    int64_t version;
    uint32_t schema_version;
    char type[16];
    uint32_t size;
    uint64_t seed;       /* of data */
};
struct model {
    struct model_snapshot *items; /* by stream, then version */
    size_t count;
};
void model_free(struct model *model);
/* Returns how many went, as varve_snapshots_put() counts. */
uint32_t model_put(struct model *model, const struct model_snapshot *item, uint32_t keep);
uint64_t model_delete(struct model *model, const char *stream, int64_t from, int64_t until);
const struct model_snapshot *model_get(const struct model *model, const char *stream, int64_t at_or_below,
                                       const char *type, uint32_t schema_version);
const struct model_snapshot *model_find(const struct model *model, struct varve_view stream, int64_t version);

/* As a snapshot whose data lives in memory that the caller frees. */
struct varve_snapshot model_snapshot_of(const struct model_snapshot *item, char **ret_data);
/* Put into both; the cache must take it. */
void fixture_put(struct fixture *fixture, struct model *model, const struct model_snapshot *item, uint32_t keep);
/* Is this the one that was put? */
void check_is(const struct varve_snapshot *snapshot, const struct model_snapshot *item);
struct model_snapshot random_item(uint64_t *random, unsigned streams, unsigned versions, uint32_t most_bytes);

/* Both hold the same: by get and by list, in pages of `limit`. */
void check_same(struct fixture *fixture, const struct model *model, uint32_t limit);
/* Whatever the cache has of these streams is in the model. Returns how many of the model's it did not give. */
unsigned check_no_lies(struct fixture *fixture, const struct model *model, unsigned streams);

#endif
