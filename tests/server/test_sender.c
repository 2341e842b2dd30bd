/* test_sender.c - output goes into a socket, and the sender knows whether the peer takes it. */
#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/sender.h"

struct fixture {
    uv_loop_t loop;
    uv_pipe_t pipe;
    int peer;
    struct budget budget;
    struct output_pool pool;
    struct sender sender;
    int written_count, written_status;
};

static void on_written(struct sender *sender, int status)
{
    struct fixture *f = sender->user;

    f->written_count++;
    f->written_status = status;
}

static struct fixture *setup(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int ends[2], small = 4096;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    f->peer = ends[1];
    f->budget.limit_bytes = 1 << 30;
    uv_loop_init(&f->loop);
    uv_pipe_init(&f->loop, &f->pipe, 0);
    uv_pipe_open(&f->pipe, ends[0]);
    sender_init(&f->sender, (uv_stream_t *)&f->pipe, &f->budget, &f->pool, on_written, f, 1000);
    return f;
}

static void teardown(struct fixture *f)
{
    uv_close((uv_handle_t *)&f->pipe, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    output_free(&f->sender.output);
    output_pool_free(&f->pool);
    if (f->peer >= 0)
        close(f->peer);
    free(f);
}

static void put(struct fixture *f, size_t size)
{
    struct varve_wire_buffer buffer = { .bytes = malloc(size), .size = size, .capacity = size };

    memset(buffer.bytes, 'x', size);
    assert_true(output_adopt(&f->sender.output, &buffer));
}

static size_t take(struct fixture *f)
{
    char bytes[65536];
    ssize_t size = read(f->peer, bytes, sizeof(bytes));

    assert_true(size >= 0 || errno == EAGAIN);
    return size < 0 ? 0 : (size_t)size;
}

static void a_little_goes_at_once(void **state)
{
    struct fixture *f = setup();

    put(f, 100);
    put(f, 50);
    assert_int_equal(sender_flush(&f->sender), 0);
    assert_true(sender_is_idle(&f->sender));
    assert_int_equal(f->sender.handed_bytes, 150);
    assert_int_equal(take(f), 150);
    assert_int_equal(f->written_count, 0);
    teardown(f);
}

static void much_goes_when_the_peer_takes_it(void **state)
{
    struct fixture *f = setup();
    size_t taken = 0;

    for (int i = 0; i < 300; i++) /* More pieces than one write takes. */
        put(f, 1000);
    assert_int_equal(sender_flush(&f->sender), 0);
    assert_false(sender_is_idle(&f->sender));
    while (taken < 300000) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_int_equal(sender_flush(&f->sender), 0);
        taken += take(f);
    }
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_true(sender_is_idle(&f->sender));
    assert_true(f->written_count > 0 && f->written_status == 0);
    assert_int_equal(f->budget.used_bytes, 0);
    teardown(f);
}

static void a_peer_that_takes_nothing_is_stuck(void **state)
{
    struct fixture *f = setup();

    put(f, 1000000);
    assert_int_equal(sender_flush(&f->sender), 0);
    assert_false(sender_is_stuck(&f->sender, 2000, 5000)); /* It took what fits the system. */
    assert_false(sender_is_stuck(&f->sender, 6999, 5000));
    assert_true(sender_is_stuck(&f->sender, 7000, 5000));
    assert_true(take(f) > 0);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_false(sender_is_stuck(&f->sender, 8000, 5000));
    assert_true(sender_is_stuck(&f->sender, 13000, 5000));
    teardown(f);
}

static void nobody_is_stuck_without_anything_to_take(void **state)
{
    struct fixture *f = setup();

    assert_false(sender_is_stuck(&f->sender, 1000000, 5000));
    put(f, 10);
    assert_int_equal(sender_flush(&f->sender), 0);
    assert_false(sender_is_stuck(&f->sender, 2000000, 5000));
    assert_false(sender_is_stuck(&f->sender, 3000000, 5000));
    teardown(f);
}

static void a_peer_that_is_gone_is_told(void **state)
{
    struct fixture *f = setup();

    signal(SIGPIPE, SIG_IGN);
    close(f->peer);
    f->peer = -1;
    put(f, 10);
    assert_true(sender_flush(&f->sender) < 0);
    teardown(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_little_goes_at_once), cmocka_unit_test(much_goes_when_the_peer_takes_it),
        cmocka_unit_test(a_peer_that_takes_nothing_is_stuck),
        cmocka_unit_test(nobody_is_stuck_without_anything_to_take), cmocka_unit_test(a_peer_that_is_gone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
