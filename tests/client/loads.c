/* loads.c - see loads.h. */
#include "loads.h"


struct varve_load_wanted load_wanted_accounts(void)
{
    return (struct varve_load_wanted){ .type = account, .schema_version = 2 };
}

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

uint32_t load_take(struct fake_server *server, size_t count, struct varve_load_request *ret)
{
    uint32_t id = fake_take(server, VARVE_OP_LOAD);

    fake_expect(server, varve_decode_load(server->body, server->arena, ret, NULL) == VARVE_OK, "not readable");
    fake_expect(server, ret->stream_count == count, "another number of streams");
    return id;
}

/* LOADING of "order-1": its events come from first_version; before that a snapshot, if that is above 0. */
uint32_t load_send(struct fake_server *server, uint32_t id, uint32_t index, int64_t version,
                             uint64_t first_version)
{
    struct varve_loading loading = {
        .index = index, .version = version, .first_version = first_version, .has_snapshot = first_version > 0,
        .snapshot = { .stream = order, .version = (int64_t)first_version - 1, .type = account, .schema_version = 2,
                      .created_at_us = 5000, .size = 7, .data = { "{\"a\":1}", 7 } },
    };

    varve_encode_loading(&server->out, id, &loading);
    uint32_t size = (uint32_t)(server->out.size - VARVE_WIRE_HEADER);
    fake_send(server);
    return size;
}

void load_send_gone(struct fake_server *server, uint32_t id, uint32_t index)
{
    varve_encode_loading(&server->out, id, &(struct varve_loading){ .index = index, .version = -1,
                                                                    .status = VARVE_STREAM_NOT_FOUND });
    fake_send(server);
}

/* ---- for tests --------------------------------------------------------------------------------------------------- */

void load_expect_stream(struct varve_client *client, uint32_t index, int64_t version, uint64_t first_version)
{
    struct varve_loaded loaded;
    struct varve_error error;

    if (varve_client_load_stream(client, &loaded, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_true(loaded.more);
    assert_int_equal(loaded.index, index);
    assert_int_equal(loaded.status, VARVE_OK);
    assert_int_equal(loaded.version, version);
    assert_int_equal(loaded.first_version, first_version);
    if (first_version == 0) {
        assert_null(loaded.snapshot);
        return;
    }
    assert_true(varve_view_equal(loaded.snapshot->stream, order));
    assert_true(varve_view_equal(loaded.snapshot->type, account));
    assert_true(varve_view_equal(loaded.snapshot->data, varve_view_str("{\"a\":1}")));
    assert_int_equal(loaded.snapshot->version, first_version - 1);
}

/* Events from `first` to `last`, then no more. */
void load_expect_events(struct varve_client *client, uint64_t first, uint64_t last)
{
    const struct varve_event *event = NULL;

    for (uint64_t version = first; version <= last; version++) {
        assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
        assert_non_null(event);
        assert_int_equal(event->version, version);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
        assert_null(event);
    }
}

void load_expect_end(struct varve_client *client)
{
    struct varve_loaded loaded;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
        assert_false(loaded.more);
    }
}
