/* calls.c - see calls.h. */
#include "calls.h"

void answer_with_nothing(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, server->frame.opcode | 0x80, id));
    fake_send(server);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static void script_one(struct fake_server *server)
{
    const struct call *call = server->user;

    fake_begin(server);
    call->answer(server, fake_take(server, call->opcode));
    fake_gone(server);
}

void calls_refuse(const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fake_server *server = fake_server_start(script_one, (void *)&calls[i]);
        struct varve_client *client = peer_client(server, "");

        CHECK_CASE(calls[i].call(client, NULL) == VARVE_PROTOCOL, calls[i].label);
        CHECK_CASE(client->connection.state == CONNECTION_DISCONNECTED, calls[i].label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static void script_cuts_first(struct fake_server *server)
{
    const struct call *call = server->user;

    fake_begin(server);
    fake_take(server, call->opcode);
    fake_cut(server);
    fake_begin(server);
    call->answer(server, fake_take(server, call->opcode));
    fake_gone(server);
}

void calls_survive_a_loss(const struct call *calls, size_t count, size_t repeated)
{
    for (size_t i = 0; i < count; i++) {
        const struct call *call = &calls[i];
        struct fake_server *server = fake_server_start(script_cuts_first, (void *)call);
        struct varve_client *client = peer_client(server, "");

        CHECK_CASE(call->call(client, NULL) == (i < repeated ? VARVE_OK : VARVE_DISCONNECTED), call->label);
        CHECK_CASE(i < repeated || call->call(client, NULL) == VARVE_OK, call->label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

struct serving {
    const struct call *call;
    atomic_bool over;
};

static void answer_one(struct fake_server *server)
{
    const struct serving *serving = server->user;

    serving->call->answer(server, fake_take(server, serving->call->opcode));
}

static void script_for_all(struct fake_server *server)
{
    peer_serve_all(server, answer_one, &((struct serving *)server->user)->over);
}

void calls_survive_no_memory(const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct serving serving = { &calls[i], false };

        peer_sweep(fake_server_start_local(script_for_all, &serving), &serving.over, calls[i].label, calls[i].call);
    }
}
