/* test_view.c - one look at store and tail: where they meet nothing is missing and nothing comes twice, also when
 * events are settled in the middle of a look. */
#include "engine/view.h"
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"
#include "varve/record.h"

#include <stdlib.h>

enum { EVENTS = 30 };

/* Thirty events, turn by turn of "s-0", "s-1", "s-2", recorded at 100 * position, the first `settled` in the store. */
static void setup(struct store_fixture *f, unsigned settled)
{
    fixture_init(f);
    fixture_open(f);
    for (unsigned i = 0; i < EVENTS; i++) {
        char text[32];
        if (i == settled && i > 0)
            fixture_settle(f);
        atomic_store(&f->now_us, 100 * (int64_t)(i + 1));
        snprintf(text, sizeof(text), "s-%u:any=.", i % 3);
        assert_true(strncmp(fixture_append(f, text), "ok", 2) == 0);
    }
    if (settled == EVENTS)
        fixture_settle(f);
}

static struct view_query query_of(enum varve_read_kind kind, const char *name, bool backwards)
{
    return (struct view_query){ .kind = kind, .name = varve_view_str(name), .backwards = backwards };
}

/* All positions of a query from `from` on, `room` at a time; between two of these the store may be settled. */
static size_t walk(struct store_fixture *f, const struct view_query *query, uint64_t from, size_t room, bool settle,
                   uint64_t *ret_positions)
{
    struct view view;
    size_t count = 0;

    assert_int_equal(view_begin(&view, f->store, false, &f->error), VARVE_OK);
    for (;;) {
        struct view_positions found;
        assert_int_equal(view_positions(&view, query, from, room, &found, &f->error), VARVE_OK);
        assert_true(found.count <= room);
        if (found.count == 0)
            break;
        for (size_t i = 0; i < found.count; i++)
            ret_positions[count++] = found.positions[i];
        uint64_t last = found.ordinals[found.count - 1];
        if (query->backwards && last == 0)
            break;
        from = query->backwards ? last - 1 : last + 1;
        if (settle)
            fixture_settle(f);
    }
    view_end(&view);
    return count;
}

static void positions_are_complete(void **ignored)
{
    static const unsigned settled[] = { 0, 1, 14, 29, 30 };
    static const struct {
        const char *label;
        enum varve_read_kind kind;
        const char *name;
        unsigned step, first;
    } cases[] = {
        { "a stream", VARVE_READ_STREAM, "s-1", 3, 2 },
        { "a category", VARVE_READ_CATEGORY, "s", 1, 1 },
        { "a type", VARVE_READ_TYPE, "tested", 1, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(settled); i++)
        for (size_t c = 0; c < COUNT_OF(cases); c++)
            for (int bits = 0; bits < 4; bits++)
                for (size_t room = 1; room <= 64; room += 9) {
                    bool backwards = bits & 1, settle = bits & 2;
                    struct view_query query = query_of(cases[c].kind, cases[c].name, backwards);
                    uint64_t positions[EVENTS + 1], count = EVENTS / cases[c].step;
                    struct store_fixture f;
                    if (settle && room > 20)
                        continue;
                    setup(&f, settled[i]);
                    uint64_t from = !backwards                      ? 0
                                    : cases[c].kind == VARVE_READ_STREAM ? count - 1
                                                                         : EVENTS;
                    CHECK_CASE(walk(&f, &query, from, room, settle, positions) == count, cases[c].label);
                    for (uint64_t k = 0; k < count; k++)
                        CHECK_CASE(positions[backwards ? count - 1 - k : k] == cases[c].first + k * cases[c].step,
                                   cases[c].label);
                    fixture_free(&f);
                }
}

static bool take_position(void *user, const uint8_t *record, uint32_t size)
{
    *(uint64_t *)user = varve_record_position(record);
    return true;
}

static bool refuse_it(void *user, const uint8_t *record, uint32_t size)
{
    return false;
}

static void records_states_and_versions(void **ignored)
{
    for (unsigned settled = 0; settled <= EVENTS; settled += 10) {
        struct store_fixture f;
        struct stream_state state;
        struct view view;
        setup(&f, settled);
        assert_int_equal(view_begin(&view, f.store, settled == 10, &f.error), VARVE_OK);
        assert_int_equal(view.visible, EVENTS);
        assert_int_equal(view.settled, settled);
        for (uint64_t position = 1; position <= EVENTS; position++) {
            uint64_t found = 0;
            bool taken = false;
            assert_int_equal(view_record(&view, position, take_position, &found, &taken, &f.error), VARVE_OK);
            assert_true(taken && found == position);
            assert_int_equal(view_record(&view, position, refuse_it, NULL, &taken, &f.error), VARVE_OK);
            assert_false(taken);
            char name[16];
            snprintf(name, sizeof(name), "s-%u", (unsigned)(position - 1) % 3);
            assert_int_equal(view_version_position(&view, varve_view_str(name), (position - 1) / 3, &found, &f.error),
                             VARVE_OK);
            assert_int_equal(found, position);
        }
        assert_int_equal(view_state(&view, varve_view_str("s-2"), &state, &f.error), VARVE_OK);
        assert_int_equal(state.version, 9);
        assert_int_equal(state.last_position, 30);
        assert_int_equal(view_state(&view, varve_view_str("s-3"), &state, &f.error), VARVE_STREAM_NOT_FOUND);
        view_end(&view);
        fixture_free(&f);
    }
}

static void positions_by_time(void **ignored)
{
    static const struct { int64_t time_us; uint64_t position; } cases[] = {
        { INT64_MIN, 1 }, { 0, 1 }, { 100, 1 }, { 101, 2 }, { 1000, 10 }, { 1500, 15 }, { 3000, 30 }, { 3001, 31 },
        { INT64_MAX, 31 },
    };

    for (unsigned settled = 0; settled <= EVENTS; settled += 15) {
        struct store_fixture f;
        struct view view;
        setup(&f, settled);
        assert_int_equal(view_begin(&view, f.store, false, &f.error), VARVE_OK);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            uint64_t position = 0;
            assert_int_equal(view_position_at_time(&view, cases[i].time_us, &position, &f.error), VARVE_OK);
            assert_int_equal(position, cases[i].position);
        }
        view_end(&view);
        fixture_free(&f);
    }
}

/* A view that was begun before a settle goes on without a gap, and never shows what came after its beginning. */
static void a_view_outlives_settles(void **ignored)
{
    struct store_fixture f;
    struct view view;
    uint64_t found = 0;
    bool taken;

    setup(&f, 10);
    assert_int_equal(view_begin(&view, f.store, false, &f.error), VARVE_OK);
    assert_int_equal(view_record(&view, 3, take_position, &found, &taken, &f.error), VARVE_OK);
    assert_string_equal(fixture_append(&f, "s-0:any=. u:none=."), "ok s-0@10-10/31-31 u@0-0/32-32");
    fixture_settle(&f);
    assert_string_equal(fixture_append(&f, "s-0:any=."), "ok s-0@11-11/33-33");
    assert_int_equal(view.settled, 10);
    assert_int_equal(view.visible, EVENTS);
    for (uint64_t position = 1; position <= EVENTS; position++) {
        assert_int_equal(view_record(&view, position, take_position, &found, &taken, &f.error), VARVE_OK);
        assert_int_equal(found, position);
    }
    assert_int_equal(view.settled, 32); /* It had to look again, */
    assert_int_equal(view.visible, EVENTS); /* but what may be shown stays. */
    view_end(&view);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_complete),
        cmocka_unit_test(records_states_and_versions),
        cmocka_unit_test(positions_by_time),
        cmocka_unit_test(a_view_outlives_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
