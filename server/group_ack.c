/* group_ack.c - GROUP_ACK, GROUP_NACK, GROUP_EXTEND: what became of the events that a consumer was given.
 *
 * The machine takes them at once. But who is told that an event is finished (by an ack, or a nack{skip}) may rely on
 * it, so the answer waits until a picture of the group that has it is durable; those are written a few times a second.
 */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "group.h"
#include "reply.h"

static enum varve_status take_ack(struct group *group, uint64_t epoch, uint64_t position)
{
    struct held_event *event = group_state_event(group->state, position);
    enum varve_status status = group_state_ack(group->state, epoch, position);

    if (status == VARVE_OK)
        group_note_consumed(group, event);
    return status;
}

static enum varve_status take(struct group *group, uint8_t opcode, const struct varve_group_ack *ack,
                              uint64_t position)
{
    uint64_t now_ms = group_now_ms(group);

    if (opcode == VARVE_OP_GROUP_ACK)
        return take_ack(group, ack->epoch, position);
    if (opcode == VARVE_OP_GROUP_NACK)
        return group_state_nack(group->state, ack->epoch, position, ack->action, ack->wait_ms, ack->reason, now_ms);
    return group_state_extend(group->state, ack->epoch, position, ack->wait_ms, now_ms);
}

/* Takes what can be taken of the list; the others go into `refused`. */
static size_t take_all(struct group *group, uint8_t opcode, const struct varve_group_ack *ack,
                       struct varve_refused_ack *refused)
{
    size_t count = 0;

    for (size_t i = 0; i < ack->count; i++) {
        enum varve_status status = take(group, opcode, ack, ack->positions[i]);

        if (status == VARVE_OK)
            continue;
        if (status == VARVE_NOT_DELIVERED && consumer_was_reset(group, ack->epoch))
            status = VARVE_FENCED; /* It was, before the group began anew. */
        refused[count++] = (struct varve_refused_ack){ ack->positions[i], status };
    }
    return count;
}

static bool finishes(uint8_t opcode, const struct varve_group_ack *ack)
{
    return opcode == VARVE_OP_GROUP_ACK || (opcode == VARVE_OP_GROUP_NACK && ack->action == VARVE_NACK_SKIP);
}

static void count_acks(struct figures *figures, uint8_t opcode, size_t taken, size_t refused)
{
    figure_add(opcode == VARVE_OP_GROUP_ACK ? &figures->group_acks : opcode == VARVE_OP_GROUP_NACK
               ? &figures->group_nacks : &figures->group_extends, taken);
    figure_add(&figures->group_acks_refused, refused);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* Nobody can end it but the picture that it waits for. */
static const struct request_kind answer_kind = { .noun = "ack" };

struct group_answer {
    struct request request;
    struct group_answer *next;
    uint64_t picture;          /* that must be durable */
    uint32_t done;
    size_t refused_count;
    struct varve_refused_ack refused[];
};

void group_answers_init(struct group *group)
{
    group->last_answer = &group->answers;
}

/* `why` NULL: it is as was said. */
static void give(struct group_answer *answer, const struct varve_error *why)
{
    struct session *session = answer->request.session;

    if (why != NULL) {
        reply_error(session, answer->request.id, why);
    } else if (!session_is_closing(session)) {
        varve_encode_group_ack_ok(session_out(session), answer->request.id, answer->done, answer->refused,
                                  answer->refused_count);
        session_sent(session);
    }
    session_end(&answer->request);
    free(answer);
}

static struct group_answer *take_answer(struct group *group)
{
    struct group_answer *answer = group->answers;

    group->answers = answer->next;
    if (group->answers == NULL)
        group->last_answer = &group->answers;
    return answer;
}

void group_answers_give(struct group *group)
{
    while (group->answers != NULL && group->answers->picture <= group->writer.durable)
        give(take_answer(group), NULL);
}

void group_answers_fail(struct group *group, const struct varve_error *why)
{
    while (group->answers != NULL)
        give(take_answer(group), why);
}

/* NULL: it was answered. */
static struct group_answer *create(struct session *session, uint32_t request_id, size_t count)
{
    size_t bytes = sizeof(struct group_answer) + count * sizeof(struct varve_refused_ack);
    struct group_answer *answer = malloc(bytes);

    if (answer == NULL) {
        reply_no_memory(session, request_id);
        return NULL;
    }
    if (!session_begin(session, &answer->request, &answer_kind, request_id, bytes)) {
        free(answer);
        reply_overloaded(session, request_id, "the server's memory for requests is used up");
        return NULL;
    }
    answer->request.away = true;
    session_wait_for_peer(&answer->request, true); /* Not that it does; but many may wait, and others be heard. */
    return answer;
}

static void wait_for_picture(struct group *group, struct group_answer *answer)
{
    answer->next = NULL;
    answer->picture = group->writer.begun + 1;
    *group->last_answer = answer;
    group->last_answer = &answer->next;
    group->finished = true;
}

static void answer_ack(struct session *session, const struct varve_frame *frame, struct group *group,
                       const struct varve_group_ack *ack)
{
    struct group_answer *answer = create(session, frame->request_id, ack->count);

    if (answer == NULL)
        return;
    answer->refused_count = take_all(group, frame->opcode, ack, answer->refused);
    answer->done = (uint32_t)(ack->count - answer->refused_count);
    count_acks(&session_server(session)->figures, frame->opcode, answer->done, answer->refused_count);
    if (answer->done > 0 && finishes(frame->opcode, ack))
        wait_for_picture(group, answer);
    else
        give(answer, NULL);
    group_touch(group);
}

void handle_group_ack(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_group_ack ack;
    struct varve_error error = { .status = VARVE_OK };
    struct group *group = NULL;

    if (varve_decode_group_ack(body, frame->opcode, server->arena, &ack, &error) == VARVE_OK)
        group = groups_need(server->groups, ack.group, &error);
    if (group != NULL && consumer_find(group, ack.epoch) == NULL) {
        varve_fail(&error, VARVE_FENCED, NULL, "epoch %" PRIu64 " is no member's of the group", ack.epoch);
        group = NULL;
    }
    if (group != NULL && group->writer.gave_up) {
        varve_fail(&error, VARVE_NOT_READY, NULL, "what the group remembers cannot be written any more");
        group = NULL;
    }
    if (group == NULL)
        reply_error(session, frame->request_id, &error);
    else
        answer_ack(session, frame, group, &ack);
    varve_wire_arena_reset(server->arena);
}
