/* group.c - a turn of a consumer group: what its machine says is done, and the log is read on when somebody is idle. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "varve/record.h"
#include "varve/uuid.h"

uint64_t group_now_ms(const struct group *group)
{
    return uv_now(&group->server->loop);
}

void group_touch(struct group *group)
{
    groups_touch(group->groups, group);
}

bool group_is_stopped(const struct group *group)
{
    return group->record.stopped || group->stop_wanted;
}

/* ---- the events it holds -------------------------------------------------------------------------------------- */

/* So that groups whose events pile up behind a key leave room for all else, and for each other. */
bool group_may_hold(const struct group *group)
{
    const struct budget *budget = &group->server->budget;

    return group->held_bytes < GROUP_HELD_FLOOR_BYTES ||
           (group->held_bytes < GROUP_MAX_HELD_BYTES && budget_has_room(budget) &&
            group->groups->held_bytes < budget->limit_bytes / GROUPS_HELD_PART);
}

/* The events held grew by so many bytes, or shrank. */
static void count_held(struct group *group, int64_t bytes)
{
    group->held_bytes += (uint64_t)bytes;
    group->groups->held_bytes += (uint64_t)bytes;
}

struct held_event *group_hold(struct group *group, const uint8_t *record, uint32_t size)
{
    struct held_event *event = malloc(sizeof(*event) + size);

    if (event == NULL)
        return NULL;
    event->size = size;
    memcpy(event->record, record, size);
    event->previous = NULL;
    event->next = group->held;
    if (event->next != NULL)
        event->next->previous = event;
    group->held = event;
    count_held(group, (int64_t)(sizeof(*event) + size));
    budget_force(&group->server->budget, sizeof(*event) + size);
    return event;
}

void group_release(struct group *group, struct held_event *event)
{
    if (event->previous != NULL)
        event->previous->next = event->next;
    else
        group->held = event->next;
    if (event->next != NULL)
        event->next->previous = event->previous;
    count_held(group, -(int64_t)(sizeof(*event) + event->size));
    budget_give(&group->server->budget, sizeof(*event) + event->size);
    free(event);
}

/* What nacks said is kept by the machine, for as long as the event is held. */
static void count_reasons(struct group *group, uint64_t bytes)
{
    struct budget *budget = &group->server->budget;

    if (bytes >= group->reason_bytes)
        budget_force(budget, bytes - group->reason_bytes);
    else
        budget_give(budget, group->reason_bytes - bytes);
    count_held(group, (int64_t)(bytes - group->reason_bytes));
    group->reason_bytes = bytes;
}

static void release_all(struct group *group)
{
    count_reasons(group, 0);
    while (group->held != NULL)
        group_release(group, group->held);
}

uint64_t group_key_of(const struct group *group, const uint8_t *record, uint32_t size)
{
    struct varve_view key = varve_record_stream(record);
    struct varve_event event;

    if (group->record.settings.key == VARVE_GROUP_KEY_CATEGORY) {
        key = varve_category(key);
    } else if (group->record.settings.key == VARVE_GROUP_KEY_CORRELATION &&
               varve_record_decode(record, size, &event) == VARVE_OK && !varve_uuid_is_nil(&event.correlation_id)) {
        key = varve_view_of((const char *)event.correlation_id.bytes, sizeof(event.correlation_id.bytes));
        return XXH3_64bits_withSeed(key.data, key.size, ~group->groups->key_seed);
    }
    return XXH3_64bits_withSeed(key.data, key.size, group->groups->key_seed);
}

/* ---- reading on ----------------------------------------------------------------------------------------------- */

void group_stop_reading(struct group *group)
{
    follow_leave(&group->follow);
    group->following = false;
}

/* False: there is no room for it now. */
static bool take_record(struct group *group, const uint8_t *record, uint32_t size)
{
    uint64_t position = varve_record_position(record);

    if (parking_is_known(group, position))
        return true;
    if (group_ranges_have(&group->before, position)) {
        group_state_note_finished(group->state, position);
        return true;
    }
    if (group_state_room(group->state) == 0 || !group_may_hold(group))
        return false;
    struct held_event *event = group_hold(group, record, size);
    if (event == NULL)
        return false;
    if (group_state_add(group->state, position, group_key_of(group, record, size), event))
        return true;
    group_release(group, event);
    return false;
}

static void on_batch(struct follow_member *member, const struct follow_batch *batch)
{
    struct group *group = (struct group *)((char *)member - offsetof(struct group, follow));
    uint32_t taken = 0;

    group->following = false;
    group_touch(group);
    if (batch->error.status != VARVE_OK) {
        group->read_retry_ms = group_now_ms(group) + SYSTEM_APPEND_RETRY_MS;
        log_error(&group->server->log, "group.cannot_read", log_view("group", group->name),
                  log_text("error", varve_status_name(batch->error.status)), log_text("message", batch->error.message));
        consumers_end_all(group, &batch->error);
        return;
    }
    while (taken < batch->count && take_record(group, batch->records[taken], batch->sizes[taken]))
        taken++;
    if (taken == batch->count)
        group->looked_at = batch->position;
    else
        group->looked_at = varve_record_position(batch->records[taken]) - 1; /* From there on again, with more room. */
    if (taken < batch->count)
        group->read_retry_ms = group_now_ms(group) + GROUP_READ_RETRY_MS;
    group_state_looked_at(group->state, group->looked_at);
    if (group->before.count > 0 && group->before.runs[group->before.count - 1].last <= group->looked_at)
        group_ranges_end(&group->before);
}

/* Returns when to look again. */
static uint64_t read_on(struct group *group, uint64_t now_ms)
{
    struct varve_error error;

    if (group->following || group->server->stopping || group_is_stopped(group) || !consumers_want_more(group) ||
        group_state_room(group->state) == 0)
        return UINT64_MAX;
    if (group->read_retry_ms > now_ms)
        return group->read_retry_ms;
    if (!group_may_hold(group))
        return now_ms + GROUP_READ_RETRY_MS;
    if (follow_join(group->server, &group->follow, group->record.filter, group->looked_at, &error) != VARVE_OK)
        return now_ms + GROUP_READ_RETRY_MS;
    group->following = true;
    return UINT64_MAX;
}

/* ---- its end --------------------------------------------------------------------------------------------------- */

void group_free(struct group *group)
{
    group_stop_reading(group);
    release_all(group);
    parking_forget(group);
    parking_count(group, -(int64_t)group->parked.count);
    parked_table_free(&group->parked);
    group_state_free(group->state);
    group_record_end(&group->record);
    group_ranges_end(&group->before);
    free(group->joined);
    free(group);
}

static void free_when_idle(struct group *group)
{
    if (group->gone && group->away == 0 && !group->touched)
        group_free(group);
}

/* ---- a turn --------------------------------------------------------------------------------------------------- */

static void want_stop(struct group *group, struct varve_view why)
{
    group->stop_wanted = true;
    group->stop_reason_size = why.size < sizeof(group->stop_reason) ? why.size : sizeof(group->stop_reason);
    if (group->stop_reason_size > 0)
        memcpy(group->stop_reason, why.data, group->stop_reason_size);
}

static void do_what_is_due(struct group *group, uint64_t now_ms)
{
    struct group_action action;

    for (;;) {
        group_state_next_action(group->state, now_ms, &action);
        switch (action.kind) {
        case GROUP_NOTHING:
            return;
        case GROUP_DELIVER:
            consumer_deliver(group, &action);
            break;
        case GROUP_PARK:
        case GROUP_REPARK:
        case GROUP_RESOLVE:
            parking_begin(group, &action);
            break;
        case GROUP_RELEASE:
            group->finished = true;
            group_release(group, action.event);
            break;
        case GROUP_STOP:
            want_stop(group, action.last_error);
            break;
        }
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void group_turn(struct group *group)
{
    uint64_t now_ms = group_now_ms(group), due_ms = UINT64_MAX;

    if (group->gone) {
        free_when_idle(group);
        return;
    }
    if (group->state != NULL) {
        struct group_state_figures figures;

        group_state_get_figures(group->state, &figures);
        count_reasons(group, figures.reason_bytes);
    }
    if (group->state != NULL && !group_writer_holds_up(group)) {
        do_what_is_due(group, now_ms);
        consumers_flush(group);
        due_ms = earlier(due_ms, read_on(group, now_ms));
        due_ms = earlier(due_ms, parked_replay_go_on(group, now_ms));
        due_ms = earlier(due_ms, parking_go_on(group, now_ms));
        due_ms = earlier(due_ms, group_state_next_due_ms(group->state));
    }
    due_ms = earlier(due_ms, group_writer_go_on(group, now_ms));
    group->due_ms = due_ms;
    if (due_ms != UINT64_MAX)
        groups_due(group->groups, due_ms);
}

/* ---- its beginning -------------------------------------------------------------------------------------------- */

struct group_state_limits group_limits(const struct varve_group_settings *settings)
{
    struct group_state_limits limits = {
        .max_in_flight = settings->max_in_flight, .consumer_max_in_flight = settings->consumer_max_in_flight,
        .ack_timeout_ms = settings->ack_timeout_ms, .max_attempts = settings->max_attempts,
        .backoff_count = settings->backoff_count,
    };

    memcpy(limits.backoff_ms, settings->backoff_ms, sizeof(limits.backoff_ms));
    return limits;
}

struct group_state *group_make_state(const struct group_record *record)
{
    const struct group_state_limits limits = group_limits(&record->settings);

    return group_state_create(&limits, record->checkpoint);
}

struct group *group_create(struct groups *groups, struct varve_view name)
{
    struct group *group = calloc(1, sizeof(*group));

    if (group == NULL)
        return NULL;
    group->groups = groups;
    group->server = groups->server;
    memcpy(group->name_bytes, name.data, name.size);
    group->name = varve_view_of(group->name_bytes, name.size);
    group->due_ms = UINT64_MAX;
    group->follow.deliver = on_batch;
    group_answers_init(group);
    group_writer_init(group);
    return group;
}

bool group_begin(struct group *group)
{
    group->state = group_make_state(&group->record);
    group->looked_at = group->record.checkpoint;
    group->before = group->record.finished;
    group->record.finished = (struct group_ranges){ .complete = true };
    if (group->state != NULL && group->record.stopped)
        group_state_stop(group->state);
    return group->state != NULL;
}

void group_begin_anew(struct group *group, struct group_state *state)
{
    struct group_state_figures figures;

    group_state_get_figures(group->state, &figures);
    group->acked_before += figures.acked;
    group->redelivered_before += figures.redelivered;
    group_stop_reading(group);
    group_state_free(group->state);
    release_all(group);
    parking_forget(group);
    parked_replay_reset(group);
    group_ranges_end(&group->before);
    group->state = state;
    group->looked_at = group->record.checkpoint;
    group->read_retry_ms = 0;
    group->finished = group->stop_wanted = false;
    consumers_rejoin(group);
}

void group_drop(struct group *group)
{
    groups_remove(group->groups, group);
    group->groups->settings_bytes -= group->settings_bytes;
    group->gone = true;
    group_touch(group);
}

void group_went_away(struct group *group)
{
    group->away++;
    group->groups->away++;
}

void group_came_back(struct group *group)
{
    group->away--;
    group->groups->away--;
    free_when_idle(group);
}
