/* plan_saga.c - see plan_saga.h. */
#include "tests/crash/plan_saga.h"

#include "tests/support/random.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

void plan_saga_name(uint32_t saga, uint32_t generation, struct plan_saga_name *ret_name)
{
    static const char *const types[] = { "loan", "loan.v2", "order" };

    snprintf(ret_name->type, sizeof(ret_name->type), "%s", types[saga % 3]);
    snprintf(ret_name->id, sizeof(ret_name->id), "%u.%u", saga, generation);
    snprintf(ret_name->stream, sizeof(ret_name->stream), "$saga-%s-%s", ret_name->type, ret_name->id);
}

bool plan_parse_saga(struct varve_view stream, uint32_t *ret_saga, uint32_t *ret_generation)
{
    struct plan_saga_name again;
    char text[48] = "";
    const char *id;

    if (stream.size >= sizeof(text))
        return false;
    memcpy(text, stream.data, stream.size);
    id = strrchr(text, '-');
    if (id == NULL || sscanf(id, "-%u.%u", ret_saga, ret_generation) != 2 || *ret_saga >= PLAN_SAGAS)
        return false;
    plan_saga_name(*ret_saga, *ret_generation, &again);
    return strcmp(again.stream, text) == 0;
}

/* ---- what may become of one ---- */

int plan_next_status(int status, enum varve_saga_action action)
{
    bool active = status == VARVE_SAGA_RUNNING || status == VARVE_SAGA_COMPENSATING || status == VARVE_SAGA_TIMED_OUT;

    switch (action) {
    case VARVE_SAGA_BEGIN:
        return status == PLAN_NOT_BEGUN ? VARVE_SAGA_RUNNING : -1;
    case VARVE_SAGA_STEP:
        return !active ? -1 : status == VARVE_SAGA_COMPENSATING ? VARVE_SAGA_COMPENSATING : VARVE_SAGA_RUNNING;
    case VARVE_SAGA_COMPENSATE:
        return active ? VARVE_SAGA_COMPENSATING : -1;
    case VARVE_SAGA_COMPLETE:
        return active && status != VARVE_SAGA_COMPENSATING ? VARVE_SAGA_COMPLETED : -1;
    case VARVE_SAGA_FAIL:
        return active ? VARVE_SAGA_FAILED : -1;
    case VARVE_SAGA_ARCHIVE:
        return status == VARVE_SAGA_COMPLETED || status == VARVE_SAGA_FAILED ? PLAN_ARCHIVED : -1;
    case VARVE_SAGA_TIME_OUT:
        return active && status != VARVE_SAGA_TIMED_OUT ? VARVE_SAGA_TIMED_OUT : -1;
    default:
        return -1;
    }
}

enum varve_saga_action plan_choose_action(int status, bool has_deadline, uint64_t *random)
{
    enum varve_saga_action action;

    do
        action = (enum varve_saga_action)random_below(random, VARVE_SAGA_ACTIONS);
    while (plan_next_status(status, action) < 0 || (action == VARVE_SAGA_TIME_OUT && !has_deadline));
    return action;
}

static const char *const event_types[VARVE_SAGA_ACTIONS] = {
    "$saga.started", "$saga.stepped", "$saga.compensating", "$saga.completed", "$saga.failed", "$saga.archived",
    "$saga.timed_out",
};

const char *plan_saga_event_type(enum varve_saga_action action)
{
    return event_types[action];
}

bool plan_parse_action(struct varve_view event_type, enum varve_saga_action *ret_action)
{
    for (unsigned action = 0; action < VARVE_SAGA_ACTIONS; action++)
        if (varve_view_equal(event_type, varve_view_str(event_types[action]))) {
            *ret_action = (enum varve_saga_action)action;
            return true;
        }
    return false;
}

/* ---- what a transition says ---- */

struct varve_view plan_state(uint64_t seed, uint32_t number, uint8_t state[PLAN_MAX_STATE])
{
    uint64_t random = seed + number;
    size_t size = random_below(&random, 10) == 0 ? 3000 : random_below(&random, 300);

    for (size_t at = 0; at < size; at += 8) {
        uint64_t value = random_next(&random);
        memcpy(state + at, &value, 8);
    }
    return varve_view_of((const char *)state, size);
}

static void add_member(char *metadata, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add_member(char *metadata, size_t room, const char *format, ...)
{
    size_t used = strlen(metadata);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(metadata + used, room - used, format, arguments);
    va_end(arguments);
}

static void write_metadata(struct plan_change *change)
{
    char *text = change->metadata;
    const size_t room = sizeof(change->metadata);

    snprintf(text, room, "{");
    if (change->step[0] != '\0')
        add_member(text, room, "\"step\":\"%s\",", change->step);
    if (change->change.deadline_us != VARVE_TIME_NONE)
        add_member(text, room, "\"deadline_us\":%" PRId64 ",", change->change.deadline_us);
    if (change->error[0] != '\0') /* A quote and a line's end are in it, see below. */
        add_member(text, room, "\"error\":\"no \\\"%u\\\"\\u000a\",", (unsigned)strtoul(change->error + 4, NULL, 10));
    add_member(text, room, "\"state\":\"%s\"}", change->change.has_state ? "new" : "kept");
}

void plan_change(uint64_t seed, uint32_t number, uint32_t event_index, uint32_t saga, uint32_t generation,
                 enum varve_saga_action action, int64_t version, struct plan_change *ret_change)
{
    bool steps = action == VARVE_SAGA_BEGIN || action == VARVE_SAGA_STEP || action == VARVE_SAGA_COMPENSATE;
    bool fails = action == VARVE_SAGA_COMPENSATE || action == VARVE_SAGA_FAIL;

    memset(ret_change, 0, offsetof(struct plan_change, state));
    plan_saga_name(saga, generation, &ret_change->name);
    if (steps && !(action == VARVE_SAGA_BEGIN && number % 5 == 0))
        snprintf(ret_change->step, sizeof(ret_change->step), "step %u", number % 7);
    if (fails && number % 2 == 0)
        snprintf(ret_change->error, sizeof(ret_change->error), "no \"%u\"\n", number);
    ret_change->change = (struct varve_saga_change){
        .action = action, .type = varve_view_str(ret_change->name.type), .id = varve_view_str(ret_change->name.id),
        .expected = version, .step = varve_view_str(ret_change->step), .error = varve_view_str(ret_change->error),
        .deadline_us = steps && number % 3 != 0 ? (int64_t)(number % 11) * 1000 - 5000 : VARVE_TIME_NONE,
        .event_id = plan_id(number, event_index),
    };
    if (action == VARVE_SAGA_BEGIN)
        ret_change->change.correlation_id = plan_correlation(number % PLAN_CORRELATIONS);
    if ((steps || fails || action == VARVE_SAGA_COMPLETE) && number % 4 != 0) {
        ret_change->change.has_state = true;
        ret_change->change.content_type = VARVE_CONTENT_OCTET_STREAM;
        ret_change->change.state = plan_state(seed, number, ret_change->state);
    }
    write_metadata(ret_change);
}

void plan_checkpoint(uint32_t checkpoint, uint32_t number, char ret_stream[32], char ret_data[32])
{
    snprintf(ret_stream, 32, "$checkpoint-%u", checkpoint);
    snprintf(ret_data, 32, "{\"position\":%u}", number);
}
