/* group_admin.c - GROUP_CREATE, _UPDATE, _RESET, _DELETE: written into the log, then
 * answered; GROUP_INFO, GROUP_LIST. */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "group.h"
#include "reply.h"

enum { PICTURE_SPARE_BYTES = 16 * 1024 }; /* what pictures of the group and of its parked events may grow by */

struct admin {
    struct group_change change;
    struct request request;
    struct server *server;
};

static const struct request_kind admin_kind = { .stop = NULL };

/* ---- what is told --------------------------------------------------------------------------------------------- */

static struct varve_group_info describe(const struct group *group)
{
    const struct group_record *record = &group->record;
    struct group_state_figures figures;

    if (group->state == NULL) /* It is not understood, and was deleted. */
        return (struct varve_group_info){ .name = group->name };
    group_state_get_figures(group->state, &figures);
    return (struct varve_group_info){
        .name = group->name, .settings = record->settings, .stopped = record->stopped,
        .stop_reason = varve_view_of(record->stopped ? record->stop_reason : NULL, record->stop_reason_size),
        .checkpoint = group_state_checkpoint(group->state),
        .last_position = varve_store_last_position(group->server->store), .in_flight = figures.in_flight,
        .retrying = figures.retrying, .parked = group->parked.count, .acked = group->acked_before + figures.acked,
        .redelivered = group->redelivered_before + figures.redelivered, .created_at_us = record->created_at_us,
    };
}

static void answer(struct session *session, uint32_t request_id, const struct group *group)
{
    struct varve_group_consumer *consumers = calloc(group->joined_count + 1, sizeof(*consumers));

    if (consumers == NULL) {
        reply_no_memory(session, request_id);
        return;
    }
    if (!session_is_closing(session)) {
        struct varve_group_info info = describe(group);

        info.consumers = consumers;
        info.consumer_count = consumers_list(group, consumers);
        varve_encode_group_ok(session_out(session), request_id, &info);
        session_sent(session);
    }
    free(consumers);
}

void handle_group_list(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    const struct groups *groups = session_server(session)->groups;
    struct varve_group_info *infos = calloc(groups->count + 1, sizeof(*infos));
    struct varve_error error;
    size_t count = 0;

    if (infos == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    for (uint32_t i = 0; i < groups->count; i++) {
        if (groups->all[i]->broken.status == VARVE_OK)
            infos[count++] = describe(groups->all[i]);
    }
    if (varve_decode_empty(body, VARVE_OP_GROUP_LIST, &error) == VARVE_OK) {
        varve_encode_group_list_ok(session_out(session), frame->request_id, infos, count);
        session_sent(session);
    } else {
        reply_error(session, frame->request_id, &error);
    }
    free(infos);
}

/* ---- what is changed ------------------------------------------------------------------------------------------ */

static int64_t wall_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void forget_settings(struct groups *groups, struct group *group)
{
    groups->settings_bytes -= group->settings_bytes;
    group->settings_bytes = 0;
}

static void on_written(struct group_change *change, struct group *group, const struct varve_error *error)
{
    struct admin *admin = (struct admin *)change; /* Its first member. */
    struct session *session = admin->request.session;
    bool create_failed = change->kind == GROUP_CREATED && error != NULL;

    if (error != NULL)
        reply_error(session, admin->request.id, error);
    else
        answer(session, admin->request.id, group);
    session_end(&admin->request);
    group_record_end(&change->set);
    free(admin);
    if (create_failed) {
        group_writer_fail_all(group, error);
        group_drop(group);
    }
}

/* The whole picture must fit an event, with what it may grow by, and the settings of all groups a list. */
static enum varve_status measure(struct server *server, const struct group_record *record, uint64_t before,
                                 uint64_t *ret_bytes, struct varve_error *error)
{
    struct varve_view picture = group_record_encode(record);

    free((char *)picture.data);
    if (picture.data == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    *ret_bytes = picture.size;
    if (picture.size + PICTURE_SPARE_BYTES > server->limits.max_event_bytes) {
        error->limit = server->limits.max_event_bytes;
        return varve_fail(error, VARVE_EVENT_TOO_LARGE, NULL, "a group with these settings needs events of %zu bytes, "
                          "the store takes %" PRIu32, picture.size + PICTURE_SPARE_BYTES,
                          server->limits.max_event_bytes);
    }
    if (server->groups->settings_bytes - before + picture.size > GROUPS_MAX_SETTINGS_BYTES)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the settings of all groups may have %d bytes",
                          GROUPS_MAX_SETTINGS_BYTES);
    return VARVE_OK;
}

static enum varve_status find_after(struct server *server, uint64_t *after, struct varve_error *error)
{
    uint64_t last_position = varve_store_last_position(server->store);

    if (*after == VARVE_AFTER_END)
        *after = last_position;
    if (*after <= last_position)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "after: the log ends at position %" PRIu64
                      ", this is %" PRIu64, last_position, *after);
}

static enum varve_status fill_in(struct group *group, struct varve_group_request *request, struct varve_error *error)
{
    struct group_record *record = &group->record;

    if (!group_record_set(record, &request->settings))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    record->checkpoint = request->after;
    record->created_at_us = wall_clock_us();
    /* An epoch takes an event at least, so this is above all those of a group that had the name before. */
    record->epoch = varve_store_last_position(group->server->store) + 1;
    record->created_epoch = record->reset_epoch = record->epoch;
    enum varve_status status = measure(group->server, record, 0, &group->settings_bytes, error);
    if (status == VARVE_OK && !group_begin(group))
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    return status;
}

static enum varve_status create_group(struct server *server, struct varve_group_request *request,
                                      struct group **ret_group, struct varve_error *error)
{
    struct groups *groups = server->groups;

    if (groups_find(groups, request->group) != NULL)
        return varve_fail(error, VARVE_GROUP_EXISTS, NULL, "there is a consumer group '%.*s' already",
                          (int)request->group.size, request->group.data);
    if (groups->count >= VARVE_MAX_GROUPS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the server has %u groups, as many as it may",
                          VARVE_MAX_GROUPS);
    if (find_after(server, &request->after, error) != VARVE_OK)
        return error->status;
    struct group *group = group_create(groups, request->group);
    enum varve_status status = group == NULL ? VARVE_NO_MEMORY : fill_in(group, request, error);
    if (status == VARVE_OK && !groups_add(groups, group))
        status = VARVE_NO_MEMORY;
    if (status == VARVE_NO_MEMORY)
        varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    if (status != VARVE_OK) {
        if (group != NULL)
            group_free(group);
        return status;
    }
    groups->settings_bytes += group->settings_bytes;
    *ret_group = group;
    return VARVE_OK;
}

/* The change as the request wishes it. */
static enum varve_status make_change(struct group *group, const struct varve_group_request *request,
                                     struct group_change *change, struct varve_error *error)
{
    struct server *server = group->server;
    uint64_t bytes = 0;

    change->after = request->after;
    if (change->kind == GROUP_RESET)
        return find_after(server, &change->after, error);
    if (change->kind != GROUP_UPDATED)
        return VARVE_OK;
    change->has_settings = request->has_settings;
    if (request->resume)
        change->kind = GROUP_RESUMED;
    if (!request->has_settings)
        return VARVE_OK;
    if (!group_record_set(&change->set, &request->settings))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    enum varve_status status = measure(server, &change->set, group->settings_bytes, &bytes, error);
    if (status != VARVE_OK)
        return status;
    forget_settings(server->groups, group);
    group->settings_bytes = bytes;
    server->groups->settings_bytes += bytes;
    return VARVE_OK;
}

static enum varve_status find_group(struct server *server, uint8_t opcode, struct varve_group_request *request,
                                    struct group **ret_group, struct varve_error *error)
{
    if (opcode == VARVE_OP_GROUP_CREATE)
        return create_group(server, request, ret_group, error);
    *ret_group = groups_need(server->groups, request->group, error);
    if (*ret_group == NULL && opcode == VARVE_OP_GROUP_DELETE) /* One that is not understood can at least go. */
        *ret_group = groups_find(server->groups, request->group);
    return *ret_group == NULL ? error->status : VARVE_OK;
}

static const enum group_event_kind kinds[256] = {
    [VARVE_OP_GROUP_CREATE] = GROUP_CREATED, [VARVE_OP_GROUP_UPDATE] = GROUP_UPDATED,
    [VARVE_OP_GROUP_RESET] = GROUP_RESET, [VARVE_OP_GROUP_DELETE] = GROUP_DELETED,
};

static enum varve_status begin(struct session *session, const struct varve_frame *frame,
                               struct varve_group_request *request, struct varve_error *error)
{
    struct server *server = session_server(session);
    struct admin *admin = calloc(1, sizeof(*admin));
    struct group *group = NULL;

    if (admin == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    admin->change.kind = kinds[frame->opcode];
    admin->change.done = on_written;
    if (!session_begin(session, &admin->request, &admin_kind, frame->request_id, sizeof(*admin) + frame->length)) {
        free(admin);
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
    }
    admin->request.away = true;
    enum varve_status status = find_group(server, frame->opcode, request, &group, error);
    if (status == VARVE_OK)
        status = make_change(group, request, &admin->change, error);
    if (status == VARVE_OK) {
        group_writer_add(group, &admin->change);
        return VARVE_OK;
    }
    admin->request.status = status;
    session_end(&admin->request);
    group_record_end(&admin->change.set);
    free(admin);
    return status;
}

void handle_group_change(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_group_request request;
    struct varve_error error = { .status = VARVE_OK };

    enum varve_status status = varve_decode_group(body, frame->opcode, server->arena, &request, &error);
    if (status == VARVE_OK)
        status = begin(session, frame, &request, &error);
    varve_wire_arena_reset(server->arena);
    if (status != VARVE_OK)
        reply_error(session, frame->request_id, &error);
}

void handle_group_info(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_group_request request;
    struct varve_error error = { .status = VARVE_OK };
    struct group *group = NULL;

    if (varve_decode_group(body, frame->opcode, server->arena, &request, &error) == VARVE_OK)
        group = groups_need(server->groups, request.group, &error);
    if (group == NULL)
        reply_error(session, frame->request_id, &error);
    else
        answer(session, frame->request_id, group);
}
