/* test_store.c - opening and closing: options, what a directory may hold, and whose it is. */
#include "engine/store_parts.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- options ---- */

static void the_defaults_are_those_of_the_header(void **ignored)
{
    struct varve_options o;

    varve_options_init(&o);
    assert_true(o.create);
    assert_int_equal(o.indexes, VARVE_INDEX_ALL);
    assert_int_equal(o.segment_size_bytes, 64 << 20);
    assert_int_equal(o.max_event_bytes, 1 << 20);
    assert_int_equal(o.max_append_bytes, 8 << 20);
    assert_int_equal(o.max_append_events, 65536);
    assert_int_equal(o.queue_size_bytes, 64 << 20);
    assert_int_equal(o.group_size_bytes, 1 << 20);
    assert_int_equal(o.settle_size_bytes, 128 << 20);
    assert_int_equal(o.settle_events, 500000);
    assert_int_equal(o.settle_idle_ms, 1000);
    assert_int_equal(o.recent_ids, 1000000);
    assert_int_equal(o.disk_reserve_bytes, 256 << 20);
    assert_int_equal(o.map_size_bytes, UINT64_C(1) << 40);
    assert_ptr_equal(o.os, varve_os_default());
}

#define BEND(name, statement)                         \
    static void bend_##name(struct varve_options *o)  \
    {                                                 \
        statement;                                    \
    }
BEND(unknown_index, o->indexes = 16)
BEND(small_segment, o->segment_size_bytes = (256 << 10) - 4096)
BEND(odd_segment, o->segment_size_bytes = (256 << 10) + 1)
BEND(huge_segment, o->segment_size_bytes = (1u << 30) + 4096)
BEND(no_event, o->max_event_bytes = 0)
BEND(huge_event, o->max_event_bytes = (16 << 20) + 1)
BEND(small_append, o->max_append_bytes = o->max_event_bytes - 1)
BEND(append_above_segment, o->max_append_bytes = o->segment_size_bytes)
BEND(no_append_events, o->max_append_events = 0)
BEND(many_append_events, o->max_append_events = (1 << 20) + 1)
BEND(no_group, o->group_size_bytes = 0)
BEND(no_queue, o->queue_size_bytes = 0)
BEND(small_settle, o->settle_size_bytes = 4095)
BEND(no_settle_events, o->settle_events = 0)
BEND(many_settle_events, o->settle_events = (1 << 26) + 1)
BEND(many_ids, o->recent_ids = (1 << 28) + 1)
BEND(small_map, o->map_size_bytes = (16 << 20) - 4096)
BEND(odd_map, o->map_size_bytes = (16 << 20) + 1)
BEND(no_os, o->os = NULL)

static void options_are_checked(void **ignored)
{
    static const struct { const char *field; void (*bend)(struct varve_options *o); } cases[] = {
        { "indexes", bend_unknown_index },
        { "segment_size_bytes", bend_small_segment },
        { "segment_size_bytes", bend_odd_segment },
        { "segment_size_bytes", bend_huge_segment },
        { "max_event_bytes", bend_no_event },
        { "max_event_bytes", bend_huge_event },
        { "max_append_bytes", bend_small_append },
        { "segment_size_bytes", bend_append_above_segment },
        { "max_append_events", bend_no_append_events },
        { "max_append_events", bend_many_append_events },
        { "group_size_bytes", bend_no_group },
        { "queue_size_bytes", bend_no_queue },
        { "settle_size_bytes", bend_small_settle },
        { "settle_events", bend_no_settle_events },
        { "settle_events", bend_many_settle_events },
        { "recent_ids", bend_many_ids },
        { "map_size_bytes", bend_small_map },
        { "map_size_bytes", bend_odd_map },
        { "os", bend_no_os },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        cases[i].bend(&f.options);
        CHECK_CASE(fixture_try_open(&f) == VARVE_INVALID_ARGUMENT, cases[i].field);
        CHECK_CASE(strcmp(f.error.field, cases[i].field) == 0, cases[i].field);
        CHECK_CASE(access(f.path, F_OK) != 0, cases[i].field); /* Nothing was made. */
        assert_int_equal(varve_store_open(f.path, &f.options, &f.store, NULL), VARVE_INVALID_ARGUMENT);
        fixture_free(&f);
    }
}

static void a_group_is_made_to_fit_a_segment(void **ignored)
{
    struct store_fixture f;
    struct varve_options limits;

    fixture_init(&f);
    f.options.group_size_bytes = UINT32_MAX;
    fixture_open(&f);
    varve_store_limits(f.store, &limits);
    assert_in_range(limits.group_size_bytes, f.options.segment_size_bytes / 2, f.options.segment_size_bytes);
    fixture_fill(&f, "s", 3000, 300, 80);
    fixture_free(&f);
}

static void all_defaults_open_a_store(void **ignored)
{
    struct store_fixture f;
    struct varve_options limits;

    fixture_init(&f);
    enum varve_status status = varve_store_open(f.path, NULL, &f.store, &f.error);
    if (status != VARVE_OK && TESTS_SANITIZED) {
        print_message("skipped: a sanitizer leaves no room for the default map (%s)\n", f.error.message);
        fixture_free(&f);
        skip();
    }
    assert_int_equal(status, VARVE_OK);
    assert_non_null(f.store);
    assert_string_equal(fixture_append(&f, "s:none=ab"), "ok s@0-1/1-2");
    varve_store_limits(f.store, &limits);
    assert_int_equal(limits.max_event_bytes, 1 << 20);
    fixture_free(&f);
}

static void a_path_has_a_limit(void **ignored)
{
    static char path[FORMAT_MAX_PATH + 1];
    struct varve_store *store = NULL;
    struct varve_error error;

    memset(path, 'x', sizeof(path) - 1);
    assert_int_equal(varve_store_open(path, NULL, &store, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "path");
    assert_int_equal(varve_store_open("/no/such/place/at/all", NULL, &store, &error), VARVE_IO);
    assert_null(store);
    assert_int_equal(varve_store_close(NULL), VARVE_OK);
}

/* ---- what a directory may hold ---- */

static void write_file(const struct store_fixture *f, const char *name, const char *text)
{
    char path[TEMP_DIR_PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void remove_file(const struct store_fixture *f, const char *name)
{
    char path[TEMP_DIR_PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(unlink(path), 0);
}

static size_t count_entries(const struct store_fixture *f)
{
    char command[TEMP_DIR_PATH + 64];
    size_t count = 0;

    snprintf(command, sizeof(command), "find '%s' | wc -l", f->path);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "%zu", &count), 1);
    pclose(output);
    return count;
}

static void a_store_is_made_only_if_asked(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.options.create = false;
    assert_int_equal(fixture_try_open(&f), VARVE_NOT_A_STORE); /* absent, */
    assert_true(access(f.path, F_OK) != 0);
    assert_int_equal(mkdir(f.path, 0777), 0);
    assert_int_equal(fixture_try_open(&f), VARVE_NOT_A_STORE); /* empty, */
    assert_int_equal(count_entries(&f), 1);
    f.options.create = true;
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    f.options.create = false; /* made. */
    fixture_reopen(&f);
    assert_string_equal(fixture_read_all(&f), "s@0");
    fixture_free(&f);
}

static void foreign_directories_are_left_alone(void **ignored)
{
    static const struct { const char *file, *text; enum varve_status status; } cases[] = {
        { "thesis.txt", "all my work", VARVE_NOT_A_STORE },
        { "format", "something else", VARVE_NOT_A_STORE },
        { "format", "varve store\nformat 99\n", VARVE_NEWER_FORMAT },
        { "format", "varve store\nformat 1\ndamaged\n", VARVE_CORRUPT },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        assert_int_equal(mkdir(f.path, 0777), 0);
        write_file(&f, cases[i].file, cases[i].text);
        CHECK_CASE(fixture_try_open(&f) == cases[i].status, cases[i].text);
        CHECK_CASE(count_entries(&f) == 2, cases[i].text);
        CHECK_CASE(strstr(f.error.message, f.path) != NULL, cases[i].text);
        fixture_free(&f);
    }
}

static void an_unfinished_making_is_begun_again(void **ignored)
{
    struct store_fixture f;
    char journal[TEMP_DIR_PATH + 64];

    fixture_init(&f);
    assert_int_equal(mkdir(f.path, 0777), 0);
    snprintf(journal, sizeof(journal), "%s/journal", f.path);
    assert_int_equal(mkdir(journal, 0777), 0);
    write_file(&f, "format.new", "half of it");
    write_file(&f, "store.mdb", "half of it");
    write_file(&f, "journal/00000001", "half of it");
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    fixture_reopen(&f);
    assert_string_equal(fixture_read_all(&f), "s@0");
    fixture_free(&f);
}

/* Two stores of two events each: what is taken out of one and put into the other is recognised. */
static void parts_of_another_store_are_refused(void **ignored)
{
    static const struct { const char *label, *part; bool is_missing; } cases[] = {
        { "another's journal", "journal", false },      { "another's store.mdb", "store.mdb", false },
        { "another's format", "format", false },        { "no journal", "journal", true },
        { "no store.mdb", "store.mdb", true },          { "no format", "format", true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int settled = 0; settled < 2; settled++) {
            struct store_fixture mine, theirs, *both[] = { &mine, &theirs };
            char command[2 * TEMP_DIR_PATH + 128];
            for (int k = 0; k < 2; k++) {
                struct store_fixture open_one;
                fixture_init(&open_one);
                fixture_open(&open_one);
                assert_string_equal(fixture_append(&open_one, "s:none=ab"), "ok s@0-1/1-2");
                if (settled)
                    fixture_settle(&open_one);
                fixture_copy(&open_one, both[k]);
                fixture_free(&open_one);
            }
            snprintf(command, sizeof(command), "rm -rf '%s/%s'", mine.path, cases[i].part);
            assert_int_equal(system(command), 0);
            snprintf(command, sizeof(command), "cp -r '%s/%s' '%s'", theirs.path, cases[i].part, mine.path);
            assert_int_equal(cases[i].is_missing ? 0 : system(command), 0);
            enum varve_status status = fixture_try_open(&mine);
            if (status != VARVE_CORRUPT && status != VARVE_NOT_A_STORE)
                fail_msg("%s: gives %s", cases[i].label, varve_status_name(status));
            CHECK_CASE(mine.error.message[0] != '\0', cases[i].label);
            fixture_free(&mine);
            fixture_free(&theirs);
        }
}

static void without_the_lock_file_it_opens(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    fixture_close(&f);
    remove_file(&f, "lock");
    remove_file(&f, "store.mdb-lock");
    fixture_open(&f);
    assert_string_equal(fixture_read_all(&f), "s@0");
    fixture_free(&f);
}

/* ---- whose it is ---- */

static void one_owner_at_a_time(void **ignored)
{
    struct store_fixture f;
    struct varve_store *second = NULL;
    int status = 0;

    fixture_init(&f);
    fixture_open(&f);
    assert_int_equal(varve_store_open(f.path, &f.options, &second, &f.error), VARVE_LOCKED);
    assert_null(second);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(varve_store_open(f.path, &f.options, &second, &f.error) == VARVE_LOCKED ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1"); /* Undisturbed. */
    fixture_reopen(&f);
    fixture_free(&f);
}

static void a_disk_that_cannot_be_written(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    fixture_close(&f);
    if (mount(f.path, f.path, NULL, MS_BIND, NULL) != 0) {
        print_message("skipped: cannot mount (%s)\n", strerror(errno));
        fixture_free(&f);
        skip();
    }
    int remounted = mount(NULL, f.path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
    enum varve_status status = remounted == 0 ? fixture_try_open(&f) : VARVE_OK;
    assert_int_equal(umount(f.path), 0);
    assert_int_equal(remounted, 0);
    assert_int_equal(status, VARVE_READ_ONLY);
    fixture_open(&f);
    assert_string_equal(fixture_read_all(&f), "s@0");
    fixture_free(&f);
}

static void a_full_disk_makes_no_store(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    atomic_store(&f.fault.free_bytes, 1000);
    assert_int_equal(fixture_try_open(&f), VARVE_DISK_FULL);
    atomic_store(&f.fault.free_bytes, -1);
    fixture_open(&f);
    fixture_free(&f);
}

/* ---- closing ---- */

static void closing_settles_everything(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    fixture_fill(&f, "s", 100, 7, 100);
    assert_int_equal(fixture_stats(&f).tail_events, 100);
    fixture_reopen(&f);
    assert_int_equal(fixture_stats(&f).recovered_events, 0);
    assert_int_equal(fixture_stats(&f).settled_position, 100);
    fixture_free(&f);
}

static void stores_have_identities(void **ignored)
{
    struct store_fixture a, b;

    fixture_init(&a);
    fixture_init(&b);
    fixture_open(&a);
    fixture_open(&b); /* Two in one process, of two directories. */
    struct varve_stats of_a = fixture_stats(&a), of_b = fixture_stats(&b);
    assert_memory_not_equal(&of_a.database_id, &of_b.database_id, sizeof(of_a.database_id));
    assert_string_equal(fixture_append(&a, "s:none=a"), "ok s@0-0/1-1");
    assert_string_equal(fixture_read_all(&b), "");
    fixture_free(&a);
    fixture_free(&b);
}

static void the_first_fault_stays(void **ignored)
{
    struct store_fixture f;
    struct varve_error error, first = { .status = VARVE_IO, .message = "first" },
                              second = { .status = VARVE_CORRUPT, .message = "second" };

    fixture_init(&f);
    fixture_open(&f);
    assert_int_equal(varve_store_fault(f.store, &error), VARVE_OK);
    assert_int_equal(store_set_fault(f.store, &first), VARVE_IO);
    assert_int_equal(store_set_fault(f.store, &second), VARVE_CORRUPT);
    assert_int_equal(varve_store_fault(f.store, &error), VARVE_IO);
    assert_string_equal(error.message, "first");
    assert_string_equal(fixture_append(&f, "s:any=a"), "IO");
    assert_string_equal(fixture_read_all(&f), "");
    assert_int_equal(varve_store_close(f.store), VARVE_IO);
    f.store = NULL;
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_header),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(a_group_is_made_to_fit_a_segment),
        cmocka_unit_test(all_defaults_open_a_store),
        cmocka_unit_test(a_path_has_a_limit),
        cmocka_unit_test(a_store_is_made_only_if_asked),
        cmocka_unit_test(foreign_directories_are_left_alone),
        cmocka_unit_test(an_unfinished_making_is_begun_again),
        cmocka_unit_test(parts_of_another_store_are_refused),
        cmocka_unit_test(without_the_lock_file_it_opens),
        cmocka_unit_test(one_owner_at_a_time),
        cmocka_unit_test(a_disk_that_cannot_be_written),
        cmocka_unit_test(a_full_disk_makes_no_store),
        cmocka_unit_test(closing_settles_everything),
        cmocka_unit_test(stores_have_identities),
        cmocka_unit_test(the_first_fault_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
