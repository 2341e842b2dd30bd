/* state_meaning.c - bodies of messages about transactions, sagas, snapshots and loading to JSON. */
#include "wire_values.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Fields are added in pairs of name and value, which the object takes over. */
static json_t *set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
    return object;
}

static json_t *of_change(const struct varve_saga_change *change)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "action", number(change->action), "type",
                               json_of_text(change->type), "id", json_of_text(change->id), "expected",
                               json_integer(change->expected), "step", json_of_text(change->step), "error",
                               json_of_text(change->error));

    set(object, "state", change->has_state ? json_of_bytes(change->state) : json_null());
    set(object, "content_type", number(change->content_type));
    set(object, "deadline", json_of_time(change->deadline_us));
    set(object, "event_id", json_of_uuid(&change->event_id));
    set(object, "correlation_id", json_of_uuid(&change->correlation_id));
    return set(object, "causation_id", json_of_uuid(&change->causation_id));
}

static json_t *of_checkpoint(const struct varve_checkpoint *checkpoint)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_text(checkpoint->name), "position",
                     number(checkpoint->position), "expected", json_integer(checkpoint->expected), "event_id",
                     json_of_uuid(&checkpoint->event_id));
}

static json_t *of_ack(const struct varve_group_ack *ack)
{
    json_t *positions = json_array();

    if (ack == NULL) {
        json_decref(positions);
        return json_null();
    }
    for (size_t i = 0; i < ack->count; i++)
        json_array_append_new(positions, number(ack->positions[i]));
    return json_pack("{s:o, s:o, s:o}", "group", json_of_text(ack->group), "epoch", number(ack->epoch), "positions",
                     positions);
}

static json_t *of_transact(const struct varve_transact_request *request)
{
    json_t *sagas = json_array(), *checkpoints = json_array();

    for (size_t i = 0; i < request->saga_count; i++)
        json_array_append_new(sagas, of_change(&request->sagas[i]));
    for (size_t i = 0; i < request->checkpoint_count; i++)
        json_array_append_new(checkpoints, of_checkpoint(&request->checkpoints[i]));
    return set(set(set(json_of_append(&request->appends), "sagas", sagas), "checkpoints", checkpoints), "ack",
               of_ack(request->ack));
}

static json_t *of_places(const struct varve_transact_place *places, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "version", json_integer(places[i].version), "position",
                                              number(places[i].position)));
    return list;
}

static json_t *of_transact_ok(const struct varve_transact_outcome *outcome)
{
    const struct varve_append_outcome appends = { .replayed = outcome->replayed, .results = outcome->results,
                                                  .stream_count = outcome->stream_count };

    return set(set(json_of_append_ok(&appends), "sagas", of_places(outcome->sagas, outcome->saga_count)),
               "checkpoints", of_places(outcome->checkpoints, outcome->checkpoint_count));
}

static json_t *of_saga(const struct varve_saga *saga)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "type", json_of_text(saga->type), "id",
                               json_of_text(saga->id), "step", json_of_text(saga->step), "status",
                               number(saga->status), "version", json_integer(saga->version), "position",
                               number(saga->position));

    set(object, "started_at", json_integer(saga->started_at_us));
    set(object, "updated_at", json_integer(saga->updated_at_us));
    set(object, "completed_at", json_of_time(saga->completed_at_us));
    set(object, "failed_at", json_of_time(saga->failed_at_us));
    set(object, "error", json_of_text(saga->error));
    set(object, "deadline", json_of_time(saga->deadline_us));
    set(object, "correlation_id", json_of_uuid(&saga->correlation_id));
    set(object, "state", saga->has_state ? json_of_bytes(saga->state) : json_null());
    return set(object, "content_type", number(saga->content_type));
}

static json_t *of_sagas(const struct varve_saga *sagas, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_saga(&sagas[i]));
    return list;
}

static json_t *of_query(const struct varve_saga_query *query)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:b}", "order", number(query->order), "type",
                               json_of_text(query->type), "statuses", number(query->statuses), "step",
                               json_of_text(query->step), "include_state", query->include_state);

    set(object, "updated_before", json_of_time(query->updated_before_us));
    set(object, "deadline_before", json_of_time(query->deadline_before_us));
    set(object, "after", json_of_bytes(query->after));
    return set(object, "limit", number(query->limit));
}

static json_t *of_list(const struct varve_saga_list *list)
{
    return json_pack("{s:o, s:o}", "sagas", of_sagas(list->sagas, list->count), "next",
                     list->end ? json_null() : json_of_bytes(varve_view_of((const char *)list->next,
                                                                            list->next_size)));
}

static json_t *of_counts(const struct varve_saga_counts *counts)
{
    json_t *types = json_array();

    for (size_t i = 0; i < counts->count; i++) {
        json_t *by_status = json_array();

        for (size_t status = 0; status < VARVE_SAGA_STATUSES; status++)
            json_array_append_new(by_status, number(counts->types[i].by_status[status]));
        json_array_append_new(types, json_pack("{s:o, s:o}", "type", json_of_text(counts->types[i].type), "by_status",
                                               by_status));
    }
    return json_pack("{s:o}", "types", types);
}

static json_t *of_claim(const struct varve_saga_claim *claim)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "type", json_of_text(claim->type), "statuses",
                     number(claim->statuses), "step", json_of_text(claim->step), "worker",
                     json_of_text(claim->worker), "lease_ms", number(claim->lease_ms), "limit", number(claim->limit),
                     "wait_ms", number(claim->wait_ms));
}

static json_t *of_snapshot(const struct varve_snapshot *snapshot)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "stream", json_of_text(snapshot->stream), "version",
                               json_integer(snapshot->version), "type", json_of_text(snapshot->type),
                               "schema_version", number(snapshot->schema_version));

    set(object, "content_type", number(snapshot->content_type));
    set(object, "created_at", json_integer(snapshot->created_at_us));
    set(object, "size", number(snapshot->size));
    return set(object, "data", json_of_bytes(snapshot->data));
}

static json_t *of_load(const struct varve_load_request *request)
{
    json_t *streams = json_array();

    for (size_t i = 0; i < request->stream_count; i++)
        json_array_append_new(streams, json_of_text(request->streams[i]));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "streams", streams, "type", json_of_text(request->type),
                     "schema_version", number(request->schema_version), "no_snapshots", request->no_snapshots,
                     "credit_bytes", number(request->credit_bytes), "batch_bytes", number(request->batch_bytes));
}

static json_t *of_loading(const struct varve_loading *loading)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "index", number(loading->index), "status", number(loading->status),
                     "version", json_integer(loading->version), "first_version", number(loading->first_version),
                     "snapshot", loading->has_snapshot ? of_snapshot(&loading->snapshot) : json_null());
}

static enum varve_status decode_claimed(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                        struct varve_error *error)
{
    const struct varve_saga *sagas;
    size_t count;
    enum varve_status status = varve_decode_saga_claim_ok(body, arena, &sagas, &count, error);

    if (status == VARVE_OK)
        *ret = json_pack("{s:o}", "sagas", of_sagas(sagas, count));
    return status;
}

static enum varve_status decode_put(struct varve_view body, json_t **ret, struct varve_error *error)
{
    struct varve_snapshot snapshot;
    uint32_t keep;
    enum varve_status status = varve_decode_snapshot_put(body, &snapshot, &keep, error);

    if (status == VARVE_OK) {
        *ret = set(of_snapshot(&snapshot), "keep", number(keep));
        json_object_del(*ret, "created_at"); /* The server's to say, */
        json_object_del(*ret, "size");       /* and a thing of lists. */
    }
    return status;
}

static enum varve_status decode_snapshots(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                          struct varve_error *error)
{
    const struct varve_snapshot *snapshots;
    size_t count;
    bool end;
    enum varve_status status = varve_decode_snapshot_list_ok(body, arena, &snapshots, &count, &end, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_snapshot(&snapshots[i]));
    *ret = json_pack("{s:o, s:b}", "snapshots", list, "end", end);
    return VARVE_OK;
}

#define DECODED(decode, value) \
    do { \
        enum varve_status status_ = (decode); \
        if (status_ == VARVE_OK) \
            *ret = (value); \
        return status_; \
    } while (0)

static enum varve_status decode_snapshot_message(uint8_t opcode, struct varve_view body,
                                                 struct varve_wire_arena *arena, json_t **ret,
                                                 struct varve_error *error)
{
    struct varve_snapshot_query query;
    struct varve_snapshot_list_request list;
    struct varve_snapshot snapshot;
    struct varve_load_request load;
    struct varve_loading loading;
    struct varve_view stream;
    int64_t from, until;
    uint64_t count;
    uint32_t removed;

    switch (opcode) {
    case VARVE_OP_SNAPSHOT_PUT: return decode_put(body, ret, error);
    case VARVE_OP_SNAPSHOT_PUT_OK:
        DECODED(varve_decode_snapshot_put_ok(body, &from, &removed, error),
                json_pack("{s:o, s:o}", "created_at", json_integer(from), "removed", number(removed)));
    case VARVE_OP_SNAPSHOT_GET:
        DECODED(varve_decode_snapshot_get(body, &query, error),
                json_pack("{s:o, s:o, s:o, s:o}", "stream", json_of_text(query.stream), "version",
                          json_of_count((uint64_t)query.at_or_below, INT64_MAX), "type", json_of_text(query.type),
                          "schema_version", number(query.schema_version)));
    case VARVE_OP_SNAPSHOT_GET_OK:
        DECODED(varve_decode_snapshot_get_ok(body, &snapshot, error),
                json_pack("{s:o}", "snapshot", of_snapshot(&snapshot)));
    case VARVE_OP_SNAPSHOT_LIST:
        DECODED(varve_decode_snapshot_list(body, &list, error),
                json_pack("{s:o, s:o, s:o, s:o}", "prefix", json_of_text(list.prefix), "after_stream",
                          json_of_text(list.after_stream), "after_version",
                          json_of_count((uint64_t)list.after_version, INT64_MAX), "limit", number(list.limit)));
    case VARVE_OP_SNAPSHOT_LIST_OK: return decode_snapshots(body, arena, ret, error);
    case VARVE_OP_SNAPSHOT_DELETE:
        DECODED(varve_decode_snapshot_delete(body, &stream, &from, &until, error),
                json_pack("{s:o, s:o, s:o}", "stream", json_of_text(stream), "from_version", json_integer(from),
                          "until_version", json_integer(until)));
    case VARVE_OP_SNAPSHOT_DELETE_OK:
        DECODED(varve_decode_snapshot_delete_ok(body, &count, error), json_pack("{s:o}", "count", number(count)));
    case VARVE_OP_LOAD: DECODED(varve_decode_load(body, arena, &load, error), of_load(&load));
    case VARVE_OP_LOADING: DECODED(varve_decode_loading(body, &loading, error), of_loading(&loading));
    default: return outbox_meaning_decode(opcode, body, arena, ret, error);
    }
}

enum varve_status state_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                       json_t **ret, struct varve_error *error)
{
    struct varve_transact_request transact;
    struct varve_transact_outcome outcome;
    struct varve_view type, id;
    struct varve_saga saga;
    struct varve_saga_query query;
    struct varve_saga_list list;
    struct varve_saga_counts counts;
    struct varve_saga_claim claim;

    switch (opcode) {
    case VARVE_OP_TRANSACT:
        DECODED(varve_decode_transact(body, arena, &transact, error), of_transact(&transact));
    case VARVE_OP_TRANSACT_OK:
        DECODED(varve_decode_transact_ok(body, arena, &outcome, error), of_transact_ok(&outcome));
    case VARVE_OP_SAGA_GET:
        DECODED(varve_decode_saga_get(body, &type, &id, error),
                json_pack("{s:o, s:o}", "type", json_of_text(type), "id", json_of_text(id)));
    case VARVE_OP_SAGA_GET_OK:
        DECODED(varve_decode_saga_get_ok(body, &saga, error), json_pack("{s:o}", "saga", of_saga(&saga)));
    case VARVE_OP_SAGA_LIST: DECODED(varve_decode_saga_list(body, &query, error), of_query(&query));
    case VARVE_OP_SAGA_LIST_OK: DECODED(varve_decode_saga_list_ok(body, arena, &list, error), of_list(&list));
    case VARVE_OP_SAGA_COUNTS: DECODED(varve_decode_empty(body, opcode, error), json_object());
    case VARVE_OP_SAGA_COUNTS_OK:
        DECODED(varve_decode_saga_counts_ok(body, arena, &counts, error), of_counts(&counts));
    case VARVE_OP_SAGA_CLAIM: DECODED(varve_decode_saga_claim(body, &claim, error), of_claim(&claim));
    case VARVE_OP_SAGA_CLAIM_OK: return decode_claimed(body, arena, ret, error);
    default: return decode_snapshot_message(opcode, body, arena, ret, error);
    }
}
