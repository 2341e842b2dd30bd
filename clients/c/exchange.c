/* exchange.c - deadlines, reconnecting and repeating of a single request. */
#include "exchange.h"

#define LONGEST_DELAY_MS 2000u
#define WAIT_FOR_EVER UINT32_MAX

void patience_begin(struct patience *patience, const struct varve_client *client)
{
    *patience = (struct patience){
        .deadline_us = deadline_after(client->options.request_timeout_ms),
        .attempts_left = client->options.reconnect_attempts,
        .delay_ms = client->connection.state == CONNECTION_READY ? 0 : client->options.reconnect_delay_ms,
    };
}

/* xorshift64*: clients that lost the same server shall not come back in step, which takes no better randomness. */
static uint64_t roll(struct varve_client *client)
{
    client->dice ^= client->dice >> 12;
    client->dice ^= client->dice << 25;
    client->dice ^= client->dice >> 27;
    return client->dice * 0x2545f4914f6cdd1dULL;
}

/* Half of the delay to all of it; none before the first connect after a loss. False when woken, and when the deadline
 * would pass meanwhile: then waiting is of no use. */
static bool pause_before_connect(struct varve_client *client, struct patience *patience)
{
    uint64_t delay_us = (uint64_t)patience->delay_ms * 1000u;

    if (patience->delay_ms == 0)
        patience->delay_ms = client->options.reconnect_delay_ms;
    else if (patience->delay_ms < LONGEST_DELAY_MS)
        patience->delay_ms = patience->delay_ms > LONGEST_DELAY_MS / 2 ? LONGEST_DELAY_MS : patience->delay_ms * 2;
    delay_us = delay_us / 2 + roll(client) % (delay_us / 2 + 1);
    uint64_t until_us = clock_now_us() + delay_us;
    if (patience->deadline_us != DEADLINE_NONE && until_us >= patience->deadline_us)
        return false;
    return socket_wait(-1, 0, client->connection.wake_fd, until_us) != SOCKET_WOKEN;
}

static bool may_pass(enum varve_status status)
{
    return status == VARVE_UNREACHABLE || status == VARVE_TIMEOUT || status == VARVE_DISCONNECTED ||
           status == VARVE_NOT_READY || status == VARVE_OVERLOADED;
}

bool client_recover(struct varve_client *client, struct patience *patience)
{
    if (patience->attempts_left == 0)
        return false;
    patience->attempts_left--;
    return pause_before_connect(client, patience);
}

enum varve_status client_reach(struct varve_client *client, struct patience *patience, struct varve_error *error)
{
    while (client->connection.state != CONNECTION_READY) {
        uint64_t deadline_us = deadline_after(client->options.connect_timeout_ms);

        if (deadline_us > patience->deadline_us)
            deadline_us = patience->deadline_us;
        enum varve_status status = connection_open(&client->connection, client->options.client_name, deadline_us,
                                                   error);
        if (status == VARVE_OK)
            return VARVE_OK;
        bool wrong_address = !client->connection.met; /* Perhaps; waiting would only hide it. */
        if (wrong_address || !may_pass(status) || !client_recover(client, patience))
            return status;
    }
    return VARVE_OK;
}

enum varve_status client_refuse(struct varve_client *client, uint8_t opcode, const char *due,
                                struct varve_error *error)
{
    return connection_fail(&client->connection, error, VARVE_PROTOCOL, "%s where %s was due",
                           varve_opcode_name(opcode), due);
}

enum varve_status client_unreadable(struct varve_client *client, uint8_t opcode, const struct varve_error *why,
                                    struct varve_error *error)
{
    return connection_fail(&client->connection, error,
                           why->status == VARVE_NO_MEMORY ? VARVE_NO_MEMORY : VARVE_PROTOCOL,
                           "%s that cannot be read: %s", varve_opcode_name(opcode), why->message);
}

enum varve_status client_take_error(struct varve_client *client, struct varve_view body,
                                    struct varve_wire_error *ret_said)
{
    struct varve_error why = { .message = "it says OK" };

    *ret_said = (struct varve_wire_error){ .conflicts = NULL };
    varve_wire_arena_reset(client->arena);
    if (varve_decode_error(body, client->arena, ret_said, &why) == VARVE_OK && ret_said->error.status != VARVE_OK)
        return ret_said->error.status;
    *ret_said = (struct varve_wire_error){ .conflicts = NULL };
    return client_unreadable(client, VARVE_OP_ERROR, &why, &ret_said->error);
}

enum varve_status client_await(struct varve_client *client, uint32_t id, uint64_t deadline_us,
                               struct varve_frame *ret_frame, struct varve_view *ret_body, struct varve_error *error)
{
    struct connection *c = &client->connection;
    enum varve_status status = connection_receive(c, deadline_us, ret_frame, ret_body, error);

    if (status == VARVE_TIMEOUT && c->state == CONNECTION_READY)
        return connection_fail(c, error, VARVE_TIMEOUT, "no answer in time");
    if (status == VARVE_OK && ret_frame->request_id != id)
        return connection_fail(c, error, VARVE_PROTOCOL, "%s for request %u where an answer to %u was due",
                               varve_opcode_name(ret_frame->opcode), ret_frame->request_id, id);
    return status;
}

/* Once, on the connection as it is. */
static enum varve_status try_exchange(struct varve_client *client, uint32_t id, uint8_t opcode, uint64_t deadline_us,
                                      struct varve_view *ret_body, struct varve_wire_error *ret_said)
{
    struct varve_frame frame;
    enum varve_status status = client_await(client, id, deadline_us, &frame, ret_body, &ret_said->error);

    if (status != VARVE_OK)
        return status;
    if (frame.opcode == VARVE_OP_ERROR)
        return client_take_error(client, *ret_body, ret_said);
    if (frame.opcode != opcode)
        return client_refuse(client, frame.opcode, varve_opcode_name(opcode), &ret_said->error);
    return VARVE_OK;
}

/* The request was heard once and the server could not be reached again: nobody knows what came of it. */
static enum varve_status say_unknown(struct varve_error *error)
{
    struct varve_error why = *error;

    return varve_fail(error, VARVE_DISCONNECTED, NULL, "the connection was lost, and then: %s", why.message);
}

enum varve_status client_exchange(struct varve_client *client, struct patience *patience, uint32_t id, uint8_t opcode,
                                  bool repeatable, struct varve_view *ret_body, struct varve_wire_error *ret_said)
{
    struct connection *c = &client->connection;
    enum varve_status status = VARVE_OK;
    bool again = true, heard = false; /* The server cannot have acted on a request of which it has only a part. */

    *ret_said = (struct varve_wire_error){ .conflicts = NULL };
    if (c->out.failed)
        return client_drop_request(client, 0, &ret_said->error);
    while (again) {
        status = client_reach(client, patience, &ret_said->error);
        if (status != VARVE_OK) {
            status = heard ? say_unknown(&ret_said->error) : status;
            break;
        }
        status = try_exchange(client, id, opcode, patience->deadline_us, ret_body, ret_said);
        if (status == VARVE_NOT_READY)
            connection_drop(c); /* It stops, and did nothing; whoever comes after it may. */
        else
            heard |= c->sent == c->out.size;
        again = status == VARVE_NOT_READY || (status == VARVE_DISCONNECTED && (repeatable || !heard));
        again = again && client_recover(client, patience);
    }
    if (c->sent < c->out.size)
        connection_drop(c); /* Answered before it had left: the rest must not follow. */
    connection_clear_out(c);
    return status;
}

static enum varve_status ask(struct varve_client *client, uint32_t id, uint8_t opcode, bool repeatable,
                             uint32_t wait_ms, struct varve_view *ret_body, struct varve_error *error)
{
    struct patience patience;
    struct varve_wire_error said;

    patience_begin(&patience, client);
    if (wait_ms == WAIT_FOR_EVER)
        patience.deadline_us = DEADLINE_NONE;
    else if (patience.deadline_us != DEADLINE_NONE)
        patience.deadline_us += (uint64_t)wait_ms * 1000u;
    enum varve_status status = client_exchange(client, &patience, id, opcode, repeatable, ret_body, &said);
    if (status != VARVE_OK && error != NULL)
        *error = said.error;
    return status;
}

enum varve_status client_ask(struct varve_client *client, uint32_t id, uint8_t opcode, struct varve_view *ret_body,
                             struct varve_error *error)
{
    return ask(client, id, opcode, true, 0, ret_body, error);
}

enum varve_status client_ask_once(struct varve_client *client, uint32_t id, uint8_t opcode,
                                  struct varve_view *ret_body, struct varve_error *error)
{
    return ask(client, id, opcode, false, 0, ret_body, error);
}

enum varve_status client_ask_patiently(struct varve_client *client, uint32_t id, uint8_t opcode, uint32_t wait_ms,
                                       struct varve_view *ret_body, struct varve_error *error)
{
    return ask(client, id, opcode, false, wait_ms, ret_body, error);
}

enum varve_status client_ask_for_long(struct varve_client *client, uint32_t id, uint8_t opcode,
                                      struct varve_view *ret_body, struct varve_error *error)
{
    return ask(client, id, opcode, false, WAIT_FOR_EVER, ret_body, error);
}

enum varve_status client_drop_request(struct varve_client *client, size_t size_before, struct varve_error *error)
{
    client->connection.out.size = size_before;
    client->connection.out.failed = false;
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
}

void client_end_reading(struct varve_client *client, uint32_t request_id)
{
    struct connection *c = &client->connection;

    if (c->state != CONNECTION_READY)
        return;
    if (request_id != 0)
        connection_abandon(c, request_id);
    else if (c->sent < c->out.size)
        connection_drop(c); /* Half of a CREDIT has left. */
}

enum varve_status client_begin(struct varve_client *client, struct varve_error *error)
{
    if (client_is_reading(client))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "a read is open on this client: close it first");
    if (client->pipeline.delivering)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "only submit may be called from inside `done`");
    if (client->pipeline.count > 0)
        varve_client_drain(client, NULL); /* Whatever went wrong there, `done` was told. */
    connection_look(&client->connection);
    connection_clear_out(&client->connection);
    varve_wire_arena_reset(client->arena);
    return VARVE_OK;
}

enum varve_status client_ask_plainly(struct varve_client *client,
                                     void (*encode)(struct varve_wire_buffer *out, uint32_t request_id),
                                     uint8_t opcode, struct varve_view *ret_body, struct varve_error *error)
{
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, error);

    if (status != VARVE_OK)
        return status;
    encode(&client->connection.out, id);
    return client_ask(client, id, opcode, ret_body, error);
}
