/* test_config_request.c - CONFIG: every key that holds, and no secret. */
#include "fixture.h"

#include <stdlib.h>

#include "server/reload.h"
#include "varve/wire_config.h"

static const struct varve_config_entry *ask(struct client *c, size_t *ret_count)
{
    const struct varve_config_entry *entries = NULL;

    varve_encode_config(&c->out, 3);
    client_send(c);
    client_expect(c, VARVE_OP_CONFIG_OK, 3);
    assert_int_equal(varve_decode_config_ok(c->body, c->arena, &entries, ret_count, NULL), VARVE_OK);
    return entries;
}

static const struct varve_config_entry *find(struct client *c, const char *key)
{
    size_t count = 0;
    const struct varve_config_entry *entries = ask(c, &count);

    for (size_t i = 0; i < count; i++)
        if (varve_view_equal(entries[i].key, varve_view_str(key)))
            return &entries[i];
    fail_msg("there is no %s", key);
    return NULL;
}

static void expect(struct client *c, const char *key, const char *value, const char *origin, bool reloadable)
{
    const struct varve_config_entry *entry = find(c, key);

    CHECK_CASE(varve_view_equal(entry->value, varve_view_str(value)), key);
    CHECK_CASE(varve_view_equal(entry->origin, varve_view_str(origin)), key);
    CHECK_CASE(entry->reloadable == reloadable, key);
}

static void what_holds_is_told(void **state)
{
    setenv("VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD", "hush", 1);
    struct fixture *f = fixture_open("--readers 3 --outbox.x.brokers 127.0.0.1:1");
    struct client *c = client_open(f);

    expect(c, "server.readers", "3", "--readers", false);
    expect(c, "server.max_output", "16MiB", "default", true);
    expect(c, "outbox.x.brokers", "127.0.0.1:1", "--outbox.x.brokers", false);
    expect(c, "outbox.x.rdkafka.sasl.password", "(secret)", "VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD", false);
    expect(c, "outbox.x.mode", "exactly_once", "default", false);
    assert_null(memmem(c->body.data, c->body.size, "hush", 4));

    setenv("VARVED_SERVER__MAX_OUTPUT", "1MiB", 1);
    server_reload(&f->server);
    expect(c, "server.max_output", "1MiB", "VARVED_SERVER__MAX_OUTPUT", true);
    unsetenv("VARVED_SERVER__MAX_OUTPUT");
    unsetenv("VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD");
    client_close(c);
    fixture_close(f);
}

static void fewer_connections_than_asked_for_are_told(void **state)
{
    struct fixture *f = fixture_open("--max-connections 60");
    struct client *c = client_open(f);

    expect(c, "server.max_connections", "60", "--max-connections", true);
    f->config.connections_possible = 50;
    server_reload(&f->server);
    expect(c, "server.max_connections", "50", "limit of descriptors; 60 by --max-connections", true);
    server_reload(&f->server);
    expect(c, "server.max_connections", "50", "limit of descriptors; 60 by --max-connections", true);
    client_close(c);
    fixture_close(f);
}

static void a_body_is_no_question(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    varve_encode_get(&c->out, 5, 1);
    c->out.bytes[3] = VARVE_OP_CONFIG; /* The header's opcode; */
    c->out.bytes[16] = 0x07;           /* and no array, but a number and another. */
    client_send(c);
    client_receive_error(c, 5, VARVE_PROTOCOL);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_holds_is_told),
                                        cmocka_unit_test(fewer_connections_than_asked_for_are_told),
                                        cmocka_unit_test(a_body_is_no_question) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
