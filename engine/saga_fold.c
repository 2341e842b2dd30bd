/* saga_fold.c - a saga's events: how a change becomes one, and the row that they fold into. */
#include "saga.h"

#include "varve/json.h"
#include "varve/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_types[VARVE_SAGA_ACTIONS] = {
    [VARVE_SAGA_BEGIN] = "$saga.started",          [VARVE_SAGA_STEP] = "$saga.stepped",
    [VARVE_SAGA_COMPENSATE] = "$saga.compensating", [VARVE_SAGA_COMPLETE] = "$saga.completed",
    [VARVE_SAGA_FAIL] = "$saga.failed",            [VARVE_SAGA_ARCHIVE] = "$saga.archived",
    [VARVE_SAGA_TIME_OUT] = "$saga.timed_out",
};

int saga_action_of(struct varve_view event_type)
{
    for (int action = 0; action < VARVE_SAGA_ACTIONS; action++)
        if (varve_view_equal(event_type, varve_view_str(event_types[action])))
            return action;
    return -1;
}

/* ---- which action fits which status ---- */

enum { NO = 0, /* Where the table says nothing. */
       RUNNING = 1 + VARVE_SAGA_RUNNING, COMPENSATING = 1 + VARVE_SAGA_COMPENSATING,
       TIMED_OUT = 1 + VARVE_SAGA_TIMED_OUT, COMPLETED = 1 + VARVE_SAGA_COMPLETED, FAILED = 1 + VARVE_SAGA_FAILED,
       ARCHIVED = 1 + SAGA_ARCHIVED };

/* The columns are statuses, as in varve/saga.h. */
static const uint8_t next_statuses[VARVE_SAGA_ACTIONS][SAGA_ARCHIVED + 1] = {
    /*                          running       compensating  timed out     completed  failed    none     archived */
    [VARVE_SAGA_BEGIN]      = { NO,           NO,           NO,           NO,        NO,       RUNNING, NO },
    [VARVE_SAGA_STEP]       = { RUNNING,      COMPENSATING, RUNNING,      NO,        NO,       NO,      NO },
    [VARVE_SAGA_COMPENSATE] = { COMPENSATING, COMPENSATING, COMPENSATING, NO,        NO,       NO,      NO },
    [VARVE_SAGA_COMPLETE]   = { COMPLETED,    NO,           COMPLETED,    NO,        NO,       NO,      NO },
    [VARVE_SAGA_FAIL]       = { FAILED,       FAILED,       FAILED,       NO,        NO,       NO,      NO },
    [VARVE_SAGA_ARCHIVE]    = { NO,           NO,           NO,           ARCHIVED,  ARCHIVED, NO,      NO },
    [VARVE_SAGA_TIME_OUT]   = { TIMED_OUT,    TIMED_OUT,    NO,           NO,        NO,       NO,      NO },
};

int saga_next_status(unsigned status, enum varve_saga_action action)
{
    if (status > SAGA_ARCHIVED || (unsigned)action >= VARVE_SAGA_ACTIONS)
        return -1;
    return (int)next_statuses[action][status] - 1;
}

enum varve_status saga_may(const struct saga_row *row, enum varve_saga_action action, int64_t expected)
{
    if (action == VARVE_SAGA_BEGIN)
        return row->status == SAGA_NONE ? VARVE_OK : VARVE_SAGA_EXISTS;
    if (!saga_row_is_listed(row))
        return VARVE_SAGA_NOT_FOUND;
    if (expected != VARVE_EXPECTED_STREAM_EXISTS && expected != row->version)
        return VARVE_SAGA_CONFLICT;
    if (action == VARVE_SAGA_TIME_OUT && row->deadline_us == VARVE_TIME_NONE)
        return VARVE_SAGA_FINISHED;
    return saga_next_status(row->status, action) < 0 ? VARVE_SAGA_FINISHED : VARVE_OK;
}

/* ---- the event of a change ---- */

struct text {
    char *at, *end;
};

static void put(struct text *text, struct varve_view piece)
{
    assert((size_t)(text->end - text->at) >= piece.size);
    if (piece.size > 0)
        memcpy(text->at, piece.data, piece.size);
    text->at += piece.size;
}

/* The member's name, behind a comma unless it is the first. */
static void put_name(struct text *text, const char *name)
{
    put(text, varve_view_str(text->at[-1] == '{' ? "\"" : ",\""));
    put(text, varve_view_str(name));
    put(text, varve_view_str("\":"));
}

static void put_string(struct text *text, struct varve_view value)
{
    char escape[8];

    put(text, varve_view_str("\""));
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c < 0x20)
            snprintf(escape, sizeof(escape), "\\u%04x", c);
        else
            snprintf(escape, sizeof(escape), c == '"' || c == '\\' ? "\\%c" : "%c", c);
        put(text, varve_view_str(escape));
    }
    put(text, varve_view_str("\""));
}

static struct varve_view compose_metadata(const struct varve_saga_change *change, char metadata[SAGA_MAX_METADATA])
{
    struct text text = { metadata, metadata + SAGA_MAX_METADATA };
    char number[24];

    put(&text, varve_view_str("{"));
    if (change->step.size > 0) {
        put_name(&text, "step");
        put_string(&text, change->step);
    }
    if (change->deadline_us != VARVE_TIME_NONE) {
        snprintf(number, sizeof(number), "%" PRId64, change->deadline_us);
        put_name(&text, "deadline_us");
        put(&text, varve_view_str(number));
    }
    if (change->error.size > 0) {
        put_name(&text, "error");
        put_string(&text, change->error);
    }
    put_name(&text, "state");
    put(&text, varve_view_str(change->has_state ? "\"new\"}" : "\"kept\"}"));
    return varve_view_of(metadata, (size_t)(text.at - metadata));
}

void saga_change_event(const struct varve_saga_change *change, char metadata[SAGA_MAX_METADATA],
                       struct varve_event *ret_event)
{
    *ret_event = (struct varve_event){
        .type = varve_view_str(event_types[change->action]),
        .id = change->event_id,
        .correlation_id = change->correlation_id,
        .causation_id = change->causation_id,
        .time_us = VARVE_TIME_NONE,
        .schema_version = 1,
        .content_type = change->has_state ? change->content_type : VARVE_CONTENT_OCTET_STREAM,
        .data = change->has_state ? change->state : (struct varve_view){ NULL, 0 },
        .metadata = compose_metadata(change, metadata),
    };
}

/* ---- what an event says ---- */

struct said {
    struct varve_view step, error_json;
    int64_t deadline_us;
    bool has_state;
};

static bool is_text(struct varve_view view, const char *text)
{
    return varve_view_equal(view, varve_view_str(text));
}

/* A whole number as we write them. */
static bool parse_time(struct varve_view text, int64_t *ret)
{
    bool negative = text.data[0] == '-';
    int64_t number = 0;

    for (size_t i = negative; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text.data[i] - '0', &number))
            return false;
    }
    *ret = negative ? -number : number;
    return true;
}

/* Without its quotes; a step is free of what JSON would have to escape. */
static bool parse_step(struct varve_view json, struct varve_view *ret)
{
    if (json.data[0] != '"' || json.size - 2 > VARVE_SAGA_MAX_STEP || memchr(json.data, '\\', json.size) != NULL)
        return false;
    *ret = varve_view_of(json.data + 1, json.size - 2);
    return true;
}

/* One member; false: we do not write that. A member of a later version changes nothing here. */
static bool take_member(struct varve_view key, struct varve_view value, struct said *said)
{
    if (is_text(key, "step"))
        return parse_step(value, &said->step);
    if (is_text(key, "deadline_us"))
        return parse_time(value, &said->deadline_us);
    if (is_text(key, "error")) {
        said->error_json = value;
        return value.data[0] == '"' && value.size <= SAGA_MAX_ERROR_JSON;
    }
    if (is_text(key, "state")) {
        said->has_state = is_text(value, "\"new\"");
        return said->has_state || is_text(value, "\"kept\"");
    }
    return true;
}

static bool read_metadata(struct varve_view metadata, struct said *ret)
{
    struct said said = { .deadline_us = VARVE_TIME_NONE };
    struct varve_view key, value;
    size_t cursor = 0;

    if (metadata.size == 0 || metadata.data[0] != '{' || !varve_json_check(metadata, NULL, NULL))
        return false;
    while (varve_json_next_member(metadata, &cursor, &key, &value))
        if (!take_member(key, value, &said))
            return false;
    *ret = said;
    return true;
}

/* ---- folding ---- */

void saga_row_init(struct saga_row *row)
{
    *row = (struct saga_row){
        .status = SAGA_NONE,
        .version = -1,
        .started_at_us = VARVE_TIME_NONE,
        .updated_at_us = VARVE_TIME_NONE,
        .completed_at_us = VARVE_TIME_NONE,
        .failed_at_us = VARVE_TIME_NONE,
        .deadline_us = VARVE_TIME_NONE,
    };
}

static void pass_event(struct saga_row *row, const struct varve_event *event)
{
    row->version = (int64_t)event->version;
    row->position = event->position;
    row->updated_at_us = event->recorded_at_us;
}

/* Why it went wrong stays until something else went wrong, or the saga runs or is complete. */
static void apply_error(struct saga_row *row, const struct said *said)
{
    if (row->status == VARVE_SAGA_RUNNING || row->status == VARVE_SAGA_COMPLETED)
        row->error_json = varve_view_of(NULL, 0);
    else if (said->error_json.size > 0)
        row->error_json = said->error_json;
}

/* A deadline that has passed is none any more, and who is finished has none. */
static void apply(struct saga_row *row, enum varve_saga_action action, const struct varve_event *event,
                  const struct said *said)
{
    if (action == VARVE_SAGA_BEGIN) {
        row->started_at_us = event->recorded_at_us;
        row->correlation_id = event->correlation_id;
    }
    if (action == VARVE_SAGA_BEGIN || action == VARVE_SAGA_STEP || action == VARVE_SAGA_COMPENSATE)
        row->step = said->step;
    if (action == VARVE_SAGA_COMPLETE)
        row->completed_at_us = event->recorded_at_us;
    if (action == VARVE_SAGA_FAIL)
        row->failed_at_us = event->recorded_at_us;
    row->deadline_us = said->deadline_us;
    apply_error(row, said);
    if (said->has_state) {
        row->state_position = event->position;
        row->content_type = event->content_type;
    }
    pass_event(row, event);
}

enum varve_status saga_fold(struct saga_row *row, const uint8_t *record, uint32_t size)
{
    struct varve_event event;
    struct said said;
    int action, status;

    if (varve_record_decode(record, size, &event) != VARVE_OK || (int64_t)event.version <= row->version ||
        event.position <= row->position)
        return VARVE_CORRUPT;
    action = saga_action_of(event.type);
    if (action < 0) {
        pass_event(row, &event);
        return VARVE_OK;
    }
    status = saga_next_status(row->status, (enum varve_saga_action)action);
    if (status < 0 || !read_metadata(event.metadata, &said))
        return VARVE_CORRUPT;
    row->status = (unsigned)status;
    apply(row, (enum varve_saga_action)action, &event, &said);
    return VARVE_OK;
}

/* ---- errors as text ---- */

/* What the escape at `at` means, and how many of the `left` bytes it takes. Beyond ASCII nothing is escaped by us, so
 * a '?' has to do. */
static char unescape(const char *at, size_t left, size_t *ret_size)
{
    static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    const char *found = left < 2 ? NULL : memchr(plain, at[1], sizeof(plain) - 1);
    char digits[5] = "", *end;
    unsigned long number;

    *ret_size = 2;
    if (found != NULL)
        return meaning[found - plain];
    if (left < 6)
        return '?';
    *ret_size = 6;
    memcpy(digits, at + 2, 4);
    number = strtoul(digits, &end, 16);
    return end == digits + 4 && number < 0x80 ? (char)number : '?';
}

size_t saga_error_text(struct varve_view error_json, char *ret)
{
    size_t size = 0, step;

    for (size_t i = 1; i + 1 < error_json.size && size < VARVE_SAGA_MAX_ERROR; i += step) {
        step = 1;
        ret[size++] = error_json.data[i] == '\\' ? unescape(error_json.data + i, error_json.size - 1 - i, &step)
                                                : error_json.data[i];
    }
    return size;
}
