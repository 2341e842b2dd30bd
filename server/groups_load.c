/* groups_load.c - what the log says about the consumer groups: read once, before the server serves, by the thread that
 * opens the store. Nobody else looks at the groups meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "group_acked.h"
#include "varve/record.h"

enum {
    NAMES_AT_A_TIME = 1000, PARKED_BATCH_BYTES = 1024 * 1024, PARKED_BATCH_EVENTS = 4096,
    ACKED_BATCH_BYTES = 256 * 1024, ACKED_BATCH_EVENTS = 1024,
};

/* ---- what is parked ------------------------------------------------------------------------------------------- */

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for what the log says of the consumer groups");
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

static enum varve_status fold_parked(struct group *group, struct varve_store *store, struct varve_error *error)
{
    char name[GROUP_STREAM_NAME_BYTES];
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = group_stream_name(PARKED_STREAM_PREFIX, group->name, name);
    enum varve_status status = varve_reader_open(store, &read, &reader, error);
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

/* The stream of a group, read backwards: to its newest picture, and on for what transactions acked before it in the log
 * that it does not have. Usually that is one event. */
struct scan {
    struct group *group;
    struct group_acked acked;
    bool found, deleted;   /* the newest picture; there is no group of this name any more */
    uint64_t through;      /* it has all that is at or below this version */
    bool done;
};

static void break_group(struct group *group, const struct varve_event *event, const char *why)
{
    log_error(&group->server->log, "group.unreadable", log_view("group", group->name),
              log_number("position", event->position), log_text("message", why));
    varve_fail(&group->broken, VARVE_CORRUPT, NULL, "the group's event at position %llu is not understood: %s",
               (unsigned long long)event->position, why);
}

static bool is_type(const struct varve_event *event, const char *type)
{
    return varve_view_equal(event->type, varve_view_str(type));
}

/* A group that is made or reset knows of nothing that was acked before. */
static enum varve_status take_picture(struct scan *scan, const struct varve_event *event, struct varve_error *why)
{
    struct group_record *record = &scan->group->record;
    bool forgets = is_type(event, group_event_type(GROUP_CREATED)) || is_type(event, group_event_type(GROUP_RESET));

    scan->found = true;
    scan->group->settings_bytes = event->data.size;
    scan->deleted = is_type(event, group_event_type(GROUP_DELETED));
    enum varve_status status = scan->deleted ? VARVE_OK : group_record_decode(event->data, record, why);
    if (status != VARVE_OK)
        return status;
    if (forgets || record->acked_through > event->version)
        record->acked_through = event->version;
    scan->through = record->acked_through;
    return VARVE_OK;
}

static enum varve_status scan_event(struct scan *scan, const struct varve_event *event, struct varve_error *error)
{
    struct varve_error why = { .status = VARVE_OK };
    enum varve_status status = VARVE_OK;

    if (is_type(event, GROUP_ACKED_TYPE) && (!scan->found || event->version > scan->through))
        status = group_acked_add(&scan->acked, event->data, &why);
    else if (!scan->found)
        status = take_picture(scan, event, &why);
    if (status == VARVE_CORRUPT)
        break_group(scan->group, event, why.message);
    scan->done = status != VARVE_OK || (scan->found && (scan->deleted || event->version <= scan->through + 1));
    if (status == VARVE_OK || status == VARVE_CORRUPT)
        return VARVE_OK;
    *error = why;
    return status;
}

static enum varve_status scan_batch(struct scan *scan, const struct varve_batch *batch, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    struct varve_event event;

    for (uint32_t i = 0; i < batch->count && !scan->done && status == VARVE_OK; i++) {
        if (varve_record_decode(batch->records[i], batch->sizes[i], &event) != VARVE_OK) {
            varve_fail(&scan->group->broken, VARVE_CORRUPT, NULL, "an event of the group cannot be read");
            scan->done = true;
            break;
        }
        if (event.version > scan->group->newest.version)
            scan->group->newest.version = event.version;
        status = scan_event(scan, &event, error);
    }
    return status;
}

static enum varve_status scan_stream(struct scan *scan, struct varve_reader *reader, struct varve_error *error)
{
    struct varve_batch batch = { .end = false };
    enum varve_status status = varve_reader_next(reader, 1, 1, &batch, error);

    while (status == VARVE_OK) {
        status = scan_batch(scan, &batch, error);
        if (status != VARVE_OK || scan->done || batch.end)
            break;
        status = varve_reader_next(reader, ACKED_BATCH_BYTES, ACKED_BATCH_EVENTS, &batch, error);
    }
    if (status == VARVE_OK && !scan->done && !scan->found)
        varve_fail(&scan->group->broken, VARVE_CORRUPT, NULL, "the group's stream has no picture of it");
    return status;
}

/* *ret_deleted: there is none of this name any more. */
static enum varve_status read_group(struct group *group, struct varve_store *store, struct varve_view stream,
                                    bool *ret_deleted, struct varve_error *error)
{
    struct scan scan = { .group = group };
    struct varve_reader *reader = NULL;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = stream;
    read.backwards = true;
    enum varve_status status = varve_reader_open(store, &read, &reader, error);
    if (status == VARVE_OK)
        status = scan_stream(&scan, reader, error);
    if (status == VARVE_OK && group->broken.status == VARVE_OK && !scan.deleted && scan.acked.count > 0 &&
        !group_acked_fold(&scan.acked, group->record.checkpoint, &group->record.finished))
        status = no_memory(error);
    group->newest.acks = scan.acked.positions;
    *ret_deleted = scan.deleted;
    group_acked_end(&scan.acked);
    varve_reader_close(reader);
    return status;
}

static enum varve_status load_group(struct groups *groups, struct varve_store *store, struct varve_view stream,
                                    struct varve_error *error)
{
    size_t prefix = strlen(GROUP_STREAM_PREFIX);
    struct varve_view name = varve_view_of(stream.data + prefix, stream.size - prefix);
    bool deleted = false;

    if (varve_check_group_name(name, "group", NULL) != VARVE_OK)
        return VARVE_OK;
    struct group *group = group_create(groups, name);
    if (group == NULL)
        return no_memory(error);
    enum varve_status status = read_group(group, store, stream, &deleted, error);
    if (status == VARVE_OK && !deleted && group->broken.status == VARVE_OK) {
        status = fold_parked(group, store, error);
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

static enum varve_status load_next(struct groups *groups, struct varve_store *store, struct varve_view stream,
                                   struct varve_error *error)
{
    if (groups->server->stopping)
        return varve_fail(error, VARVE_NOT_READY, NULL, "the server is stopping");
    return load_group(groups, store, stream, error);
}

static enum varve_status load_all(struct groups *groups, struct varve_store *store, struct varve_error *error)
{
    struct varve_stream_list list = { .end = false };
    char after[VARVE_MAX_SYSTEM_STREAM_NAME];
    struct varve_view last = varve_view_of(after, 0);
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && !list.end) {
        status = varve_store_list_streams(store, varve_view_str(GROUP_STREAM_PREFIX), last, NAMES_AT_A_TIME, true,
                                          &list, error);
        if (status != VARVE_OK)
            return status;
        for (size_t i = 0; i < list.count && status == VARVE_OK; i++) {
            last.size = list.entries[i].name.size;
            memcpy(after, list.entries[i].name.data, last.size);
            status = load_next(groups, store, last, error);
        }
        bool end = list.end;
        varve_stream_list_free(&list);
        list.end = end;
    }
    return status;
}

enum varve_status groups_load(struct server *server, struct varve_store *store, struct varve_error *error)
{
    struct groups *groups = server->groups;
    uint64_t begun_us = uv_hrtime() / 1000;

    memcpy(&groups->key_seed, server->database_id.bytes, sizeof(groups->key_seed));
    enum varve_status status = load_all(groups, store, error);
    if (status == VARVE_OK && groups->count > 0)
        log_info(&server->log, "group.loaded", log_number("groups", groups->count),
                 log_number("parked", groups->parked_count),
                 log_number("dur_ms", (uv_hrtime() / 1000 - begun_us) / 1000));
    return status;
}
