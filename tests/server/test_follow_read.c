/* test_follow_read.c - what a follower finds, whichever way it reads: the same as by looking at every event. */
#include "follow_probe.h"

#include <stdlib.h>

#include "varve/record.h"

enum { NEAR = 200, MIDDLE = 3000, FAR = 24000 };

static const char *const streams[] = { "order-1", "order-2", "payment-1", "rare-1", "customer" };

/* Weave them so that some are frequent and one is rare. */
static void append_woven(struct client *c, size_t count)
{
    for (size_t done = 0; done < count; done += 100) {
        client_append(c, streams[done / 100 % 3], 60);
        client_append(c, done % 8000 == 0 ? streams[3] : streams[0], 1);
        client_append(c, streams[4], 39);
    }
}

/* What a filter means, told by a plain read. */
static uint32_t expect(struct fixture *f, const struct varve_filter *filter, uint64_t after, uint64_t *ret)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;
    uint32_t count = 0;

    varve_read_init(&read);
    read.include_system = true;
    read.from = after + 1;
    assert_int_equal(varve_reader_open(f->store, &read, &reader, NULL), VARVE_OK);
    while (!batch.end) {
        assert_int_equal(varve_reader_next(reader, 1 << 20, 10000, &batch, NULL), VARVE_OK);
        for (uint32_t i = 0; i < batch.count; i++) {
            if (varve_filter_matches(filter, batch.records[i], batch.sizes[i]))
                ret[count++] = varve_record_position(batch.records[i]);
        }
    }
    varve_reader_close(reader);
    return count;
}

struct filter_case {
    const char *label;
    struct varve_view stream, category, type, prefix;
    bool include_system;
};

static struct varve_filter make(const struct filter_case *one)
{
    return (struct varve_filter){
        .streams = &one->stream, .stream_count = one->stream.size > 0,
        .categories = &one->category, .category_count = one->category.size > 0,
        .types = &one->type, .type_count = one->type.size > 0,
        .prefixes = &one->prefix, .prefix_count = one->prefix.size > 0, .include_system = one->include_system,
    };
}

#define TEXT(text) { text, sizeof(text) - 1 }
static const struct filter_case cases[] = {
    { "everything", .include_system = false },
    { "with system events", .include_system = true },
    { "a stream", .stream = TEXT("order-1") },
    { "a rare stream", .stream = TEXT("rare-1") },
    { "a deleted stream", .stream = TEXT("payment-1") },
    { "a truncated stream", .stream = TEXT("order-2") },
    { "no such stream", .stream = TEXT("nobody") },
    { "a category", .category = TEXT("order") },
    { "a type", .type = TEXT("tested") },
    { "a type nobody has", .type = TEXT("other") },
    { "a prefix", .prefix = TEXT("order-") },
    { "a stream and a type", .stream = TEXT("rare-1"), .type = TEXT("tested") },
};

static void change(struct client *c, enum varve_stream_change_kind kind, const char *stream, uint64_t before)
{
    struct varve_stream_change what = { .kind = kind, .stream = varve_view_str(stream),
                                        .expected = VARVE_EXPECTED_ANY, .truncate_before = before };

    varve_encode_stream_change(&c->out, 9, &what);
    client_send(c);
    client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 9);
}

static void each_way_finds_the_same(void **state)
{
    static const uint64_t behind[] = { 0, 1, NEAR, MIDDLE, FAR - 500, FAR };
    struct fixture *f = fixture_open("--settle-events 8192");
    struct client *c = client_open(f);
    uint64_t *expected = malloc((FAR + 1000) * sizeof(*expected));

    append_woven(c, FAR);
    change(c, VARVE_STREAM_TRUNCATE, "order-2", 3000);
    change(c, VARVE_STREAM_DELETE, "payment-1", 0);
    append_woven(c, 100);
    uint64_t last = varve_store_last_position(f->store);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t j = 0; j < COUNT_OF(behind); j++) {
            struct varve_filter filter = make(&cases[i]);
            struct probe *p = probe_create(f, &filter, last - behind[j]);
            uint32_t count = expect(f, p->filter, last - behind[j], expected);

            print_message("%s, %d behind\n", cases[i].label, (int)behind[j]);
            probe_take_to_end(p);
            assert_int_equal(p->count, count);
            assert_memory_equal(p->positions, expected, count * sizeof(*expected));
            assert_int_equal(p->position, last);
            probe_free(p);
        }
    }
    free(expected);
    client_close(c);
    fixture_close(f);
}

static void a_rare_stream_far_back_takes_few_batches(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct filter_case rare = { .stream = TEXT("rare-1") };
    struct varve_filter filter = make(&rare);

    append_woven(c, FAR);
    struct probe *p = probe_create(f, &filter, 0);
    probe_take_to_end(p);
    assert_int_equal(p->count, 3);
    assert_int_equal(p->batches, 1);
    probe_free(p);
    client_close(c);
    fixture_close(f);
}

static void events_larger_than_a_batch(void **state)
{
    enum { COUNT = 5 };
    struct fixture *f = fixture_open("--max-event-bytes 2MiB --max-append-bytes 4MiB");
    struct client *c = client_open(f);
    struct probe *live = probe_create(f, NULL, 0), *later = probe_create(f, NULL, 0);

    live->stays = true;
    probe_join(live);
    for (int i = 0; i < COUNT; i++) {
        client_encode_append(c, 7, "a", VARVE_EXPECTED_ANY, 1, 1 << 20);
        client_send(c);
        client_expect(c, VARVE_OP_APPEND_OK, 7);
    }
    probe_take_to_end(live);
    probe_take_to_end(later);
    assert_true(live->count == COUNT && later->count == COUNT);
    probe_free(live);
    probe_free(later);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_finds_the_same), cmocka_unit_test(a_rare_stream_far_back_takes_few_batches),
        cmocka_unit_test(events_larger_than_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
