/* groups_load.c - what the log says about the consumer groups: read once, before the server serves. */
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "varve/record.h"

enum { NAMES_AT_A_TIME = 1000, PARKED_BATCH_BYTES = 1024 * 1024, PARKED_BATCH_EVENTS = 4096 };

/* ---- what is parked ------------------------------------------------------------------------------------------- */

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the parked events of the consumer groups");
}

static enum varve_status fold_picture(struct group *group, const struct varve_event *event, struct varve_error *error)
{
    struct parked_picture picture;
    enum varve_status status = parked_picture_decode(event->data, &picture, error);

    if (status != VARVE_OK)
        return status;
    const struct parked_entry entry = { .position = picture.event.position, .where = event->position,
                                        .first_attempt_us = picture.event.first_attempt_us,
                                        .attempts = picture.event.attempts, .state = PARKED_RESTING };
    bool counts = picture.epoch >= group->record.created_epoch; /* Else it is of a group that had the name before. */
    parked_picture_end(&picture);
    if (!counts)
        return VARVE_OK;
    parked_table_remove(&group->settled, entry.position);
    return parked_table_put(&group->parked, &entry) ? VARVE_OK : no_memory(error);
}

/* What was settled since the last reset, above the checkpoint, is not to be delivered as if it were new. */
static enum varve_status fold_note(struct group *group, const struct varve_event *event, struct varve_error *error)
{
    struct parked_note note;
    enum varve_status status = parked_note_decode(event->data, &note, error);

    for (size_t i = 0; status == VARVE_OK && i < note.count && note.epoch >= group->record.created_epoch; i++) {
        const struct parked_entry entry = { .position = note.positions[i] };

        parked_table_remove(&group->parked, entry.position);
        if (note.epoch >= group->record.reset_epoch && entry.position > group->record.checkpoint &&
            !parked_table_put(&group->settled, &entry))
            return no_memory(error);
    }
    return status;
}

static enum varve_status fold_event(struct group *group, const uint8_t *record, uint32_t size,
                                    struct varve_error *error)
{
    enum parked_event_kind kind;
    struct varve_event event;
    struct varve_error why;
    enum varve_status status = varve_record_decode(record, size, &event);

    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "a parked event of group '%.*s' cannot be read", (int)group->name.size,
                          group->name.data);
    if (!parked_event_parse(event.type, &kind))
        return VARVE_OK;
    status = kind == PARKED_PARKED || kind == PARKED_FAILED ? fold_picture(group, &event, &why)
                                                            : fold_note(group, &event, &why);
    if (status == VARVE_CORRUPT) { /* The log still has it; it must not keep all else down. */
        log_error(&group->server->log, "group.parked_unreadable", log_view("group", group->name),
                  log_number("position", event.position), log_text("message", why.message));
        return VARVE_OK;
    }
    if (status != VARVE_OK && error != NULL)
        *error = why;
    return status;
}

static enum varve_status fold_parked(struct group *group, struct varve_error *error)
{
    char name[GROUP_STREAM_NAME_BYTES];
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = group_stream_name(PARKED_STREAM_PREFIX, group->name, name);
    enum varve_status status = varve_reader_open(group->server->store, &read, &reader, error);
    if (status != VARVE_OK)
        return status == VARVE_STREAM_NOT_FOUND ? VARVE_OK : status;
    while (status == VARVE_OK && !batch.end) {
        status = varve_reader_next(reader, PARKED_BATCH_BYTES, PARKED_BATCH_EVENTS, &batch, error);
        for (uint32_t i = 0; status == VARVE_OK && i < batch.count; i++)
            status = fold_event(group, batch.records[i], batch.sizes[i], error);
    }
    varve_reader_close(reader);
    parking_count(group, (int64_t)group->parked.count);
    return status;
}

/* ---- one group ------------------------------------------------------------------------------------------------ */

/* The last event of the stream goes into the group. *ret_deleted: there is none of this name any more. */
static enum varve_status take_last_event(struct group *group, const struct varve_batch *batch, bool *ret_deleted)
{
    struct varve_event event;
    struct varve_error why;

    if (batch->count == 0 || varve_record_decode(batch->records[0], batch->sizes[0], &event) != VARVE_OK)
        return varve_fail(&group->broken, VARVE_CORRUPT, NULL, "the group's last event cannot be read");
    *ret_deleted = varve_view_equal(event.type, varve_view_str(group_event_type(GROUP_DELETED)));
    enum varve_status status = *ret_deleted ? VARVE_OK : group_record_decode(event.data, &group->record, &why);
    if (status == VARVE_CORRUPT) {
        log_error(&group->server->log, "group.unreadable", log_view("group", group->name),
                  log_number("position", event.position), log_text("message", why.message));
        varve_fail(&group->broken, VARVE_CORRUPT, NULL, "the group's last event, position %llu, is not understood: %s",
                   (unsigned long long)event.position, why.message);
    }
    group->settings_bytes = event.data.size;
    return status == VARVE_NO_MEMORY ? status : VARVE_OK;
}

static enum varve_status read_group(struct group *group, struct varve_view stream, bool *ret_deleted,
                                    struct varve_error *error)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = stream;
    read.backwards = true;
    read.limit = 1;
    enum varve_status status = varve_reader_open(group->server->store, &read, &reader, error);
    if (status == VARVE_OK)
        status = varve_reader_next(reader, 1, 1, &batch, error);
    if (status == VARVE_OK && take_last_event(group, &batch, ret_deleted) == VARVE_NO_MEMORY)
        status = no_memory(error);
    varve_reader_close(reader);
    return status;
}

static enum varve_status load_group(struct groups *groups, struct varve_view stream, struct varve_error *error)
{
    size_t prefix = strlen(GROUP_STREAM_PREFIX);
    struct varve_view name = varve_view_of(stream.data + prefix, stream.size - prefix);
    bool deleted = false;

    if (varve_check_group_name(name, "group", NULL) != VARVE_OK)
        return VARVE_OK;
    struct group *group = group_create(groups, name);
    if (group == NULL)
        return no_memory(error);
    enum varve_status status = read_group(group, stream, &deleted, error);
    if (status == VARVE_OK && !deleted && group->broken.status == VARVE_OK) {
        status = fold_parked(group, error);
        if (status == VARVE_OK && !group_begin(group))
            status = no_memory(error);
    }
    if (status == VARVE_OK && !deleted && !groups_add(groups, group))
        status = no_memory(error);
    if (status != VARVE_OK || deleted)
        group_free(group);
    else
        groups->settings_bytes += group->settings_bytes;
    return status;
}

enum varve_status groups_load(struct groups *groups, struct varve_error *error)
{
    struct varve_stream_list list = { .end = false };
    char after[VARVE_MAX_SYSTEM_STREAM_NAME];
    struct varve_view last = varve_view_of(after, 0);
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && !list.end) {
        status = varve_store_list_streams(groups->server->store, varve_view_str(GROUP_STREAM_PREFIX), last,
                                          NAMES_AT_A_TIME, true, &list, error);
        if (status != VARVE_OK)
            return status;
        for (size_t i = 0; i < list.count && status == VARVE_OK; i++) {
            last.size = list.entries[i].name.size;
            memcpy(after, list.entries[i].name.data, last.size);
            status = load_group(groups, last, error);
        }
        bool end = list.end;
        varve_stream_list_free(&list);
        list.end = end;
    }
    if (groups->count > 0)
        log_info(&groups->server->log, "group.loaded", log_number("groups", groups->count),
                 log_number("parked", groups->parked_count));
    return status;
}
