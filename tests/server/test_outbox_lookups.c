/* test_outbox_lookups.c - outboxes and their dead letters, listed over a connection. */
#include "fixture.h"

#include "varve/wire_outbox.h"

#define AWAY "--kafka 127.0.0.1:1" /* nobody listens there */

static size_t list(struct client *c, const char *name, const struct varve_outbox_entry **ret)
{
    size_t count;

    varve_encode_outbox_list(&c->out, 5, varve_view_str(name));
    client_send(c);
    client_expect(c, VARVE_OP_OUTBOX_LIST_OK, 5);
    assert_int_equal(varve_decode_outbox_list_ok(c->body, c->arena, ret, &count, NULL), VARVE_OK);
    return count;
}

static void ask_dead(struct client *c, const char *name, const char *stream)
{
    const struct varve_outbox_dead_request request = { .name = varve_view_str(name), .stream = varve_view_str(stream),
                                                       .limit = 10 };

    varve_encode_outbox_dead(&c->out, 6, &request);
    client_send(c);
}

static const struct varve_stat *figure(const struct varve_outbox_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->figure_count; i++) {
        if (varve_view_equal(entry->figures[i].name, varve_view_str(name)))
            return &entry->figures[i];
    }
    fail_msg("there is no figure %s", name);
    return NULL;
}

static void a_server_without_an_outbox(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_outbox_entry *entries;

    assert_int_equal(list(c, NULL, &entries), 0);
    varve_encode_outbox_list(&c->out, 5, varve_view_str("kafka"));
    client_send(c);
    client_receive_error(c, 5, VARVE_OUTBOX_NOT_FOUND);
    ask_dead(c, "kafka", NULL);
    client_receive_error(c, 6, VARVE_OUTBOX_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

static void all_figures_of_one(void **state)
{
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);
    const struct varve_outbox_entry *entries;

    client_append(c, "a", 3);
    assert_int_equal(list(c, NULL, &entries), 1);
    assert_int_equal(list(c, "kafka", &entries), 1);
    assert_true(varve_view_equal(entries[0].name, varve_view_str("kafka")));
    assert_true(varve_view_equal(figure(&entries[0], "brokers")->text, varve_view_str("127.0.0.1:1")));
    assert_int_equal(figure(&entries[0], "head_position")->number, 3);
    assert_int_equal(figure(&entries[0], "lag_events")->number, 3);
    assert_int_equal(figure(&entries[0], "events_published")->number, 0);  /* seen, */
    assert_int_equal(figure(&entries[0], "filtered_no_route")->number, 0); /* and counted */
    varve_encode_outbox_list(&c->out, 7, varve_view_str("other"));
    client_send(c);
    client_receive_error(c, 7, VARVE_OUTBOX_NOT_FOUND);
    varve_encode_outbox_list(&c->out, 8, varve_view_str("no good"));
    client_send(c);
    client_receive_error(c, 8, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void no_dead_letter(void **state)
{
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);
    const struct varve_dead_letter *letters;
    size_t count;
    bool end;

    client_append(c, "a", 1);
    ask_dead(c, "kafka", NULL);
    client_expect(c, VARVE_OP_OUTBOX_DEAD_OK, 6);
    assert_int_equal(varve_decode_outbox_dead_ok(c->body, c->arena, &letters, &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 0);
    assert_true(end);
    ask_dead(c, "kafka", "a");
    struct varve_wire_error said = client_receive_error(c, 6, VARVE_DEAD_LETTER_NOT_FOUND);
    assert_string_equal(said.error.field, "stream");
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_an_outbox),
        cmocka_unit_test(all_figures_of_one),
        cmocka_unit_test(no_dead_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
