/* group_writer.c - what a group remembers: one picture after the other into `$group-<name>`.
 *
 * Pictures are whole, so the last one must be the newest: only one is on its way at a time, and what clients wish waits
 * in line. What the group itself has to write (that it stopped, its checkpoint) is tried again until it is durable;
 * a client is told why its wish was refused. */
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_PER_RANGE = 64 }; /* in JSON, and room for all else */

void group_writer_init(struct group *group)
{
    group->writer.last = &group->writer.first;
}

void group_writer_add(struct group *group, struct group_change *change)
{
    change->next = NULL;
    *group->writer.last = change;
    group->writer.last = &change->next;
    group_touch(group);
}

static struct group_change *take_change(struct group_writer *writer)
{
    struct group_change *change = writer->first;

    writer->first = change->next;
    if (writer->first == NULL)
        writer->last = &writer->first;
    return change;
}

void group_writer_fail_all(struct group *group, const struct varve_error *why)
{
    while (group->writer.first != NULL) {
        struct group_change *change = take_change(&group->writer);

        change->done(change, group, why);
    }
}

bool group_writer_holds_up(const struct group *group)
{
    const struct group_writer *writer = &group->writer;
    const struct group_change *change = writer->away ? writer->change : writer->first;

    return change != NULL && (change->kind == GROUP_RESET || change->kind == GROUP_DELETED);
}

static uint64_t checkpoint_of(const struct group *group)
{
    return group->state == NULL ? group->record.checkpoint : group_state_checkpoint(group->state);
}

static bool wants_checkpoint(const struct group *group)
{
    uint64_t now = checkpoint_of(group), before = group->record.checkpoint;

    return group->finished || (now > before && (group->last_left || now - before >= GROUP_CHECKPOINT_POSITIONS));
}

/* ---- what comes of it ----------------------------------------------------------------------------------------- */

static void log_change(const struct group *group, enum group_event_kind kind)
{
    if (kind == GROUP_CHECKPOINT || kind == GROUP_JOINED) /* consumer.c tells who joined. */
        return;
    log_event(&group->server->log, kind == GROUP_STOPPED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
              group_event_type(kind) + 1, /* without the '$' */
              LOG_FIELDS(log_view("group", group->name), log_number("checkpoint", group->record.checkpoint),
                         log_view("reason", varve_view_of(group->record.stop_reason, group->record.stop_reason_size))));
}

static void apply_update(struct group *group, const struct group_change *change)
{
    const struct group_state_limits limits = group_limits(&group->record.settings);

    group_state_set_limits(group->state, &limits);
    group_stop_reading(group); /* It goes on with the filter as it is now. */
    if (!group->record.stopped && group_state_is_stopped(group->state))
        group_state_resume(group->state);
}

static void end_consumers(struct group *group, enum varve_status status, const char *why)
{
    struct varve_error error = { .status = VARVE_OK };

    varve_fail(&error, status, NULL, "%s", why);
    consumers_end_all(group, &error);
}

static void apply_stop(struct group *group)
{
    char why[VARVE_MAX_REASON + 64];

    snprintf(why, sizeof(why), "the group was stopped: %.*s", (int)group->record.stop_reason_size,
             group->record.stop_reason);
    group->stop_wanted = false;
    end_consumers(group, VARVE_GROUP_STOPPED, why);
}

static void apply_deletion(struct group *group)
{
    struct varve_error why = { .status = VARVE_OK };

    varve_fail(&why, VARVE_GROUP_NOT_FOUND, NULL, "the group was deleted");
    consumers_end_all(group, &why);
    group_answers_fail(group, &why);
    group_writer_fail_all(group, &why);
    group_drop(group);
}

static void apply(struct group *group, enum group_event_kind kind, struct group_change *change)
{
    log_change(group, kind);
    if (kind == GROUP_CHECKPOINT)
        figure_add(&group->server->figures.group_checkpoints, 1);
    if (kind == GROUP_UPDATED || kind == GROUP_RESUMED)
        apply_update(group, change);
    if (kind == GROUP_STOPPED)
        apply_stop(group);
    if (change != NULL)
        change->done(change, group, NULL);
    if (kind == GROUP_DELETED)
        apply_deletion(group);
}

/* What transactions acked before a group is made or reset is of no account, even if nobody heard of it yet. */
static void take_over_mark(struct group *group, uint64_t version)
{
    struct group_writer *writer = &group->writer;

    group->newest.version = version > group->newest.version ? version : group->newest.version;
    if (writer->kind == GROUP_CREATED || writer->kind == GROUP_RESET)
        writer->mark = (struct group_mark){ version, group->newest.acks };
    group->record.acked_through = writer->mark.version;
    group->pictured_acks = writer->mark.acks;
}

/* The record becomes what is in the log now. */
static void take_over(struct group *group, struct group_change *change, uint64_t version)
{
    struct group_writer *writer = &group->writer;
    struct varve_filter *old = group->record.filter;

    group_ranges_end(&group->record.finished);
    group->record = writer->next;
    take_over_mark(group, version);
    if (writer->next.finished.complete)
        writer->durable = writer->begun;
    if (change != NULL && change->has_settings) {
        free(old);
        change->set.filter = NULL; /* Ours now. */
    }
    if (writer->next_state != NULL)
        group_begin_anew(group, writer->next_state);
    writer->next_state = NULL;
}

/* ---- on its way ----------------------------------------------------------------------------------------------- */

static void refused(struct group *group, const struct varve_error *error)
{
    struct group_writer *writer = &group->writer;
    struct group_change *change = writer->change;

    group_state_free(writer->next_state);
    writer->next_state = NULL;
    group_ranges_end(&writer->next.finished);
    group->finished = true;
    if (change != NULL) {
        change->done(change, group, error);
        return;
    }
    log_warn(&group->server->log, "group.not_written", log_view("group", group->name),
             log_text("error", varve_status_name(error->status)), log_text("message", error->message));
    writer->retry_ms = group_now_ms(group) + SYSTEM_APPEND_RETRY_MS;
    writer->gave_up = group->server->stopping || !system_append_passes(error->status);
    if (writer->gave_up)
        group_answers_fail(group, error);
}

static void on_done(struct system_append *append, const struct varve_append_outcome *outcome)
{
    struct group *group = (struct group *)((char *)append - offsetof(struct group, writer.append));
    struct group_writer *writer = &group->writer;
    struct group_change *change = writer->change;
    struct varve_error error = outcome->error;

    writer->away = false;
    group_touch(group);
    if (outcome->status == VARVE_OK) {
        take_over(group, change, (uint64_t)outcome->results[0].first_version);
        apply(group, writer->kind, change);
        group_answers_give(group);
    } else {
        error.status = outcome->status;
        refused(group, &error);
    }
    group_came_back(group);
}

/* A picture must fit an event. */
static size_t room_for_ranges(const struct group *group)
{
    size_t room = group->server->limits.max_event_bytes / BYTES_PER_RANGE;

    return room < GROUP_MAX_RANGES ? room : GROUP_MAX_RANGES;
}

/* What the record will be. False: no memory. */
static bool prepare(struct group *group, enum group_event_kind kind, const struct group_change *change)
{
    struct group_record *next = &group->writer.next;

    *next = group->record;
    next->finished = (struct group_ranges){ .complete = true };
    next->checkpoint = checkpoint_of(group);
    if (kind != GROUP_RESET && group->state != NULL &&
        !group_ranges_make(&next->finished, group->state, &group->before, room_for_ranges(group)))
        return false;
    group->writer.mark = next->finished.complete ? group_holds_mark(group)
                                                 : (struct group_mark){ next->acked_through, group->pictured_acks };
    next->acked_through = group->writer.mark.version;
    if (kind == GROUP_JOINED || kind == GROUP_RESET)
        next->epoch++;
    if (kind == GROUP_RESET) {
        next->checkpoint = change->after;
        next->reset_epoch = next->epoch;
    }
    if (kind == GROUP_RESET || kind == GROUP_RESUMED)
        next->stopped = false;
    if (kind == GROUP_STOPPED)
        group_record_set_stopped(next, varve_view_of(group->stop_reason, group->stop_reason_size));
    if (change != NULL && change->has_settings) {
        next->settings = change->set.settings;
        next->filter = change->set.filter;
    }
    if (!next->stopped)
        next->stop_reason_size = 0;
    if (kind == GROUP_RESET)
        group->writer.next_state = group_make_state(next);
    return kind != GROUP_RESET || group->writer.next_state != NULL;
}

static struct varve_view encode(struct group *group, enum group_event_kind kind, const struct group_change *change)
{
    if (!prepare(group, kind, change))
        return varve_view_of(NULL, 0);
    if (group->broken.status != VARVE_OK) /* Nobody knows what it was; it can only be deleted. */
        return varve_view_str(strdup("{}"));
    return group_record_encode(&group->writer.next);
}

static void begin(struct group *group, enum group_event_kind kind, struct group_change *change)
{
    struct group_writer *writer = &group->writer;
    char name[GROUP_STREAM_NAME_BYTES];
    struct varve_error error;
    enum varve_status status = VARVE_NO_MEMORY;

    writer->kind = kind;
    writer->change = change;
    writer->begun++;
    struct varve_view data = encode(group, kind, change);
    if (data.data == NULL)
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "no memory to write what the group remembers");
    else
        status = system_append_queue(group->server, &writer->append,
                                     group_stream_name(GROUP_STREAM_PREFIX, group->name, name), group_event_type(kind),
                                     data, on_done, &error);
    free((char *)data.data);
    group->finished = group->last_left = false;
    writer->written_ms = group_now_ms(group);
    if (status != VARVE_OK) {
        refused(group, &error);
        return;
    }
    writer->away = true;
    group_went_away(group);
}

static void begin_change(struct group *group, struct group_change *change)
{
    begin(group, change->kind, change);
}

/* UINT64_MAX: nothing to be written by itself. */
static uint64_t checkpoint_due(const struct group *group)
{
    const struct group_writer *writer = &group->writer;

    if (!wants_checkpoint(group))
        return UINT64_MAX;
    if (group->server->stopping || group->last_left)
        return writer->retry_ms;
    uint64_t due_ms = writer->written_ms + GROUP_CHECKPOINT_MS;
    return due_ms > writer->retry_ms ? due_ms : writer->retry_ms;
}

uint64_t group_writer_go_on(struct group *group, uint64_t now_ms)
{
    struct group_writer *writer = &group->writer;

    while (!writer->away && !group->gone) {
        uint64_t due_ms = group->stop_wanted ? writer->retry_ms : checkpoint_due(group);

        if (group->stop_wanted && due_ms <= now_ms && !writer->gave_up)
            begin(group, GROUP_STOPPED, NULL);
        else if (writer->first != NULL && group_writer_holds_up(group) &&
                 (group->parkings_away > 0 || group->holds != NULL))
            return UINT64_MAX; /* They come back, and touch us. */
        else if (writer->first != NULL)
            begin_change(group, take_change(writer));
        else if (due_ms <= now_ms && !writer->gave_up)
            begin(group, GROUP_CHECKPOINT, NULL);
        else
            return writer->gave_up ? UINT64_MAX : due_ms;
    }
    return UINT64_MAX;
}

bool group_writer_is_idle(const struct group *group)
{
    const struct group_writer *writer = &group->writer;

    return !writer->away && writer->first == NULL &&
           (writer->gave_up || (!group->stop_wanted && !wants_checkpoint(group)));
}
