/* group_record.h - what a consumer group remembers in the log: the events of `$group-<name>`, as JSON and back.
 *
 * Each of these events is a whole picture of the group, so that the last one is all that is needed at start. Numbers of
 * later versions that are not known here are skipped. See docs/subscriptions.md for the fields. */
#ifndef SERVER_GROUP_RECORD_H
#define SERVER_GROUP_RECORD_H

#include "group_ranges.h"
#include "varve/group.h"

#define GROUP_STREAM_PREFIX "$group-"
#define PARKED_STREAM_PREFIX "$parked-"
enum { GROUP_STREAM_NAME_BYTES = sizeof(PARKED_STREAM_PREFIX) + VARVE_MAX_GROUP_NAME }; /* of either, NUL included */

enum group_event_kind {
    GROUP_CREATED, GROUP_UPDATED, GROUP_RESET, GROUP_JOINED, GROUP_CHECKPOINT, GROUP_STOPPED, GROUP_RESUMED,
    GROUP_DELETED,
    GROUP_EVENT_KINDS
};
const char *group_event_type(enum group_event_kind kind); /* "$group.created", ... */

struct group_record {
    struct varve_group_settings settings; /* settings.filter is `filter` */
    struct varve_filter *filter;          /* made by varve_filter_copy(); the record's own */
    uint64_t checkpoint;
    struct group_ranges finished;         /* above it; the record's own */
    uint64_t acked_through;               /* a version of `$group-<name>`: what transactions acked up to there is in
                                           * checkpoint and finished. UINT64_MAX: does not say; up to the picture */
    uint64_t epoch;                       /* of the last member or reset; greater than all that were handed out */
    uint64_t created_epoch, reset_epoch;  /* what `epoch` was then: parked events from before do not count */
    bool stopped;
    size_t stop_reason_size;
    char stop_reason[VARVE_MAX_REASON];
    int64_t created_at_us;
};
void group_record_end(struct group_record *record);

/* Sets settings, and the filter as a copy of theirs, whatever was there before. False: no memory. */
bool group_record_set(struct group_record *record, const struct varve_group_settings *settings);
void group_record_set_stopped(struct group_record *record, struct varve_view reason); /* what fits of it */

/* The data of an event, ended with free(). data == NULL: no memory. */
struct varve_view group_record_encode(const struct group_record *record);
/* VARVE_CORRUPT says what is wrong with it, *ret is untouched then. */
enum varve_status group_record_decode(struct varve_view data, struct group_record *ret, struct varve_error *error);

/* Writes prefix + name and a NUL. */
struct varve_view group_stream_name(const char *prefix, struct varve_view group, char ret[GROUP_STREAM_NAME_BYTES]);

#endif
