/* parked_discard.c - PARKED_DISCARD: parked events are given up, so many at a time, until as many as were asked for. */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "reply.h"

struct discard {
    struct request request;
    struct system_append append;
    struct group *group;
    uint64_t position;  /* 0: the oldest */
    uint64_t left;      /* how many more; UINT64_MAX: all */
    uint32_t done_count;
    struct parked_note note;
    size_t reason_size;
    char reason[VARVE_MAX_REASON];
};

static const struct request_kind discard_kind = { .stop = NULL };

static bool is_free(const struct parked_entry *entry)
{
    return entry->state == PARKED_RESTING || entry->state == PARKED_WANTED;
}

static void choose(struct discard *discard, struct parked_entry *entry)
{
    discard->group->replay_wanted -= entry->state == PARKED_WANTED;
    entry->state = PARKED_ENDING;
    discard->note.positions[discard->note.count++] = entry->position;
}

static void choose_some(struct discard *discard)
{
    struct parked_table *table = &discard->group->parked;
    struct parked_entry *entry = discard->position != 0 ? parked_table_find(table, discard->position)
                                                        : parked_table_next(table, 0);

    discard->note.count = 0;
    while (entry != NULL && discard->note.count < discard->left && discard->note.count < PARKED_MAX_POSITIONS) {
        if (is_free(entry))
            choose(discard, entry);
        entry = discard->position != 0 ? NULL : parked_table_next(table, entry->position);
    }
    discard->left -= discard->left == UINT64_MAX ? 0 : discard->note.count;
}

/* Those that were chosen are parked no more, or were not written and rest again. */
static void settle(struct discard *discard, bool written)
{
    struct group *group = discard->group;
    size_t before = group->parked.count;

    for (size_t i = 0; i < discard->note.count; i++) {
        struct parked_entry *entry = parked_table_find(&group->parked, discard->note.positions[i]);

        if (written)
            parked_table_remove(&group->parked, discard->note.positions[i]);
        else if (entry != NULL)
            entry->state = PARKED_RESTING;
    }
    parking_count(group, (int64_t)group->parked.count - (int64_t)before);
    discard->done_count += written ? (uint32_t)discard->note.count : 0;
}

/* With an error only when nothing was done before it. */
static void end(struct discard *discard, const struct varve_error *error)
{
    struct session *session = discard->request.session;

    if (error != NULL && discard->done_count == 0) {
        reply_error(session, discard->request.id, error);
    } else if (!session_is_closing(session)) {
        varve_encode_parked_ok(session_out(session), discard->request.id, discard->done_count);
        session_sent(session);
    }
    session_end(&discard->request);
    free(discard);
}

static void go_on(struct discard *discard);

static void on_done(struct system_append *append, const struct varve_append_outcome *outcome)
{
    struct discard *discard = (struct discard *)((char *)append - offsetof(struct discard, append));
    struct group *group = discard->group;
    struct varve_error error = outcome->error;

    settle(discard, outcome->status == VARVE_OK);
    group->parkings_away--;
    if (outcome->status != VARVE_OK)
        end(discard, &error);
    else if (group->gone || group_writer_holds_up(group))
        end(discard, NULL);
    else
        go_on(discard);
    group_touch(group);
    group_came_back(group);
}

static void go_on(struct discard *discard)
{
    struct group *group = discard->group;
    char name[GROUP_STREAM_NAME_BYTES];
    struct varve_error error;
    enum varve_status status = VARVE_NO_MEMORY;

    choose_some(discard);
    if (discard->note.count == 0) {
        end(discard, NULL);
        return;
    }
    discard->note.epoch = group->record.epoch;
    struct varve_view data = parked_note_encode(&discard->note, varve_view_of(discard->reason, discard->reason_size));
    if (data.data == NULL)
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    else
        status = system_append_queue(group->server, &discard->append,
                                     group_stream_name(PARKED_STREAM_PREFIX, group->name, name),
                                     parked_event_type(PARKED_DISCARDED), data, on_done, &error);
    free((char *)data.data);
    if (status == VARVE_OK) {
        group->parkings_away++;
        group_went_away(group);
        return;
    }
    settle(discard, false);
    end(discard, &error);
}

static enum varve_status check(const struct group *group, uint64_t position, struct varve_error *error)
{
    const struct parked_entry *entry = parked_table_find(&group->parked, position);

    if (position == 0)
        return VARVE_OK;
    if (entry == NULL)
        return varve_fail(error, VARVE_EVENT_NOT_FOUND, NULL, "no event with position %" PRIu64 " is parked",
                          position);
    if (!is_free(entry))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "position",
                          "position: event %" PRIu64 " is being replayed or discarded just now", position);
    return VARVE_OK;
}

void handle_parked_discard(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_parked_request request;
    struct varve_error error = { .status = VARVE_OK };
    struct group *group = NULL;

    if (varve_decode_parked(body, frame->opcode, &request, &error) == VARVE_OK)
        group = groups_need(server->groups, request.group, &error);
    if (group == NULL || check(group, request.position, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct discard *discard = calloc(1, sizeof(*discard));
    if (discard == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    if (!session_begin(session, &discard->request, &discard_kind, frame->request_id, sizeof(*discard))) {
        free(discard);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
        return;
    }
    discard->request.away = true;
    discard->group = group;
    discard->position = request.position;
    discard->left = request.position != 0 ? 1 : request.limit == 0 ? UINT64_MAX : request.limit;
    discard->reason_size = request.reason.size;
    if (request.reason.size > 0)
        memcpy(discard->reason, request.reason.data, request.reason.size); /* The decoder checked its size. */
    go_on(discard);
}
