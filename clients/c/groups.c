/* groups.c - consumer groups and their parked events: asked about and changed over any client. What changes something
 * is not sent a second time by itself: it carries nothing by which the server would recognise it. */
#include "exchange.h"
#include "varve/subscription.h"

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static enum varve_status take_info(struct varve_client *client, struct varve_view body,
                                   struct varve_group_info *ret_info, struct varve_error *error)
{
    struct varve_group_info info;
    struct varve_error why;

    if (varve_decode_group_ok(body, client->arena, &info, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_GROUP_OK, &why, error);
    if (ret_info != NULL)
        *ret_info = info;
    return VARVE_OK;
}

static enum varve_status ask_about_group(struct varve_client *client, uint8_t opcode,
                                         const struct varve_group_request *request, struct varve_group_info *ret_info,
                                         struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = varve_check_group_name(request->group, "group", error);
    struct varve_view body;

    if (status == VARVE_OK && request->has_settings)
        status = varve_group_settings_check(&request->settings, error);
    if (status == VARVE_OK)
        status = client_begin(client, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_group(&client->connection.out, id, opcode, request);
    status = opcode == VARVE_OP_GROUP_INFO ? client_ask(client, id, VARVE_OP_GROUP_OK, &body, error)
                                           : client_ask_once(client, id, VARVE_OP_GROUP_OK, &body, error);
    return status == VARVE_OK ? take_info(client, body, ret_info, error) : status;
}

enum varve_status varve_client_group_create(struct varve_client *client, struct varve_view group,
                                            const struct varve_group_settings *settings, uint64_t after,
                                            struct varve_group_info *ret_info, struct varve_error *error)
{
    const struct varve_group_request request = { .group = group, .settings = *settings, .has_settings = true,
                                                 .after = after };

    return ask_about_group(client, VARVE_OP_GROUP_CREATE, &request, ret_info, error);
}

enum varve_status varve_client_group_update(struct varve_client *client, struct varve_view group,
                                            const struct varve_group_settings *settings, bool resume,
                                            struct varve_group_info *ret_info, struct varve_error *error)
{
    struct varve_group_request request = { .group = group, .has_settings = settings != NULL, .resume = resume };

    if (settings != NULL)
        request.settings = *settings;
    return ask_about_group(client, VARVE_OP_GROUP_UPDATE, &request, ret_info, error);
}

enum varve_status varve_client_group_reset(struct varve_client *client, struct varve_view group, uint64_t after,
                                           struct varve_group_info *ret_info, struct varve_error *error)
{
    const struct varve_group_request request = { .group = group, .after = after };

    return ask_about_group(client, VARVE_OP_GROUP_RESET, &request, ret_info, error);
}

enum varve_status varve_client_group_delete(struct varve_client *client, struct varve_view group,
                                            struct varve_error *error)
{
    const struct varve_group_request request = { .group = group };

    return ask_about_group(client, VARVE_OP_GROUP_DELETE, &request, NULL, error);
}

enum varve_status varve_client_group_info(struct varve_client *client, struct varve_view group,
                                          struct varve_group_info *ret_info, struct varve_error *error)
{
    const struct varve_group_request request = { .group = group };

    return ask_about_group(client, VARVE_OP_GROUP_INFO, &request, ret_info, error);
}

enum varve_status varve_client_group_list(struct varve_client *client, const struct varve_group_info **ret_infos,
                                          size_t *ret_count, struct varve_error *error)
{
    struct varve_error why;
    struct varve_view body;
    enum varve_status status =
        client_ask_plainly(client, varve_encode_group_list, VARVE_OP_GROUP_LIST_OK, &body, error);

    if (status == VARVE_OK && varve_decode_group_list_ok(body, client->arena, ret_infos, ret_count, &why) != VARVE_OK)
        status = client_unreadable(client, VARVE_OP_GROUP_LIST_OK, &why, error);
    return status;
}

/* ---- parked events ---------------------------------------------------------------------------------------------- */

static enum varve_status check_parked(const struct varve_parked_request *request, struct varve_error *error)
{
    enum varve_status status = varve_check_group_name(request->group, "group", error);

    if (status == VARVE_OK && request->reason.size > VARVE_MAX_REASON)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reason", "reason: expected at most %u bytes, are %zu",
                          VARVE_MAX_REASON, request->reason.size);
    return status;
}

enum varve_status varve_client_parked_list(struct varve_client *client, struct varve_view group, uint64_t after,
                                           uint32_t limit, const struct varve_parked_event **ret_events,
                                           size_t *ret_count, bool *ret_end, struct varve_error *error)
{
    const struct varve_parked_request request = { .group = group, .position = after, .limit = limit };
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = check_parked(&request, error);
    struct varve_error why;
    struct varve_view body;

    if (status == VARVE_OK)
        status = client_begin(client, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_parked(&client->connection.out, id, VARVE_OP_PARKED_LIST, &request);
    status = client_ask(client, id, VARVE_OP_PARKED_LIST_OK, &body, error);
    if (status == VARVE_OK &&
        varve_decode_parked_list_ok(body, client->arena, ret_events, ret_count, ret_end, &why) != VARVE_OK)
        status = client_unreadable(client, VARVE_OP_PARKED_LIST_OK, &why, error);
    return status;
}

static enum varve_status change_parked(struct varve_client *client, uint8_t opcode,
                                       const struct varve_parked_request *request, uint32_t *ret_count,
                                       struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection), count;
    enum varve_status status = check_parked(request, error);
    struct varve_error why;
    struct varve_view body;

    if (status == VARVE_OK)
        status = client_begin(client, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_parked(&client->connection.out, id, opcode, request);
    status = client_ask_once(client, id, VARVE_OP_PARKED_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_parked_ok(body, &count, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_PARKED_OK, &why, error);
    if (ret_count != NULL)
        *ret_count = count;
    return VARVE_OK;
}

enum varve_status varve_client_parked_replay(struct varve_client *client, struct varve_view group, uint64_t position,
                                             uint32_t limit, uint32_t *ret_count, struct varve_error *error)
{
    const struct varve_parked_request request = { .group = group, .position = position, .limit = limit };

    return change_parked(client, VARVE_OP_PARKED_REPLAY, &request, ret_count, error);
}

enum varve_status varve_client_parked_discard(struct varve_client *client, struct varve_view group, uint64_t position,
                                              uint32_t limit, struct varve_view reason, uint32_t *ret_count,
                                              struct varve_error *error)
{
    const struct varve_parked_request request = { .group = group, .position = position, .limit = limit,
                                                  .reason = reason };

    return change_parked(client, VARVE_OP_PARKED_DISCARD, &request, ret_count, error);
}
