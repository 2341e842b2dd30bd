/* state_unmeaning.c - JSON to frames of messages about transactions, sagas, snapshots and loading. */
#include "wire_values.h"

#include <assert.h>
#include <string.h>

static struct varve_saga_change to_change(const json_t *m)
{
    return (struct varve_saga_change){
        .action = (enum varve_saga_action)value_int(m, "action"),
        .type = value_text(m, "type"),
        .id = value_text(m, "id"),
        .expected = value_int(m, "expected"),
        .step = value_text(m, "step"),
        .has_state = !json_is_null(json_object_get(m, "state")),
        .state = value_bytes(m, "state"),
        .content_type = (enum varve_content_type)value_int(m, "content_type"),
        .deadline_us = value_time(m, "deadline"),
        .error = value_text(m, "error"),
        .event_id = value_uuid(json_object_get(m, "event_id")),
        .correlation_id = value_uuid(json_object_get(m, "correlation_id")),
        .causation_id = value_uuid(json_object_get(m, "causation_id")),
    };
}

static struct varve_checkpoint to_checkpoint(const json_t *m)
{
    return (struct varve_checkpoint){ value_text(m, "name"), (uint64_t)value_int(m, "position"),
                                      value_int(m, "expected"), value_uuid(json_object_get(m, "event_id")) };
}

static const struct varve_group_ack *to_ack(const json_t *m)
{
    const json_t *list = json_object_get(m, "positions");
    struct varve_group_ack *ack = value_room(1, sizeof(*ack));
    uint64_t *positions = value_room(json_array_size(list), sizeof(*positions));

    if (json_is_null(m))
        return NULL;
    *ack = (struct varve_group_ack){ .group = value_text(m, "group"), .epoch = (uint64_t)value_int(m, "epoch"),
                                     .positions = positions, .count = json_array_size(list) };
    for (size_t i = 0; i < ack->count; i++)
        positions[i] = (uint64_t)json_integer_value(json_array_get(list, i));
    return ack;
}

static void encode_transact(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *sagas = json_object_get(m, "sagas"), *checkpoints = json_object_get(m, "checkpoints");
    struct varve_transact_request request = { .appends = value_append(m), .saga_count = json_array_size(sagas),
                                              .checkpoint_count = json_array_size(checkpoints),
                                              .ack = to_ack(json_object_get(m, "ack")) };
    struct varve_saga_change *changes = value_room(request.saga_count, sizeof(*changes));
    struct varve_checkpoint *moves = value_room(request.checkpoint_count, sizeof(*moves));

    for (size_t i = 0; i < request.saga_count; i++)
        changes[i] = to_change(json_array_get(sagas, i));
    for (size_t i = 0; i < request.checkpoint_count; i++)
        moves[i] = to_checkpoint(json_array_get(checkpoints, i));
    request.sagas = changes;
    request.checkpoints = moves;
    varve_encode_transact(out, id, &request);
}

static const struct varve_transact_place *to_places(const json_t *m, const char *key, size_t *ret_count)
{
    const json_t *list = json_object_get(m, key);
    struct varve_transact_place *places = value_room(json_array_size(list), sizeof(*places));

    *ret_count = json_array_size(list);
    for (size_t i = 0; i < *ret_count; i++) {
        places[i].version = value_int(json_array_get(list, i), "version");
        places[i].position = (uint64_t)value_int(json_array_get(list, i), "position");
    }
    return places;
}

static void encode_transact_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_append_outcome appends = value_append_ok(m);
    struct varve_transact_outcome outcome = { .replayed = appends.replayed, .results = appends.results,
                                              .stream_count = appends.stream_count };

    outcome.sagas = to_places(m, "sagas", &outcome.saga_count);
    outcome.checkpoints = to_places(m, "checkpoints", &outcome.checkpoint_count);
    varve_encode_transact_ok(out, id, &outcome);
}

static struct varve_saga to_saga(const json_t *m)
{
    return (struct varve_saga){
        .type = value_text(m, "type"),
        .id = value_text(m, "id"),
        .step = value_text(m, "step"),
        .status = (enum varve_saga_status)value_int(m, "status"),
        .version = value_int(m, "version"),
        .position = (uint64_t)value_int(m, "position"),
        .started_at_us = value_int(m, "started_at"),
        .updated_at_us = value_int(m, "updated_at"),
        .completed_at_us = value_time(m, "completed_at"),
        .failed_at_us = value_time(m, "failed_at"),
        .deadline_us = value_time(m, "deadline"),
        .error = value_text(m, "error"),
        .correlation_id = value_uuid(json_object_get(m, "correlation_id")),
        .has_state = !json_is_null(json_object_get(m, "state")),
        .state = value_bytes(m, "state"),
        .content_type = (enum varve_content_type)value_int(m, "content_type"),
    };
}

static struct varve_saga *to_sagas(const json_t *m, size_t *ret_count)
{
    const json_t *list = json_object_get(m, "sagas");
    struct varve_saga *sagas = value_room(json_array_size(list), sizeof(*sagas));

    *ret_count = json_array_size(list);
    for (size_t i = 0; i < *ret_count; i++)
        sagas[i] = to_saga(json_array_get(list, i));
    return sagas;
}

static void encode_saga_get_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_saga saga = to_saga(json_object_get(m, "saga"));

    varve_encode_saga_get_ok(out, id, &saga);
}

static void encode_query(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_saga_query query = {
        .order = (enum varve_saga_order)value_int(m, "order"),
        .type = value_text(m, "type"),
        .statuses = (unsigned)value_int(m, "statuses"),
        .step = value_text(m, "step"),
        .updated_before_us = value_time(m, "updated_before"),
        .deadline_before_us = value_time(m, "deadline_before"),
        .include_state = value_bool(m, "include_state"),
        .after = value_bytes(m, "after"),
        .limit = (uint32_t)value_int(m, "limit"),
    };

    varve_encode_saga_list(out, id, &query);
}

static void encode_sagas(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    struct varve_view next = value_bytes(m, "next");
    struct varve_saga_list list = { .end = next.data == NULL, .next_size = (uint32_t)next.size };

    assert(next.size <= sizeof(list.next));
    if (next.size > 0)
        memcpy(list.next, next.data, next.size);
    list.sagas = to_sagas(m, &list.count);
    varve_encode_saga_list_ok(out, id, &list);
}

static void encode_counts(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "types");
    struct varve_saga_counts counts = { .count = json_array_size(list) };

    counts.types = value_room(counts.count, sizeof(*counts.types));
    for (size_t i = 0; i < counts.count; i++) {
        const json_t *by_status = json_object_get(json_array_get(list, i), "by_status");

        counts.types[i].type = value_text(json_array_get(list, i), "type");
        for (size_t status = 0; status < VARVE_SAGA_STATUSES; status++)
            counts.types[i].by_status[status] = (uint64_t)json_integer_value(json_array_get(by_status, status));
    }
    varve_encode_saga_counts_ok(out, id, &counts);
}

static void encode_claim(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_saga_claim claim = {
        value_text(m, "type"), (unsigned)value_int(m, "statuses"), value_text(m, "step"), value_text(m, "worker"),
        (uint32_t)value_int(m, "lease_ms"), (uint32_t)value_int(m, "limit"), (uint32_t)value_int(m, "wait_ms"),
    };

    varve_encode_saga_claim(out, id, &claim);
}

static void encode_claimed(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    size_t count;
    const struct varve_saga *sagas = to_sagas(m, &count);

    varve_encode_saga_claim_ok(out, id, sagas, count);
}

/* What every message about snapshots has of one. */
static struct varve_snapshot to_part(const json_t *m)
{
    return (struct varve_snapshot){
        .stream = value_text(m, "stream"),
        .version = value_int(m, "version"),
        .type = value_text(m, "type"),
        .schema_version = (uint32_t)value_int(m, "schema_version"),
        .content_type = (enum varve_content_type)value_int(m, "content_type"),
        .data = value_bytes(m, "data"),
    };
}

static struct varve_snapshot to_snapshot(const json_t *m)
{
    struct varve_snapshot snapshot = to_part(m);

    snapshot.created_at_us = value_int(m, "created_at");
    snapshot.size = (uint32_t)value_int(m, "size");
    return snapshot;
}

static void encode_put(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_snapshot snapshot = to_part(m);

    varve_encode_snapshot_put(out, id, &snapshot, (uint32_t)value_int(m, "keep"));
}

static void encode_get(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_snapshot_query query = { value_text(m, "stream"), (int64_t)value_count(m, "version", INT64_MAX),
                                                value_text(m, "type"), (uint32_t)value_int(m, "schema_version") };

    varve_encode_snapshot_get(out, id, &query);
}

static void encode_get_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_snapshot snapshot = to_snapshot(json_object_get(m, "snapshot"));

    varve_encode_snapshot_get_ok(out, id, &snapshot);
}

static void encode_list(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_snapshot_list_request request = { value_text(m, "prefix"), value_text(m, "after_stream"),
                                                         (int64_t)value_count(m, "after_version", INT64_MAX),
                                                         (uint32_t)value_int(m, "limit") };

    varve_encode_snapshot_list(out, id, &request);
}

static void encode_snapshots(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "snapshots");
    size_t count = json_array_size(list);
    struct varve_snapshot *snapshots = value_room(count, sizeof(*snapshots));

    for (size_t i = 0; i < count; i++)
        snapshots[i] = to_snapshot(json_array_get(list, i));
    varve_encode_snapshot_list_ok(out, id, snapshots, count, value_bool(m, "end"));
}

static void encode_load(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "streams");
    struct varve_load_request request = {
        .stream_count = json_array_size(list),
        .type = value_text(m, "type"),
        .schema_version = (uint32_t)value_int(m, "schema_version"),
        .no_snapshots = value_bool(m, "no_snapshots"),
        .credit_bytes = (uint32_t)value_int(m, "credit_bytes"),
        .batch_bytes = (uint32_t)value_int(m, "batch_bytes"),
    };
    struct varve_view *streams = value_room(request.stream_count, sizeof(*streams));

    for (size_t i = 0; i < request.stream_count; i++)
        streams[i] = varve_view_str(json_string_value(json_array_get(list, i)));
    request.streams = streams;
    varve_encode_load(out, id, &request);
}

static void encode_loading(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *snapshot = json_object_get(m, "snapshot");
    struct varve_loading loading = {
        .index = (uint32_t)value_int(m, "index"),
        .status = (enum varve_status)value_int(m, "status"),
        .version = value_int(m, "version"),
        .first_version = (uint64_t)value_int(m, "first_version"),
        .has_snapshot = json_is_object(snapshot),
    };

    if (loading.has_snapshot)
        loading.snapshot = to_snapshot(snapshot);
    varve_encode_loading(out, id, &loading);
}

static bool encode_snapshot_message(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_SNAPSHOT_PUT: encode_put(out, id, m); return true;
    case VARVE_OP_SNAPSHOT_PUT_OK:
        varve_encode_snapshot_put_ok(out, id, value_int(m, "created_at"), (uint32_t)value_int(m, "removed"));
        return true;
    case VARVE_OP_SNAPSHOT_GET: encode_get(out, id, m); return true;
    case VARVE_OP_SNAPSHOT_GET_OK: encode_get_ok(out, id, m); return true;
    case VARVE_OP_SNAPSHOT_LIST: encode_list(out, id, m); return true;
    case VARVE_OP_SNAPSHOT_LIST_OK: encode_snapshots(out, id, m); return true;
    case VARVE_OP_SNAPSHOT_DELETE:
        varve_encode_snapshot_delete(out, id, value_text(m, "stream"), value_int(m, "from_version"),
                                     value_int(m, "until_version"));
        return true;
    case VARVE_OP_SNAPSHOT_DELETE_OK:
        varve_encode_snapshot_delete_ok(out, id, (uint64_t)value_int(m, "count"));
        return true;
    case VARVE_OP_LOAD: encode_load(out, id, m); return true;
    case VARVE_OP_LOADING: encode_loading(out, id, m); return true;
    default: return outbox_meaning_encode(out, id, opcode, m);
    }
}

bool state_meaning_encode(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_TRANSACT: encode_transact(out, id, m); return true;
    case VARVE_OP_TRANSACT_OK: encode_transact_ok(out, id, m); return true;
    case VARVE_OP_SAGA_GET: varve_encode_saga_get(out, id, value_text(m, "type"), value_text(m, "id")); return true;
    case VARVE_OP_SAGA_GET_OK: encode_saga_get_ok(out, id, m); return true;
    case VARVE_OP_SAGA_LIST: encode_query(out, id, m); return true;
    case VARVE_OP_SAGA_LIST_OK: encode_sagas(out, id, m); return true;
    case VARVE_OP_SAGA_COUNTS: varve_encode_saga_counts(out, id); return true;
    case VARVE_OP_SAGA_COUNTS_OK: encode_counts(out, id, m); return true;
    case VARVE_OP_SAGA_CLAIM: encode_claim(out, id, m); return true;
    case VARVE_OP_SAGA_CLAIM_OK: encode_claimed(out, id, m); return true;
    default: return encode_snapshot_message(out, id, opcode, m);
    }
}
