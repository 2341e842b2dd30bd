/* test_http_health.c - the health of a server over HTTP: statuses and reasons. */
#include "fixture.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *get(struct fixture *f, const char *path, int status)
{
    char request[128];
    const char *answer;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    answer = ask(f, request);
    assert_int_equal(atoi(answer + 9), status);
    if (status == 503)
        assert_non_null(strstr(answer, "Retry-After: 1\r\n"));
    json_t *health = json_loads(strstr(answer, "\r\n\r\n") + 4, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(health);
    return health;
}

static void check(struct fixture *f, bool live, bool ready, const char *check, const char *reason)
{
    json_t *health = get(f, "/health/ready", ready ? 200 : 503), *found = NULL, *one;
    size_t i;

    json_decref(get(f, "/health/live", live ? 200 : 503));
    assert_int_equal(json_is_true(json_object_get(health, "live")), live);
    assert_int_equal(json_is_true(json_object_get(health, "ready")), ready);
    json_array_foreach(json_object_get(health, "checks"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "name")), check) == 0)
            found = one;
    }
    assert_int_equal(json_is_true(json_object_get(found, "good")), ready);
    assert_non_null(strstr(json_string_value(json_object_get(found, "reason")), reason));
    json_decref(health);
}

static void good_and_bad(void **state)
{
    struct fixture *f = fixture_open("");

    check(f, true, true, "store", "");
    fixture_take_store(f);
    check(f, true, false, "store", "recovering");
    f->server.store = f->store;
    f->server.stopping = true;
    check(f, true, false, "stopping", "stopping");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
