/* transact.c - transactions: events, sagas and checkpoints, all or nothing. */
#include "transact.h"
#include "append.h"
#include "pipeline.h"
#include "varve/os.h"
#include "varve/uuid.h"

/* ---- before it is sent ------------------------------------------------------------------------------------------ */

static enum varve_status check_count(const char *field, const void *list, size_t count, uint32_t limit,
                                     struct varve_error *error)
{
    if (count > 0 && list == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: %zu of them, and no list", field, count);
    if (count <= limit)
        return VARVE_OK;
    varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "%s in one transaction: %zu, the server takes %u", field, count,
               limit);
    if (error != NULL)
        error->limit = limit;
    return VARVE_APPEND_TOO_LARGE;
}

enum varve_status transact_check(const struct varve_client *client, const struct varve_transact_request *request,
                                 struct varve_error *error)
{
    enum varve_status status = append_check(client, &request->appends, error);

    if (status == VARVE_OK)
        status = check_count("sagas", request->sagas, request->saga_count, VARVE_WIRE_MAX_SAGAS, error);
    if (status == VARVE_OK)
        status = check_count("checkpoints", request->checkpoints, request->checkpoint_count,
                             VARVE_WIRE_MAX_CHECKPOINTS, error);
    for (size_t i = 0; status == VARVE_OK && i < request->saga_count; i++)
        if (request->sagas[i].has_state && request->sagas[i].state.size > VARVE_SAGA_MAX_STATE)
            return append_too_large(error, VARVE_EVENT_TOO_LARGE, "bytes of state of one saga:",
                                    request->sagas[i].state.size, VARVE_SAGA_MAX_STATE);
    return status;
}

enum varve_status transact_encode(struct varve_client *client, uint32_t id,
                                  const struct varve_transact_request *request, struct varve_error *error)
{
    size_t before = client->connection.out.size;

    varve_encode_transact(&client->connection.out, id, request);
    return append_check_frame(client, before, VARVE_APPEND_TOO_LARGE, "bytes in the frame of one transaction:", error);
}

bool transact_is_repeatable(const struct varve_transact_request *request)
{
    bool repeatable = request->ack == NULL && append_is_repeatable(&request->appends);

    for (size_t i = 0; i < request->saga_count && repeatable; i++)
        repeatable = !varve_uuid_is_nil(&request->sagas[i].event_id);
    for (size_t i = 0; i < request->checkpoint_count && repeatable; i++)
        repeatable = !varve_uuid_is_nil(&request->checkpoints[i].event_id);
    return repeatable;
}

void transact_count(const struct varve_transact_request *request, uint32_t ret_counts[VARVE_PART_ACK + 1])
{
    ret_counts[VARVE_PART_STREAM] = (uint32_t)request->appends.stream_count;
    ret_counts[VARVE_PART_SAGA] = (uint32_t)request->saga_count;
    ret_counts[VARVE_PART_SYSTEM] = (uint32_t)request->checkpoint_count;
    ret_counts[VARVE_PART_ACK] = request->ack == NULL ? 0 : (uint32_t)request->ack->count;
}

/* ---- ids -------------------------------------------------------------------------------------------------------- */

static enum varve_status fill_id(struct varve_uuid *id)
{
    const struct varve_os *os = varve_os_default();
    uint8_t random[10];

    if (!varve_uuid_is_nil(id))
        return VARVE_OK;
    if (os->random_bytes(os->self, random, sizeof(random)) < 0)
        return VARVE_IO;
    varve_uuid_v7(os->now_us(os->self), random, id);
    return VARVE_OK;
}

enum varve_status varve_transact_fill_ids(struct varve_event *events, size_t event_count,
                                          struct varve_saga_change *sagas, size_t saga_count,
                                          struct varve_checkpoint *checkpoints, size_t checkpoint_count)
{
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < event_count && status == VARVE_OK; i++)
        status = fill_id(&events[i].id);
    for (size_t i = 0; i < saga_count && status == VARVE_OK; i++)
        status = fill_id(&sagas[i].event_id);
    for (size_t i = 0; i < checkpoint_count && status == VARVE_OK; i++)
        status = fill_id(&checkpoints[i].event_id);
    return status;
}

/* ---- outcomes --------------------------------------------------------------------------------------------------- */

void transact_outcome_of_error(const struct varve_wire_error *said, struct varve_transact_outcome *ret_outcome)
{
    *ret_outcome = (struct varve_transact_outcome){
        .status = said->error.status,
        .conflicts = said->conflicts,
        .conflict_count = said->conflict_count,
        .error = said->error,
    };
}

/* The numbers in an answer are indexes into what the caller holds, so they are checked here, once. */
static bool outcome_fits(const struct varve_transact_outcome *outcome, const uint32_t counts[VARVE_PART_ACK + 1])
{
    for (size_t i = 0; i < outcome->conflict_count; i++)
        if (outcome->conflicts[i].part > VARVE_PART_ACK ||
            outcome->conflicts[i].stream_index >= counts[outcome->conflicts[i].part])
            return false;
    return outcome->status != VARVE_OK || (outcome->stream_count == counts[VARVE_PART_STREAM] &&
                                           outcome->saga_count == counts[VARVE_PART_SAGA] &&
                                           outcome->checkpoint_count == counts[VARVE_PART_SYSTEM]);
}

static void check_outcome(struct varve_client *client, uint8_t opcode, const uint32_t counts[VARVE_PART_ACK + 1],
                          struct varve_transact_outcome *outcome)
{
    const struct varve_error misfit = { .message = "it speaks of parts that the request does not have" };
    struct varve_wire_error said = { .conflicts = NULL };

    if (outcome_fits(outcome, counts))
        return;
    client_unreadable(client, opcode, &misfit, &said.error);
    transact_outcome_of_error(&said, outcome);
}

static void outcome_of_body(struct varve_client *client, uint8_t opcode, struct varve_view body,
                            struct varve_transact_outcome *ret_outcome)
{
    struct varve_wire_error said = { .conflicts = NULL };
    struct varve_error why;

    varve_wire_arena_reset(client->arena);
    if (varve_decode_transact_ok(body, client->arena, ret_outcome, &why) == VARVE_OK) {
        ret_outcome->status = VARVE_OK;
        return;
    }
    client_unreadable(client, opcode, &why, &said.error);
    transact_outcome_of_error(&said, ret_outcome);
}

void transact_outcome(struct varve_client *client, uint8_t opcode, struct varve_view body,
                      const uint32_t counts[VARVE_PART_ACK + 1], struct varve_transact_outcome *ret_outcome)
{
    struct varve_wire_error said;

    if (opcode == VARVE_OP_ERROR) {
        client_take_error(client, body, &said);
        transact_outcome_of_error(&said, ret_outcome);
    } else {
        outcome_of_body(client, opcode, body, ret_outcome);
    }
    check_outcome(client, opcode, counts, ret_outcome);
}

enum varve_status transact_give_outcome(const struct varve_transact_outcome *outcome,
                                        struct varve_transact_outcome *ret_outcome, struct varve_error *error)
{
    if (ret_outcome != NULL)
        *ret_outcome = *outcome;
    if (error != NULL && outcome->status != VARVE_OK)
        *error = outcome->error;
    return outcome->status;
}

static void tell(struct varve_client *client, const struct slot *slot, const struct ending *ending)
{
    struct varve_transact_outcome outcome;

    if (ending->fault == NULL)
        transact_outcome(client, ending->opcode, ending->body, slot->counts, &outcome);
    else
        transact_outcome_of_error(&(struct varve_wire_error){ .error = *ending->fault }, &outcome);
    slot->done.transact(slot->user, &outcome);
}

static const struct slot_kind transact_kind = { VARVE_OP_TRANSACT_OK, tell };

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status check_no_ack(const struct varve_transact_request *request, struct varve_error *error)
{
    if (request->ack == NULL)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "ack", "ack: expected none; see varve_consumer_transact()");
}

/* Waits for the answer to the request in `out`. */
static void take_outcome(struct varve_client *client, struct patience *patience, uint32_t id,
                         const struct varve_transact_request *request, struct varve_transact_outcome *ret_outcome)
{
    uint32_t counts[VARVE_PART_ACK + 1];
    struct varve_wire_error said;
    struct varve_view body;

    transact_count(request, counts);
    if (client_exchange(client, patience, id, VARVE_OP_TRANSACT_OK, transact_is_repeatable(request), &body, &said) ==
        VARVE_OK) {
        transact_outcome(client, VARVE_OP_TRANSACT_OK, body, counts, ret_outcome);
    } else {
        transact_outcome_of_error(&said, ret_outcome);
        check_outcome(client, VARVE_OP_ERROR, counts, ret_outcome);
    }
}

enum varve_status varve_client_transact(struct varve_client *client, const struct varve_transact_request *request,
                                        struct varve_transact_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_transact_outcome outcome;
    struct varve_wire_error said = { .conflicts = NULL };
    struct patience patience;
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, &said.error);

    patience_begin(&patience, client);
    if (status == VARVE_OK)
        status = check_no_ack(request, &said.error);
    if (status == VARVE_OK)
        status = client_reach(client, &patience, &said.error); /* Its limits are needed first. */
    if (status == VARVE_OK)
        status = transact_check(client, request, &said.error);
    if (status == VARVE_OK)
        status = transact_encode(client, id, request, &said.error);
    if (status == VARVE_OK)
        take_outcome(client, &patience, id, request, &outcome);
    else
        transact_outcome_of_error(&said, &outcome);
    return transact_give_outcome(&outcome, ret_outcome, error);
}

enum varve_status varve_client_submit_transact(struct varve_client *client,
                                               const struct varve_transact_request *request, varve_transact_done done,
                                               void *user, struct varve_error *error)
{
    struct slot *slot;
    enum varve_status status = check_no_ack(request, error);

    if (status == VARVE_OK)
        status = pipeline_begin(client, &slot, error);
    if (status == VARVE_OK)
        status = transact_check(client, request, error);
    if (status == VARVE_OK)
        status = transact_encode(client, slot->request_id, request, error);
    if (status != VARVE_OK)
        return status;
    slot->kind = &transact_kind;
    transact_count(request, slot->counts);
    slot->repeatable = transact_is_repeatable(request);
    slot->done.transact = done;
    slot->user = user;
    pipeline_add(client, slot);
    return VARVE_OK;
}
