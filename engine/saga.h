/* saga.h - what the events of a saga mean: the row that they fold into, and which action fits which status.
 *
 * The same code folds them where they are committed (tail_layer.c), where they are settled (settle_sagas.c) and where
 * they are checked (check_sagas.c). Nothing here takes memory or touches a disk: it runs where events are committed. */
#ifndef ENGINE_SAGA_H
#define ENGINE_SAGA_H

#include "varve/saga.h"

#define SAGA_PREFIX "$saga-"
enum { SAGA_MAX_METADATA = 8192, SAGA_MAX_ERROR_JSON = 6 * VARVE_SAGA_MAX_ERROR + 2 };

/* Beside enum varve_saga_status, for what has no row. */
enum { SAGA_NONE = VARVE_SAGA_STATUSES, SAGA_ARCHIVED };

struct saga_row {
    unsigned status;               /* enum varve_saga_status, SAGA_NONE or SAGA_ARCHIVED */
    enum varve_content_type content_type;
    int64_t version;
    uint64_t position;             /* of the last event */
    uint64_t state_position;       /* of the event whose data is the state; 0: there is none */
    int64_t started_at_us, updated_at_us, completed_at_us, failed_at_us, deadline_us; /* VARVE_TIME_NONE */
    struct varve_uuid correlation_id;
    struct varve_view step;        /* points into the record or the row that it was read from */
    struct varve_view error_json;  /* likewise: a JSON string with its quotes; empty: none */
};
void saga_row_init(struct saga_row *row); /* SAGA_NONE */
static inline bool saga_row_is_listed(const struct saga_row *row)
{
    return row->status < VARVE_SAGA_STATUSES;
}

/* "$saga-<type>-<id>" taken apart; false: it is no such name. */
bool saga_split(struct varve_view stream, struct varve_view *ret_type, struct varve_view *ret_id);
/* Quick, for every event that is committed. */
static inline bool saga_is_stream(struct varve_view stream)
{
    return stream.size > 6 && stream.data[0] == '$' && __builtin_memcmp(stream.data, SAGA_PREFIX, 6) == 0;
}

/* The status that `action` leads to from `status` (both of saga.h's table; SAGA_NONE, SAGA_ARCHIVED included), or -1.
 * */
int saga_next_status(unsigned status, enum varve_saga_action action);
/* Why a change does not fit: VARVE_OK, SAGA_EXISTS, SAGA_NOT_FOUND, SAGA_CONFLICT (version) or SAGA_FINISHED. A
 * TIME_OUT without a deadline is SAGA_FINISHED. */
enum varve_status saga_may(const struct saga_row *row, enum varve_saga_action action, int64_t expected);

/* The event of a change, for a stream of its own: type "$saga.started", "$saga.stepped", "$saga.compensating",
 * "$saga.completed", "$saga.failed", "$saga.archived" or "$saga.timed_out"; its metadata is written into `metadata`. */
void saga_change_event(const struct varve_saga_change *change, char metadata[SAGA_MAX_METADATA],
                       struct varve_event *ret_event);
/* The change's own error and step fit. What action does an event's type stand for? -1: none. */
int saga_action_of(struct varve_view event_type);

/* The row after this verified record of the saga's stream. CORRUPT: it cannot be understood, *row is as it was. Events
 * whose type is no saga's change the version, position and updated_at only. */
enum varve_status saga_fold(struct saga_row *row, const uint8_t *record, uint32_t size);

/* A JSON string with its quotes, unescaped into `ret` (at most VARVE_SAGA_MAX_ERROR bytes); the size. */
size_t saga_error_text(struct varve_view error_json, char *ret);

#endif
