/* model_drive.h - a store and its model side by side: each operation is done to both and must come out the same. */
#ifndef TESTS_MODEL_DRIVE_H
#define TESTS_MODEL_DRIVE_H

#include "support/model.h"
#include "support/store_fixture.h"

enum { DRIVE_HISTORY = 64, DRIVE_BURST = 12, DRIVE_MAX_DATA = 9000 };

struct drive {
    struct store_fixture f;
    struct model model;
    uint64_t seed;        /* of what comes next */
    uint64_t next_id;
    int64_t now_us;
    struct model_request history[DRIVE_HISTORY];
    unsigned history_count;
    uint64_t since_open_events;  /* stored since the store was opened */
    uint64_t reads, records;     /* looked at, for the summary */
    char data[DRIVE_MAX_DATA];
};

/* A new store with random small limits. */
void drive_init(struct drive *d, uint64_t seed);
void drive_free(struct drive *d);

/* The bytes of a content. */
struct varve_view drive_data(struct drive *d, uint64_t content, char *room);
/* The varve_append of a request; the caller frees it. */
struct varve_append *drive_make(struct drive *d, const struct model_request *request);
void drive_check_outcome(const struct varve_append_outcome *outcome, const struct model_outcome *wanted,
                         unsigned result_count);
/* The record must be the model's event at this position. */
void drive_check_record(struct drive *d, uint64_t position, const uint8_t *record, uint32_t size);
void drive_check_read(struct drive *d, const struct model_read *read);
void drive_check_info(struct drive *d, unsigned stream);
void drive_check_list(struct drive *d, struct varve_view prefix, struct varve_view after, unsigned limit, bool system);
void drive_check_stats(struct drive *d);
/* Everything there is, by every way to it. */
void drive_check_all(struct drive *d);

#endif
