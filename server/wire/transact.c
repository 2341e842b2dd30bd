/* transact.c - TRANSACT, an append that also moves sagas and checkpoints and acks events, and the outcome of it.
 *
 * As with APPEND, what streams, events and sagas must be is not looked at here but in varve_transact_create(), which
 * every transaction passes; what does not go there is. */
#include "varve/wire_saga.h"

#include "append.h"
#include "group_ack.h"

#define CHANGE_FIELDS 12u
#define LEAST_CHANGE_BYTES (1 + CHANGE_FIELDS)
#define CHECKPOINT_FIELDS 4u
#define LEAST_CHECKPOINT_BYTES (1 + CHECKPOINT_FIELDS)
#define LEAST_PLACE_BYTES 3u

static void encode_change(struct pack *pack, const struct varve_saga_change *change)
{
    pack_array(pack, CHANGE_FIELDS);
    pack_uint(pack, change->action);
    pack_str(pack, change->type);
    pack_str(pack, change->id);
    pack_int(pack, change->expected);
    pack_str(pack, change->step);
    if (change->has_state)
        pack_bin(pack, change->state);
    else
        pack_nil(pack);
    pack_uint(pack, change->content_type);
    pack_time_or_nil(pack, change->deadline_us);
    pack_str(pack, change->error);
    pack_uuid_or_nil(pack, &change->event_id);
    pack_uuid_or_nil(pack, &change->correlation_id);
    pack_uuid_or_nil(pack, &change->causation_id);
}

static void encode_checkpoint(struct pack *pack, const struct varve_checkpoint *checkpoint)
{
    pack_array(pack, CHECKPOINT_FIELDS);
    pack_str(pack, checkpoint->name);
    pack_uint(pack, checkpoint->position);
    pack_int(pack, checkpoint->expected);
    pack_uuid_or_nil(pack, &checkpoint->event_id);
}

void varve_encode_transact(struct varve_wire_buffer *out, uint32_t request_id,
                           const struct varve_transact_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_TRANSACT, request_id);
    pack_array(&pack, 5);
    pack_append(&pack, &request->appends);
    pack_array(&pack, request->saga_count);
    for (size_t i = 0; i < request->saga_count; i++)
        encode_change(&pack, &request->sagas[i]);
    pack_array(&pack, request->checkpoint_count);
    for (size_t i = 0; i < request->checkpoint_count; i++)
        encode_checkpoint(&pack, &request->checkpoints[i]);
    if (request->ack == NULL) {
        pack_nil(&pack);
    } else {
        pack_array(&pack, 3);
        pack_acked(&pack, request->ack);
    }
    pack_end(&pack);
}

static void decode_change(struct fields *fields, struct varve_saga_change *change)
{
    uint32_t unknown = fields_open(fields, CHANGE_FIELDS);

    change->action = (enum varve_saga_action)fields_int(fields, "action", 0, VARVE_SAGA_ARCHIVE);
    change->type = varve_pull_str(&fields->pull);
    change->id = varve_pull_str(&fields->pull);
    change->expected = fields_int(fields, "expected", VARVE_EXPECTED_STREAM_EXISTS, INT64_MAX);
    change->step = varve_pull_str(&fields->pull);
    change->state = varve_pull_bin_or_nil(&fields->pull);
    change->has_state = change->state.data != NULL;
    change->content_type = fields_content_type(fields);
    change->deadline_us = fields_time_or_nil(fields, "deadline");
    change->error = varve_pull_str(&fields->pull);
    fields_uuid_or_nil(fields, "event_id", &change->event_id);
    fields_uuid_or_nil(fields, "correlation_id", &change->correlation_id);
    fields_uuid_or_nil(fields, "causation_id", &change->causation_id);
    fields_close(fields, unknown);
}

static void decode_changes(struct fields *fields, struct varve_wire_arena *arena, struct varve_transact_request *ret)
{
    uint32_t count = fields_bounded_list(fields, "sagas", LEAST_CHANGE_BYTES, 0, VARVE_WIRE_MAX_SAGAS);
    struct varve_saga_change *changes = fields_take(fields, arena, count, sizeof(*changes));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        decode_change(fields, &changes[i]);
    }
    fields_list_end(fields);
    ret->sagas = changes;
    ret->saga_count = count;
}

static enum varve_status check_checkpoint_name(struct varve_view name, const char *field, struct varve_error *error)
{
    enum varve_status status = varve_check_text(name, VARVE_MAX_CHECKPOINT_NAME, field, error);

    if (status == VARVE_OK && name.data[0] == '$')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must not begin with '$'", field);
    return status;
}

static void decode_checkpoint(struct fields *fields, struct varve_checkpoint *checkpoint)
{
    uint32_t unknown = fields_open(fields, CHECKPOINT_FIELDS);

    checkpoint->name = fields_name(fields, "name", check_checkpoint_name);
    checkpoint->position = fields_uint(fields, "position", 0, INT64_MAX);
    checkpoint->expected = fields_int(fields, "expected", VARVE_EXPECTED_STREAM_EXISTS, INT64_MAX);
    fields_uuid_or_nil(fields, "event_id", &checkpoint->event_id);
    fields_close(fields, unknown);
}

static void decode_checkpoints(struct fields *fields, struct varve_wire_arena *arena,
                               struct varve_transact_request *ret)
{
    uint32_t count = fields_bounded_list(fields, "checkpoints", LEAST_CHECKPOINT_BYTES, 0, VARVE_WIRE_MAX_CHECKPOINTS);
    struct varve_checkpoint *checkpoints = fields_take(fields, arena, count, sizeof(*checkpoints));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        decode_checkpoint(fields, &checkpoints[i]);
    }
    fields_list_end(fields);
    ret->checkpoints = checkpoints;
    ret->checkpoint_count = count;
}

static const struct varve_group_ack *decode_ack(struct fields *fields, struct varve_wire_arena *arena)
{
    if (varve_pull_nil(&fields->pull))
        return NULL;

    uint32_t unknown = fields_open(fields, 3);
    struct varve_group_ack *ack = fields_take(fields, arena, 1, sizeof(*ack));

    if (ack != NULL) {
        *ack = (struct varve_group_ack){ 0 };
        fields->within = "ack";
        fields_acked(fields, arena, ack);
        fields->within = NULL;
    }
    fields_close(fields, unknown);
    return ack;
}

enum varve_status varve_decode_transact(struct varve_view body, struct varve_wire_arena *arena,
                                        struct varve_transact_request *ret, struct varve_error *error)
{
    struct varve_transact_request request = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "TRANSACT", body, error);
    uint32_t unknown = fields_open(&fields, 5);

    fields_append(&fields, arena, 0, &request.appends);
    decode_changes(&fields, arena, &request);
    decode_checkpoints(&fields, arena, &request);
    request.ack = decode_ack(&fields, arena);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

static void encode_places(struct pack *pack, const struct varve_transact_place *places, size_t count)
{
    pack_array(pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(pack, 2);
        pack_int(pack, places[i].version);
        pack_uint(pack, places[i].position);
    }
}

void varve_encode_transact_ok(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_transact_outcome *outcome)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_TRANSACT_OK, request_id);
    pack_array(&pack, 4);
    pack_bool(&pack, outcome->replayed);
    pack_results(&pack, outcome->results, outcome->stream_count);
    encode_places(&pack, outcome->sagas, outcome->saga_count);
    encode_places(&pack, outcome->checkpoints, outcome->checkpoint_count);
    pack_end(&pack);
}

static const struct varve_transact_place *decode_places(struct fields *fields, struct varve_wire_arena *arena,
                                                        const char *name, size_t *ret_count)
{
    uint32_t count = fields_list(fields, name, LEAST_PLACE_BYTES);
    struct varve_transact_place *places = fields_take(fields, arena, count, sizeof(*places));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t unknown = fields_open(fields, 2);

        places[i].version = fields_int(fields, "version", 0, INT64_MAX);
        places[i].position = fields_uint(fields, "position", 1, UINT64_MAX);
        fields_close(fields, unknown);
    }
    fields_list_end(fields);
    *ret_count = count;
    return places;
}

enum varve_status varve_decode_transact_ok(struct varve_view body, struct varve_wire_arena *arena,
                                           struct varve_transact_outcome *ret, struct varve_error *error)
{
    struct varve_transact_outcome outcome = { .status = VARVE_OK };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "TRANSACT_OK", body, error);
    uint32_t unknown = fields_open(&fields, 4);

    outcome.replayed = varve_pull_bool(&fields.pull);
    outcome.results = fields_results(&fields, arena, &outcome.stream_count);
    outcome.sagas = decode_places(&fields, arena, "sagas", &outcome.saga_count);
    outcome.checkpoints = decode_places(&fields, arena, "checkpoints", &outcome.checkpoint_count);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = outcome;
    return status;
}
