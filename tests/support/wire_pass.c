/* wire_pass.c - any message, from its body through the structs of C and back to a frame. */
#include "wire_pass.h"

#include <assert.h>
#include <stdlib.h>

#define ID WIRE_PASS_ID
#define PASS(name) \
    static enum varve_status pass_##name(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena, \
                                         struct varve_wire_buffer *out, struct varve_error *error)

/* A message of one value: `decode` and `encode` are the argument lists of its functions. */
#define SIMPLE(name, type, decode, encode) \
    PASS(name) \
    { \
        type value; \
        enum varve_status status = varve_decode_##name decode; \
        if (status == VARVE_OK) \
            varve_encode_##name encode; \
        return status; \
    }
#define PLAIN(name, type) SIMPLE(name, type, (body, &value, error), (out, ID, &value))
#define IN_ARENA(name, type) SIMPLE(name, type, (body, arena, &value, error), (out, ID, &value))
#define SCALAR(name, type) SIMPLE(name, type, (body, &value, error), (out, ID, value))
#define BY_OPCODE(name, type) SIMPLE(name, type, (body, opcode, &value, error), (out, ID, opcode, &value))
#define BY_OPCODE_IN_ARENA(name, type) \
    SIMPLE(name, type, (body, opcode, arena, &value, error), (out, ID, opcode, &value))
#define COUNTED(name, type) \
    PASS(name) \
    { \
        type value; \
        size_t count; \
        enum varve_status status = varve_decode_##name(body, arena, &value, &count, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, value, count); \
        return status; \
    }
#define COUNTED_WITH_END(name, type) \
    PASS(name) \
    { \
        type value; \
        size_t count; \
        bool end; \
        enum varve_status status = varve_decode_##name(body, arena, &value, &count, &end, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, value, count, end); \
        return status; \
    }
PLAIN(hello, struct varve_hello)
PLAIN(hello_ok, struct varve_hello_ok)
IN_ARENA(append, struct varve_append_request)
PLAIN(read, struct varve_read_request)
SCALAR(credit, uint32_t)
SCALAR(read_end, uint64_t)
SCALAR(stream_info, struct varve_view)
PLAIN(stream_info_ok, struct varve_stream_entry)
PLAIN(stream_list, struct varve_stream_list_request)
IN_ARENA(stream_list_ok, struct varve_stream_list)
PLAIN(stream_change, struct varve_stream_change)
COUNTED(find, const struct varve_uuid *)
COUNTED(find_ok, const uint64_t *)
SCALAR(get, uint64_t)
SCALAR(get_ok, struct varve_view)
COUNTED(stats_ok, const struct varve_stat *)
IN_ARENA(error, struct varve_wire_error)
IN_ARENA(subscribe, struct varve_subscribe_request)
SIMPLE(position, uint64_t, (body, opcode, &value, error), (out, ID, opcode, value))
BY_OPCODE_IN_ARENA(group, struct varve_group_request)
IN_ARENA(group_ok, struct varve_group_info)
COUNTED(group_list_ok, const struct varve_group_info *)
PLAIN(group_join, struct varve_group_join)
BY_OPCODE_IN_ARENA(group_ack, struct varve_group_ack)
BY_OPCODE(parked, struct varve_parked_request)
SCALAR(parked_ok, uint32_t)
IN_ARENA(transact, struct varve_transact_request)
IN_ARENA(transact_ok, struct varve_transact_outcome)
PLAIN(saga_get_ok, struct varve_saga)
PLAIN(saga_list, struct varve_saga_query)
IN_ARENA(saga_list_ok, struct varve_saga_list)
IN_ARENA(saga_counts_ok, struct varve_saga_counts)
PLAIN(saga_claim, struct varve_saga_claim)
COUNTED(saga_claim_ok, const struct varve_saga *)
PLAIN(snapshot_get, struct varve_snapshot_query)
PLAIN(snapshot_get_ok, struct varve_snapshot)
PLAIN(snapshot_list, struct varve_snapshot_list_request)
COUNTED_WITH_END(snapshot_list_ok, const struct varve_snapshot *)
SCALAR(snapshot_delete_ok, uint64_t)
SCALAR(outbox_list, struct varve_view)
COUNTED(outbox_list_ok, const struct varve_outbox_entry *)
PLAIN(outbox_order_ok, struct varve_outbox_order_result)
PLAIN(outbox_dead, struct varve_outbox_dead_request)
COUNTED_WITH_END(outbox_dead_ok, const struct varve_dead_letter *)
PLAIN(outbox_history, struct varve_outbox_history_request)
COUNTED_WITH_END(outbox_history_ok, const struct varve_outbox_history_event *)
COUNTED(outbox_verify_ok, const struct varve_stat *)

PASS(empty)
{
    enum varve_status status = varve_decode_empty(body, opcode, error);

    if (status != VARVE_OK)
        return status;
    if (opcode == VARVE_OP_PING)
        varve_encode_ping(out, ID);
    else if (opcode == VARVE_OP_CANCEL)
        varve_encode_cancel(out, ID);
    else if (opcode == VARVE_OP_STATS)
        varve_encode_stats(out, ID);
    else if (opcode == VARVE_OP_HEALTH)
        varve_encode_health(out, ID);
    else if (opcode == VARVE_OP_CONFIG)
        varve_encode_config(out, ID);
    else if (opcode == VARVE_OP_SAGA_COUNTS)
        varve_encode_saga_counts(out, ID);
    else
        varve_encode_group_list(out, ID);
    return status;
}

IN_ARENA(load, struct varve_load_request)
PLAIN(loading, struct varve_loading)

PASS(pong)
{
    int64_t now_us;
    uint64_t last_position;
    enum varve_status status = varve_decode_pong(body, &now_us, &last_position, error);

    if (status == VARVE_OK)
        varve_encode_pong(out, ID, now_us, last_position);
    return status;
}

PASS(append_ok)
{
    struct varve_append_outcome outcome;
    enum varve_status status = varve_decode_append_ok(body, arena, &outcome, error);

    if (status == VARVE_OK)
        varve_encode_append_ok(out, ID, opcode, &outcome);
    return status;
}

/* Views of records as encoders want them; freed by the caller. */
static void split(const struct varve_view *views, uint32_t count, const uint8_t ***ret_records, uint32_t **ret_sizes)
{
    *ret_records = calloc(count + 1, sizeof(**ret_records));
    *ret_sizes = calloc(count + 1, sizeof(**ret_sizes));
    assert(*ret_records != NULL && *ret_sizes != NULL);
    for (uint32_t i = 0; i < count; i++) {
        (*ret_records)[i] = (const uint8_t *)views[i].data;
        (*ret_sizes)[i] = (uint32_t)views[i].size;
    }
}

PASS(read_batch)
{
    const struct varve_view *views;
    const uint8_t **records;
    uint32_t *sizes, count;
    uint64_t next;
    enum varve_status status = varve_decode_read_batch(body, arena, &views, &count, &next, error);

    if (status != VARVE_OK)
        return status;
    split(views, count, &records, &sizes);
    varve_encode_read_batch(out, ID, &(struct varve_batch){ records, sizes, count, next == VARVE_FROM_EDGE, next });
    free(records);
    free(sizes);
    return status;
}

PASS(events)
{
    const struct varve_view *views;
    const uint8_t **records;
    uint32_t *sizes, count;
    uint64_t position;
    enum varve_status status = varve_decode_events(body, arena, &views, &count, &position, error);

    if (status != VARVE_OK)
        return status;
    split(views, count, &records, &sizes);
    varve_encode_events(out, ID, records, sizes, count, position);
    free(records);
    free(sizes);
    return status;
}

PASS(subscribed)
{
    uint64_t after, last_position;
    enum varve_status status = varve_decode_subscribed(body, &after, &last_position, error);

    if (status == VARVE_OK)
        varve_encode_subscribed(out, ID, after, last_position);
    return status;
}

PASS(group_joined)
{
    uint64_t epoch, checkpoint;
    uint32_t ack_timeout_ms;
    enum varve_status status = varve_decode_group_joined(body, &epoch, &checkpoint, &ack_timeout_ms, error);

    if (status == VARVE_OK)
        varve_encode_group_joined(out, ID, epoch, checkpoint, ack_timeout_ms);
    return status;
}

PASS(group_events)
{
    const struct varve_delivery *deliveries;
    uint32_t count;
    enum varve_status status = varve_decode_group_events(body, arena, &deliveries, &count, error);

    if (status == VARVE_OK)
        varve_encode_group_events(out, ID, deliveries, count);
    return status;
}

PASS(group_ack_ok)
{
    const struct varve_refused_ack *refused;
    uint32_t done;
    size_t count;
    enum varve_status status = varve_decode_group_ack_ok(body, arena, &done, &refused, &count, error);

    if (status == VARVE_OK)
        varve_encode_group_ack_ok(out, ID, done, refused, count);
    return status;
}

PASS(parked_list_ok)
{
    const struct varve_parked_event *events;
    size_t count;
    bool end;
    enum varve_status status = varve_decode_parked_list_ok(body, arena, &events, &count, &end, error);

    if (status == VARVE_OK)
        varve_encode_parked_list_ok(out, ID, events, count, end);
    return status;
}

PASS(saga_get)
{
    struct varve_view type, id;
    enum varve_status status = varve_decode_saga_get(body, &type, &id, error);

    if (status == VARVE_OK)
        varve_encode_saga_get(out, ID, type, id);
    return status;
}

PASS(snapshot_put)
{
    struct varve_snapshot snapshot;
    uint32_t keep;
    enum varve_status status = varve_decode_snapshot_put(body, &snapshot, &keep, error);

    if (status == VARVE_OK)
        varve_encode_snapshot_put(out, ID, &snapshot, keep);
    return status;
}

PASS(snapshot_put_ok)
{
    int64_t created_at_us;
    uint32_t removed;
    enum varve_status status = varve_decode_snapshot_put_ok(body, &created_at_us, &removed, error);

    if (status == VARVE_OK)
        varve_encode_snapshot_put_ok(out, ID, created_at_us, removed);
    return status;
}

PASS(snapshot_delete)
{
    struct varve_view stream;
    int64_t from_version, until_version;
    enum varve_status status = varve_decode_snapshot_delete(body, &stream, &from_version, &until_version, error);

    if (status == VARVE_OK)
        varve_encode_snapshot_delete(out, ID, stream, from_version, until_version);
    return status;
}

PASS(outbox_order)
{
    struct varve_view name;
    struct varve_outbox_order order;
    enum varve_status status = varve_decode_outbox_order(body, &name, &order, error);

    if (status == VARVE_OK)
        varve_encode_outbox_order(out, ID, name, &order);
    return status;
}

PASS(outbox_verify)
{
    struct varve_view name;
    uint64_t depth;
    enum varve_status status = varve_decode_outbox_verify(body, &name, &depth, error);

    if (status == VARVE_OK)
        varve_encode_outbox_verify(out, ID, name, depth);
    return status;
}

IN_ARENA(health_ok, struct varve_health)
COUNTED(config_ok, const struct varve_config_entry *)

static const wire_pass passes[256] = {
    [VARVE_OP_HELLO] = pass_hello,
    [VARVE_OP_PING] = pass_empty,
    [VARVE_OP_APPEND] = pass_append,
    [VARVE_OP_READ] = pass_read,
    [VARVE_OP_CREDIT] = pass_credit,
    [VARVE_OP_CANCEL] = pass_empty,
    [VARVE_OP_STREAM_INFO] = pass_stream_info,
    [VARVE_OP_STREAM_LIST] = pass_stream_list,
    [VARVE_OP_STREAM_CHANGE] = pass_stream_change,
    [VARVE_OP_FIND] = pass_find,
    [VARVE_OP_GET] = pass_get,
    [VARVE_OP_STATS] = pass_empty,
    [VARVE_OP_HEALTH] = pass_empty,
    [VARVE_OP_CONFIG] = pass_empty,
    [VARVE_OP_SUBSCRIBE] = pass_subscribe,
    [VARVE_OP_GROUP_CREATE ... VARVE_OP_GROUP_INFO] = pass_group,
    [VARVE_OP_GROUP_LIST] = pass_empty,
    [VARVE_OP_GROUP_JOIN] = pass_group_join,
    [VARVE_OP_GROUP_ACK ... VARVE_OP_GROUP_EXTEND] = pass_group_ack,
    [VARVE_OP_PARKED_LIST ... VARVE_OP_PARKED_DISCARD] = pass_parked,
    [VARVE_OP_HELLO_OK] = pass_hello_ok,
    [VARVE_OP_PONG] = pass_pong,
    [VARVE_OP_APPEND_OK] = pass_append_ok,
    [VARVE_OP_READ_BATCH] = pass_read_batch,
    [VARVE_OP_READ_END] = pass_read_end,
    [VARVE_OP_STREAM_INFO_OK] = pass_stream_info_ok,
    [VARVE_OP_STREAM_LIST_OK] = pass_stream_list_ok,
    [VARVE_OP_STREAM_CHANGE_OK] = pass_append_ok,
    [VARVE_OP_FIND_OK] = pass_find_ok,
    [VARVE_OP_GET_OK] = pass_get_ok,
    [VARVE_OP_STATS_OK] = pass_stats_ok,
    [VARVE_OP_HEALTH_OK] = pass_health_ok,
    [VARVE_OP_CONFIG_OK] = pass_config_ok,
    [VARVE_OP_SUBSCRIBED] = pass_subscribed,
    [VARVE_OP_EVENTS] = pass_events,
    [VARVE_OP_CAUGHT_UP ... VARVE_OP_CHECKPOINT] = pass_position,
    [VARVE_OP_GROUP_OK] = pass_group_ok,
    [VARVE_OP_GROUP_LIST_OK] = pass_group_list_ok,
    [VARVE_OP_GROUP_JOINED] = pass_group_joined,
    [VARVE_OP_GROUP_ACK_OK] = pass_group_ack_ok,
    [VARVE_OP_GROUP_EVENTS] = pass_group_events,
    [VARVE_OP_PARKED_LIST_OK] = pass_parked_list_ok,
    [VARVE_OP_PARKED_OK] = pass_parked_ok,
    [VARVE_OP_TRANSACT] = pass_transact,
    [VARVE_OP_SAGA_GET] = pass_saga_get,
    [VARVE_OP_SAGA_LIST] = pass_saga_list,
    [VARVE_OP_SAGA_COUNTS] = pass_empty,
    [VARVE_OP_SAGA_CLAIM] = pass_saga_claim,
    [VARVE_OP_SNAPSHOT_PUT] = pass_snapshot_put,
    [VARVE_OP_SNAPSHOT_GET] = pass_snapshot_get,
    [VARVE_OP_SNAPSHOT_LIST] = pass_snapshot_list,
    [VARVE_OP_SNAPSHOT_DELETE] = pass_snapshot_delete,
    [VARVE_OP_LOAD] = pass_load,
    [VARVE_OP_TRANSACT_OK] = pass_transact_ok,
    [VARVE_OP_SAGA_GET_OK] = pass_saga_get_ok,
    [VARVE_OP_SAGA_LIST_OK] = pass_saga_list_ok,
    [VARVE_OP_SAGA_COUNTS_OK] = pass_saga_counts_ok,
    [VARVE_OP_SAGA_CLAIM_OK] = pass_saga_claim_ok,
    [VARVE_OP_SNAPSHOT_PUT_OK] = pass_snapshot_put_ok,
    [VARVE_OP_SNAPSHOT_GET_OK] = pass_snapshot_get_ok,
    [VARVE_OP_SNAPSHOT_LIST_OK] = pass_snapshot_list_ok,
    [VARVE_OP_SNAPSHOT_DELETE_OK] = pass_snapshot_delete_ok,
    [VARVE_OP_LOADING] = pass_loading,
    [VARVE_OP_OUTBOX_LIST] = pass_outbox_list,
    [VARVE_OP_OUTBOX_ORDER] = pass_outbox_order,
    [VARVE_OP_OUTBOX_DEAD] = pass_outbox_dead,
    [VARVE_OP_OUTBOX_HISTORY] = pass_outbox_history,
    [VARVE_OP_OUTBOX_VERIFY] = pass_outbox_verify,
    [VARVE_OP_OUTBOX_LIST_OK] = pass_outbox_list_ok,
    [VARVE_OP_OUTBOX_ORDER_OK] = pass_outbox_order_ok,
    [VARVE_OP_OUTBOX_DEAD_OK] = pass_outbox_dead_ok,
    [VARVE_OP_OUTBOX_HISTORY_OK] = pass_outbox_history_ok,
    [VARVE_OP_OUTBOX_VERIFY_OK] = pass_outbox_verify_ok,
    [VARVE_OP_ERROR] = pass_error,
};

wire_pass wire_pass_of(uint8_t opcode)
{
    return passes[opcode];
}
