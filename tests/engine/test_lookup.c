/* test_lookup.c - single things: events by id and by position, a stream's state, pages of streams. */
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <stdlib.h>

/* Ids a, b, c of "s" and d of "u"; b is truncated. Positions 1, 2, 3, 4; the truncation is 5. */
static void setup(struct store_fixture *f, int place)
{
    fixture_init(f);
    fixture_open(f);
    assert_string_equal(fixture_append(f, "s:none=ab"), "ok s@0-1/1-2");
    if (place == 1)
        fixture_settle(f);
    assert_string_equal(fixture_append(f, "s:1=c u:none=d"), "ok s@2-2/3-3 u@0-0/4-4");
    fixture_change(f, VARVE_STREAM_TRUNCATE, "s", 2);
    if (place == 2)
        fixture_settle(f);
    if (place == 3)
        fixture_reopen(f);
}

static void ids_lead_to_positions(void **ignored)
{
    static const char letters[] = "dabcxya";
    static const uint64_t wanted[] = { 4, 1, 2, 3, 0, 0, 1 };

    for (int place = 0; place < 4; place++) {
        struct store_fixture f;
        struct varve_uuid ids[COUNT_OF(wanted) + 1] = { { { 0 } } }; /* The last is nil: nobody's. */
        uint64_t positions[COUNT_OF(wanted) + 1];
        setup(&f, place);
        for (size_t i = 0; i < COUNT_OF(wanted); i++)
            ids[i] = test_uuid((uint64_t)letters[i]);
        assert_int_equal(varve_store_find(f.store, ids, COUNT_OF(ids), positions, &f.error), VARVE_OK);
        assert_memory_equal(positions, wanted, sizeof(wanted));
        assert_int_equal(positions[COUNT_OF(wanted)], 0);
        assert_int_equal(varve_store_find(f.store, ids, 0, positions, &f.error), VARVE_OK);
        fixture_free(&f);
    }
}

/* Long forgotten by the memory of newest ids: the index knows. */
static void old_ids_are_found_too(void **ignored)
{
    struct store_fixture f;
    struct varve_uuid id = test_uuid('a');
    uint64_t position = 0;

    fixture_init(&f);
    f.options.max_append_events = 16;
    f.options.settle_events = 8;
    f.options.recent_ids = 0;
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    for (int round = 0; round < 2; round++) {
        fixture_fill(&f, "filling", 400, 10, 10);
        assert_int_equal(varve_store_find(f.store, &id, 1, &position, &f.error), VARVE_OK);
        assert_int_equal(position, 1);
        fixture_reopen(&f);
        assert_int_equal(varve_store_find(f.store, &id, 1, &position, &f.error), VARVE_OK);
        assert_int_equal(position, 1);
    }
    fixture_free(&f);
}

/* A crash can leave more unsettled events than the memory of newest ids was made for. */
static void ids_of_a_long_tail_are_found(void **ignored)
{
    struct store_fixture f, copy;
    struct varve_uuid id = test_uuid('a');
    uint64_t position = 0;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    fixture_fill(&f, "filling", 2000, 100, 10);
    fixture_copy(&f, &copy);
    fixture_free(&f);
    copy.options.max_append_events = 1;
    copy.options.settle_events = 10;
    copy.options.recent_ids = 0;
    fixture_open(&copy);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(varve_store_find(copy.store, &id, 1, &position, &copy.error), VARVE_OK);
        assert_int_equal(position, 1);
    }
    assert_int_equal(fixture_stats(&copy).recovered_events, 2001);
    fixture_free(&copy);
}

static void without_the_index_there_is_no_finding(void **ignored)
{
    struct store_fixture f;
    struct varve_uuid id = test_uuid('a');
    uint64_t position;

    fixture_init(&f);
    f.options.indexes = VARVE_INDEX_ALL & ~(unsigned)VARVE_INDEX_ID;
    fixture_open(&f);
    assert_int_equal(varve_store_find(f.store, &id, 1, &position, &f.error), VARVE_INDEX_NOT_KEPT);
    assert_string_equal(f.error.field, "id");
    fixture_free(&f);
}

static void positions_lead_to_records(void **ignored)
{
    static const char *const streams[] = { "s", "s", "s", "u", "$$s" };

    for (int place = 0; place < 4; place++) {
        struct store_fixture f;
        uint8_t *record = NULL;
        uint32_t size = 0;
        setup(&f, place);
        for (uint64_t position = 1; position <= 5; position++) {
            struct varve_event event;
            assert_int_equal(varve_store_get(f.store, position, &record, &size, &f.error), VARVE_OK);
            assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
            assert_int_equal(event.position, position);
            assert_true(varve_view_equal(event.stream, varve_view_str(streams[position - 1])));
            free(record);
        }
        record = NULL;
        assert_int_equal(varve_store_get(f.store, 0, &record, &size, &f.error), VARVE_EVENT_NOT_FOUND);
        assert_int_equal(varve_store_get(f.store, 6, &record, &size, &f.error), VARVE_EVENT_NOT_FOUND);
        assert_int_equal(varve_store_get(f.store, UINT64_MAX, &record, &size, &f.error), VARVE_EVENT_NOT_FOUND);
        assert_null(record);
        fixture_free(&f);
    }
}

static void what_is_known_of_a_stream(void **ignored)
{
    for (int place = 0; place < 4; place++) {
        struct store_fixture f;
        struct varve_stream_info info;
        fixture_init(&f);
        fixture_open(&f);
        atomic_store(&f.now_us, 1000);
        assert_string_equal(fixture_append(&f, "s:none=ab"), "ok s@0-1/1-2");
        atomic_store(&f.now_us, 2000);
        assert_string_equal(fixture_append(&f, "s:1=c"), "ok s@2-2/3-3");
        if (place == 1)
            fixture_settle(&f);
        struct varve_stream_change retention = { .kind = VARVE_STREAM_RETENTION, .stream = varve_view_str("s"),
                                                 .expected = 2, .max_count = 2, .max_age_us = 77 };
        assert_string_equal(fixture_try_change(&f, &retention), "ok s@0-0/4-4");
        if (place >= 2)
            fixture_settle(&f);
        if (place == 3)
            fixture_reopen(&f);
        assert_int_equal(varve_stream_info(f.store, varve_view_str("s"), &info, &f.error), VARVE_OK);
        assert_int_equal(info.version, 2);
        assert_int_equal(info.first_version, 1);
        assert_int_equal(info.last_position, 3);
        assert_int_equal(info.created_at_us, 1000);
        assert_int_equal(info.updated_at_us, 2000);
        assert_int_equal(info.max_count, 2);
        assert_int_equal(info.max_age_us, 77);
        assert_false(info.deleted || info.tombstoned);
        fixture_change(&f, VARVE_STREAM_DELETE, "s", 0);
        assert_int_equal(varve_stream_info(f.store, varve_view_str("s"), &info, &f.error), VARVE_OK);
        assert_true(info.deleted && !info.tombstoned);
        assert_int_equal(info.first_version, 3);
        assert_int_equal(varve_stream_info(f.store, varve_view_str("$$s"), &info, &f.error), VARVE_OK);
        assert_int_equal(info.version, 1);
        assert_int_equal(varve_stream_info(f.store, varve_view_str("t"), &info, &f.error), VARVE_STREAM_NOT_FOUND);
        assert_int_equal(varve_stream_info(f.store, varve_view_str(""), &info, &f.error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(f.error.field, "stream");
        fixture_free(&f);
    }
}

static void what_was_known_of_a_stream_at_a_position(void **ignored)
{
    static const struct {
        uint64_t position;
        int64_t version; /* -1: not found */
        uint64_t last_position;
    } cases[] = { { 0, -1, 0 }, { 1, 0, 1 }, { 2, 1, 2 }, { 3, 2, 3 }, { 4, 2, 3 }, { 99, 2, 3 } };

    for (int place = 0; place < 4; place++) {
        struct store_fixture f;
        struct varve_stream_info info;

        setup(&f, place);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            enum varve_status status =
                varve_stream_info_at(f.store, varve_view_str("s"), cases[i].position, &info, &f.error);

            assert_int_equal(status, cases[i].version < 0 ? VARVE_STREAM_NOT_FOUND : VARVE_OK);
            if (status != VARVE_OK)
                continue;
            assert_int_equal(info.version, cases[i].version);
            assert_int_equal(info.last_position, cases[i].last_position);
            assert_int_equal(info.first_version, 2); /* of now */
        }
        assert_int_equal(varve_stream_info_at(f.store, varve_view_str("u"), 3, &info, &f.error),
                         VARVE_STREAM_NOT_FOUND);
        assert_int_equal(varve_stream_info_at(f.store, varve_view_str("t"), 9, &info, &f.error),
                         VARVE_STREAM_NOT_FOUND);
        assert_int_equal(varve_stream_info_at(f.store, varve_view_str(""), 9, &info, &f.error),
                         VARVE_INVALID_ARGUMENT);
        fixture_free(&f);
    }
}

static void lists_come_in_pages(void **ignored)
{
    struct store_fixture f;
    struct varve_stream_list list;
    char after[64] = "";
    unsigned seen = 0;

    fixture_init(&f);
    fixture_open(&f);
    for (unsigned i = 0; i < 50; i++) {
        char text[32];
        snprintf(text, sizeof(text), "s-%02u:none=.", i);
        assert_true(strncmp(fixture_append(&f, text), "ok", 2) == 0);
        if (i == 25)
            fixture_settle(&f);
    }
    for (bool end = false; !end; end = list.end) {
        assert_int_equal(varve_store_list_streams(f.store, varve_view_str("s-"), varve_view_str(after), 7, false, &list,
                                                  &f.error), VARVE_OK);
        assert_int_equal(list.count, seen < 49 ? 7 : 1);
        for (size_t i = 0; i < list.count; i++) {
            snprintf(after, sizeof(after), "s-%02u", seen++);
            assert_true(varve_view_equal(list.entries[i].name, varve_view_str(after)));
            assert_int_equal(list.entries[i].info.version, 0);
            assert_int_equal(list.entries[i].info.last_position, seen);
        }
        bool last = list.end;
        varve_stream_list_free(&list);
        assert_true(list.entries == NULL && list.count == 0);
        list.end = last;
    }
    assert_int_equal(seen, 50);
    assert_int_equal(varve_store_list_streams(f.store, varve_view_str("t"), varve_view_str(""), 7, false, &list,
                                              &f.error), VARVE_OK);
    assert_true(list.count == 0 && list.end);
    varve_stream_list_free(&list);
    fixture_free(&f);
}

static void lists_have_limits(void **ignored)
{
    struct store_fixture f;
    struct varve_stream_list list;
    static char name[VARVE_MAX_SYSTEM_STREAM_NAME + 2];
    struct varve_view empty = varve_view_str(""), longest = { name, VARVE_MAX_SYSTEM_STREAM_NAME },
                      too_long = { name, VARVE_MAX_SYSTEM_STREAM_NAME + 1 };
    const struct { const char *field; struct varve_view prefix, after; uint32_t limit; } cases[] = {
        { "limit", empty, empty, 0 },         { "limit", empty, empty, 10001 },
        { "prefix", too_long, empty, 1 },     { "after", empty, too_long, 1 },
        { NULL, longest, longest, 10000 },
    };

    memset(name, 'n', sizeof(name));
    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum varve_status status = varve_store_list_streams(f.store, cases[i].prefix, cases[i].after, cases[i].limit,
                                                            true, &list, &f.error);
        assert_int_equal(status, cases[i].field == NULL ? VARVE_OK : VARVE_INVALID_ARGUMENT);
        if (status == VARVE_OK)
            varve_stream_list_free(&list);
        else
            assert_string_equal(f.error.field, cases[i].field);
    }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_lead_to_positions),
        cmocka_unit_test(old_ids_are_found_too),
        cmocka_unit_test(ids_of_a_long_tail_are_found),
        cmocka_unit_test(without_the_index_there_is_no_finding),
        cmocka_unit_test(positions_lead_to_records),
        cmocka_unit_test(what_is_known_of_a_stream),
        cmocka_unit_test(what_was_known_of_a_stream_at_a_position),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(lists_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
