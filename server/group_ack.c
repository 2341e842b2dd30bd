/* group_ack.c - GROUP_ACK, GROUP_NACK, GROUP_EXTEND: what became of the events that a consumer was given. */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "group.h"
#include "reply.h"

static enum varve_status take(struct group *group, uint8_t opcode, const struct varve_group_ack *ack,
                              uint64_t position)
{
    uint64_t now_ms = group_now_ms(group);

    if (opcode == VARVE_OP_GROUP_ACK)
        return group_state_ack(group->state, ack->epoch, position);
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

static void answer(struct session *session, const struct varve_frame *frame, struct group *group,
                   const struct varve_group_ack *ack)
{
    struct server *server = session_server(session);
    struct varve_refused_ack *refused = malloc((ack->count + 1) * sizeof(*refused));

    if (refused == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    size_t count = take_all(group, frame->opcode, ack, refused);
    figure_add(frame->opcode == VARVE_OP_GROUP_ACK ? &server->figures.group_acks : frame->opcode == VARVE_OP_GROUP_NACK
               ? &server->figures.group_nacks : &server->figures.group_extends, ack->count - count);
    figure_add(&server->figures.group_acks_refused, count);
    varve_encode_group_ack_ok(session_out(session), frame->request_id, (uint32_t)(ack->count - count), refused, count);
    session_sent(session);
    free(refused);
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
    if (group == NULL)
        reply_error(session, frame->request_id, &error);
    else
        answer(session, frame, group, &ack);
    varve_wire_arena_reset(server->arena);
}
