/* test_http_listen.c - where it listens: free ports, taken ones, both families, the file of ports. */
#include "fixture.h"

#include <stdlib.h>

static void free_ports(void **state)
{
    struct fixture *f = fixture_open("--http-listen [::1]:0");
    struct varve_error error;
    char path[TEMP_DIR_PATH + 8], text[64] = "";
    struct http *http = f->server.http;

    assert_int_equal(http->listener_count, 2);
    assert_non_null(strstr(http->listeners[1].address, "[::1]:"));
    assert_non_null(strstr(fixture_log(f), "event=http.ready address=127.0.0.1:"));
    snprintf(path, sizeof(path), "%s/http", f->directory);
    assert_int_equal(http_write_ports(&f->server, path, &error), VARVE_OK);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(text, 1, sizeof(text) - 1, file) > 0, 1);
    fclose(file);
    assert_int_equal(atoi(text), http->listeners[0].port);
    assert_int_equal(atoi(strchr(text, '\n')), http->listeners[1].port);
    assert_int_equal(http_write_ports(&f->server, "/nonexistent/http", &error), VARVE_IO);
    fixture_close(f);
}

static void a_taken_port(void **state)
{
    struct fixture *f = fixture_open("");
    struct server other = { .config = &f->config };
    struct varve_error error;
    struct config config = f->config;

    ((struct sockaddr_in *)&config.http.listen[0].address)->sin_port = htons(f->server.http->listeners[0].port);
    other.config = &config;
    assert_int_equal(uv_loop_init(&other.loop), 0);
    assert_int_equal(http_start(&other, &error), VARVE_IO);
    assert_non_null(strstr(error.message, "for HTTP: Address already in use (http.listen names another"));
    http_end(&other);
    uv_run(&other.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&other.loop), 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_ports),
        cmocka_unit_test(a_taken_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
