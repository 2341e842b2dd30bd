/* sagas.c - sagas: changed one at a time, looked at, claimed by workers. */
#include "exchange.h"

/* ---- changing --------------------------------------------------------------------------------------------------- */

void varve_saga_change_init(struct varve_saga_change *change)
{
    *change = (struct varve_saga_change){
        .action = VARVE_SAGA_STEP,
        .expected = VARVE_EXPECTED_STREAM_EXISTS,
        .content_type = VARVE_CONTENT_JSON,
        .deadline_us = VARVE_TIME_NONE,
    };
}

enum varve_status varve_client_saga_change(struct varve_client *client, const struct varve_saga_change *change,
                                           int64_t *ret_version, uint64_t *ret_position, struct varve_error *error)
{
    struct varve_saga_change own = *change;
    const struct varve_transact_request request = { .sagas = &own, .saga_count = 1 };
    struct varve_transact_outcome outcome;

    if (varve_transact_fill_ids(NULL, 0, &own, 1, NULL, 0) != VARVE_OK)
        return varve_fail(error, VARVE_IO, NULL, "no random bytes for an event's id");
    enum varve_status status = varve_client_transact(client, &request, &outcome, error);
    if (status == VARVE_SAGA_CONFLICT && outcome.conflict_count > 0 && ret_version != NULL)
        *ret_version = outcome.conflicts[0].actual;
    if (status != VARVE_OK)
        return status;
    if (ret_version != NULL)
        *ret_version = outcome.sagas[0].version;
    if (ret_position != NULL)
        *ret_position = outcome.sagas[0].position;
    return VARVE_OK;
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

enum varve_status varve_client_saga_get(struct varve_client *client, struct varve_view type, struct varve_view id,
                                        struct varve_saga *ret_saga, struct varve_error *error)
{
    uint32_t request_id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it is another saga than was asked for" };
    struct varve_saga saga;
    struct varve_view body;

    if (status != VARVE_OK)
        return status;
    varve_encode_saga_get(&client->connection.out, request_id, type, id);
    status = client_ask(client, request_id, VARVE_OP_SAGA_GET_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_saga_get_ok(body, &saga, &why) != VARVE_OK || !varve_view_equal(saga.type, type) ||
        !varve_view_equal(saga.id, id))
        return client_unreadable(client, VARVE_OP_SAGA_GET_OK, &why, error);
    *ret_saga = saga;
    return VARVE_OK;
}

/* Were these asked for? Bits of `statuses` 0: all. */
static bool are_wanted(const struct varve_saga *sagas, size_t count, size_t limit, struct varve_view type,
                       unsigned statuses, struct varve_view step)
{
    bool wanted = count <= limit;

    for (size_t i = 0; i < count && wanted; i++)
        wanted = (type.size == 0 || varve_view_equal(sagas[i].type, type)) &&
                 (statuses == 0 || (statuses & (1u << sagas[i].status)) != 0) &&
                 (step.size == 0 || varve_view_equal(sagas[i].step, step));
    return wanted;
}

enum varve_status varve_client_saga_list(struct varve_client *client, const struct varve_saga_query *query,
                                         struct varve_saga_list *ret_list, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it has sagas that were not asked for" };
    struct varve_saga_list list;
    struct varve_view body;

    if (status != VARVE_OK)
        return status;
    varve_encode_saga_list(&client->connection.out, id, query);
    status = client_ask(client, id, VARVE_OP_SAGA_LIST_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_saga_list_ok(body, client->arena, &list, &why) != VARVE_OK ||
        !are_wanted(list.sagas, list.count, query->limit, query->type, query->statuses, query->step))
        return client_unreadable(client, VARVE_OP_SAGA_LIST_OK, &why, error);
    *ret_list = list;
    return VARVE_OK;
}

enum varve_status varve_client_saga_counts(struct varve_client *client, struct varve_saga_counts *ret_counts,
                                           struct varve_error *error)
{
    struct varve_saga_counts counts;
    struct varve_error why;
    struct varve_view body;
    enum varve_status status =
        client_ask_plainly(client, varve_encode_saga_counts, VARVE_OP_SAGA_COUNTS_OK, &body, error);

    if (status != VARVE_OK)
        return status;
    if (varve_decode_saga_counts_ok(body, client->arena, &counts, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_SAGA_COUNTS_OK, &why, error);
    *ret_counts = counts;
    return VARVE_OK;
}

/* ---- claiming --------------------------------------------------------------------------------------------------- */

enum varve_status varve_client_saga_claim(struct varve_client *client, const struct varve_saga_claim *claim,
                                          const struct varve_saga **ret_sagas, size_t *ret_count,
                                          struct varve_error *error)
{
    unsigned statuses = claim->statuses == 0 ? VARVE_SAGA_UNFINISHED : claim->statuses;
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it has sagas that were not asked for" };
    const struct varve_saga *sagas;
    struct varve_view body;
    size_t count;

    if (status != VARVE_OK)
        return status;
    varve_encode_saga_claim(&client->connection.out, id, claim);
    status = client_ask_patiently(client, id, VARVE_OP_SAGA_CLAIM_OK, claim->wait_ms, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_saga_claim_ok(body, client->arena, &sagas, &count, &why) != VARVE_OK ||
        !are_wanted(sagas, count, claim->limit, claim->type, statuses, claim->step))
        return client_unreadable(client, VARVE_OP_SAGA_CLAIM_OK, &why, error);
    *ret_sagas = sagas;
    *ret_count = count;
    return VARVE_OK;
}
