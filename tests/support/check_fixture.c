/* check_fixture.c - see check_fixture.h. */
#include "check_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETTLES = 4, APPENDS = 150, STREAMS = 40 };

char check_directory_path[TEMP_DIR_PATH + 8], check_store_file[TEMP_DIR_PATH + 32];
static char top[TEMP_DIR_PATH];

struct varve_store *check_open_store(void)
{
    struct varve_options options;
    struct varve_store *store = NULL;
    struct varve_error error;

    varve_options_init(&options);
    options.map_size_bytes = DB_FIXTURE_MAP;
    options.segment_size_bytes = 256 << 10;
    options.max_append_bytes = 64 << 10;
    options.max_event_bytes = 32 << 10;
    options.max_append_events = 100;
    options.group_size_bytes = 64 << 10;
    options.settle_idle_ms = 0; /* However slow the machine: what is appended last stays in the journal. */
    options.disk_reserve_bytes = 0;
    if (varve_store_open(check_directory_path, &options, &store, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    return store;
}

static void append_to(struct varve_store *store, const char *name, uint64_t number)
{
    static const char *const types[] = { "order.placed", "order.paid", "order.sent" };
    char data[600];
    struct varve_append_stream stream = { .expected = VARVE_EXPECTED_ANY };
    struct varve_event event = { .type = varve_view_str(types[number % 3]), .time_us = VARVE_TIME_NONE,
                                 .content_type = VARVE_CONTENT_OCTET_STREAM,
                                 .data = varve_view_of(data, number * 37 % sizeof(data)) };
    struct varve_append_request request = { .streams = &stream, .stream_count = 1, .events = &event, .event_count = 1 };
    struct varve_append *append;
    struct varve_error error;

    memset(data, (int)number, sizeof(data));
    stream.stream = varve_view_str(name);
    if (number % 4 != 0)
        event.correlation_id.bytes[3] = (uint8_t)(number % 7 + 1);
    if (varve_append_create(store, &request, &append, &error) != VARVE_OK ||
        varve_append_wait(append, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    varve_append_free(append);
}

static void append_one(struct varve_store *store, uint64_t number)
{
    char name[32];

    snprintf(name, sizeof(name), "%s-%d", number % 2 == 0 ? "order" : "customer", (int)(number * number % STREAMS));
    append_to(store, name, number);
}

static void change_one(struct varve_store *store, const char *name, enum varve_stream_change_kind kind, uint64_t number)
{
    struct varve_stream_change change = { .kind = kind, .stream = varve_view_str(name), .expected = VARVE_EXPECTED_ANY,
                                          .truncate_before = number, .max_count = number };
    struct varve_append *append;
    struct varve_error error;

    if (varve_stream_change_create(store, &change, &append, &error) != VARVE_OK ||
        varve_append_wait(append, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    varve_append_free(append);
}

/* Ends without closing, so that the last events are in the journal only. */
void check_append_and_die(void)
{
    pid_t child = fork();
    int result;

    assert_true(child >= 0);
    if (child == 0) {
        struct varve_store *store = check_open_store();

        for (uint64_t i = 0; i < CHECK_UNSETTLED; i++)
            append_one(store, 1000 + i);
        change_one(store, "order-4", VARVE_STREAM_TRUNCATE, 3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

int check_make_store(void **state)
{
    temp_dir_make(top);
    snprintf(check_directory_path, sizeof(check_directory_path), "%s/db", top);
    snprintf(check_store_file, sizeof(check_store_file), "%s/store.mdb", check_directory_path);
    struct varve_store *store = check_open_store();
    for (uint64_t settle = 0; settle < SETTLES; settle++) {
        for (uint64_t i = 0; i < APPENDS; i++)
            append_one(store, settle * APPENDS + i);
        if (settle == 1) {
            change_one(store, "order-0", VARVE_STREAM_TRUNCATE, 2);
            change_one(store, "order-4", VARVE_STREAM_RETENTION, 5);
            change_one(store, "order-16", VARVE_STREAM_DELETE, 0);
            append_to(store, "customer-gone", 1);
            change_one(store, "customer-gone", VARVE_STREAM_TOMBSTONE, 0);
        }
        assert_int_equal(varve_store_settle(store), VARVE_OK);
    }
    assert_int_equal(varve_store_close(store), VARVE_OK);
    return 0;
}

int check_remove_store(void **state)
{
    temp_dir_remove(top);
    return 0;
}

char check_findings[CHECK_FINDINGS_BYTES];

static void note(void *user, const struct varve_check_finding *finding)
{
    size_t used = strlen(check_findings);

    snprintf(check_findings + used, sizeof(check_findings) - used, "%s: %s\n", finding->where, finding->what);
}

struct varve_check_report check_run(bool deep)
{
    struct varve_check_report report;
    struct varve_error error;

    check_findings[0] = 0;
    if (varve_check_directory(check_directory_path, deep, NULL, note, NULL, &report, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    return report;
}

void check_expect_sound(bool deep)
{
    struct varve_check_report report = check_run(deep);

    if (report.findings != 0)
        fail_msg("%s", check_findings);
}

uint64_t check_settled(struct db_txn *txn)
{
    struct tables_meta meta;

    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    return meta.settled_position;
}

void check_delete_row(struct db_txn *txn, enum db_table table, enum db_move move)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes key = { 0 }, value;
    struct db_cursor *cursor;
    uint8_t copy[DB_MAX_KEY];

    assert_int_equal(db_cursor_open(txn, table, &cursor), VARVE_OK);
    assert_true(db_cursor_move(cursor, move, &key, &value, &status));
    memcpy(copy, key.data, key.size);
    db_cursor_close(cursor);
    assert_int_equal(db_delete(txn, table, (struct db_bytes){ copy, key.size }), VARVE_OK);
}

void check_flip_value(struct db_txn *txn, enum db_table table, size_t byte)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes key = { 0 }, value;
    struct db_cursor *cursor;
    uint8_t copy[DB_MAX_KEY];

    assert_int_equal(db_cursor_open(txn, table, &cursor), VARVE_OK);
    assert_true(db_cursor_move(cursor, DB_LAST, &key, &value, &status));
    memcpy(copy, key.data, key.size);
    db_cursor_close(cursor);
    db_fixture_flip(txn, table, (struct db_bytes){ copy, key.size }, byte, 3);
}

static void copy_file(const char *from, const char *to)
{
    char command[3 * TEMP_DIR_PATH];

    snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

void check_flip_bit(const char *path, uint64_t bit)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

void check_damages(const struct check_damage *damages, size_t count)
{
    char saved[sizeof(check_store_file) + 8];

    snprintf(saved, sizeof(saved), "%s.saved", check_store_file);
    copy_file(check_store_file, saved);
    for (size_t i = 0; i < count; i++) {
        struct db_fixture f = { .db = NULL };

        snprintf(f.path, sizeof(f.path), "%s", check_store_file);
        db_fixture_reopen(&f);
        struct db_txn *txn = db_fixture_write(&f);
        damages[i].damage(txn);
        db_fixture_commit(txn);
        db_close(f.db);
        struct varve_check_report report = check_run(true);
        if (report.findings == 0 || strstr(check_findings, damages[i].says) == NULL)
            fail_msg("%s: %s", damages[i].label, check_findings);
        report = check_run(false);
        CHECK_CASE((report.findings > 0) == !damages[i].needs_deep, damages[i].label);
        copy_file(saved, check_store_file);
    }
    assert_int_equal(unlink(saved), 0);
    check_expect_sound(true);
}
