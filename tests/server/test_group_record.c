/* test_group_record.c - the picture of a group comes back as it was; garbage does not. */
#include "support/check.h"
#include "support/random.h"

#include <stdlib.h>

#include "server/group_record.h"

static struct group_record sample(void)
{
    static const struct varve_view streams[] = { { "order-1", 7 }, { "order-\"2", 8 } };
    static const struct varve_view types[] = { { "paid", 4 } };
    static const struct varve_view prefixes[] = { { "order-", 6 } };
    static const struct varve_view categories[] = { { "order", 5 } };
    static const struct varve_filter filter = {
        .streams = streams, .stream_count = 2, .types = types, .type_count = 1, .prefixes = prefixes,
        .prefix_count = 1, .categories = categories, .category_count = 1, .correlation_id = { { 9 } }, .classes = 5,
        .include_system = true,
    };
    struct varve_group_settings settings;
    struct group_record record = { .checkpoint = 70, .epoch = 12, .created_epoch = 3, .reset_epoch = 4,
                                   .created_at_us = -5, .acked_through = 17 };

    varve_group_settings_init(&settings);
    settings.filter = &filter;
    settings.key = VARVE_GROUP_KEY_CORRELATION;
    settings.max_in_flight = 17;
    settings.backoff_count = 2;
    assert_true(group_record_set(&record, &settings));
    group_record_set_stopped(&record, varve_view_str("poison\n"));
    return record;
}

static void a_picture_comes_back(void **state)
{
    struct group_record record = sample(), back;
    struct varve_view data = group_record_encode(&record);

    assert_int_equal(group_record_decode(data, &back, NULL), VARVE_OK);
    assert_true(varve_filter_equal(record.filter, back.filter));
    assert_ptr_equal(back.filter, back.settings.filter);
    assert_int_equal(back.checkpoint, 70);
    assert_int_equal(back.epoch, 12);
    assert_int_equal(back.created_epoch, 3);
    assert_int_equal(back.reset_epoch, 4);
    assert_int_equal(back.created_at_us, -5);
    assert_int_equal(back.acked_through, 17);
    assert_true(back.stopped);
    assert_int_equal(back.stop_reason_size, 7);
    assert_memory_equal(back.stop_reason, "poison\n", 7);
    assert_int_equal(back.settings.key, VARVE_GROUP_KEY_CORRELATION);
    assert_int_equal(back.settings.max_in_flight, 17);
    assert_int_equal(back.settings.consumer_max_in_flight, record.settings.consumer_max_in_flight);
    assert_int_equal(back.settings.ack_timeout_ms, record.settings.ack_timeout_ms);
    assert_int_equal(back.settings.max_attempts, record.settings.max_attempts);
    assert_int_equal(back.settings.backoff_count, 2);
    assert_int_equal(back.settings.backoff_ms[1], record.settings.backoff_ms[1]);
    free((char *)data.data);
    group_record_end(&record);
    group_record_end(&back);
}

static void what_a_later_version_adds_is_skipped(void **state)
{
    static const char text[] =
        "{\"checkpoint\":1,\"epoch\":2,\"created_epoch\":1,\"reset_epoch\":1,\"created_at_us\":3,\"new\":[1],"
        "\"settings\":{\"filter\":{\"newer\":1},\"key\":\"stream\",\"max_in_flight\":1,\"consumer_max_in_flight\":1,"
        "\"ack_timeout_ms\":100,\"max_attempts\":1,\"newest\":{}}}";
    struct group_record record;

    assert_int_equal(group_record_decode(varve_view_str(text), &record, NULL), VARVE_OK);
    assert_false(record.stopped);
    assert_true(record.acked_through == UINT64_MAX); /* Nor does it say what it would have to. */
    assert_int_equal(record.settings.backoff_count, 0);
    group_record_end(&record);
}

static void garbage_is_refused_with_a_reason(void **state)
{
    static const struct { const char *from, *to; } cases[] = {
        { "\"checkpoint\":70", "\"checkpoint\":-1" },  { "\"epoch\":12", "\"epoch\":\"12\"" },
        { "\"created_at_us\":-5", "\"x\":1" },         { "\"stopped\":true", "\"stopped\":1" },
        { "\"key\":\"correlation\"", "\"key\":\"x\"" }, { "\"max_in_flight\":17", "\"max_in_flight\":0" },
        { "\"types\":[\"paid\"]", "\"types\":[7]" },   { "\"types\":[\"paid\"]", "\"types\":[\"\"]" },
        { "\"types\":[\"paid\"]", "\"types\":{}" },    { "\"classes\":[\"domain\"", "\"classes\":[\"x\"" },
        { "\"filter\":{", "\"filter\":7,\"f\":{" },    { "\"settings\":{", "\"settings\":[],\"s\":{" },
        { "\"backoff_ms\":[", "\"backoff_ms\":[-1," }, { "\"correlation_id\":\"", "\"correlation_id\":\"z" },
        { "\"include_system\":true", "\"include_system\":0" }, { "\"acked_through\":17", "\"acked_through\":-1" },
    };
    struct group_record record = sample(), back = { .epoch = 99 };
    struct varve_view data = group_record_encode(&record);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct varve_error error = { .status = VARVE_OK };
        const char *at = strstr(data.data, cases[i].from);
        char text[4096];

        if (at == NULL)
            fail_msg("%s is not in %s", cases[i].from, data.data);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - data.data), data.data, cases[i].to,
                 at + strlen(cases[i].from));
        if (group_record_decode(varve_view_str(text), &back, &error) != VARVE_CORRUPT)
            fail_msg("was taken: %s", text);
        assert_true(strlen(error.message) > 0);
        assert_int_equal(back.epoch, 99);
    }
    free((char *)data.data);
    group_record_end(&record);
}

static void damaged_pictures_never_do_harm(void **state)
{
    struct group_record record = sample();
    struct varve_view data = group_record_encode(&record);
    char *copy = malloc(data.size);
    uint64_t seed = 7;

    for (int round = 0; round < 20000; round++) {
        struct group_record back;

        memcpy(copy, data.data, data.size);
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            copy[(seed >> 33) % data.size] = "{}[]\",:0-a\xff\\"[(seed >> 20) % 12];
        }
        if (group_record_decode(varve_view_of(copy, data.size), &back, NULL) == VARVE_OK)
            group_record_end(&back);
    }
    free(copy);
    free((char *)data.data);
    group_record_end(&record);
}

static void names_of_streams_and_events(void **state)
{
    char name[GROUP_STREAM_NAME_BYTES];

    assert_string_equal(group_stream_name(PARKED_STREAM_PREFIX, varve_view_str("g"), name).data, "$parked-g");
    assert_string_equal(group_event_type(GROUP_CHECKPOINT), "$group.checkpoint");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_comes_back),
        cmocka_unit_test(what_a_later_version_adds_is_skipped),
        cmocka_unit_test(garbage_is_refused_with_a_reason),
        cmocka_unit_test(damaged_pictures_never_do_harm),
        cmocka_unit_test(names_of_streams_and_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
