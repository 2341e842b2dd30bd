/* test_credit.c - CREDIT and CANCEL reach what their id names: a read or a subscription, and nothing else. */
#include "subscriber.h"

static void encode_read(struct client *c, uint32_t id)
{
    struct varve_read_request request = { .credit_bytes = 1, .batch_bytes = 1 };

    varve_read_init(&request.read);
    varve_encode_read(&c->out, id, &request);
}

static void about_nothing_they_are_ignored(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    varve_encode_credit(&c->out, 3, 100);
    varve_encode_cancel(&c->out, 3);
    client_encode_append(c, 4, "a", VARVE_EXPECTED_ANY, 1, 10);
    varve_encode_credit(&c->out, 4, 100); /* An append has one reply and takes no credit. */
    varve_encode_cancel(&c->out, 4);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 4);
    assert_true(client_hears_nothing(c));
    varve_encode_credit(&c->out, 3, 0);
    client_send(c);
    client_receive_error(c, 3, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void each_goes_to_the_one_it_names(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct subscriber s;

    client_append(c, "a", 10);
    subscribe(&s, c, 3, NULL, VARVE_AFTER_END, 1);
    subscriber_take_caught_up(&s, 1);
    encode_read(c, 4);
    client_send(c);
    client_expect(c, VARVE_OP_READ_BATCH, 4);
    varve_encode_credit(&c->out, 4, 1000);
    varve_encode_cancel(&c->out, 3);
    client_send(c);
    for (unsigned frames = 0, batches = 0; batches < 9 || frames < batches + 1; frames++) {
        struct varve_frame frame = client_receive(c);

        assert_true(frame.opcode == (frame.request_id == 3 ? VARVE_OP_ERROR : VARVE_OP_READ_BATCH) ||
                    frame.opcode == VARVE_OP_READ_END);
        batches += frame.opcode == VARVE_OP_READ_BATCH;
    }
    client_close(c);
    fixture_close(f);
}

static void what_was_cancelled_is_named(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct subscriber s;

    client_append(c, "a", 10);
    subscribe(&s, c, 3, NULL, VARVE_AFTER_END, 1);
    subscriber_take_caught_up(&s, 1);
    varve_encode_cancel(&c->out, 3);
    client_send(c);
    struct varve_wire_error error = client_receive_error(c, 3, VARVE_CANCELLED);
    assert_string_equal(error.error.message, "the subscription was cancelled");
    encode_read(c, 4);
    client_send(c);
    client_expect(c, VARVE_OP_READ_BATCH, 4);
    varve_encode_cancel(&c->out, 4);
    client_send(c);
    error = client_receive_error(c, 4, VARVE_CANCELLED);
    assert_string_equal(error.error.message, "the read was cancelled");
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(about_nothing_they_are_ignored), cmocka_unit_test(each_goes_to_the_one_it_names),
        cmocka_unit_test(what_was_cancelled_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
