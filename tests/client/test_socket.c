/* test_socket.c - connecting, waiting and deadlines. */
#include "support/check.h"
#include "support/temp_dir.h"

#include "clients/c/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_tcp(struct url *ret_url, int backlog)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_url = (struct url){ .host = "127.0.0.1", .shown = "it" };
    snprintf(ret_url->port, sizeof(ret_url->port), "%u", ntohs(address.sin_port));
    return fd;
}

static void test_connects_and_moves_bytes(void **state)
{
    struct url url;
    int fd, listener = listen_tcp(&url, 4);
    char byte = 0;

    assert_int_equal(socket_connect(&url, -1, deadline_after(60000), &fd, NULL), VARVE_OK);
    int peer = accept(listener, NULL, NULL);
    assert_int_equal(socket_receive(fd, &byte, 1), -EAGAIN);
    assert_int_equal(socket_wait(fd, POLLIN, -1, clock_now_us()), 0);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    assert_true(socket_wait(fd, POLLIN, -1, DEADLINE_NONE) & POLLIN);
    assert_int_equal(socket_receive(fd, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(peer);
    assert_true(socket_wait(fd, POLLIN, -1, deadline_after(60000)) & POLLIN);
    assert_int_equal(socket_receive(fd, &byte, 1), 0);
    close(fd);
    close(listener);
}

static void test_unix_sockets(void **state)
{
    char dir[TEMP_DIR_PATH];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct url url = { .is_unix = true, .shown = "it" };
    struct varve_error error;
    int fd, listener = socket(AF_UNIX, SOCK_STREAM, 0);

    temp_dir_make(dir);
    snprintf(url.path, sizeof(url.path), "%.90s/socket", dir);
    memcpy(address.sun_path, url.path, sizeof(address.sun_path));
    assert_int_equal(socket_connect(&url, -1, deadline_after(1000), &fd, &error), VARVE_UNREACHABLE);
    assert_non_null(strstr(error.message, "No such file"));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(socket_connect(&url, -1, deadline_after(1000), &fd, NULL), VARVE_OK);
    close(fd);
    close(listener);
    temp_dir_remove(dir);
}

static void test_refused_and_unknown_hosts_are_unreachable(void **state)
{
    struct url url, nowhere = { .host = "no-such-host.invalid", .port = "1", .shown = "it" };
    struct varve_error error;
    int fd = -7;

    close(listen_tcp(&url, 1));
    assert_int_equal(socket_connect(&url, -1, deadline_after(60000), &fd, &error), VARVE_UNREACHABLE);
    assert_non_null(strstr(error.message, "refused"));
    assert_int_equal(fd, -7);
    assert_int_equal(socket_connect(&nowhere, -1, deadline_after(60000), &fd, &error), VARVE_UNREACHABLE);
    assert_non_null(strstr(error.message, "cannot find the host"));
}

/* A listener whose queue is full answers no further SYN. */
static void test_a_connection_that_is_not_taken_times_out(void **state)
{
    struct url url;
    int fds[8], listener = listen_tcp(&url, 0);
    size_t count = 0;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && count < COUNT_OF(fds)) {
        status = socket_connect(&url, -1, deadline_after(100), &fds[count], NULL);
        count += status == VARVE_OK;
    }
    assert_int_equal(status, VARVE_TIMEOUT);
    while (count > 0)
        close(fds[--count]);
    close(listener);
}

static void test_a_closed_peer_raises_no_signal(void **state)
{
    struct url url;
    int fd, listener = listen_tcp(&url, 1);
    ssize_t sent = 1;

    assert_int_equal(socket_connect(&url, -1, deadline_after(60000), &fd, NULL), VARVE_OK);
    close(accept(listener, NULL, NULL));
    for (int i = 0; i < 60000 && sent > 0; i++) {
        sent = socket_send(fd, "xxxx", 4);
        usleep(1000);
    }
    assert_true(sent == -EPIPE || sent == -ECONNRESET);
    close(fd);
    close(listener);
}

static void test_deadlines_are_of_the_monotonic_clock(void **state)
{
    uint64_t now = clock_now_us();

    assert_true(deadline_after(0) == DEADLINE_NONE);
    assert_true(deadline_after(1000) >= now + 1000000);
    assert_true(clock_now_us() >= now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connects_and_moves_bytes),
        cmocka_unit_test(test_unix_sockets),
        cmocka_unit_test(test_refused_and_unknown_hosts_are_unreachable),
        cmocka_unit_test(test_a_connection_that_is_not_taken_times_out),
        cmocka_unit_test(test_a_closed_peer_raises_no_signal),
        cmocka_unit_test(test_deadlines_are_of_the_monotonic_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
