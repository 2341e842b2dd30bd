/* test_health.c - what makes a server not ready, and what makes it not worth keeping. */
#include "fixture.h"

#include "server/health.h"
#include "server/saga_deadlines.h"
#include "support/fault_os.h"

static void good(void **state)
{
    struct fixture *f = fixture_open("");
    struct health health;

    health_look(&f->server, &health);
    assert_true(health.live && health.ready);
    for (size_t i = 0; i < HEALTH_CHECKS; i++) {
        assert_true(health.findings[i].good);
        assert_string_equal(health.findings[i].reason, "");
    }
    fixture_close(f);
}

static bool is_idle(void *user)
{
    return saga_deadlines_are_idle(&((struct fixture *)user)->server);
}

static void recovering_and_stopping(void **state)
{
    struct fixture *f = fixture_open("");
    struct health health;

    client_close(client_open(f)); /* Those that begin with the server have had their look at the store. */
    fixture_wait(f, is_idle, f);
    f->server.store = NULL;
    f->server.stopping = true;
    health_look(&f->server, &health);
    f->server.store = f->store;
    assert_true(health.live);
    assert_false(health.ready);
    assert_false(health.findings[HEALTH_STORE].good);
    assert_non_null(strstr(health.findings[HEALTH_STORE].reason, "recovering"));
    assert_true(health.findings[HEALTH_DISK].good);
    assert_false(health.findings[HEALTH_STOPPING].good);
    fixture_close(f);
}

static void disk_full(void **state)
{
    static struct fault_os fault;
    struct fixture *f = fixture_open("");
    struct health health;

    fault_os_init(&fault);
    f->config.store.os = &fault.os;
    fixture_restart(f);
    fault.free_bytes = 5 << 20;
    health_look(&f->server, &health);
    assert_true(health.live);
    assert_false(health.ready);
    assert_string_equal(health.findings[HEALTH_DISK].reason,
                        "disk full: 5 MiB are free; appends get DISK_FULL until there is more");
    fault.free_bytes = -1;
    health_look(&f->server, &health);
    assert_true(health.ready);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(recovering_and_stopping),
        cmocka_unit_test(disk_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
