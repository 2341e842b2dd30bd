/* test_parked_record.c - what is remembered about parked events comes back as it was; garbage does not. */
#include "support/check.h"

#include <stdlib.h>

#include "server/parked_record.h"

static struct parked_picture sample(void)
{
    return (struct parked_picture){
        .epoch = 5,
        .event = { .position = 41, .stream = varve_view_str("order-1"), .type = varve_view_str("paid"), .version = 3,
                   .id = { { 7 } }, .attempts = 5, .reason = varve_view_str("max_attempts"),
                   .last_error = varve_view_str("no such \"account\""), .first_attempt_us = 10, .parked_at_us = 20 },
    };
}

static void a_picture_comes_back(void **state)
{
    struct parked_picture picture = sample(), back;
    struct varve_view data = parked_picture_encode(&picture);

    assert_int_equal(parked_picture_decode(data, &back, NULL), VARVE_OK);
    assert_int_equal(back.epoch, 5);
    assert_int_equal(back.event.position, 41);
    assert_true(varve_view_equal(back.event.stream, picture.event.stream));
    assert_true(varve_view_equal(back.event.type, picture.event.type));
    assert_int_equal(back.event.version, 3);
    assert_int_equal(back.event.id.bytes[0], 7);
    assert_int_equal(back.event.attempts, 5);
    assert_true(varve_view_equal(back.event.reason, picture.event.reason));
    assert_true(varve_view_equal(back.event.last_error, picture.event.last_error));
    assert_int_equal(back.event.first_attempt_us, 10);
    assert_int_equal(back.event.parked_at_us, 20);
    parked_picture_end(&back);
    free((char *)data.data);

    picture.event.last_error = varve_view_of(NULL, 0);
    data = parked_picture_encode(&picture);
    assert_int_equal(parked_picture_decode(data, &back, NULL), VARVE_OK);
    assert_null(back.event.last_error.data);
    parked_picture_end(&back);
    free((char *)data.data);
}

static void a_note_comes_back(void **state)
{
    static struct parked_note note = { .count = PARKED_MAX_POSITIONS, .epoch = 9 }, back;

    for (size_t i = 0; i < note.count; i++)
        note.positions[i] = 1000 + i;
    struct varve_view data = parked_note_encode(&note, varve_view_str("because"));
    assert_int_equal(parked_note_decode(data, &back, NULL), VARVE_OK);
    assert_int_equal(back.count, note.count);
    assert_int_equal(back.epoch, 9);
    assert_memory_equal(back.positions, note.positions, sizeof(note.positions));
    free((char *)data.data);
}

static void garbage_is_refused(void **state)
{
    static const char *const pictures[] = {
        "", "{}", "[]", "{\"position\":0,\"stream\":\"a\",\"version\":0,\"type\":\"t\",\"reason\":\"r\",\"attempts\":1,"
        "\"first_attempt_us\":1,\"parked_at_us\":1,\"epoch\":1}",
        "{\"position\":1,\"version\":0,\"type\":\"t\",\"reason\":\"r\",\"attempts\":1,\"first_attempt_us\":1,"
        "\"parked_at_us\":1,\"epoch\":1}",
    };
    static const char *const notes[] = { "", "{}", "{\"epoch\":1,\"positions\":[]}", "{\"epoch\":1,\"positions\":[0]}",
                                         "{\"epoch\":1,\"positions\":[\"1\"]}", "{\"positions\":[1]}" };
    static struct parked_note note;
    struct parked_picture picture;
    struct varve_error error;

    for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
        assert_int_equal(parked_picture_decode(varve_view_str(pictures[i]), &picture, &error), VARVE_CORRUPT);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        assert_int_equal(parked_note_decode(varve_view_str(notes[i]), &note, &error), VARVE_CORRUPT);
}

static void kinds_are_known_by_their_types(void **state)
{
    enum parked_event_kind kind;

    for (int i = 0; i < PARKED_EVENT_KINDS; i++) {
        assert_true(parked_event_parse(varve_view_str(parked_event_type(i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(parked_event_parse(varve_view_str("$parked.other"), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_comes_back),
        cmocka_unit_test(a_note_comes_back),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(kinds_are_known_by_their_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
