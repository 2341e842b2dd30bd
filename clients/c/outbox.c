/* outbox.c - outboxes: watched, ordered about, verified. An order is not sent a second time by itself: it carries
 * nothing by which the server would recognise it. */
#include "exchange.h"
#include "varve/outbox_client.h"

#include <string.h>

enum varve_status varve_client_outbox_list(struct varve_client *client, struct varve_view name,
                                           const struct varve_outbox_entry **ret_entries, size_t *ret_count,
                                           struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it is about another outbox than was asked for" };
    const struct varve_outbox_entry *entries;
    struct varve_view body;
    size_t count;

    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_list(&client->connection.out, id, name);
    status = client_ask(client, id, VARVE_OP_OUTBOX_LIST_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_outbox_list_ok(body, client->arena, &entries, &count, &why) != VARVE_OK ||
        (name.data != NULL && (count != 1 || !varve_view_equal(entries[0].name, name))))
        return client_unreadable(client, VARVE_OP_OUTBOX_LIST_OK, &why, error);
    *ret_entries = entries;
    *ret_count = count;
    return VARVE_OK;
}

enum varve_status varve_client_outbox_order(struct varve_client *client, struct varve_view name,
                                            const struct varve_outbox_order *order,
                                            struct varve_outbox_order_result *ret, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_outbox_order_result result;
    struct varve_error why;
    struct varve_view body;

    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_order(&client->connection.out, id, name, order);
    status = client_ask_once(client, id, VARVE_OP_OUTBOX_ORDER_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_outbox_order_ok(body, &result, &why) != VARVE_OK)
        return client_unreadable(client, VARVE_OP_OUTBOX_ORDER_OK, &why, error);
    if (ret != NULL)
        *ret = result;
    return VARVE_OK;
}

static bool sorts_behind(struct varve_view name, struct varve_view after)
{
    size_t common = name.size < after.size ? name.size : after.size;
    int order = common == 0 ? 0 : memcmp(name.data, after.data, common);

    return order > 0 || (order == 0 && name.size > after.size);
}

/* Are these streams in order, and those that were asked for? */
static bool are_wanted_letters(const struct varve_outbox_dead_request *request,
                               const struct varve_dead_letter *letters, size_t count)
{
    struct varve_view after = request->after;
    bool wanted = count <= request->limit;

    if (request->stream.data != NULL)
        return count == 1 && varve_view_equal(letters[0].stream, request->stream);
    for (size_t i = 0; i < count && wanted; i++) {
        wanted = sorts_behind(letters[i].stream, after);
        after = letters[i].stream;
    }
    return wanted;
}

enum varve_status varve_client_outbox_dead(struct varve_client *client,
                                           const struct varve_outbox_dead_request *request,
                                           const struct varve_dead_letter **ret_letters, size_t *ret_count,
                                           bool *ret_end, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it has dead letters that were not asked for" };
    const struct varve_dead_letter *letters;
    struct varve_view body;
    size_t count;
    bool end;

    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_dead(&client->connection.out, id, request);
    status = client_ask(client, id, VARVE_OP_OUTBOX_DEAD_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_outbox_dead_ok(body, client->arena, &letters, &count, &end, &why) != VARVE_OK ||
        !are_wanted_letters(request, letters, count))
        return client_unreadable(client, VARVE_OP_OUTBOX_DEAD_OK, &why, error);
    *ret_letters = letters;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}

static bool are_wanted_events(const struct varve_outbox_history_request *request,
                              const struct varve_outbox_history_event *events, size_t count)
{
    uint64_t version = request->from_version;
    bool wanted = count <= request->limit;

    for (size_t i = 0; i < count && wanted; i++) {
        wanted = events[i].version >= version;
        version = events[i].version + 1;
    }
    return wanted;
}

enum varve_status varve_client_outbox_history(struct varve_client *client,
                                              const struct varve_outbox_history_request *request,
                                              const struct varve_outbox_history_event **ret_events, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why = { .message = "it has events that were not asked for" };
    const struct varve_outbox_history_event *events;
    struct varve_view body;
    size_t count;
    bool end;

    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_history(&client->connection.out, id, request);
    status = client_ask(client, id, VARVE_OP_OUTBOX_HISTORY_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_outbox_history_ok(body, client->arena, &events, &count, &end, &why) != VARVE_OK ||
        !are_wanted_events(request, events, count))
        return client_unreadable(client, VARVE_OP_OUTBOX_HISTORY_OK, &why, error);
    *ret_events = events;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}

enum varve_status varve_client_outbox_verify(struct varve_client *client, struct varve_view name, uint64_t depth,
                                             const struct varve_stat **ret_figures, size_t *ret_count,
                                             struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_error why;
    struct varve_view body;

    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_verify(&client->connection.out, id, name, depth);
    status = client_ask_for_long(client, id, VARVE_OP_OUTBOX_VERIFY_OK, &body, error);
    if (status == VARVE_OK &&
        varve_decode_outbox_verify_ok(body, client->arena, ret_figures, ret_count, &why) != VARVE_OK)
        status = client_unreadable(client, VARVE_OP_OUTBOX_VERIFY_OK, &why, error);
    return status;
}
