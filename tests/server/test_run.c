/* test_run.c - the server's life as a whole: it serves until a signal comes, and ends when its store has a fault. */
#include "fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/run.h"
#include "server/saga_deadlines.h"
#include "support/server_line.h"

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

/* A scrape waits for the only reader when the store proves to be none. */
static struct unlucky {
    struct varve_os os;          /* its clock stands still until `may_fail` */
    sem_t may_fail, may_read;
    struct config config;
    struct server server;
    struct job reading;
    char directory[TEMP_DIR_PATH], port_file[TEMP_DIR_PATH + 16];
} unlucky;

static uint64_t once_it_may(void *self)
{
    sem_wait(&unlucky.may_fail);
    sem_post(&unlucky.may_fail);
    return 1;
}

static void read_long(struct job *job, struct varve_wire_arena *arena)
{
    sem_wait(&unlucky.may_read);
}

static void is_read(struct completion *completion)
{
}

static size_t jobs_that_wait(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    size_t waiting = workers->waiting;
    pthread_mutex_unlock(&workers->lock);
    return waiting;
}

static void *scrape_at_a_bad_moment(void *ignored)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char text[4096] = "";
    unsigned port = 0;

    while (port == 0) {
        FILE *file = fopen(unlucky.port_file, "r");

        if (file == NULL || fscanf(file, "%u", &port) != 1)
            usleep(1000);
        if (file != NULL)
            fclose(file);
    }
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
    while (jobs_that_wait(&unlucky.server.workers) == 0)
        usleep(1000);
    sem_post(&unlucky.may_fail);
    while (!unlucky.server.stopping)
        usleep(1000);
    sem_post(&unlucky.may_read);
    while (read(fd, text, sizeof(text)) > 0)
        ;
    close(fd);
    return NULL;
}

static void what_is_under_way_ends_before_a_server_without_a_store(void **state)
{
    const struct log log = { .fd = -1 };
    struct varve_error error;
    pthread_t thread;

    temp_dir_make(unlucky.directory);
    snprintf(unlucky.port_file, sizeof(unlucky.port_file), "%s/port", unlucky.directory);
    server_line_parse(&unlucky.config, "/dev/null/store", "--listen 127.0.0.1:0 --http-listen 127.0.0.1:0",
                      "--readers 1");
    unlucky.config.http.port_file = unlucky.port_file;
    unlucky.os = *varve_os_default();
    unlucky.os.monotonic_us = once_it_may;
    unlucky.config.store.os = &unlucky.os;
    sem_init(&unlucky.may_fail, 0, 0);
    sem_init(&unlucky.may_read, 0, 0);
    unlucky.reading = (struct job){ .work = read_long, .completion.finish = is_read };
    assert_int_equal(server_init(&unlucky.server, &unlucky.config, &log, &error), VARVE_OK);
    workers_submit(&unlucky.server.workers, &unlucky.reading);
    while (jobs_that_wait(&unlucky.server.workers) > 0)
        usleep(1000);
    assert_int_equal(pthread_create(&thread, NULL, scrape_at_a_bad_moment, NULL), 0);
    assert_int_equal(run_server(&unlucky.server, &error), VARVE_NOT_A_STORE);
    pthread_join(thread, NULL);
    server_end(&unlucky.server);
    config_end(&unlucky.config);
    temp_dir_remove(unlucky.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_stop_it), cmocka_unit_test(it_does_not_begin_without_its_socket),
        cmocka_unit_test(what_is_under_way_ends_before_a_server_without_a_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
