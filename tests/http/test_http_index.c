/* test_http_index.c - what is here, as JSON. */
#include "fixture.h"

#include <jansson.h>

static json_t *get(struct fixture *f, const char *path)
{
    char request[128];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    json_t *answer = json_loads(strstr(ask(f, request), "\r\n\r\n") + 4, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(answer);
    return answer;
}

static void routes(void **state)
{
    struct fixture *f = fixture_open("");
    json_t *all = get(f, "/"), *v1 = get(f, "/v1");

    assert_string_equal(json_string_value(json_object_get(all, "server")), "varved");
    assert_int_equal(json_array_size(json_object_get(all, "routes")), http_route_count);
    json_t *echo = NULL, *one;
    size_t i;
    json_array_foreach(json_object_get(v1, "routes"), i, one) {
        assert_memory_equal(json_string_value(json_object_get(one, "path")), "/v1", 3);
        if (strcmp(json_string_value(json_object_get(one, "path")), "/v1/echo") == 0)
            echo = one;
    }
    assert_int_equal(json_array_size(json_object_get(echo, "query")), 2);
    json_decref(all);
    json_decref(v1);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
