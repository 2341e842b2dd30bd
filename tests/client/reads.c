/* reads.c - see reads.h. */
#include "reads.h"

void read_take(struct fake_server *server, uint32_t *ret_id, struct varve_read_request *ret_request)
{
    *ret_id = fake_take(server, VARVE_OP_READ);
    fake_expect(server, varve_decode_read(server->body, ret_request, NULL) == VARVE_OK, "READ cannot be read");
}

struct varve_read read_of_stream(bool backwards, uint64_t from, uint64_t limit)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str("order-1");
    read.backwards = backwards;
    read.from = from;
    read.limit = limit;
    return read;
}

enum varve_status read_expect_versions(struct varve_client *client, uint64_t first, uint64_t last,
                                       struct varve_error *error)
{
    const struct varve_event *event = NULL;
    uint64_t expected = first;
    bool more = true;
    enum varve_status status;

    while ((status = varve_client_read_next(client, &event, error)) == VARVE_OK && event != NULL) {
        assert_true(more);
        assert_int_equal(event->version, expected);
        assert_int_equal(event->position, 10 * expected + 5);
        assert_true(varve_view_equal(event->stream, varve_view_str("order-1")));
        more = expected != last;
        expected += last < first ? UINT64_MAX : 1;
    }
    assert_false(more);
    return status;
}
