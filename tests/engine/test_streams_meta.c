/* test_streams_meta.c - what a change of a stream is as an event, and what such events do to the stream's state. */
#include "engine/streams_meta.h"
#include "support/check.h"

static void the_target_is_behind_the_prefix(void **ignored)
{
    static const struct { const char *stream, *target; } cases[] = {
        { "order-1", NULL }, { "$order", NULL },        { "$", NULL },
        { "$$", NULL },      { "$$order-1", "order-1" }, { "$$$$x", "$$x" },
        { "x$$y", NULL },    { "$$ ", " " },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view target;
        bool is = streams_meta_target(varve_view_str(cases[i].stream), &target);
        CHECK_CASE(is == (cases[i].target != NULL), cases[i].stream);
        if (is)
            CHECK_CASE(varve_view_equal(target, varve_view_str(cases[i].target)), cases[i].stream);
    }
}

static struct stream_state ten_events(void)
{
    struct stream_state state;

    stream_state_init(&state);
    for (uint64_t i = 0; i < 10; i++)
        stream_state_add(&state, 100 + i, 1000);
    return state;
}

static void changes_survive_being_written(void **ignored)
{
    static const struct {
        const char *label;
        struct varve_stream_change change;
        struct stream_state after; /* its bounds and flags */
    } cases[] = {
        { "truncate", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 4 }, { .truncate_before = 4 } },
        { "truncate nothing", { .kind = VARVE_STREAM_TRUNCATE }, { .truncate_before = 0 } },
        { "truncate all", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 10 }, { .truncate_before = 10 } },
        { "truncate what is not yet", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = INT64_MAX },
          { .truncate_before = 10 } },
        { "by count", { .kind = VARVE_STREAM_RETENTION, .max_count = 3 }, { .max_count = 3 } },
        { "by age", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 7 }, { .max_age_us = 7 } },
        { "the longest", { .kind = VARVE_STREAM_RETENTION, .max_count = INT64_MAX, .max_age_us = INT64_MAX },
          { .max_count = INT64_MAX, .max_age_us = INT64_MAX } },
        { "no bounds", { .kind = VARVE_STREAM_RETENTION }, { .max_count = 0 } },
        { "delete", { .kind = VARVE_STREAM_DELETE }, { .truncate_before = 10, .flags = STREAM_DELETED } },
        { "tombstone", { .kind = VARVE_STREAM_TOMBSTONE }, { .truncate_before = 10, .flags = STREAM_TOMBSTONED } },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char data[STREAMS_META_MAX_DATA];
        struct stream_state state = ten_events();
        size_t size = streams_meta_encode(&cases[i].change, data);
        CHECK_CASE(size > 0 && size < sizeof(data), cases[i].label);
        CHECK_CASE(streams_meta_apply(varve_view_of(data, size), &state) == VARVE_OK, cases[i].label);
        CHECK_CASE(state.version == 9, cases[i].label);
        CHECK_CASE(state.truncate_before == cases[i].after.truncate_before, cases[i].label);
        CHECK_CASE(state.max_count == cases[i].after.max_count, cases[i].label);
        CHECK_CASE(state.max_age_us == cases[i].after.max_age_us, cases[i].label);
        CHECK_CASE(state.flags == cases[i].after.flags, cases[i].label);
    }
}

static void apply(struct stream_state *state, const char *data)
{
    assert_int_equal(streams_meta_apply(varve_view_str(data), state), VARVE_OK);
}

static void changes_add_up(void **ignored)
{
    struct stream_state state = ten_events();

    apply(&state, "{\"truncate_before\":6}");
    apply(&state, "{\"truncate_before\":3}"); /* What is hidden stays hidden. */
    assert_int_equal(state.truncate_before, 6);
    apply(&state, "{\"max_count\":2,\"max_age_us\":5}");
    apply(&state, "{\"max_count\":0,\"max_age_us\":0}"); /* Bounds can be lifted. */
    assert_int_equal(state.max_count, 0);
    assert_int_equal(state.max_age_us, 0);
    apply(&state, "{\"deleted\":true}");
    stream_state_add(&state, 200, 2000);
    apply(&state, "{}");
    assert_int_equal(state.truncate_before, 10);
    assert_int_equal(state.flags, 0);
    apply(&state, " {\"something_of_a_later_version\": [1, {\"deleted\": true}]}\n");
    assert_int_equal(state.truncate_before, 10);
}

static void damage_changes_nothing(void **ignored)
{
    static const char *const cases[] = {
        "", "{", "[]", "null", "5", "{\"deleted\":false}", "{\"deleted\":1.5}", "{\"tombstoned\":null}",
        "{\"truncate_before\":-1}", "{\"truncate_before\":\"4\"}", "{\"max_count\":1.5}", "{\"max_age_us\":-5}",
        "{\"truncate_before\":9223372036854775808}", "{\"max_count\":99999999999999999999}", "{\"max_age_us\":1e3}",
        "{\"truncate_before\":4,\"max_count\":-1}", "{\"truncate_before\":4}x", "\x81\xa1x",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_state state = ten_events(), before = state;
        CHECK_CASE(streams_meta_apply(varve_view_str(cases[i]), &state) == VARVE_CORRUPT, cases[i]);
        CHECK_CASE(memcmp(&state, &before, sizeof(state)) == 0, cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_behind_the_prefix),
        cmocka_unit_test(changes_survive_being_written),
        cmocka_unit_test(changes_add_up),
        cmocka_unit_test(damage_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
