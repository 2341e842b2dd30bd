/* saga_list.c - SAGA_LIST and SAGA_CLAIM: which sagas there are, and which somebody is to work on. */
#include "saga_row.h"

#include <string.h>

#define QUERY_FIELDS 9u
#define CLAIM_FIELDS 7u
#define ALL_STATUSES ((1u << VARVE_SAGA_STATUSES) - 1)

void varve_encode_saga_list(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_query *query)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_LIST, request_id);
    pack_array(&pack, QUERY_FIELDS);
    pack_uint(&pack, query->order);
    pack_str(&pack, query->type);
    pack_uint(&pack, query->statuses);
    pack_str(&pack, query->step);
    pack_time_or_nil(&pack, query->updated_before_us);
    pack_time_or_nil(&pack, query->deadline_before_us);
    pack_bool(&pack, query->include_state);
    pack_bin(&pack, query->after);
    pack_uint(&pack, query->limit);
    pack_end(&pack);
}

static struct varve_view decode_type_or_empty(struct fields *fields)
{
    struct varve_pull before = fields->pull;
    struct varve_view type = varve_pull_str(&fields->pull);

    if (type.size == 0)
        return type;
    fields->pull = before;
    return fields_name(fields, "type", varve_check_saga_type);
}

static struct varve_view decode_after(struct fields *fields)
{
    struct varve_view after = varve_pull_bin(&fields->pull);

    if (after.size > VARVE_SAGA_MAX_CURSOR)
        fields_bad(fields, "after", "expected at most %u bytes", VARVE_SAGA_MAX_CURSOR);
    return after;
}

enum varve_status varve_decode_saga_list(struct varve_view body, struct varve_saga_query *ret,
                                         struct varve_error *error)
{
    struct varve_saga_query query = { 0 };
    struct fields fields;

    fields_begin(&fields, "SAGA_LIST", body, error);
    uint32_t unknown = fields_open(&fields, QUERY_FIELDS);

    query.order = (enum varve_saga_order)fields_int(&fields, "order", 0, VARVE_SAGA_BY_DEADLINE);
    query.type = decode_type_or_empty(&fields);
    query.statuses = (unsigned)fields_uint(&fields, "statuses", 0, ALL_STATUSES);
    query.step = fields_text_or_empty(&fields, "step", VARVE_SAGA_MAX_STEP);
    query.updated_before_us = fields_time_or_nil(&fields, "updated_before");
    query.deadline_before_us = fields_time_or_nil(&fields, "deadline_before");
    query.include_state = varve_pull_bool(&fields.pull);
    query.after = decode_after(&fields);
    query.limit = (uint32_t)fields_uint(&fields, "limit", 1, VARVE_SAGA_MAX_LIST);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = query;
    return status;
}

void varve_encode_saga_list_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_list *list)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_LIST_OK, request_id);
    pack_array(&pack, 2);
    pack_sagas(&pack, list->sagas, list->count);
    if (list->end)
        pack_nil(&pack);
    else
        pack_bin(&pack, varve_view_of((const char *)list->next, list->next_size));
    pack_end(&pack);
}

static void decode_next(struct fields *fields, struct varve_saga_list *list)
{
    struct varve_view next = varve_pull_bin_or_nil(&fields->pull);

    list->end = next.data == NULL;
    if (next.size > sizeof(list->next) || (!list->end && next.size == 0))
        fields_bad(fields, "next", "expected nil or 1 to %zu bytes", sizeof(list->next));
    else if (next.size > 0)
        memcpy(list->next, next.data, next.size);
    list->next_size = (uint32_t)next.size;
}

enum varve_status varve_decode_saga_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                            struct varve_saga_list *ret, struct varve_error *error)
{
    struct varve_saga_list list = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "SAGA_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);

    list.sagas = fields_sagas(&fields, arena, &list.count);
    decode_next(&fields, &list);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = list;
    return status;
}

void varve_encode_saga_claim(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_claim *claim)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_CLAIM, request_id);
    pack_array(&pack, CLAIM_FIELDS);
    pack_str(&pack, claim->type);
    pack_uint(&pack, claim->statuses);
    pack_str(&pack, claim->step);
    pack_str(&pack, claim->worker);
    pack_uint(&pack, claim->lease_ms);
    pack_uint(&pack, claim->limit);
    pack_uint(&pack, claim->wait_ms);
    pack_end(&pack);
}

enum varve_status varve_decode_saga_claim(struct varve_view body, struct varve_saga_claim *ret,
                                          struct varve_error *error)
{
    struct varve_saga_claim claim = { 0 };
    struct fields fields;

    fields_begin(&fields, "SAGA_CLAIM", body, error);
    uint32_t unknown = fields_open(&fields, CLAIM_FIELDS);

    claim.type = fields_name(&fields, "type", varve_check_saga_type);
    claim.statuses = (unsigned)fields_uint(&fields, "statuses", 0, VARVE_SAGA_UNFINISHED);
    claim.step = fields_text_or_empty(&fields, "step", VARVE_SAGA_MAX_STEP);
    claim.worker = fields_text(&fields, "worker", VARVE_MAX_WORKER_NAME);
    claim.lease_ms = (uint32_t)fields_uint(&fields, "lease_ms", 1, VARVE_MAX_LEASE_MS);
    claim.limit = (uint32_t)fields_uint(&fields, "limit", 1, VARVE_MAX_CLAIM);
    claim.wait_ms = (uint32_t)fields_uint(&fields, "wait_ms", 0, VARVE_MAX_CLAIM_WAIT_MS);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = claim;
    return status;
}

void varve_encode_saga_claim_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga *sagas,
                                size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_CLAIM_OK, request_id);
    pack_array(&pack, 1);
    pack_sagas(&pack, sagas, count);
    pack_end(&pack);
}

enum varve_status varve_decode_saga_claim_ok(struct varve_view body, struct varve_wire_arena *arena,
                                             const struct varve_saga **ret_sagas, size_t *ret_count,
                                             struct varve_error *error)
{
    struct fields fields;
    size_t count;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "SAGA_CLAIM_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    const struct varve_saga *sagas = fields_sagas(&fields, arena, &count);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_sagas = sagas;
    *ret_count = count;
    return VARVE_OK;
}
