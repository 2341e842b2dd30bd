/* test_snapshots.c - the cache comes and goes with the server; what it cannot have it does without. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/snapshots.h"
#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

static void put(struct client *c, uint32_t id, const char *stream, int64_t version)
{
    const struct varve_snapshot snapshot = {
        .stream = varve_view_str(stream), .version = version, .type = varve_view_str("t"), .schema_version = 1,
        .content_type = VARVE_CONTENT_JSON, .data = varve_view_str("{}"),
    };

    varve_encode_snapshot_put(&c->out, id, &snapshot, 0);
    client_send(c);
}

static void get(struct client *c, uint32_t id, const char *stream)
{
    const struct varve_snapshot_query query = { .stream = varve_view_str(stream), .at_or_below = INT64_MAX };

    varve_encode_snapshot_get(&c->out, id, &query);
    client_send(c);
}

static void expect_version(struct client *c, uint32_t id, int64_t version)
{
    struct varve_snapshot snapshot;

    client_expect(c, VARVE_OP_SNAPSHOT_GET_OK, id);
    assert_int_equal(varve_decode_snapshot_get_ok(c->body, &snapshot, NULL), VARVE_OK);
    assert_int_equal(snapshot.version, version);
    assert_true(varve_view_equal(snapshot.data, varve_view_str("{}")));
}

static size_t list(struct client *c, uint32_t id, uint32_t limit, bool *ret_end)
{
    const struct varve_snapshot_list_request request = { .prefix = varve_view_of("", 0), .after_version = -1,
                                                         .after_stream = varve_view_of("", 0), .limit = limit };
    const struct varve_snapshot *snapshots;
    size_t count;

    varve_encode_snapshot_list(&c->out, id, &request);
    client_send(c);
    client_expect(c, VARVE_OP_SNAPSHOT_LIST_OK, id);
    assert_int_equal(varve_decode_snapshot_list_ok(c->body, c->arena, &snapshots, &count, ret_end, NULL), VARVE_OK);
    return count;
}

static void what_was_put_is_there_after_a_restart(void **state)
{
    struct fixture *f = fixture_open("--snapshots-keep 3");
    struct client *c = client_open(f);
    bool end;

    client_append(c, "a", 9);
    for (uint32_t i = 0; i < 5; i++) {
        put(c, 10 + i, "a", i);
        client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 10 + i);
    }
    client_close(c);
    fixture_restart(f);
    c = client_open(f);
    get(c, 5, "a");
    expect_version(c, 5, 4);
    assert_int_equal(list(c, 6, 2, &end), 2);
    assert_false(end);
    assert_int_equal(list(c, 7, 100, &end), 3);
    assert_true(end);
    get(c, 8, "b");
    client_receive_error(c, 8, VARVE_SNAPSHOT_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

static void a_server_without_snapshots_says_so(void **state)
{
    struct fixture *f = fixture_open("--snapshots-keep 0");
    struct client *c = client_open(f);
    bool end;

    client_append(c, "a", 1);
    put(c, 4, "a", 0);
    client_receive_error(c, 4, VARVE_UNSUPPORTED);
    get(c, 5, "a");
    client_receive_error(c, 5, VARVE_SNAPSHOT_NOT_FOUND);
    assert_int_equal(list(c, 6, 10, &end), 0);
    assert_true(end);
    assert_int_equal(snapshots_memory_bytes(&f->server), 0);
    client_close(c);
    fixture_close(f);
}

static void garbage_is_logged_and_begun_anew(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    char path[TEMP_DIR_PATH + 32];

    client_append(c, "a", 1);
    put(c, 4, "a", 0);
    client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 4);
    client_close(c);
    snprintf(path, sizeof(path), "%s/snapshots.mdb", f->directory);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, path, 100, 10), 100);
    close(fd);
    fixture_log(f);
    fixture_restart(f);
    assert_non_null(strstr(fixture_log(f), "snapshots.damaged"));
    c = client_open(f);
    get(c, 5, "a");
    client_receive_error(c, 5, VARVE_SNAPSHOT_NOT_FOUND);
    put(c, 6, "a", 0);
    client_expect(c, VARVE_OP_SNAPSHOT_PUT_OK, 6);
    get(c, 7, "a");
    expect_version(c, 7, 0);
    client_close(c);
    fixture_close(f);
}

static void what_cannot_be_opened_is_done_without(void **state)
{
    struct fixture *f = fixture_open("--snapshots-keep 0");
    struct client *c;
    char path[TEMP_DIR_PATH + 32];

    snprintf(path, sizeof(path), "%s/snapshots.mdb", f->directory);
    assert_int_equal(mkdir(path, 0700), 0);
    f->config.snapshots_keep = 2;
    fixture_log(f);
    fixture_restart(f);
    assert_non_null(strstr(fixture_log(f), "snapshots.unusable"));
    c = client_open(f);
    client_append(c, "a", 1);
    put(c, 4, "a", 0);
    client_receive_error(c, 4, VARVE_UNSUPPORTED);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_there_after_a_restart), cmocka_unit_test(a_server_without_snapshots_says_so),
        cmocka_unit_test(garbage_is_logged_and_begun_anew), cmocka_unit_test(what_cannot_be_opened_is_done_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
