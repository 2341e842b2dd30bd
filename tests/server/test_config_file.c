/* test_config_file.c - files with sections: lines, names, what is no configuration at all. */
#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config_file.h"

struct read {
    struct config_complaints complaints;
    struct config_settings settings;
};

static struct read *begin(void)
{
    struct read *read = calloc(1, sizeof(*read));

    assert_non_null(read);
    assert_true(config_settings_begin(&read->settings, &read->complaints));
    return read;
}

static struct read *parse(const char *text)
{
    struct read *read = begin();

    config_file_parse(&read->settings, "f.ini", varve_view_str(text), false);
    return read;
}

static void end(struct read *read)
{
    config_settings_end(&read->settings);
    free(read);
}

static const struct config_setting *find(struct read *read, const char *section, const char *name)
{
    const struct config_key *key = config_key_find(section, strlen(section), name, strlen(name));

    assert_non_null(key);
    return config_settings_find(&read->settings, key);
}

static void lines_are_settings(void **state)
{
    struct read *read = parse("\xef\xbb\xbf# All there is\r\n"
                              "\n"
                              "[http]\r\n"
                              "  listen = off\n"
                              "\tmax-body: 1MiB\n"
                              "; more\n"
                              " [Log]  \n"
                              "LEVEL=warn\n"
                              "[http]\n"
                              "hosts = a b # c\n"
                              "[outbox a.name]\n"
                              "brokers = b");

    assert_int_equal(read->complaints.count, 0);
    assert_int_equal(read->settings.count, 6);
    assert_string_equal(find(read, "http", "listen")->text, "off");
    assert_string_equal(find(read, "http", "listen")->origin, "f.ini:4");
    assert_int_equal(find(read, "http", "listen")->source, CONFIG_FROM_FILE);
    assert_string_equal(find(read, "http", "max_body")->text, "1MiB");
    assert_string_equal(find(read, "log", "level")->origin, "f.ini:8");
    assert_string_equal(find(read, "http", "hosts")->text, "a b # c");
    assert_null(find(read, "log", "format"));
    assert_string_equal(read->settings.all[4].outbox, "a.name");
    assert_null(read->settings.all[4].name);
    assert_string_equal(read->settings.all[5].name, "brokers");
    end(read);
}

static void nothing_is_no_setting(void **state)
{
    static const char *const texts[] = { "", "\n", "# only words\n\n;and more", " \t\n", "[http]\n[log]" };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct read *read = parse(texts[i]);

        CHECK_CASE(read->settings.count == 0 && read->complaints.count == 0, texts[i]);
        end(read);
    }
}

static void mistakes_are_told_with_their_line(void **state)
{
    static const struct { const char *text, *complaint; } cases[] = {
        { "brokers = a\n", "f.ini:1: brokers: stands before the first [SECTION]" },
        { "[http]\n\nmax_bdy = 1\n", "f.ini:3: http.max_bdy: no such key; did you mean http.max_body?" },
        { "[server]\nlevel = info\n", "f.ini:2: server.level: no such key; did you mean log.level?" },
        { "[log]\ncolour = red\n", "f.ini:2: log.colour: no such key (varved --help-config lists them all)" },
        { "[log]\n= red\n", "f.ini:2: log.: no such key (varved --help-config lists them all)" },
        { "[htp]\nlisten = off\n", "f.ini:1: [htp]: no such section; did you mean [http]?" },
        { "[elsewhere]\nlisten = off\n",
          "f.ini:1: [elsewhere]: no such section (varved --help-config lists them all)" },
        { "[]\n", "f.ini:1: []: no such section (varved --help-config lists them all)" },
        { "[http]\nlisten = off\nlisten = off\n", "f.ini:3: http.listen is there twice: the first is at f.ini:2" },
        { "\n\n[outbox]\n", "f.ini:3: [outbox]: expected [outbox NAME]" },
        { "[kafka]\n", "f.ini:1: [kafka]: expected [outbox NAME]" },
        { "[outbox x\n", "f.ini:1: expected [SECTION] or [outbox NAME]" },
        { "[outbox x] y\n", "f.ini:1: expected [SECTION] or [outbox NAME]" },
        { "[outbox x]]\n", "f.ini:1: expected [SECTION] or [outbox NAME]" },
        { "[log]\nwhat is this\n", "f.ini:2: expected KEY = VALUE, [SECTION] or [outbox NAME]" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct read *read = parse(cases[i].text);

        if (read->complaints.count != 1 || strcmp(read->complaints.lines[0], cases[i].complaint) != 0)
            fail_msg("%s\nis answered %zu times, with\n%s", cases[i].text, read->complaints.count,
                     read->complaints.lines[0]);
        end(read);
    }
}

static void a_mistake_hides_nothing(void **state)
{
    struct read *read = parse("[log]\nwhat is this\nlevel = warn\nlevl = info\n[htp]\nx = 1\n[http]\nlisten = off\n"
                              "another line\n");

    assert_int_equal(read->complaints.count, 4);
    assert_non_null(find(read, "log", "level"));
    assert_non_null(find(read, "http", "listen"));
    end(read);
}

static void lines_may_be_long_but_not_endless(void **state)
{
    static char text[40000];
    size_t used = (size_t)snprintf(text, sizeof(text), "[push]\nallow_types=");

    while (used < 16000)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "type.number.%zu,", used);
    struct read *read = parse(text);
    assert_int_equal(read->complaints.count, 0);
    assert_true(strlen(find(read, "push", "allow_types")->text) > 15900);
    end(read);
    while (used < 30000)
        text[used++] = 'x';
    read = parse(text);
    assert_string_equal(read->complaints.lines[0], "f.ini:2: a line has at most 16384 bytes");
    end(read);
}

static void texts_have_no_nul(void **state)
{
    struct read *read = begin();

    config_file_parse(&read->settings, "f", varve_view_of("[log\0]", 6), false);
    assert_string_equal(read->complaints.lines[0], "f: is no text: it has a NUL byte");
    end(read);
}

static const char *complaint_of_file(const char *path)
{
    static char text[CONFIG_COMPLAINT_BYTES];
    struct read *read = begin();

    config_file_read(&read->settings, path);
    snprintf(text, sizeof(text), "%s", read->complaints.count > 0 ? read->complaints.lines[0] : "");
    end(read);
    return text;
}

static void files_are_read(void **state)
{
    const char *place = getenv("TMPDIR");
    char path[256];

    snprintf(path, sizeof(path), "%s/varve-config-XXXXXX", place != NULL ? place : "/tmp");
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fputs("[outbox one]\nbrokers = a\n", file);
    fflush(file);
    for (mode_t mode = 0600; mode <= 0604; mode += 4) {
        struct read *read = begin();

        assert_int_equal(chmod(path, mode), 0);
        config_file_read(&read->settings, path);
        assert_int_equal(read->settings.count, 2);
        assert_int_equal(read->settings.all[1].others_may_read, mode == 0604);
        end(read);
    }
    for (unsigned i = 0; i < 70000; i++)
        fputs("# long and empty\n", file);
    fclose(file);
    assert_non_null(strstr(complaint_of_file(path), "has more than 1048576 bytes"));
    unlink(path);
    assert_non_null(strstr(complaint_of_file(path), "cannot be opened: No such file"));
    assert_string_equal(complaint_of_file("/"), "/: is no file");
}

/* `--config <(...)`, and SIGHUP when the one that wrote it is gone. */
static void pipes_are_read_once(void **state)
{
    struct read *read = begin();
    char path[64];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "[log]\nlevel=warn\n", 17), 17);
    close(ends[1]);
    config_file_read(&read->settings, path);
    assert_int_equal(read->complaints.count, 0);
    assert_string_equal(find(read, "log", "level")->text, "warn");
    end(read);
    assert_non_null(strstr(complaint_of_file(path), "can be read only once"));
    close(ends[0]);
}

/* Nobody may ever come to its other end, and the loop that reads it stands still. */
static void nobody_is_waited_for(void **state)
{
    const char *place = getenv("TMPDIR");
    char path[256];

    snprintf(path, sizeof(path), "%s/varve-fifo-%ld", place != NULL ? place : "/tmp", (long)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_non_null(strstr(complaint_of_file(path), "can be read only once"));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_settings), cmocka_unit_test(nothing_is_no_setting),
        cmocka_unit_test(mistakes_are_told_with_their_line), cmocka_unit_test(a_mistake_hides_nothing),
        cmocka_unit_test(lines_may_be_long_but_not_endless), cmocka_unit_test(texts_have_no_nul),
        cmocka_unit_test(files_are_read), cmocka_unit_test(pipes_are_read_once),
        cmocka_unit_test(nobody_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
