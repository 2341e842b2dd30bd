/* client.c - a client's life, and the calls that ask one thing and change nothing. */
#include "exchange.h"
#include "slots.h"
#include "varve/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIND_AT_ONCE 10000u /* ids in one FIND */

static enum varve_status configure(struct varve_client *client, const char *url,
                                   const struct varve_client_options *options, struct varve_error *error)
{
    varve_client_options_init(&client->options);
    if (options != NULL)
        client->options = *options;
    enum varve_status status = url_parse(url, &client->url, &client->options, error);
    if (status == VARVE_OK)
        status = options_check(&client->options, error);
    if (status != VARVE_OK)
        return status;

    const char *name = client->url.name[0] != '\0' ? client->url.name : client->options.client_name;
    snprintf(client->name, sizeof(client->name), "%s", name == NULL ? "" : name);
    client->options.client_name = client->name;
    return VARVE_OK;
}

enum varve_status varve_client_create(const char *url, const struct varve_client_options *options,
                                      struct varve_client **ret_client, struct varve_error *error)
{
    struct varve_client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a client");
    client->connection.fd = -1;
    client->arena = varve_wire_arena_create();
    if (getrandom(&client->dice, sizeof(client->dice), GRND_NONBLOCK) < 0 || client->dice == 0)
        client->dice = clock_now_us();
    enum varve_status status = configure(client, url, options, error);
    if (status == VARVE_OK)
        status = connection_init(&client->connection, &client->url, error);
    if (status == VARVE_OK && client->arena == NULL)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a client");
    if (status != VARVE_OK) {
        varve_client_free(client);
        return status;
    }
    *ret_client = client;
    return VARVE_OK;
}

void varve_client_free(struct varve_client *client)
{
    if (client == NULL)
        return;
    connection_free(&client->connection);
    slots_free(&client->pipeline);
    free(client->loading.kept);
    varve_wire_arena_free(client->arena);
    free(client);
}

enum varve_status varve_client_connect(struct varve_client *client, struct varve_error *error)
{
    struct patience patience;
    enum varve_status status = client_begin(client, error);

    patience_begin(&patience, client);
    return status == VARVE_OK ? client_reach(client, &patience, error) : status;
}

const struct varve_hello_ok *varve_client_server(const struct varve_client *client)
{
    return client->connection.met ? &client->connection.server : NULL;
}

/* What a decoder refused is not what the protocol says, whichever way. */
static enum varve_status check_decoded(struct varve_client *client, uint8_t opcode, enum varve_status decoded,
                                       const struct varve_error *why, struct varve_error *error)
{
    return decoded == VARVE_OK ? VARVE_OK : client_unreadable(client, opcode, why, error);
}

enum varve_status varve_client_ping(struct varve_client *client, int64_t *ret_now_us, uint64_t *ret_last_position,
                                    struct varve_error *error)
{
    struct varve_view body;
    struct varve_error why;
    int64_t now_us;
    uint64_t last_position;
    enum varve_status status = client_ask_plainly(client, varve_encode_ping, VARVE_OP_PONG, &body, error);

    if (status == VARVE_OK)
        status = check_decoded(client, VARVE_OP_PONG, varve_decode_pong(body, &now_us, &last_position, &why), &why,
                               error);
    if (status != VARVE_OK)
        return status;
    if (ret_now_us != NULL)
        *ret_now_us = now_us;
    if (ret_last_position != NULL)
        *ret_last_position = last_position;
    return VARVE_OK;
}

enum varve_status varve_client_stream_info(struct varve_client *client, struct varve_view stream,
                                           struct varve_stream_info *ret_info, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_stream_entry entry;
    struct varve_view body;
    struct varve_error why;

    if (status != VARVE_OK)
        return status;
    varve_encode_stream_info(&client->connection.out, id, stream);
    status = client_ask(client, id, VARVE_OP_STREAM_INFO_OK, &body, error);
    if (status == VARVE_OK)
        status = check_decoded(client, VARVE_OP_STREAM_INFO_OK, varve_decode_stream_info_ok(body, &entry, &why), &why,
                               error);
    if (status == VARVE_OK)
        *ret_info = entry.info;
    return status;
}

/* The caller's own copy: entries, and behind them the names, in one piece of memory. */
static enum varve_status copy_list(const struct varve_stream_list *list, struct varve_stream_list *ret_list,
                                   struct varve_error *error)
{
    size_t size = list->count * sizeof(*list->entries) + 1;

    for (size_t i = 0; i < list->count; i++)
        size += list->entries[i].name.size;
    struct varve_stream_entry *entries = malloc(size);
    if (entries == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of %zu streams", list->count);
    char *names = (char *)(entries + list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct varve_view name = list->entries[i].name;

        memcpy(names, name.data, name.size);
        entries[i] = list->entries[i];
        entries[i].name.data = names;
        names += name.size;
    }
    *ret_list = (struct varve_stream_list){ entries, list->count, list->end };
    return VARVE_OK;
}

enum varve_status varve_client_stream_list(struct varve_client *client, const struct varve_stream_list_request *request,
                                           struct varve_stream_list *ret_list, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_stream_list list;
    struct varve_view body;
    struct varve_error why;

    if (status != VARVE_OK)
        return status;
    varve_encode_stream_list(&client->connection.out, id, request);
    status = client_ask(client, id, VARVE_OP_STREAM_LIST_OK, &body, error);
    if (status == VARVE_OK)
        status = check_decoded(client, VARVE_OP_STREAM_LIST_OK,
                               varve_decode_stream_list_ok(body, client->arena, &list, &why), &why, error);
    return status == VARVE_OK ? copy_list(&list, ret_list, error) : status;
}

void varve_client_stream_list_free(struct varve_stream_list *list)
{
    if (list == NULL)
        return;
    free(list->entries);
    *list = (struct varve_stream_list){ .entries = NULL };
}

static enum varve_status find_some(struct varve_client *client, const struct varve_uuid *ids, size_t count,
                                   uint64_t *ret_positions, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    struct varve_error why = { .message = "not one position for each id" };
    const uint64_t *positions;
    struct varve_view body;
    size_t found = 0;

    varve_wire_arena_reset(client->arena);
    varve_encode_find(&client->connection.out, id, ids, count);
    enum varve_status status = client_ask(client, id, VARVE_OP_FIND_OK, &body, error);
    if (status != VARVE_OK)
        return status;
    if (varve_decode_find_ok(body, client->arena, &positions, &found, &why) != VARVE_OK || found != count)
        return client_unreadable(client, VARVE_OP_FIND_OK, &why, error);
    memcpy(ret_positions, positions, count * sizeof(*positions));
    return VARVE_OK;
}

enum varve_status varve_client_find(struct varve_client *client, const struct varve_uuid *ids, size_t count,
                                    uint64_t *ret_positions, struct varve_error *error)
{
    enum varve_status status = client_begin(client, error);

    for (size_t done = 0; status == VARVE_OK && done < count; done += FIND_AT_ONCE) {
        size_t some = count - done < FIND_AT_ONCE ? count - done : FIND_AT_ONCE;

        status = find_some(client, ids + done, some, ret_positions + done, error);
    }
    return status;
}

enum varve_status varve_client_get(struct varve_client *client, uint64_t position, struct varve_event *ret_event,
                                   struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);
    struct varve_view body, record;
    struct varve_event event;
    struct varve_error why;

    if (status != VARVE_OK)
        return status;
    varve_encode_get(&client->connection.out, id, position);
    status = client_ask(client, id, VARVE_OP_GET_OK, &body, error);
    if (status == VARVE_OK)
        status = check_decoded(client, VARVE_OP_GET_OK, varve_decode_get_ok(body, &record, &why), &why, error);
    if (status != VARVE_OK)
        return status;
    if (varve_record_decode(record.data, record.size, &event) != VARVE_OK || event.position != position)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the record sent for position %llu does not verify",
                          (unsigned long long)position);
    *ret_event = event;
    return VARVE_OK;
}

enum varve_status varve_client_stats(struct varve_client *client, const struct varve_stat **ret_stats,
                                     size_t *ret_count, struct varve_error *error)
{
    struct varve_view body;
    struct varve_error why;
    enum varve_status status = client_ask_plainly(client, varve_encode_stats, VARVE_OP_STATS_OK, &body, error);

    if (status != VARVE_OK)
        return status;
    return check_decoded(client, VARVE_OP_STATS_OK,
                         varve_decode_stats_ok(body, client->arena, ret_stats, ret_count, &why), &why, error);
}

enum varve_status varve_client_health(struct varve_client *client, struct varve_health *ret, struct varve_error *error)
{
    struct varve_view body;
    struct varve_error why;
    enum varve_status status = client_ask_plainly(client, varve_encode_health, VARVE_OP_HEALTH_OK, &body, error);

    if (status != VARVE_OK)
        return status;
    return check_decoded(client, VARVE_OP_HEALTH_OK, varve_decode_health_ok(body, client->arena, ret, &why), &why,
                         error);
}

enum varve_status varve_client_config(struct varve_client *client, const struct varve_config_entry **ret_entries,
                                      size_t *ret_count, struct varve_error *error)
{
    struct varve_view body;
    struct varve_error why;
    enum varve_status status = client_ask_plainly(client, varve_encode_config, VARVE_OP_CONFIG_OK, &body, error);

    if (status != VARVE_OK)
        return status;
    return check_decoded(client, VARVE_OP_CONFIG_OK,
                         varve_decode_config_ok(body, client->arena, ret_entries, ret_count, &why), &why, error);
}
