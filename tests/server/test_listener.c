/* test_listener.c - listening on TCP and on unix sockets, port files, and what is in the way. */
#include "fixture.h"
#include "server/config_address.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Open a second set of listeners on f's server, with this path, and close it again. */
static enum varve_status try_unix(struct fixture *f, const char *path, struct varve_error *error)
{
    struct listeners *listeners = calloc(1, sizeof(*listeners));
    size_t tcp_count = f->config.listen_count;

    f->config.listen_count = 0;
    f->config.unix_path = path;
    enum varve_status status = listeners_open(listeners, &f->server, error);
    f->config.listen_count = tcp_count;
    if (status == VARVE_OK) {
        int fd = connect_to(path);
        assert_true(fd >= 0);
        while (f->server.session_count == 0)
            fixture_turn(f);
        close(fd);
    }
    listeners_close(listeners);
    listeners_close(listeners);
    for (int i = 0; i < 3; i++)
        fixture_turn(f);
    free(listeners);
    return status;
}

static void a_unix_socket_is_for_its_owner(void **state)
{
    char path[TEMP_DIR_PATH + 16];
    struct stat found;

    struct fixture *f = fixture_open("");
    snprintf(path, sizeof(path), "%s/s", f->directory);
    struct listeners *listeners = calloc(1, sizeof(*listeners));
    f->config.listen_count = 0;
    f->config.unix_path = path;
    assert_int_equal(listeners_open(listeners, &f->server, NULL), VARVE_OK);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    listeners_close(listeners);
    fixture_turn(f);
    assert_int_equal(stat(path, &found), -1); /* Removed with it. */
    free(listeners);
    fixture_close(f);
}

static void only_a_dead_socket_is_taken_over(void **state)
{
    struct fixture *f = fixture_open("");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct varve_error error;

    assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/s", f->directory) < 95);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(try_unix(f, address.sun_path, &error), VARVE_IO); /* Somebody listens there. */
    assert_non_null(strstr(error.message, address.sun_path));
    close(other);
    assert_int_equal(try_unix(f, address.sun_path, &error), VARVE_OK);

    FILE *file = fopen(address.sun_path, "w");
    fclose(file);
    assert_int_equal(try_unix(f, address.sun_path, &error), VARVE_IO); /* A file is not ours to remove. */
    assert_int_equal(access(address.sun_path, F_OK), 0);
    fixture_close(f);
}

static void a_path_too_long_is_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct varve_error error;
    char path[200];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    assert_int_equal(try_unix(f, path, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "--unix"));
    fixture_close(f);
}

static void ports_are_written_whole(void **state)
{
    struct fixture *f = fixture_open("--listen [::1]:0");
    char path[TEMP_DIR_PATH + 16], text[64] = "";
    unsigned first = 0, second = 0;

    snprintf(path, sizeof(path), "%s/port", f->directory);
    assert_int_equal(listeners_write_ports(&f->listeners, path, NULL), VARVE_OK);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_int_equal(sscanf(text, "%u\n%u\n", &first, &second), 2);
    assert_int_equal(first, f->listeners.all[0].port);
    assert_int_equal(second, f->listeners.all[1].port);
    assert_true(first > 0 && second > 0);
    char expected[32];
    snprintf(expected, sizeof(expected), "[::1]:%u", second);
    assert_string_equal(f->listeners.all[1].address, expected);
    struct varve_error error;
    assert_int_equal(listeners_write_ports(&f->listeners, "/nonexistent/port", &error), VARVE_IO);
    assert_non_null(strstr(error.message, "/nonexistent/port"));
    fixture_close(f);
}

static void a_taken_port_is_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct listeners *second = calloc(1, sizeof(*second));
    struct varve_error error;
    const char *expected;
    char text[32];

    snprintf(text, sizeof(text), "127.0.0.1:%u", f->listeners.all[0].port);
    memcpy(f->config.listen[0].text, text, sizeof(text));
    assert_true(config_parse_address(text, &f->config.listen[0].address, &expected));
    assert_int_equal(listeners_open(second, &f->server, &error), VARVE_IO);
    assert_non_null(strstr(error.message, text));
    listeners_close(second);
    fixture_turn(f);
    free(second);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_is_for_its_owner), cmocka_unit_test(only_a_dead_socket_is_taken_over),
        cmocka_unit_test(a_path_too_long_is_told), cmocka_unit_test(ports_are_written_whole),
        cmocka_unit_test(a_taken_port_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
