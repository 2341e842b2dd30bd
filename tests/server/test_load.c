/* test_load.c - LOAD: snapshot and events join without a gap, whatever was put, truncated and deleted. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/effort.h"
#include "support/random.h"
#include "varve/record.h"
#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

enum { MOST_STREAMS = 12 };

/* What came of one stream. */
struct loaded {
    struct varve_loading loading;
    int64_t snapshot_version; /* -1: none */
    uint64_t events;
};

static void send_load(struct client *c, uint32_t id, const char *const *names, size_t count, bool no_snapshots,
                      uint32_t batch)
{
    struct varve_view streams[MOST_STREAMS];
    const struct varve_load_request request = { .streams = streams, .stream_count = count, .credit_bytes = 4000,
                                                .batch_bytes = batch, .no_snapshots = no_snapshots };

    assert_true(count <= MOST_STREAMS);
    for (size_t i = 0; i < count; i++)
        streams[i] = varve_view_str(names[i]);
    varve_encode_load(&c->out, id, &request);
    client_send(c);
}

static void take_loading(struct client *c, uint32_t at, struct loaded *loaded)
{
    assert_int_equal(varve_decode_loading(c->body, &loaded->loading, NULL), VARVE_OK);
    assert_int_equal(loaded->loading.index, at);
    loaded->snapshot_version = -1;
    loaded->events = 0;
    if (loaded->loading.has_snapshot) {
        loaded->snapshot_version = loaded->loading.snapshot.version;
        assert_int_equal(loaded->loading.first_version, loaded->snapshot_version + 1);
    }
}

static void take_events(struct client *c, struct loaded *loaded)
{
    const struct varve_view *records;
    uint32_t count;
    uint64_t next;

    assert_int_equal(varve_decode_read_batch(c->body, c->arena, &records, &count, &next, NULL), VARVE_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(varve_record_version((const uint8_t *)records[i].data),
                         loaded->loading.first_version + loaded->events++);
}

/* Take a whole load, giving its credit back. The last position of its view. */
static uint64_t take_load(struct client *c, uint32_t id, struct loaded *loaded, size_t count)
{
    size_t seen = 0;
    uint64_t last_position;

    for (;;) {
        struct varve_frame frame = client_receive(c);

        assert_int_equal(frame.request_id, id);
        if (frame.opcode == VARVE_OP_READ_END)
            break;
        uint32_t bytes = (uint32_t)c->body.size;
        if (frame.opcode == VARVE_OP_LOADING) {
            assert_true(seen < count);
            take_loading(c, (uint32_t)seen, &loaded[seen]);
            seen++;
        } else {
            assert_int_equal(frame.opcode, VARVE_OP_READ_BATCH);
            assert_true(seen > 0);
            take_events(c, &loaded[seen - 1]);
        }
        varve_encode_credit(&c->out, id, bytes);
        client_send(c);
    }
    assert_int_equal(varve_decode_read_end(c->body, &last_position, NULL), VARVE_OK);
    assert_int_equal(seen, count);
    for (size_t i = 0; i < count; i++) /* Up to the version, and none is missing. */
        if (loaded[i].loading.status == VARVE_OK)
            assert_int_equal(loaded[i].loading.first_version + loaded[i].events, loaded[i].loading.version + 1);
    return last_position;
}

static enum varve_status put(struct fixture *f, const char *stream, int64_t version, size_t size)
{
    char *data = calloc(1, size + 1);
    const struct varve_snapshot snapshot = {
        .stream = varve_view_str(stream), .version = version, .type = varve_view_str("t"), .schema_version = 1,
        .content_type = VARVE_CONTENT_OCTET_STREAM, .data = varve_view_of(data, size),
    };
    enum varve_status status = varve_snapshots_put(f->server.snapshots, &snapshot, 5, NULL, NULL, NULL);

    free(data);
    return status;
}

static void change(struct client *c, const char *stream, enum varve_stream_change_kind kind, uint64_t number)
{
    const struct varve_stream_change change = { .kind = kind, .stream = varve_view_str(stream),
                                                .expected = VARVE_EXPECTED_ANY, .truncate_before = number,
                                                .max_count = number };

    varve_encode_stream_change(&c->out, 77, &change);
    client_send(c);
    client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 77);
}

static void each_stream_says_what_it_has(void **state)
{
    static const char *const names[] = { "a", "never", "b", "gone", "dead", "short", "a" };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct loaded loaded[COUNT_OF(names)];

    client_append(c, "a", 5);
    client_append(c, "b", 3);
    client_append(c, "gone", 2);
    client_append(c, "dead", 2);
    client_append(c, "short", 9);
    assert_int_equal(put(f, "a", 3, 10), VARVE_OK);
    assert_int_equal(put(f, "b", 2, 10), VARVE_OK);
    assert_int_equal(put(f, "short", 3, 10), VARVE_OK);
    change(c, "gone", VARVE_STREAM_DELETE, 0);
    change(c, "dead", VARVE_STREAM_TOMBSTONE, 0);
    change(c, "short", VARVE_STREAM_TRUNCATE, 6); /* The snapshot of 3 does not join with 6. */
    send_load(c, 5, names, COUNT_OF(names), false, 0);
    assert_int_equal(take_load(c, 5, loaded, COUNT_OF(names)), 24);
    assert_int_equal(loaded[0].loading.version, 4);
    assert_int_equal(loaded[0].snapshot_version, 3);
    assert_int_equal(loaded[0].events, 1);
    assert_int_equal(loaded[1].loading.status, VARVE_STREAM_NOT_FOUND);
    assert_int_equal(loaded[1].loading.version, -1);
    assert_int_equal(loaded[2].snapshot_version, 2);
    assert_int_equal(loaded[2].loading.first_version, 3);
    assert_int_equal(loaded[2].events, 0);
    assert_int_equal(loaded[3].loading.status, VARVE_STREAM_NOT_FOUND);
    assert_int_equal(loaded[4].loading.status, VARVE_STREAM_TOMBSTONED);
    assert_int_equal(loaded[5].snapshot_version, -1);
    assert_int_equal(loaded[5].loading.first_version, 6);
    assert_int_equal(loaded[5].events, 3);
    assert_int_equal(loaded[6].snapshot_version, 3);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);

    send_load(c, 6, names, COUNT_OF(names), true, 0);
    take_load(c, 6, loaded, COUNT_OF(names));
    assert_int_equal(loaded[0].snapshot_version, -1);
    assert_int_equal(loaded[0].events, 5);
    client_close(c);
    fixture_close(f);
}

/* A snapshot of what was deleted must not come back with the stream. */
static void a_stream_that_comes_back_has_no_snapshots(void **state)
{
    static const char *const names[] = { "a" };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct loaded loaded;

    client_append(c, "a", 5);
    assert_int_equal(put(f, "a", 4, 10), VARVE_OK);
    change(c, "a", VARVE_STREAM_DELETE, 0);
    client_append(c, "a", 2);
    send_load(c, 5, names, 1, false, 0);
    take_load(c, 5, &loaded, 1);
    assert_int_equal(loaded.snapshot_version, -1);
    assert_int_equal(loaded.loading.first_version, 5);
    assert_int_equal(loaded.loading.version, 6);
    client_close(c);
    fixture_close(f);
}

/* What is appended while a load waits for credit is not of its view. */
static void one_view_for_all_streams(void **state)
{
    static const char *const names[] = { "a", "b", "new" };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *other = client_open(f);
    const struct varve_view streams[] = { { "a", 1 }, { "b", 1 }, { "new", 3 } };
    const struct varve_load_request request = { .streams = streams, .stream_count = 3, .credit_bytes = 1,
                                                .batch_bytes = 100 };
    struct loaded loaded[COUNT_OF(names)];

    client_append(c, "a", 50);
    client_append(c, "b", 3);
    varve_encode_load(&c->out, 5, &request);
    client_send(c);
    client_expect(c, VARVE_OP_LOADING, 5);
    take_loading(c, 0, &loaded[0]);
    client_expect(c, VARVE_OP_READ_BATCH, 5);
    take_events(c, &loaded[0]);
    client_append(other, "a", 10);
    client_append(other, "b", 10);
    client_append(other, "new", 1);
    varve_encode_credit(&c->out, 5, 1 << 20);
    client_send(c);
    uint32_t seen = 0;
    for (struct varve_frame frame = client_receive(c); frame.opcode != VARVE_OP_READ_END; frame = client_receive(c)) {
        if (frame.opcode == VARVE_OP_LOADING)
            take_loading(c, seen + 1, &loaded[seen + 1]), seen++;
        else
            take_events(c, &loaded[seen]);
    }
    assert_int_equal(loaded[0].loading.version, 49);
    assert_int_equal(loaded[0].events, 50);
    assert_int_equal(loaded[1].loading.version, 2);
    assert_int_equal(loaded[1].events, 3);
    assert_int_equal(loaded[2].loading.status, VARVE_STREAM_NOT_FOUND);
    client_close(c);
    client_close(other);
    fixture_close(f);
}

static void snapshots_count_as_output_and_credit(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_view streams[] = { { "a", 1 }, { "a", 1 }, { "a", 1 } };
    const struct varve_load_request request = { .streams = streams, .stream_count = 3, .credit_bytes = 500000 };
    struct loaded loaded;

    client_append(c, "a", 1);
    assert_int_equal(put(f, "a", 0, VARVE_SNAPSHOT_MAX_BYTES), VARVE_OK);
    varve_encode_load(&c->out, 5, &request);
    client_send(c);
    client_expect(c, VARVE_OP_LOADING, 5); /* More than the credit, once; then it waits. */
    take_loading(c, 0, &loaded);
    assert_int_equal(loaded.loading.snapshot.data.size, VARVE_SNAPSHOT_MAX_BYTES);
    assert_true(client_hears_nothing(c));
    varve_encode_credit(&c->out, 5, 2 << 20);
    client_send(c);
    client_expect(c, VARVE_OP_LOADING, 5);
    client_expect(c, VARVE_OP_LOADING, 5);
    client_expect(c, VARVE_OP_READ_END, 5);
    client_close(c);
    fixture_close(f);
}

/* Random streams, truncations, deletions and snapshots: what is loaded with snapshots ends where the load without ends,
 * and a snapshot stands exactly for what it leaves out. */
static void loads_are_the_same_with_snapshots_and_without(void **state)
{
    static const char *const names[] = { "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7" };
    uint64_t random = test_seed((uint64_t)getpid());
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (unsigned step = 0; step < TEST_EFFORT(400); step++) {
        const char *name = names[random_below(&random, COUNT_OF(names))];
        struct varve_stream_info info = { .version = -1 };
        bool there = varve_stream_info(f->store, varve_view_str(name), &info, NULL) == VARVE_OK && !info.deleted;

        switch (random_below(&random, 8)) {
        case 0: case 1: case 2:
            client_append(c, name, 1 + random_below(&random, 30));
            continue;
        case 3: case 4:
            if (there)
                put(f, name, (int64_t)random_below(&random, (uint64_t)info.version + 1), random_below(&random, 9000));
            continue;
        case 5:
            if (there)
                change(c, name, VARVE_STREAM_TRUNCATE, random_below(&random, (uint64_t)info.version + 1));
            continue;
        case 6:
            if (there && random_below(&random, 5) == 0)
                change(c, name, VARVE_STREAM_DELETE, 0);
            continue;
        default:
            break;
        }
        struct loaded with[COUNT_OF(names)], without[COUNT_OF(names)];
        send_load(c, 5, names, COUNT_OF(names), false, 1 + (uint32_t)random_below(&random, 3000));
        take_load(c, 5, with, COUNT_OF(names));
        send_load(c, 6, names, COUNT_OF(names), true, 1 + (uint32_t)random_below(&random, 3000));
        take_load(c, 6, without, COUNT_OF(names));
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            assert_int_equal(with[i].loading.status, without[i].loading.status);
            assert_int_equal(with[i].loading.version, without[i].loading.version);
            if (with[i].snapshot_version < 0)
                assert_int_equal(with[i].loading.first_version, without[i].loading.first_version);
            else
                assert_true(with[i].loading.first_version >= without[i].loading.first_version);
        }
    }
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stream_says_what_it_has),
        cmocka_unit_test(a_stream_that_comes_back_has_no_snapshots),
        cmocka_unit_test(one_view_for_all_streams),
        cmocka_unit_test(snapshots_count_as_output_and_credit),
        cmocka_unit_test(loads_are_the_same_with_snapshots_and_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
