/* transacts.c - see transacts.h. */
#include "transacts.h"

void transact_sample_init(struct transact_sample *s)
{
    *s = (struct transact_sample){
        .streams = { { varve_view_str("order-1"), 4 }, { varve_view_str("order-2"), 17 } },
        .event = peer_event(5, 0),
        .checkpoint = { .name = varve_view_str("shipping"), .position = 900, .expected = 8,
                        .event_id = { { 3, 3 } } },
    };
    varve_saga_change_init(&s->saga);
    s->saga.type = varve_view_str("order");
    s->saga.id = varve_view_str("1");
    s->saga.expected = 3;
    s->saga.step = varve_view_str("charge");
    s->saga.event_id = (struct varve_uuid){ { 2, 2 } };
    s->request = (struct varve_transact_request){
        .appends = { s->streams, 2, &s->event, s->stream_of, 1 },
        .sagas = &s->saga, .saga_count = 1,
        .checkpoints = &s->checkpoint, .checkpoint_count = 1,
    };
}

uint32_t transact_take(struct fake_server *server, struct varve_transact_request *ret)
{
    uint32_t id = fake_take(server, VARVE_OP_TRANSACT);

    fake_expect(server, varve_decode_transact(server->body, server->arena, ret, NULL) == VARVE_OK, "not readable");
    return id;
}

void transact_answer(struct fake_server *server, uint32_t id, size_t streams, size_t sagas, size_t checkpoints)
{
    static const struct varve_append_result results[] = { { 5, 5, 90, 90 }, { -1, 17, 0, 0 }, { 0, 0, 1, 1 } };
    static const struct varve_transact_place places[] = { { 4, 91 }, { 9, 92 } };

    varve_encode_transact_ok(&server->out, id,
                             &(struct varve_transact_outcome){ .replayed = true, .results = results,
                                                               .stream_count = streams, .sagas = places,
                                                               .saga_count = sagas, .checkpoints = places + 1,
                                                               .checkpoint_count = checkpoints });
    fake_send(server);
}
