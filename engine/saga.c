/* saga.c - what anybody may know of sagas without a store: their names, the shape of a change, the words for statuses
 * and actions. */
#include "saga.h"

#include "utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[VARVE_SAGA_STATUSES] = {
    [VARVE_SAGA_RUNNING] = "running",     [VARVE_SAGA_COMPENSATING] = "compensating",
    [VARVE_SAGA_TIMED_OUT] = "timed_out", [VARVE_SAGA_COMPLETED] = "completed",
    [VARVE_SAGA_FAILED] = "failed",
};

static const char *const action_names[VARVE_SAGA_ACTIONS] = {
    [VARVE_SAGA_BEGIN] = "begin",       [VARVE_SAGA_STEP] = "step",
    [VARVE_SAGA_COMPENSATE] = "compensate", [VARVE_SAGA_COMPLETE] = "complete",
    [VARVE_SAGA_FAIL] = "fail",         [VARVE_SAGA_ARCHIVE] = "archive",
    [VARVE_SAGA_TIME_OUT] = "time_out",
};

const char *varve_saga_status_name(enum varve_saga_status status)
{
    return (unsigned)status < VARVE_SAGA_STATUSES ? status_names[status] : NULL;
}

bool varve_saga_status_parse(struct varve_view text, enum varve_saga_status *ret)
{
    for (unsigned status = 0; status < VARVE_SAGA_STATUSES; status++) {
        if (varve_view_equal(text, varve_view_str(status_names[status]))) {
            *ret = (enum varve_saga_status)status;
            return true;
        }
    }
    return false;
}

const char *varve_saga_action_name(enum varve_saga_action action)
{
    return (unsigned)action < VARVE_SAGA_ACTIONS ? action_names[action] : NULL;
}

void varve_saga_query_init(struct varve_saga_query *query)
{
    *query = (struct varve_saga_query){
        .order = VARVE_SAGA_BY_CHANGE,
        .updated_before_us = VARVE_TIME_NONE,
        .deadline_before_us = VARVE_TIME_NONE,
        .limit = 100,
    };
}

/* ---- names ---- */

static bool is_of_type(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static bool can_be_type(struct varve_view type)
{
    for (size_t i = 0; i < type.size; i++)
        if (!is_of_type(type.data[i]))
            return false;
    return type.size >= 1 && type.size <= VARVE_SAGA_MAX_TYPE;
}

enum varve_status varve_check_saga_type(struct varve_view type, const char *field, struct varve_error *error)
{
    if (can_be_type(type))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                      "%s: must be 1 to %u letters, digits, '_' and '.', is %s", field, VARVE_SAGA_MAX_TYPE,
                      type.size == 0 ? "empty" : type.size > VARVE_SAGA_MAX_TYPE ? "longer" : "not");
}

enum varve_status varve_check_saga_id(struct varve_view id, const char *field, struct varve_error *error)
{
    return varve_check_text(id, VARVE_SAGA_MAX_ID, field, error);
}

struct varve_view varve_saga_stream(struct varve_view type, struct varve_view id, char *ret_name)
{
    const size_t prefix = strlen(SAGA_PREFIX);

    assert(type.size <= VARVE_SAGA_MAX_TYPE && id.size <= VARVE_SAGA_MAX_ID);
    memcpy(ret_name, SAGA_PREFIX, prefix);
    memcpy(ret_name + prefix, type.data, type.size);
    ret_name[prefix + type.size] = '-';
    memcpy(ret_name + prefix + type.size + 1, id.data, id.size);
    return varve_view_of(ret_name, prefix + type.size + 1 + id.size);
}

bool saga_split(struct varve_view stream, struct varve_view *ret_type, struct varve_view *ret_id)
{
    struct varve_view rest, type, id;
    const char *hyphen;

    if (!saga_is_stream(stream))
        return false;
    rest = varve_view_of(stream.data + strlen(SAGA_PREFIX), stream.size - strlen(SAGA_PREFIX));
    hyphen = memchr(rest.data, '-', rest.size);
    if (hyphen == NULL)
        return false;
    type = varve_view_of(rest.data, (size_t)(hyphen - rest.data));
    id = varve_view_of(hyphen + 1, rest.size - type.size - 1);
    if (!can_be_type(type) || varve_check_saga_id(id, "", NULL) != VARVE_OK)
        return false;
    *ret_type = type;
    *ret_id = id;
    return true;
}

/* ---- the shape of a change ---- */

/* What an action may say, besides which saga it is about. */
enum { SAYS_STEP = 1, SAYS_STATE = 2, SAYS_DEADLINE = 4, SAYS_ERROR = 8 };

static const unsigned says[VARVE_SAGA_ACTIONS] = {
    [VARVE_SAGA_BEGIN] = SAYS_STEP | SAYS_STATE | SAYS_DEADLINE,
    [VARVE_SAGA_STEP] = SAYS_STEP | SAYS_STATE | SAYS_DEADLINE,
    [VARVE_SAGA_COMPENSATE] = SAYS_STEP | SAYS_STATE | SAYS_DEADLINE | SAYS_ERROR,
    [VARVE_SAGA_COMPLETE] = SAYS_STATE,
    [VARVE_SAGA_FAIL] = SAYS_STATE | SAYS_ERROR,
};

struct field_name {
    char text[sizeof(((struct varve_error *)NULL)->field)];
};

static struct field_name name_field(const char *field, const char *member)
{
    struct field_name name;

    snprintf(name.text, sizeof(name.text), "%s.%s", field, member);
    return name;
}

static enum varve_status refuse(const char *field, const char *member, const char *must_be, struct varve_error *error)
{
    struct field_name name = name_field(field, member);

    return varve_fail(error, VARVE_INVALID_ARGUMENT, name.text, "%s: must be %s", name.text, must_be);
}

static enum varve_status refuse_beside(const char *field, const char *member, enum varve_saga_action action,
                                       struct varve_error *error)
{
    char must_be[64];

    snprintf(must_be, sizeof(must_be), "absent when the action is %s", action_names[action]);
    return refuse(field, member, must_be, error);
}

static enum varve_status check_version(const struct varve_saga_change *change, const char *field,
                                       struct varve_error *error)
{
    if (change->action == VARVE_SAGA_BEGIN || change->expected >= 0 ||
        change->expected == VARVE_EXPECTED_STREAM_EXISTS)
        return VARVE_OK;
    return refuse(field, "expected", "a version, or `stream_exists`", error);
}

static enum varve_status check_step(const struct varve_saga_change *change, const char *field,
                                    struct varve_error *error)
{
    struct field_name name = name_field(field, "step");

    if (change->step.size == 0)
        return change->action == VARVE_SAGA_STEP || change->action == VARVE_SAGA_COMPENSATE
                   ? refuse(field, "step", "there when the action is step or compensate", error)
                   : VARVE_OK;
    if ((says[change->action] & SAYS_STEP) == 0)
        return refuse_beside(field, "step", change->action, error);
    if (memchr(change->step.data, '"', change->step.size) != NULL ||
        memchr(change->step.data, '\\', change->step.size) != NULL)
        return refuse(field, "step", "free of '\"' and '\\'", error);
    return varve_check_text(change->step, VARVE_SAGA_MAX_STEP, name.text, error);
}

/* As an event's data, of which it becomes one; the words are our own because the field is. */
static enum varve_status check_state(const struct varve_saga_change *change, const char *field,
                                     struct varve_error *error)
{
    struct varve_event event = { .type = { "s", 1 }, .time_us = VARVE_TIME_NONE,
                                 .content_type = change->content_type, .data = change->state };

    if (!change->has_state)
        return VARVE_OK;
    if ((says[change->action] & SAYS_STATE) == 0)
        return refuse_beside(field, "state", change->action, error);
    if (varve_content_type_name(change->content_type) == NULL)
        return refuse(field, "content_type", "0 (application/json), 1 (application/msgpack) or 2 "
                      "(application/octet-stream)", error);
    if (change->state.size > VARVE_SAGA_MAX_STATE) {
        varve_fail(error, VARVE_EVENT_TOO_LARGE, NULL, "%s.state: has %zu bytes, a saga's state may have %u", field,
                   change->state.size, VARVE_SAGA_MAX_STATE);
        if (error != NULL)
            error->limit = VARVE_SAGA_MAX_STATE;
        return VARVE_EVENT_TOO_LARGE;
    }
    if (varve_check_event(&event, 0, NULL) != VARVE_OK)
        return refuse(field, "state", change->content_type == VARVE_CONTENT_JSON ? "JSON" : "one msgpack value",
                      error);
    return VARVE_OK;
}

static enum varve_status check_deadline(const struct varve_saga_change *change, const char *field,
                                        struct varve_error *error)
{
    if (change->deadline_us == VARVE_TIME_NONE)
        return VARVE_OK;
    if ((says[change->action] & SAYS_DEADLINE) == 0)
        return refuse_beside(field, "deadline", change->action, error);
    if (change->deadline_us < VARVE_TIME_MIN || change->deadline_us > VARVE_TIME_MAX)
        return refuse(field, "deadline", "in the years 0000 to 9999 (microseconds since 1970)", error);
    return VARVE_OK;
}

static bool is_utf8(struct varve_view text)
{
    const uint8_t *at = (const uint8_t *)text.data, *end = at + text.size;

    while (at < end) {
        unsigned length = *at < 0x80 ? 1 : utf8_sequence(at, end);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static enum varve_status check_error(const struct varve_saga_change *change, const char *field,
                                     struct varve_error *error)
{
    if (change->error.size == 0)
        return VARVE_OK;
    if ((says[change->action] & SAYS_ERROR) == 0)
        return refuse_beside(field, "error", change->action, error);
    if (change->error.size > VARVE_SAGA_MAX_ERROR || !is_utf8(change->error))
        return refuse(field, "error", "at most 1024 bytes of UTF-8", error);
    return VARVE_OK;
}

enum varve_status varve_saga_change_check(const struct varve_saga_change *change, const char *field,
                                          struct varve_error *error)
{
    enum varve_status status;

    if ((unsigned)change->action >= VARVE_SAGA_ACTIONS)
        return refuse(field, "action", "0 (begin) to 6 (time_out)", error);
    status = varve_check_saga_type(change->type, name_field(field, "type").text, error);
    if (status == VARVE_OK)
        status = varve_check_saga_id(change->id, name_field(field, "id").text, error);
    if (status == VARVE_OK)
        status = check_version(change, field, error);
    if (status == VARVE_OK)
        status = check_step(change, field, error);
    if (status == VARVE_OK)
        status = check_state(change, field, error);
    if (status == VARVE_OK)
        status = check_deadline(change, field, error);
    return status == VARVE_OK ? check_error(change, field, error) : status;
}
