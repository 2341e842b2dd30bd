/* parking.c - events are set aside, come back, or are given up: each time an event of `$parked-<name>`.
 *
 * The machine waits for what is written here; an append that is refused is tried again until it is durable, and only
 * the key of its event waits. */
#include "group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "varve/record.h"

static int64_t wall_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool parking_is_known(const struct group *group, uint64_t position)
{
    return parked_table_find(&group->parked, position) != NULL || parked_table_find(&group->settled, position) != NULL;
}

void parking_count(struct group *group, int64_t more)
{
    group->groups->parked_count += (uint64_t)more;
    figure_set(&group->server->figures.group_parked, group->groups->parked_count);
}

static void log_parked(struct group *group, uint64_t position, const char *reason)
{
    log_warn(&group->server->log, "group.parked", log_view("group", group->name), log_number("position", position),
             log_text("reason", reason));
}

static void free_parking(struct parking *parking)
{
    free((char *)parking->data.data);
    free(parking);
}

void parking_forget(struct group *group)
{
    while (group->parkings != NULL) {
        struct parking *parking = group->parkings;

        group->parkings = parking->next;
        free_parking(parking);
    }
    parked_table_free(&group->settled);
}

/* ---- on its way ----------------------------------------------------------------------------------------------- */

static void wait_for_next_try(struct parking *parking)
{
    struct group *group = parking->group;

    parking->next = group->parkings;
    group->parkings = parking;
    group->parking_retry_ms = group_now_ms(group) + SYSTEM_APPEND_RETRY_MS;
}

static void log_refusal(const struct group *group, const struct varve_error *error)
{
    log_warn(&group->server->log, "group.not_parked", log_view("group", group->name),
             log_text("error", varve_status_name(error->status)), log_text("message", error->message));
}

/* It is durable: the table and the machine learn it. */
static void settle(struct parking *parking, uint64_t where)
{
    struct group *group = parking->group;
    size_t before = group->parked.count;

    if (parking->kind == PARKED_RESOLVED) {
        parked_table_remove(&group->parked, parking->entry.position);
    } else {
        parking->entry.where = where;
        if (!parked_table_put(&group->parked, &parking->entry)) /* It is in the log, and will be here after a start. */
            log_error(&group->server->log, "group.parked_untold", log_view("group", group->name),
                      log_number("position", parking->entry.position));
    }
    parking_count(group, (int64_t)group->parked.count - (int64_t)before);
    group_state_parked(group->state, parking->entry.position);
    group_touch(group);
}

static void on_done(struct system_append *append, const struct varve_append_outcome *outcome)
{
    struct parking *parking = (struct parking *)append; /* Its first member. */
    struct group *group = parking->group;

    group->parkings_away--;
    group_touch(group);
    if (outcome->status == VARVE_OK) {
        settle(parking, outcome->results[0].first_position);
        free_parking(parking);
    } else {
        log_refusal(group, &outcome->error);
        wait_for_next_try(parking);
    }
    group_came_back(group);
}

static bool has_room(const struct group *group)
{
    return group->parked.count + group->parkings_away < GROUP_MAX_PARKED &&
           group->groups->parked_count + group->groups->away < GROUPS_MAX_PARKED;
}

/* False: it waits for its next try. */
static bool try(struct parking *parking)
{
    struct group *group = parking->group;
    char name[GROUP_STREAM_NAME_BYTES];
    struct varve_error error = { .status = VARVE_OVERLOADED };

    if (parking->kind == PARKED_PARKED && !has_room(group))
        varve_fail(&error, VARVE_OVERLOADED, NULL, "as many events are parked as may be: replay or discard some");
    else if (system_append_queue(group->server, &parking->append,
                                 group_stream_name(PARKED_STREAM_PREFIX, group->name, name),
                                 parked_event_type(parking->kind), parking->data, on_done, &error) == VARVE_OK) {
        group->parkings_away++;
        group_went_away(group);
        return true;
    }
    log_refusal(group, &error);
    wait_for_next_try(parking);
    return false;
}

uint64_t parking_go_on(struct group *group, uint64_t now_ms)
{
    if (group->parkings != NULL && now_ms < group->parking_retry_ms)
        return group->parking_retry_ms;
    while (group->parkings != NULL) {
        struct parking *parking = group->parkings;

        group->parkings = parking->next;
        if (!try(parking))
            return group->parking_retry_ms;
    }
    return UINT64_MAX;
}

/* ---- what is written ------------------------------------------------------------------------------------------ */

static struct varve_view make_note(const struct group *group, uint64_t position)
{
    struct parked_note note = { .positions = { position }, .count = 1, .epoch = group->record.epoch };

    return parked_note_encode(&note, varve_view_of(NULL, 0));
}

static struct varve_view make_picture(const struct group *group, const struct group_action *action,
                                      struct parked_entry *entry)
{
    const struct held_event *held = action->event;
    struct parked_picture picture = { .epoch = group->record.epoch };
    struct varve_event event;

    enum varve_status status = varve_record_decode(held->record, held->size, &event);
    assert(status == VARVE_OK); /* It was when it was read. */
    picture.event = (struct varve_parked_event){
        .position = action->position, .stream = event.stream, .type = event.type, .version = event.version,
        .id = event.id, .attempts = entry->attempts, .reason = varve_view_str(action->reason),
        .last_error = action->last_error, .first_attempt_us = entry->first_attempt_us,
        .parked_at_us = wall_clock_us(),
    };
    return parked_picture_encode(&picture);
}

/* What the table is to say: a replay adds to what was tried before. */
static struct parked_entry make_entry(const struct group *group, const struct group_action *action)
{
    const struct parked_entry *before = parked_table_find(&group->parked, action->position);
    uint64_t ago_ms = group_now_ms(group) - action->first_attempt_ms;
    struct parked_entry entry = { .position = action->position, .attempts = action->attempt, .state = PARKED_RESTING,
                                  .first_attempt_us = wall_clock_us() - (int64_t)ago_ms * 1000 };

    if (before != NULL) {
        entry.attempts += before->attempts;
        entry.first_attempt_us = before->first_attempt_us;
    }
    return entry;
}

static struct parking *make_parking(struct group *group, const struct group_action *action)
{
    struct parking *parking = calloc(1, sizeof(*parking));

    if (parking == NULL)
        return NULL;
    parking->group = group;
    parking->kind = action->kind == GROUP_PARK ? PARKED_PARKED
                    : action->kind == GROUP_REPARK ? PARKED_FAILED : PARKED_RESOLVED;
    parking->entry = make_entry(group, action);
    parking->data = parking->kind == PARKED_RESOLVED ? make_note(group, action->position)
                                                     : make_picture(group, action, &parking->entry);
    if (parking->data.data != NULL)
        return parking;
    free(parking);
    return NULL;
}

void parking_begin(struct group *group, const struct group_action *action)
{
    struct parking *parking = make_parking(group, action);

    if (parking == NULL) { /* The machine does not say it twice: until the next start this one stays unfinished. */
        log_error(&group->server->log, "group.not_parked", log_view("group", group->name),
                  log_text("error", "NO_MEMORY"), log_number("position", action->position));
        return;
    }
    if (parking->kind != PARKED_RESOLVED)
        log_parked(group, action->position, action->reason);
    try(parking);
}
