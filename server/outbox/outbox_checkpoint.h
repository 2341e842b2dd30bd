/* outbox_checkpoint.h - the records of the checkpoint topic: fixed binary, versioned, with a sum.
 *
 *   key "ck/<name>"            the checkpoint
 *   key "pk/<name>/<stream>"   how far a parked stream was delivered since (only while that is under way)
 *   key "rp/<name>"            how far a replay is */
#ifndef SERVER_OUTBOX_CHECKPOINT_H
#define SERVER_OUTBOX_CHECKPOINT_H

#include "varve/outbox.h"

enum { OUTBOX_CHECKPOINT_BYTES = 96, OUTBOX_PROGRESS_BYTES = 32,
       OUTBOX_MAX_NOTE_KEY = 4 + VARVE_MAX_OUTBOX_NAME + VARVE_MAX_SYSTEM_STREAM_NAME };

struct outbox_checkpoint {
    struct varve_uuid database_id;
    uint64_t position;        /* the highest whose fate is decided: published, filtered, or durably set aside */
    uint64_t position_sum;    /* XXH3-64 at the end of that event's record; 0 for position 0 */
    struct varve_uuid owner;  /* made anew at each start of the process */
    uint64_t generation;      /* one more with each claim */
    int64_t written_at_us;
};
void outbox_checkpoint_encode(const struct outbox_checkpoint *checkpoint, uint8_t ret[OUTBOX_CHECKPOINT_BYTES]);
/* CORRUPT, NEWER_FORMAT. */
enum varve_status outbox_checkpoint_decode(struct varve_view value, struct outbox_checkpoint *ret,
                                           struct varve_error *error);

struct outbox_progress {      /* of "pk/" and "rp/" */
    uint64_t number;          /* of the replay; 0 for a parked stream */
    uint64_t position;        /* delivered up to here */
};
void outbox_progress_encode(const struct outbox_progress *progress, uint8_t ret[OUTBOX_PROGRESS_BYTES]);
enum varve_status outbox_progress_decode(struct varve_view value, struct outbox_progress *ret,
                                         struct varve_error *error);

enum outbox_note_kind { OUTBOX_NOTE_CHECKPOINT, OUTBOX_NOTE_PARKED, OUTBOX_NOTE_REPLAY, OUTBOX_NOTE_OTHER };
/* Into `ret`, without a NUL; `stream` for PARKED only. */
struct varve_view outbox_note_key(enum outbox_note_kind kind, const char *name, struct varve_view stream,
                                  char ret[OUTBOX_MAX_NOTE_KEY]);
/* OTHER for keys of other outboxes and what is none. */
enum outbox_note_kind outbox_note_parse(struct varve_view key, const char *name, struct varve_view *ret_stream);

/* What the checkpoint that was found means for this log. HALT_NONE: go on behind *ret_position. `found` NULL: there is
 * none. `hint`: the newest that the log remembers (0: none). `sum` is that of the event at found->position, when there
 * is one (found->position <= head). Of a mock, what is missing or older than the hint: the hint. A `start_from` beyond
 * the end is the end. */
struct outbox_judgement {
    const struct outbox_checkpoint *found;
    struct varve_uuid database_id;
    uint64_t head, sum, hint, start_from;
    bool is_mock;                  /* a cluster that forgets: nothing missing is a surprise */
};
enum varve_outbox_halt outbox_checkpoint_judge(const struct outbox_judgement *judgement, uint64_t *ret_position,
                                               char *why, size_t why_room);

#endif
