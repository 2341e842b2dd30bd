/* snapshots.c - snapshots put, also pipelined, looked at and deleted. A put may be sent twice: the same snapshot takes
 * its own place. */
#include "append.h"
#include "pipeline.h"

#include <string.h>

/* ---- putting ---------------------------------------------------------------------------------------------------- */

static enum varve_status check(const struct varve_snapshot *snapshot, struct varve_error *error)
{
    if (snapshot->data.size <= VARVE_SNAPSHOT_MAX_BYTES)
        return VARVE_OK;
    return append_too_large(error, VARVE_EVENT_TOO_LARGE, "bytes in one snapshot:", snapshot->data.size,
                            VARVE_SNAPSHOT_MAX_BYTES);
}

static enum varve_status encode(struct varve_client *client, uint32_t id, const struct varve_snapshot *snapshot,
                                uint32_t keep, struct varve_error *error)
{
    size_t before = client->connection.out.size;

    varve_encode_snapshot_put(&client->connection.out, id, snapshot, keep);
    return append_check_frame(client, before, VARVE_EVENT_TOO_LARGE, "bytes in the frame of one snapshot:", error);
}

static enum varve_status take_put(struct varve_client *client, struct varve_view body, int64_t *ret_created_at_us,
                                  uint32_t *ret_removed, struct varve_error *error)
{
    struct varve_error why;
    int64_t created_at_us;
    uint32_t removed;

    if (varve_decode_snapshot_put_ok(body, &created_at_us, &removed, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_SNAPSHOT_PUT_OK, &why, error);
    if (ret_created_at_us != NULL)
        *ret_created_at_us = created_at_us;
    if (ret_removed != NULL)
        *ret_removed = removed;
    return VARVE_OK;
}

enum varve_status varve_client_snapshot_put(struct varve_client *client, const struct varve_snapshot *snapshot,
                                            uint32_t keep, int64_t *ret_created_at_us, uint32_t *ret_removed,
                                            struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_view body;

    if (status == VARVE_OK)
        status = varve_client_connect(client, error); /* Its limits are needed first. */
    if (status == VARVE_OK)
        status = check(snapshot, error);
    if (status == VARVE_OK)
        status = encode(client, id, snapshot, keep, error);
    if (status == VARVE_OK)
        status = client_ask(client, id, VARVE_OP_SNAPSHOT_PUT_OK, &body, error);
    return status == VARVE_OK ? take_put(client, body, ret_created_at_us, ret_removed, error) : status;
}

static void tell(struct varve_client *client, const struct slot *slot, const struct ending *ending)
{
    struct varve_wire_error said = { .conflicts = NULL };

    if (ending->fault != NULL)
        said.error = *ending->fault;
    else if (ending->opcode == VARVE_OP_ERROR)
        client_take_error(client, ending->body, &said);
    else
        take_put(client, ending->body, NULL, NULL, &said.error);
    slot->done.snapshot(slot->user, said.error.status, &said.error);
}

static const struct slot_kind snapshot_kind = { VARVE_OP_SNAPSHOT_PUT_OK, tell };

enum varve_status varve_client_submit_snapshot(struct varve_client *client, const struct varve_snapshot *snapshot,
                                               uint32_t keep, varve_snapshot_done done, void *user,
                                               struct varve_error *error)
{
    struct slot *slot;
    enum varve_status status = pipeline_begin(client, &slot, error);

    if (status == VARVE_OK)
        status = check(snapshot, error);
    if (status == VARVE_OK)
        status = encode(client, slot->request_id, snapshot, keep, error);
    if (status != VARVE_OK)
        return status;
    slot->kind = &snapshot_kind;
    slot->repeatable = true;
    slot->done.snapshot = done;
    slot->user = user;
    pipeline_add(client, slot);
    return VARVE_OK;
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct varve_snapshot *s, const struct varve_snapshot_query *query)
{
    return varve_view_equal(s->stream, query->stream) && s->version <= query->at_or_below &&
           (query->type.size == 0 || varve_view_equal(s->type, query->type)) &&
           (query->schema_version == 0 || s->schema_version == query->schema_version);
}

enum varve_status varve_client_snapshot_get(struct varve_client *client, const struct varve_snapshot_query *query,
                                            struct varve_snapshot *ret_snapshot, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it is another snapshot than was asked for" };
    struct varve_snapshot snapshot;
    struct varve_view body;

    if (status != VARVE_OK)
        return status;
    varve_encode_snapshot_get(&client->connection.out, id, query);
    status = client_ask(client, id, VARVE_OP_SNAPSHOT_GET_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_snapshot_get_ok(body, &snapshot, &why) != VARVE_OK || !is_wanted(&snapshot, query))
        return client_unreadable(client, VARVE_OP_SNAPSHOT_GET_OK, &why, error);
    *ret_snapshot = snapshot;
    return VARVE_OK;
}

static bool begins_with(struct varve_view text, struct varve_view prefix)
{
    return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

enum varve_status varve_client_snapshot_list(struct varve_client *client,
                                             const struct varve_snapshot_list_request *request,
                                             const struct varve_snapshot **ret_snapshots, size_t *ret_count,
                                             bool *ret_end, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it has snapshots that were not asked for" };
    const struct varve_snapshot *snapshots;
    struct varve_view body;
    size_t count;
    bool end, wanted;

    if (status != VARVE_OK)
        return status;
    varve_encode_snapshot_list(&client->connection.out, id, request);
    status = client_ask(client, id, VARVE_OP_SNAPSHOT_LIST_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    wanted = varve_decode_snapshot_list_ok(body, client->arena, &snapshots, &count, &end, &why) == VARVE_OK &&
             count <= request->limit;
    for (size_t i = 0; wanted && i < count; i++)
        wanted = begins_with(snapshots[i].stream, request->prefix);
    if (!wanted)
        return client_unreadable(client, VARVE_OP_SNAPSHOT_LIST_OK, &why, error);
    *ret_snapshots = snapshots;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}

/* ---- deleting --------------------------------------------------------------------------------------------------- */

/* Not sent twice, since it tells how many there were. */
enum varve_status varve_client_snapshot_delete(struct varve_client *client, struct varve_view stream,
                                               int64_t from_version, int64_t until_version, uint64_t *ret_count,
                                               struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why;
    struct varve_view body;
    uint64_t count;

    if (status != VARVE_OK)
        return status;
    varve_encode_snapshot_delete(&client->connection.out, id, stream, from_version, until_version);
    status = client_ask_once(client, id, VARVE_OP_SNAPSHOT_DELETE_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_snapshot_delete_ok(body, &count, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_SNAPSHOT_DELETE_OK, &why, error);
    if (ret_count != NULL)
        *ret_count = count;
    return VARVE_OK;
}
