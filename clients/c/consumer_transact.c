/* consumer_transact.c - what a consumer made of its events, stored together with their acks. */
#include "consumer.h"
#include "transact.h"

#include <stdlib.h>

static enum varve_status check_shape(const struct varve_transact_request *request, size_t count,
                                     struct varve_error *error)
{
    if (request->ack != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "ack", "ack: expected none, `positions` go in its place");
    if (count == 0 || count > VARVE_MAX_ACKS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "positions", "positions: expected 1 to %u, are %zu",
                          VARVE_MAX_ACKS, count);
    return VARVE_OK;
}

static enum varve_status make_room(struct varve_consumer *c, size_t count, struct varve_error *error)
{
    struct varve_conflict *conflicts;

    if (count <= c->conflict_capacity)
        return VARVE_OK;
    conflicts = realloc(c->conflicts, count * sizeof(*conflicts));
    if (conflicts == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu positions", count);
    c->conflicts = conflicts;
    c->conflict_capacity = count;
    return VARVE_OK;
}

/* Those which the consumer knows not to be its own are refused here, all of them named. */
static enum varve_status check_positions(struct varve_consumer *c, const uint64_t *positions, size_t count,
                                         struct varve_wire_error *ret_said)
{
    enum varve_status first = make_room(c, count, &ret_said->error);

    if (first != VARVE_OK)
        return first;
    for (size_t i = 0; i < count; i++) {
        enum varve_status status = acks_look(c, positions[i]);

        if (status == VARVE_OK)
            continue;
        if (first == VARVE_OK)
            first = acks_say_refused(positions[i], status, &ret_said->error);
        c->conflicts[ret_said->conflict_count++] = (struct varve_conflict){
            .part = VARVE_PART_ACK, .stream_index = (uint32_t)i, .status = status,
        };
    }
    ret_said->conflicts = c->conflicts;
    return first;
}

static enum varve_status send(struct varve_consumer *c, const struct varve_transact_request *request, uint32_t *ret_id,
                              struct varve_error *error)
{
    struct connection *connection = &c->feed.client->connection;
    uint32_t id = connection_next_id(connection);
    size_t begin = connection_begin_post(connection);
    enum varve_status status = transact_encode(c->feed.client, id, request, error);

    if (status != VARVE_OK)
        return status;
    (void)connection_post(connection, begin); /* It is whole. */
    *ret_id = id;
    return VARVE_OK;
}

/* Waits for the outcome. Whatever was wrong with the connection is an outcome, too. */
static void take_outcome(struct varve_consumer *c, uint32_t id, const struct varve_transact_request *request,
                         struct varve_transact_outcome *ret_outcome)
{
    struct varve_client *client = c->feed.client;
    struct varve_wire_error said = { .conflicts = NULL };
    uint32_t counts[VARVE_PART_ACK + 1];
    struct varve_frame frame;
    struct varve_view body;

    transact_count(request, counts);
    feed_heed_stop(&c->feed, false); /* Work that is done shall be told, stopped or not. */
    enum varve_status status = acks_await(c, id, &frame, &body, &said.error);
    feed_heed_stop(&c->feed, true);
    if (status == VARVE_OK && frame.opcode != VARVE_OP_TRANSACT_OK && frame.opcode != VARVE_OP_ERROR) {
        status = client_refuse(client, frame.opcode, "TRANSACT_OK", &said.error);
        status = acks_say_lost(c, status, &said.error);
    }
    if (status != VARVE_OK) {
        transact_outcome_of_error(&said, ret_outcome);
        return;
    }
    transact_outcome(client, frame.opcode, body, counts, ret_outcome);
    if (client->connection.state != CONNECTION_READY)
        ret_outcome->status = acks_say_lost(c, ret_outcome->status, &ret_outcome->error);
}

/* Stored: they are finished. Else those which the server said are not ours; the others stay out. */
static void finish(struct varve_consumer *c, const uint64_t *positions, size_t count,
                   const struct varve_transact_outcome *outcome)
{
    for (size_t i = 0; i < count && outcome->status == VARVE_OK; i++)
        deliveries_finish(&c->deliveries, positions[i]);
    for (size_t i = 0; i < outcome->conflict_count; i++)
        if (outcome->conflicts[i].part == VARVE_PART_ACK)
            deliveries_finish(&c->deliveries, positions[outcome->conflicts[i].stream_index]);
}

enum varve_status varve_consumer_transact(struct varve_consumer *c, const struct varve_transact_request *request,
                                          const uint64_t *positions, size_t count,
                                          struct varve_transact_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_transact_outcome outcome;
    struct varve_wire_error said = { .conflicts = NULL };
    struct varve_transact_request own = *request;
    struct varve_group_ack ack = { .group = varve_view_str(c->group), .positions = positions, .count = count };
    enum varve_status status = check_shape(request, count, &said.error);
    uint32_t id = 0;

    own.ack = &ack;
    if (status == VARVE_OK)
        status = acks_make_way(c, count, &said.error);
    if (status == VARVE_OK)
        status = check_positions(c, positions, count, &said);
    if (status == VARVE_OK)
        status = transact_check(c->feed.client, &own, &said.error);
    ack.epoch = c->epoch;
    if (status == VARVE_OK)
        status = send(c, &own, &id, &said.error);
    if (status == VARVE_OK)
        take_outcome(c, id, &own, &outcome);
    else
        transact_outcome_of_error(&said, &outcome);
    finish(c, positions, count, &outcome);
    return transact_give_outcome(&outcome, ret_outcome, error);
}
