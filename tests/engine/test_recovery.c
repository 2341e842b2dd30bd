/* test_recovery.c - after a crash everything that was acknowledged is there, with all that follows from it; and what
 * the journal cannot have held is refused, not repaired. */
#include "engine/recovery.h"
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"
#include "varve/record.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- crashes ---- */

static void fill_a_little(struct store_fixture *f, bool settle_in_between)
{
    fixture_init(f);
    fixture_open(f);
    assert_string_equal(fixture_append(f, "a-1:none=ab b-1:none=c"), "ok a-1@0-1/1-2 b-1@0-0/3-3");
    assert_string_equal(fixture_append(f, "d:none=d"), "ok d@0-0/4-4");
    fixture_change(f, VARVE_STREAM_DELETE, "d", 0);
    if (settle_in_between)
        fixture_settle(f);
    assert_string_equal(fixture_append(f, "a-1:1=ef a-2:none=g"), "ok a-1@2-3/6-7 a-2@0-0/8-8");
    fixture_change(f, VARVE_STREAM_TRUNCATE, "a-1", 1);
    assert_string_equal(fixture_append(f, "t:none=h"), "ok t@0-0/10-10");
    fixture_change(f, VARVE_STREAM_TOMBSTONE, "t", 0);
}

static void check_a_little(struct store_fixture *f, uint64_t recovered)
{
    struct varve_read read;

    assert_int_equal(fixture_stats(f).recovered_events, recovered);
    assert_int_equal(fixture_stats(f).stream_count, 5);
    assert_int_equal(fixture_stats(f).system_stream_count, 3);
    assert_string_equal(fixture_read_all(f), "a-1@1 b-1@0 $$d@0 a-1@2 a-1@3 a-2@0 $$a-1@0 $$t@0");
    assert_string_equal(fixture_read_stream(f, "a-1"), "a-1@1 a-1@2 a-1@3");
    assert_string_equal(fixture_read_stream(f, "d"), "STREAM_NOT_FOUND");
    assert_string_equal(fixture_read_stream(f, "t"), "STREAM_TOMBSTONED");
    varve_read_init(&read);
    read.kind = VARVE_READ_CATEGORY;
    read.name = varve_view_str("a");
    assert_string_equal(fixture_read(f, &read, 0), "a-1@1 a-1@2 a-1@3 a-2@0");
    assert_string_equal(fixture_append(f, "a-1:none=ab b-1:none=c"), "again a-1@0-1/1-2 b-1@0-0/3-3");
    assert_string_equal(fixture_append(f, "a-1:any=ef a-2:any=g"), "again a-1@2-3/6-7 a-2@0-0/8-8");
    assert_string_equal(fixture_append(f, "t:any=."), "no: t STREAM_TOMBSTONED any/0");
}

static void a_crash_changes_nothing(void **ignored)
{
    for (int settled = 0; settled < 2; settled++) {
        struct store_fixture f, copy, again;
        fill_a_little(&f, settled);
        fixture_copy(&f, &copy);
        fixture_free(&f);
        fixture_open(&copy);
        check_a_little(&copy, settled ? 6 : 11);
        fixture_copy(&copy, &again); /* And a second one, before anything was settled. */
        fixture_free(&copy);
        fixture_open(&again);
        check_a_little(&again, settled ? 6 : 11);
        assert_string_equal(fixture_append(&again, "a-1:3=i"), "ok a-1@4-4/12-12");
        fixture_settle(&again);
        fixture_reopen(&again);
        assert_int_equal(fixture_stats(&again).recovered_events, 0);
        assert_string_equal(fixture_read_stream(&again, "a-1"), "a-1@1 a-1@2 a-1@3 a-1@4");
        fixture_free(&again);
    }
}

/* More than the settler's limits, so that it has to work at once; appends go on meanwhile. */
static void a_long_journal_is_settled_after_opening(void **ignored)
{
    struct store_fixture f, copy;

    fixture_init(&f);
    fixture_open(&f);
    fixture_fill(&f, "s", 3000, 100, 50);
    fixture_copy(&f, &copy);
    fixture_free(&f);
    copy.options.settle_events = 100;
    fixture_open(&copy);
    assert_int_equal(fixture_stats(&copy).recovered_events, 3000);
    fixture_fill(&copy, "s", 500, 10, 50);
    fixture_settle(&copy);
    assert_int_equal(varve_store_last_position(copy.store), 3500);
    fixture_free(&copy);
}

/* ---- kill -9 ---- */

/* In the child: append for ever, telling each acknowledged position through the pipe. */
static void append_until_killed(struct store_fixture *f, int told)
{
    if (fixture_try_open(f) != VARVE_OK)
        _exit(1);
    for (;;) {
        struct varve_append *append = fixture_make(f, "s:any=.. u:any=.");
        if (varve_append_wait(append, NULL) != VARVE_OK)
            _exit(2);
        uint64_t last = varve_append_get_outcome(append)->results[1].last_position;
        if (write(told, &last, sizeof(last)) != sizeof(last))
            _exit(3);
        varve_append_free(append);
    }
}

static uint64_t kill_after(pid_t child, int heard, unsigned appends)
{
    uint64_t last = 0, next;
    int status = 0;

    for (unsigned i = 0; i < appends; i++)
        assert_int_equal(read(heard, &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(heard, &next, sizeof(next)) == sizeof(next))
        last = next;
    return last;
}

static void killed_at_any_moment_nothing_is_lost(void **ignored)
{
    struct store_fixture f;
    uint64_t acknowledged = 0;

    fixture_init(&f);
    f.options.settle_events = 30;
    f.options.os = varve_os_default();
    for (unsigned round = 0; round < 6; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            append_until_killed(&f, pipes[1]);
        close(pipes[1]);
        acknowledged = kill_after(child, pipes[0], 1 + 13 * round);
        close(pipes[0]);
        fixture_open(&f);
        uint64_t last = varve_store_last_position(f.store);
        assert_true(last >= acknowledged);
        assert_int_equal(last % 3, 0); /* Whole appends only. */
        struct varve_stream_info info;
        assert_int_equal(varve_stream_info(f.store, varve_view_str("u"), &info, &f.error), VARVE_OK);
        assert_int_equal(info.version + 1, last / 3);
        fixture_close(&f);
    }
    fixture_free(&f);
}

/* ---- journals that cannot be ---- */

/* A store with two events of "s" in its journal, and a frame more that some other program wrote. */
struct forged {
    struct store_fixture f;
    struct journal *journal;
    uint64_t seen;
};

static enum varve_status count_record(void *user, const uint8_t *record, uint32_t size)
{
    struct forged *forged = user;

    forged->seen++;
    return VARVE_OK;
}

static void open_journal(struct forged *forged)
{
    char directory[TEMP_DIR_PATH + 32];
    enum format_verdict verdict;
    struct format format;

    assert_int_equal(format_look(forged->f.path, varve_os_default(), &verdict, &format, &forged->f.error), VARVE_OK);
    snprintf(directory, sizeof(directory), "%s/journal", forged->f.path);
    struct journal_options options = { .directory = directory, .os = varve_os_default(),
                                       .database_id = format.database_id, .seed = format.hash_seed,
                                       .segment_size_bytes = 256 << 10 };
    assert_int_equal(journal_open(&options, 0, count_record, forged, &forged->journal, &forged->f.error), VARVE_OK);
    assert_int_equal(forged->seen, 2);
}

static void forge(struct forged *forged, const struct test_record *described, bool damage)
{
    struct store_fixture original;
    uint32_t size;
    uint8_t *record = test_record_make(described, &size);

    fixture_init(&original);
    fixture_open(&original);
    assert_string_equal(fixture_append(&original, "s:none=ab"), "ok s@0-1/1-2");
    memset(forged, 0, sizeof(*forged));
    fixture_copy(&original, &forged->f);
    fixture_free(&original);
    open_journal(forged);
    if (damage)
        record[size - VARVE_RECORD_CHECKSUM - 1] ^= 1;
    assert_int_equal(journal_frame_begin(forged->journal, 1, size, &forged->f.error), VARVE_OK);
    memcpy(journal_frame_add(forged->journal, size), record, size);
    assert_int_equal(journal_frame_commit(forged->journal, 3, &forged->f.error), VARVE_OK);
    journal_close(forged->journal);
    free(record);
}

static void what_does_not_follow_is_refused(void **ignored)
{
    static const struct {
        const char *label;
        struct test_record record;
        bool damage;
        enum varve_status status;
        const char *message; /* a part of it */
    } cases[] = {
        { "as it should be", { .stream = "s", .type = "t", .position = 3, .version = 2, .data = "x" }, false, VARVE_OK,
          NULL },
        { "a gap in versions", { .stream = "s", .type = "t", .position = 3, .version = 3, .data = "x" }, false,
          VARVE_CORRUPT, "position 3 is version 3 of \"s\", but position 3 and version 2 come next" },
        { "a version twice", { .stream = "s", .type = "t", .position = 3, .version = 1, .data = "x" }, false,
          VARVE_CORRUPT, "position 3" },
        { "a stream's middle", { .stream = "u", .type = "t", .position = 3, .version = 1, .data = "x" }, false,
          VARVE_CORRUPT, "version 1 of \"u\"" },
        { "a damaged record", { .stream = "s", .type = "t", .position = 3, .version = 2, .data = "x" }, true,
          VARVE_CORRUPT, "journal" },
        { "metadata that is none", { .stream = "$$s", .type = "$metadata", .position = 3, .data = "x" }, false,
          VARVE_CORRUPT, "position 3" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct forged forged;
        forge(&forged, &cases[i].record, cases[i].damage);
        for (int twice = 0; twice < 2; twice++) { /* Refusing changes nothing. */
            enum varve_status status = fixture_try_open(&forged.f);
            CHECK_CASE(status == cases[i].status, cases[i].label);
            if (status != VARVE_OK)
                CHECK_CASE(strstr(forged.f.error.message, cases[i].message) != NULL, cases[i].label);
            else
                fixture_close(&forged.f);
        }
        fixture_free(&forged.f);
    }
}

/* ---- a damaged store ---- */

/* Turn a bit of the first place in the file over where `text` stands. */
static void damage_where(const struct store_fixture *f, const char *name, const char *text)
{
    char path[TEMP_DIR_PATH + 32];
    size_t room = 4 << 20;
    uint8_t *bytes = malloc(room);

    assert_non_null(bytes);
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    ssize_t size = pread(fd, bytes, room, 0);
    assert_true(size > 0);
    uint8_t *at = memmem(bytes, (size_t)size, text, strlen(text));
    assert_non_null(at);
    *at ^= 0x10;
    assert_int_equal(pwrite(fd, at, 1, at - bytes), 1);
    close(fd);
    free(bytes);
}

/* A flipped bit of a settled event is told with its position: at opening if its id is to be remembered, else when it is
 * read. */
static void a_damaged_event_is_never_shown(void **ignored)
{
    static const struct { uint32_t recent_ids; bool opens; } cases[] = { { 1000, false }, { 1, true } };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        f.options.recent_ids = cases[i].recent_ids;
        fixture_open(&f);
        assert_string_equal(fixture_append(&f, "s:none=abc"), "ok s@0-2/1-3");
        fixture_close(&f);
        damage_where(&f, "store.mdb", "{\"letter\":\"b\"}");
        enum varve_status status = fixture_try_open(&f);
        assert_int_equal(status, cases[i].opens ? VARVE_OK : VARVE_CORRUPT);
        if (status == VARVE_OK) {
            assert_string_equal(fixture_read_all(&f), "CORRUPT");
            assert_non_null(strstr(f.error.message, "position 2"));
            assert_string_equal(fixture_read_stream(&f, "s"), "CORRUPT");
            assert_string_equal(fixture_append(&f, "s:2=d"), "ok s@3-3/4-4"); /* The rest is served. */
        }
        assert_non_null(strstr(f.error.message, "position 2"));
        fixture_free(&f);
    }
}

static void a_damaged_event_in_the_journal_is_refused(void **ignored)
{
    struct store_fixture f, copy;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    assert_string_equal(fixture_append(&f, "s:0=b"), "ok s@1-1/2-2");
    fixture_copy(&f, &copy);
    fixture_free(&f);
    damage_where(&copy, "journal/00000001", "{\"letter\":\"a\"}");
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(fixture_try_open(&copy), VARVE_CORRUPT);
        assert_non_null(strstr(copy.error.message, "00000001"));
    }
    fixture_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_changes_nothing),
        cmocka_unit_test(a_long_journal_is_settled_after_opening),
        cmocka_unit_test(killed_at_any_moment_nothing_is_lost),
        cmocka_unit_test(what_does_not_follow_is_refused),
        cmocka_unit_test(a_damaged_event_is_never_shown),
        cmocka_unit_test(a_damaged_event_in_the_journal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
