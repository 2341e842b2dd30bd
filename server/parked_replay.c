/* parked_replay.c - PARKED_REPLAY: parked events go to the consumers once more.
 *
 * Asking only marks them; their records are read, some at a time, while there are consumers and the machine has room.
 * What is marked is not remembered across a restart: it simply stays parked. */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "group.h"
#include "reply.h"
#include "varve/record.h"

enum { AT_A_TIME = 64 };

struct replay_job {
    struct job job;
    struct group *group;
    struct varve_store *store;
    uint32_t count;
    uint64_t positions[AT_A_TIME];
    uint8_t *records[AT_A_TIME];   /* NULL: could not be read */
    uint32_t sizes[AT_A_TIME];
};

/* On a worker's thread. */
static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct replay_job *replay = (struct replay_job *)job; /* Its first member. */

    for (uint32_t i = 0; i < replay->count; i++)
        varve_store_get(replay->store, replay->positions[i], &replay->records[i], &replay->sizes[i], NULL);
}

static void rest(struct group *group, struct parked_entry *entry, const char *why)
{
    entry->state = PARKED_RESTING;
    log_error(&group->server->log, "group.not_replayed", log_view("group", group->name),
              log_number("position", entry->position), log_text("why", why));
}

static void replay_one(struct group *group, struct parked_entry *entry, const uint8_t *record, uint32_t size)
{
    struct held_event *event = record == NULL ? NULL : group_hold(group, record, size);

    if (event == NULL) {
        rest(group, entry, record == NULL ? "the event cannot be read" : "no memory");
    } else if (group_state_replay(group->state, entry->position, group_key_of(group, record, size), event)) {
        entry->state = PARKED_REPLAYING;
    } else {
        group_release(group, event);
        rest(group, entry, "no memory");
    }
}

static void finish(struct completion *completion)
{
    struct replay_job *replay = (struct replay_job *)((char *)completion - offsetof(struct replay_job, job.completion));
    struct group *group = replay->group;

    for (uint32_t i = 0; i < replay->count; i++) {
        struct parked_entry *entry = parked_table_find(&group->parked, replay->positions[i]);

        if (!group->gone && entry != NULL && entry->state == PARKED_LOADING)
            replay_one(group, entry, replay->records[i], replay->sizes[i]);
        free(replay->records[i]);
    }
    free(replay);
    group->replay_job = NULL;
    group_touch(group);
    group_came_back(group);
}

static bool can_replay(const struct group *group)
{
    struct group_state_figures figures;

    if (group->replay_wanted == 0 || group->replay_job != NULL || group->joined_count == 0 ||
        group_is_stopped(group) || group->server->stopping || group_state_room(group->state) == 0)
        return false;
    group_state_get_figures(group->state, &figures);
    return figures.replaying < group->record.settings.max_in_flight;
}

static void choose(struct group *group, struct replay_job *replay)
{
    uint32_t room = group_state_room(group->state);
    struct parked_entry *entry = parked_table_next(&group->parked, 0);

    for (; entry != NULL && replay->count < AT_A_TIME && replay->count < room && group->replay_wanted > 0;
         entry = parked_table_next(&group->parked, entry->position)) {
        if (entry->state != PARKED_WANTED)
            continue;
        entry->state = PARKED_LOADING;
        group->replay_wanted--;
        replay->positions[replay->count++] = entry->position;
    }
}

uint64_t parked_replay_go_on(struct group *group, uint64_t now_ms)
{
    if (!can_replay(group))
        return UINT64_MAX; /* Whatever changes that touches the group. */
    if (workers_full(&group->server->workers) || !group_may_hold(group))
        return now_ms + GROUP_READ_RETRY_MS;
    struct replay_job *replay = calloc(1, sizeof(*replay));
    if (replay == NULL)
        return now_ms + GROUP_READ_RETRY_MS;
    replay->group = group;
    replay->store = group->server->store;
    replay->job.work = work;
    replay->job.completion.finish = finish;
    choose(group, replay);
    group->replay_job = replay;
    group_went_away(group);
    workers_submit(&group->server->workers, &replay->job);
    return UINT64_MAX;
}

void parked_replay_reset(struct group *group)
{
    struct parked_entry *entry = parked_table_next(&group->parked, 0);

    for (; entry != NULL; entry = parked_table_next(&group->parked, entry->position)) {
        if (entry->state != PARKED_ENDING)
            entry->state = PARKED_RESTING;
    }
    group->replay_wanted = 0;
}

/* ---- the request ---------------------------------------------------------------------------------------------- */

static uint32_t want(struct group *group, struct parked_entry *entry)
{
    if (entry->state != PARKED_RESTING)
        return 0; /* It is on its way already. */
    entry->state = PARKED_WANTED;
    group->replay_wanted++;
    return 1;
}

static uint32_t want_oldest(struct group *group, uint32_t limit)
{
    struct parked_entry *entry = parked_table_next(&group->parked, 0);
    uint32_t count = 0;

    for (; entry != NULL && (limit == 0 || count < limit); entry = parked_table_next(&group->parked, entry->position))
        count += want(group, entry);
    return count;
}

void handle_parked_replay(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_parked_request request;
    struct varve_error error = { .status = VARVE_OK };
    struct parked_entry *entry = NULL;
    struct group *group = NULL;

    if (varve_decode_parked(body, frame->opcode, &request, &error) == VARVE_OK)
        group = groups_need(session_server(session)->groups, request.group, &error);
    if (group != NULL && request.position != 0) {
        entry = parked_table_find(&group->parked, request.position);
        if (entry == NULL)
            varve_fail(&error, VARVE_EVENT_NOT_FOUND, NULL, "no event with position %" PRIu64 " is parked",
                       request.position);
    }
    if (group == NULL || (request.position != 0 && entry == NULL)) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    uint32_t count = entry != NULL ? want(group, entry) : want_oldest(group, request.limit);
    varve_encode_parked_ok(session_out(session), frame->request_id, count);
    session_sent(session);
    group_touch(group);
}
