/* test_config_reload.c - what a second reading changes, and what it only tells. */
#include "config_lines.h"
#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config_outboxes.h"
#include "server/config_reload.h"

static char path[256], line[300];

struct told {
    char text[4096]; /* "KEY FROM>TO ORIGIN\n", with a '!' in front when it was not taken */
};

static void on_change(void *user, const struct config_change *change)
{
    struct told *told = user;
    const struct config_value *said = change->after != NULL ? change->after : change->before;
    size_t used = strlen(told->text);

    snprintf(told->text + used, sizeof(told->text) - used, "%s%s %s>%s\n", change->taken ? "" : "!", said->key,
             change->before != NULL ? change->before->text : "", change->after != NULL ? change->after->text : "");
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_path(void **state)
{
    const char *place = getenv("TMPDIR");

    unsetenv("VARVED_HTTP__LISTEN"); /* Of whoever runs all tests; here it would be read at the second reading only. */
    snprintf(path, sizeof(path), "%s/varve-reload-XXXXXX", place != NULL ? place : "/tmp");
    int fd = mkstemp(path);
    snprintf(line, sizeof(line), "--config %s --max-requests 7", path);
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    return unlink(path);
}

static void begin(const char *text, struct config *config)
{
    write_file(text);
    config_line_good(line, "", config);
}

static void reload(struct config *config, const char *text, const char *expected)
{
    static struct config_complaints complaints;
    struct told told = { "" };

    write_file(text);
    if (!config_reload(config, &complaints, on_change, &told))
        fail_msg("%s", complaints.lines[0]);
    assert_string_equal(told.text, expected);
}

static void what_may_change_changes(void **state)
{
    struct config config;
    char origin[300];

    begin("[server]\nsend_timeout = 60s\n[http]\nhosts = a b\n[log]\nlevel=warn\n", &config);
    reload(&config, "[server]\nsend_timeout = 61s\nmax_output = 1MiB\n[http]\nhosts = c\nmax_body = 1MiB\n[push]\n"
           "fields = x\n", "server.max_output 16MiB>1MiB\nserver.send_timeout 1m>61s\nhttp.max_body 8MiB>1MiB\n"
           "http.hosts a b>c\npush.fields all>x\nlog.level warn>info\n");
    assert_int_equal(config.send_timeout_ms, 61000);
    assert_int_equal(config.max_output_bytes, 1 << 20);
    assert_string_equal(config.http.hosts, "c");
    assert_string_equal(config.push.fields, "x");
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_string_equal(config_line_value(&config, "log.level")->origin, "default");
    snprintf(origin, sizeof(origin), "%s:2", path);
    assert_string_equal(config_line_value(&config, "server.send_timeout")->origin, origin);
    reload(&config, "", "server.max_output 1MiB>16MiB\nserver.send_timeout 61s>30s\nhttp.max_body 1MiB>8MiB\n"
           "http.hosts c>none\npush.fields x>all\n");
    assert_null(config.http.hosts);
    assert_null(config.push.fields);
    config_end(&config);
}

static void what_may_not_is_told(void **state)
{
    struct config config;

    begin("[server]\nreaders = 3\n", &config);
    reload(&config, "[server]\nreaders = 4\nunix = x\n[http]\nlisten = off\n",
           "!server.listen 127.0.0.1:8278>off\n!server.unix none>x\n!server.readers 3>4\n"
           "!http.listen 127.0.0.1:8279>off\n");
    assert_int_equal(config.reader_threads, 3);
    assert_null(config.unix_path);
    assert_int_equal(config.http.listen_count, 1);
    reload(&config, "[server]\nreaders = 3\n", "");
    config_end(&config);
}

static void the_same_in_other_words_is_no_change(void **state)
{
    struct config config;
    char origin[300];

    begin("[server]\nmax_output = 65536\nsend_timeout = 60\n", &config);
    reload(&config, "# a new line\n[server]\nmax_output = 64K\nsend_timeout=1m\nmax_requests = 8\n", "");
    snprintf(origin, sizeof(origin), "%s:3", path);
    assert_string_equal(config_line_value(&config, "server.max_output")->origin, origin);
    assert_int_equal(config.max_requests, 7); /* The command line hides the file. */
    config_end(&config);
}

static void outboxes_are_as_they_were_started(void **state)
{
    struct config config;

    begin("[outbox a]\nbrokers = x\nroute = type=1 -> drop\nroute = type=2 -> drop\nrdkafka.client.rack = r\n"
          "[outbox b]\nbrokers = x\nbackoff.max = 10s\n", &config);
    reload(&config, "[outbox a]\nbrokers = x\nroute = type=1 -> drop\nroute = type=3 -> drop\n"
           "route = type=4 -> drop\nmode = at_least_once\n[outbox b]\nbrokers = x\n",
           "!outbox.a.route type=2 -> drop>type=3 -> drop\n!outbox.a.rdkafka.client.rack r>\n"
           "!outbox.a.mode exactly_once>at_least_once\n!outbox.b.backoff.max 10s>30s\n"
           "!outbox.a.route >type=4 -> drop\n");
    reload(&config, "[outbox b]\nbrokers = x\nbackoff.max = 10s\n[outbox c]\nbrokers = y\n",
           "!outbox.a.brokers x>\n!outbox.a.route type=1 -> drop>\n!outbox.a.route type=2 -> drop>\n"
           "!outbox.a.rdkafka.client.rack r>\n!outbox.c.brokers >y\n");
    assert_int_equal(config.outboxes.all[0]->route_count, 2);
    assert_int_equal(config.outboxes.all[0]->mode, VARVE_OUTBOX_EXACTLY_ONCE);
    config_end(&config);
}

static void that_of_the_mock_stays(void **state)
{
    struct config config;

    begin("", &config);
    assert_int_equal(config_outboxes_add_mock(&config, "127.0.0.1:9", NULL), VARVE_OK);
    reload(&config, "", "");
    assert_string_equal(config_line_value(&config, "outbox.kafka.brokers")->text, "127.0.0.1:9");
    config_end(&config);
}

static void mistakes_change_nothing(void **state)
{
    struct config_complaints complaints;
    struct told told = { "" };
    struct config config;

    begin("[server]\nsend_timeout = 60s\n", &config);
    write_file("[server]\nsend_timeout = 61s\nmax_output = lots\n[htp]\n");
    assert_false(config_reload(&config, &complaints, on_change, &told));
    assert_int_equal(complaints.count, 2);
    assert_string_equal(told.text, "");
    assert_int_equal(config.send_timeout_ms, 60000);
    assert_int_equal(unlink(path), 0);
    assert_false(config_reload(&config, &complaints, on_change, &told));
    assert_non_null(strstr(complaints.lines[0], "cannot be opened"));
    assert_int_equal(config.send_timeout_ms, 60000);
    reload(&config, "[server]\nsend_timeout = 61s\n", "server.send_timeout 1m>61s\n");
    config_end(&config);
}

/* Somebody holds its other end, and says nothing. */
static void pipes_are_not_waited_for(void **state)
{
    struct config_complaints complaints;
    struct told told = { "" };
    struct config config;

    begin("", &config);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_false(config_reload(&config, &complaints, on_change, &told));
    assert_int_equal(complaints.count, 1);
    assert_non_null(strstr(complaints.lines[0], "what is no plain file can be read only once"));
    close(fd);
    assert_int_equal(unlink(path), 0);
    reload(&config, "[server]\nsend_timeout = 61s\n", "server.send_timeout 30s>61s\n");
    config_end(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_change_changes), cmocka_unit_test(what_may_not_is_told),
        cmocka_unit_test(the_same_in_other_words_is_no_change), cmocka_unit_test(outboxes_are_as_they_were_started),
        cmocka_unit_test(that_of_the_mock_stays), cmocka_unit_test(mistakes_change_nothing),
        cmocka_unit_test(pipes_are_not_waited_for),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
