/* test_reload.c - a running server takes over what its environment says now. The loop is stopped meanwhile, so the
 * environment may change. */
#include "fixture.h"

#include <stdlib.h>

#include "server/reload.h"

static void what_changed_is_logged_and_holds(void **state)
{
    struct fixture *f = fixture_open("--log-level warn --readers 2");
    struct client *c = client_open(f);

    fixture_log(f);
    setenv("VARVED_SERVER__MEMORY_BUDGET", "64MiB", 1);
    setenv("VARVED_SERVER__MAX_REQUESTS", "3", 1);
    setenv("VARVED_STORE__MAX_EVENT_BYTES", "1000", 1);
    setenv("VARVED_OUTBOX__X__BROKERS", "127.0.0.1:1", 1);
    setenv("VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD", "hush", 1);
    server_reload(&f->server);
    const char *log = fixture_log(f);
    assert_null(strstr(log, "config.changed")); /* The level is warn, by the command line. */
    assert_non_null(strstr(log, "event=config.needs_restart key=store.max_event_bytes from=1MiB to=1000 "
                           "origin=VARVED_STORE__MAX_EVENT_BYTES"));
    assert_non_null(strstr(log, "key=outbox.x.rdkafka.sasl.password from=\"\" to=(secret) origin="));
    assert_null(strstr(log, "hush"));
    assert_int_equal(f->server.budget.limit_bytes, 64 << 20);
    assert_int_equal(figure_get(&f->server.figures.budget_limit_bytes), 64 << 20);
    assert_int_equal(f->config.max_requests, 3);
    client_append(c, "a", 3);
    client_close(c);

    unsetenv("VARVED_STORE__MAX_EVENT_BYTES");
    unsetenv("VARVED_OUTBOX__X__BROKERS");
    unsetenv("VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD");
    fixture_close(f);
}

static void more_is_logged_at_once(void **state)
{
    setenv("VARVED_LOG__LEVEL", "error", 1);
    struct fixture *f = fixture_open("");

    setenv("VARVED_LOG__LEVEL", "info", 1);
    setenv("VARVED_LOG__FORMAT", "json", 1);
    server_reload(&f->server);
    const char *log = fixture_log(f);
    assert_non_null(strstr(log, "\"event\":\"config.changed\",\"key\":\"log.level\",\"from\":\"error\","
                           "\"to\":\"info\""));
    assert_non_null(strstr(log, "\"event\":\"config.reloaded\",\"changed\":2,\"needs_restart\":0"));
    unsetenv("VARVED_LOG__LEVEL");
    unsetenv("VARVED_LOG__FORMAT");
    fixture_close(f);
}

static void mistakes_are_logged_and_change_nothing(void **state)
{
    struct fixture *f = fixture_open("--max-requests 9");

    setenv("VARVED_SERVER__MAX_OUTPUT", "64KiB", 1);
    setenv("VARVED_SERVER__MAX_OUTPT", "64KiB", 1);
    fixture_log(f);
    server_reload(&f->server);
    const char *log = fixture_log(f);
    assert_non_null(strstr(log, "level=error"));
    assert_non_null(strstr(log, "event=config.rejected message=\"VARVED_SERVER__MAX_OUTPT: no such key; did you mean "
                           "VARVED_SERVER__MAX_OUTPUT?\" mistakes=1"));
    assert_null(strstr(log, "config.reloaded"));
    assert_int_equal(f->config.max_output_bytes, 16 << 20);
    unsetenv("VARVED_SERVER__MAX_OUTPT");
    unsetenv("VARVED_SERVER__MAX_OUTPUT");
    fixture_close(f);
}

/* Both limits together leave descriptors to the store. */
static void http_has_what_the_binary_port_leaves(void **state)
{
    struct fixture *f = fixture_open("");

    f->config.connections_possible = 5000;
    f->config.http.listen_count = 1;
    setenv("VARVED_SERVER__MAX_CONNECTIONS", "4990", 1);
    server_reload(&f->server);
    assert_int_equal(f->config.max_connections, 4990);
    assert_int_equal(f->config.http.max_connections, 10);
    assert_non_null(strstr(fixture_log(f),
                           "event=server.fewer_connections key=http.max_connections wanted=4096 possible=10"));
    setenv("VARVED_SERVER__MAX_CONNECTIONS", "2000", 1);
    server_reload(&f->server);
    assert_int_equal(f->config.http.max_connections, 3000); /* It gets back what the other one leaves now. */
    setenv("VARVED_SERVER__MAX_CONNECTIONS", "100", 1);
    server_reload(&f->server);
    assert_int_equal(f->config.http.max_connections, 4096);
    unsetenv("VARVED_SERVER__MAX_CONNECTIONS");
    f->config.http.listen_count = 0;
    fixture_close(f);
}

static void descriptors_bound_connections(void **state)
{
    struct fixture *f = fixture_open("");

    f->config.connections_possible = 50;
    setenv("VARVED_SERVER__MAX_CONNECTIONS", "60", 1);
    server_reload(&f->server);
    assert_non_null(strstr(fixture_log(f),
                           "event=server.fewer_connections key=server.max_connections wanted=60 possible=50"));
    assert_int_equal(f->config.max_connections, 50);
    unsetenv("VARVED_SERVER__MAX_CONNECTIONS");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changed_is_logged_and_holds), cmocka_unit_test(more_is_logged_at_once),
        cmocka_unit_test(mistakes_are_logged_and_change_nothing), cmocka_unit_test(descriptors_bound_connections),
        cmocka_unit_test(http_has_what_the_binary_port_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
