/* test_notify.c - what the service manager hears, when it listens and when it does not. */
#include "support/check.h"
#include "support/temp_dir.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/notify.h"

enum { PATIENCE_S = 60, MANY = 1000 };

struct manager {
    char directory[TEMP_DIR_PATH];
    int fd;
    uv_loop_t loop;
    struct notify notify;
    bool healthy;
    const char *status;
    char message[1024]; /* the last one */
};

static bool look(void *user, enum notify_phase phase, char *status, size_t room)
{
    const struct manager *m = user;

    snprintf(status, room, "%s", m->status);
    return m->healthy;
}

/* Listens at `name`, "@..." for an abstract one, else in its directory. */
static void listen_at(struct manager *m, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char path[sizeof(address.sun_path)];
    int length;

    if (name[0] == '@')
        length = snprintf(path, sizeof(path), "%s-%d", name, (int)getpid());
    else
        length = snprintf(path, sizeof(path), "%s/%s", m->directory, name);
    assert_in_range(length, 1, sizeof(path) - 1);
    memcpy(address.sun_path, path, strlen(path));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (name[0] != '@'));
    m->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(m->fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
}

static struct manager *open_manager(const char *name, const char *watchdog_us)
{
    static struct manager manager;
    struct manager *m = &manager;

    memset(m, 0, sizeof(*m));
    m->healthy = true;
    m->status = "at 1";
    m->fd = -1;
    temp_dir_make(m->directory);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    if (name != NULL)
        listen_at(m, name);
    if (watchdog_us != NULL)
        setenv("WATCHDOG_USEC", watchdog_us, 1);
    else
        unsetenv("WATCHDOG_USEC");
    assert_int_equal(uv_loop_init(&m->loop), 0);
    return m;
}

static void close_manager(struct manager *m)
{
    notify_close(&m->notify);
    uv_run(&m->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&m->loop), 0);
    if (m->fd >= 0)
        close(m->fd);
    temp_dir_remove(m->directory);
}

static const char *hear(struct manager *m)
{
    ssize_t size = recv(m->fd, m->message, sizeof(m->message) - 1, MSG_DONTWAIT);

    m->message[size > 0 ? size : 0] = '\0';
    return size > 0 ? m->message : NULL;
}

/* Turn the loop until a message comes. */
static const char *wait_to_hear(struct manager *m)
{
    time_t until = time(NULL) + PATIENCE_S;
    const char *message;

    while ((message = hear(m)) == NULL) {
        assert_true(time(NULL) < until);
        uv_run(&m->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    return message;
}

static void each_phase_is_told_once(void **state)
{
    static const char *const names[] = { "manager", "@varve-test-notify" };

    for (size_t i = 0; i < 2; i++) {
        struct manager *m = open_manager(names[i], NULL);

        notify_open(&m->notify, &m->loop, look, m);
        assert_string_equal(hear(m), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=at 1\n");
        notify_ready(&m->notify);
        assert_string_equal(hear(m), "READY=1\n");
        m->status = "at 2";
        notify_reloading(&m->notify);
        assert_int_equal(strncmp(hear(m), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
        assert_non_null(strstr(m->message, "\nSTATUS=at 2\n"));
        notify_ready(&m->notify);
        assert_string_equal(hear(m), "READY=1\n");
        notify_stopping(&m->notify);
        assert_string_equal(hear(m), "STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000\n");
        notify_ready(&m->notify);
        notify_reloading(&m->notify);
        assert_null(hear(m)); /* Too late for that. */
        close_manager(m);
    }
}

static void signs_of_life_come_by_themselves_from_the_healthy(void **state)
{
    struct manager *m = open_manager("manager", "20000");

    notify_open(&m->notify, &m->loop, look, m);
    notify_ready(&m->notify);
    while (hear(m) != NULL)
        ;
    for (int i = 0; i < 3; i++)
        assert_string_equal(wait_to_hear(m), "WATCHDOG=1\n");
    m->healthy = false;
    m->status = "ill";
    while (strcmp(wait_to_hear(m), "STATUS=ill\n") != 0)
        assert_string_equal(m->message, "WATCHDOG=1\n"); /* What was on its way. */
    for (int i = 0; i < 50; i++) {
        uv_run(&m->loop, UV_RUN_NOWAIT);
        usleep(1000);
        assert_null(hear(m));
    }
    close_manager(m);
}

static void the_watchdog_of_another_process_gets_none(void **state)
{
    struct manager *m = open_manager("manager", "20000");

    setenv("WATCHDOG_PID", "1", 1);
    notify_open(&m->notify, &m->loop, look, m);
    notify_ready(&m->notify);
    assert_null(strstr(hear(m), "WATCHDOG"));
    assert_string_equal(hear(m), "READY=1\n");
    close_manager(m);
}

/* A manager that takes nothing must not hold up the server; what it missed it is told when it listens again. */
static void a_deaf_manager_is_not_waited_for(void **state)
{
    struct manager *m = open_manager("manager", "20000");
    int heard = 0;

    notify_open(&m->notify, &m->loop, look, m);
    for (int i = 0; i < MANY; i++)
        notify_ready(&m->notify);
    while (hear(m) != NULL)
        heard++;
    assert_in_range(heard, 1, MANY - 1);
    assert_non_null(strstr(wait_to_hear(m), "READY=1\n"));
    close_manager(m);
}

static void nobody_is_told_nothing(void **state)
{
    static const char *const wrong[] = { NULL, "", "relative", "/",
        "/a-path-that-is-longer-than-an-address-can-be/a-path-that-is-longer-than-an-address-can-be/"
        "and-more-than-that" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct manager *m = open_manager(NULL, NULL);

        if (wrong[i] != NULL)
            setenv("NOTIFY_SOCKET", wrong[i], 1);
        notify_open(&m->notify, &m->loop, look, m);
        assert_int_equal(m->notify.fd, -1);
        notify_ready(&m->notify);
        notify_stopping(&m->notify);
        close_manager(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_is_told_once),
        cmocka_unit_test(signs_of_life_come_by_themselves_from_the_healthy),
        cmocka_unit_test(the_watchdog_of_another_process_gets_none),
        cmocka_unit_test(a_deaf_manager_is_not_waited_for),
        cmocka_unit_test(nobody_is_told_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
