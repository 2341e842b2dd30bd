/* test_run.c - the server's life as a whole: it serves until a signal comes, and ends when its store has a fault. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/run.h"
#include "server/saga_deadlines.h"

struct life {
    struct fixture *f;
    char port_file[TEMP_DIR_PATH + 16];
    int signum;
};

/* Wait until the server listens, then send the process a signal, as an operator would. */
static void *send_signal(void *user)
{
    struct life *life = user;

    while (access(life->port_file, F_OK) != 0)
        usleep(1000);
    kill(getpid(), life->signum);
    return NULL;
}

static void expect_hangups_are_ignored(void)
{
    struct sigaction action;

    assert_int_equal(sigaction(SIGHUP, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
}

static void live_and_stop(int signum)
{
    struct life life = { .f = fixture_open(""), .signum = signum };
    struct varve_error error;
    pthread_t thread;

    snprintf(life.port_file, sizeof(life.port_file), "%s/port", life.f->directory);
    life.f->config.port_file = life.port_file;
    listeners_close(&life.f->listeners); /* run_server() makes its own. */
    assert_int_equal(pthread_create(&thread, NULL, send_signal, &life), 0);
    assert_int_equal(run_server(&life.f->server, &error), VARVE_OK);
    expect_hangups_are_ignored(); /* Whoever asks for a reload now must not end the closing of the store. */
    pthread_join(thread, NULL);
    const char *log = fixture_log(life.f);
    assert_non_null(strstr(log, "server.ready address=127.0.0.1:"));
    assert_non_null(strstr(log, signum == SIGTERM ? "signal=SIGTERM" : "signal=SIGINT"));
    fixture_close(life.f);
}

static void signals_stop_it(void **state)
{
    live_and_stop(SIGTERM);
    live_and_stop(SIGINT);
}

static void it_does_not_begin_without_its_socket(void **state)
{
    struct fixture *f = fixture_open("");
    struct varve_error error;

    f->config.unix_path = "/nonexistent/socket";
    assert_int_equal(run_server(&f->server, &error), VARVE_IO);
    assert_non_null(strstr(error.message, "/nonexistent/socket"));
    assert_true(saga_deadlines_are_idle(&f->server)); /* The store may be closed now. */
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_stop_it), cmocka_unit_test(it_does_not_begin_without_its_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
