/* test_outbox_memory.c - each thing that an outbox remembers, and that it is the same after the next start. */
#include "memory_fixture.h"

#include "support/check.h"
#include "support/fail_alloc.h"

#include <errno.h>
#include <stdlib.h>

static const struct varve_view because = { "because", 7 }, absent = { NULL, 0 };

static void an_outbox_that_never_ran_remembers_nothing(void **state)
{
    struct memory_fixture *f = *state;
    char *picture = memory_picture(&f->memory);

    assert_string_equal(picture, "position 0 generation 0 next version 0\nreplays 0\ntopics at -1:\n"
                                 "dead 0 positions 0 first 0 fold from -1\n");
    free(picture);
    assert_int_equal(f->memory.events_read, 0);
    memory_check_reopened(f);
}

static void the_newest_hint_counts(void **state)
{
    struct memory_fixture *f = *state;

    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(outbox_memory_publish(&f->memory, i * 100, i, &f->error), VARVE_OK);
    assert_true(f->memory.position == 500 && f->memory.generation == 5);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 1);
    assert_string_equal(fixture_read_stream(&f->store, MEMORY_STREAM), "STREAM_NOT_FOUND");
}

static void a_pause_outlives_a_start(void **state)
{
    struct memory_fixture *f = *state;

    assert_int_equal(outbox_memory_publish(&f->memory, 10, 1, &f->error), VARVE_OK);
    assert_int_equal(outbox_memory_pause(&f->memory, true, because, &f->error), VARVE_OK);
    assert_true(f->memory.paused);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_publish(&f->memory, 10, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 1);
    assert_int_equal(outbox_memory_pause(&f->memory, false, absent, &f->error), VARVE_OK);
    assert_false(f->memory.paused);
    memory_check_reopened(f);
}

/* What is folded for another reason is not newer than the hint for that. */
static void an_old_order_does_not_undo_a_newer_hint(void **state)
{
    struct memory_fixture *f = *state;

    memory_park(f, "a", 100, UINT64_C(0));
    assert_int_equal(outbox_memory_reset(&f->memory, 50, 2, because, &f->error), VARVE_OK);
    assert_true(f->memory.position == 50 && f->memory.generation == 2);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_publish(&f->memory, 400, 3, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_true(f->memory.position == 400 && f->memory.generation == 3);
    assert_int_equal(outbox_memory_reset(&f->memory, 20, 4, absent, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_true(f->memory.position == 20 && f->memory.generation == 4);
}

static void a_number_beyond_what_json_can_say_is_refused(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_replay replay = { .number = 1, .from = 1, .until = UINT64_MAX };

    assert_int_equal(outbox_memory_reset(&f->memory, UINT64_MAX, 1, absent, &f->error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(outbox_memory_replay(&f->memory, &replay, absent, &f->error), VARVE_INVALID_ARGUMENT);
    replay.until = 5;
    replay.from = (uint64_t)INT64_MAX + 1;
    assert_int_equal(outbox_memory_replay(&f->memory, &replay, absent, &f->error), VARVE_INVALID_ARGUMENT);
    replay.from = 1;
    strcpy(replay.stream, "a\xff");
    assert_int_equal(outbox_memory_replay(&f->memory, &replay, absent, &f->error), VARVE_INVALID_ARGUMENT);
    strcpy(replay.stream, "a");
    strcpy(replay.type, "\n");
    assert_int_equal(outbox_memory_replay(&f->memory, &replay, absent, &f->error), VARVE_INVALID_ARGUMENT);
    memory_check_reopened(f);
    assert_int_equal(f->memory.next_version, 0);
}

static void a_replay_goes_on_after_a_start(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_replay replay = { .number = 1, .from = 10, .until = 90 };

    strcpy(replay.stream, "order-1");
    assert_int_equal(outbox_memory_replay(&f->memory, &replay, because, &f->error), VARVE_OK);
    assert_int_equal(outbox_memory_publish(&f->memory, 100, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_true(f->memory.replay.number == 1 && f->memory.replays == 1);
    assert_int_equal(outbox_memory_replayed(&f->memory, 77, &f->error), VARVE_OK);
    assert_int_equal(f->memory.replay.number, 0);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_publish(&f->memory, 101, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 1); /* The number of the last one stands in the hint. */
    assert_int_equal(f->memory.replays, 1);
}

static void a_dead_letter_lives_until_it_is_settled(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter again = memory_letter("a", 100);

    memory_park(f, "a", 100, UINT64_C(110), UINT64_C(120), UINT64_C(0));
    memory_check_reopened(f);
    again.retry_count = 4;
    again.last_attempt_us = 999999;
    again.last_error = varve_view_str("again");
    assert_int_equal(outbox_memory_attempted(&f->memory, &again, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_retried(&f->memory, again.stream, 110, &f->error), VARVE_OK);
    assert_string_equal(memory_waiting(&f->memory, "a"), "120");
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_discard(&f->memory, again.stream, 120, because, &f->error), VARVE_OK);
    assert_string_equal(memory_waiting(&f->memory, "a"), "");
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_discard(&f->memory, again.stream, 120, because, &f->error),
                     VARVE_DEAD_LETTER_NOT_FOUND);
    assert_int_equal(outbox_memory_publish(&f->memory, 200, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 1);
}

/* What has become the first only now says which event of its stream it is, in memory and after a start. */
static void the_next_letter_has_its_version(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter *letter;

    fixture_fill(&f->store, "a", 10, 10, 5); /* Positions 1 to 10 are versions 0 to 9. */
    memory_park(f, "a", 4, UINT64_C(6), UINT64_C(9), UINT64_C(0));
    assert_int_equal(outbox_memory_discard(&f->memory, varve_view_str("a"), 4, absent, &f->error), VARVE_OK);
    assert_true(outbox_dead_find(f->memory.dead, varve_view_str("a"), &letter));
    assert_true(letter->position == 6 && letter->version == 5);
    free(letter);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_retried(&f->memory, varve_view_str("a"), 6, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_true(outbox_dead_find(f->memory.dead, varve_view_str("a"), &letter));
    assert_true(letter->position == 9 && letter->version == 8);
    free(letter);
}

static void texts_of_others_cannot_spoil_the_log(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter letter = memory_letter("a", 100), *found;
    char text[3000];

    memset(text, 'x', sizeof(text));
    memcpy(text + VARVE_MAX_OUTBOX_REASON - 1, "\xc3\xa4", 2); /* Cut in the middle of a character. */
    letter.error_code = varve_view_of("\xff\x01 {\"", 5);
    letter.last_error = varve_view_of(text, sizeof(text));
    assert_int_equal(outbox_memory_park(&f->memory, &letter, 1, NULL, 0, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_true(outbox_dead_find(f->memory.dead, letter.stream, &found));
    assert_true(varve_view_equal(found->error_code, varve_view_str("?? {\"")));
    assert_int_equal(found->last_error.size, VARVE_MAX_OUTBOX_REASON - 1);
    free(found);
    assert_int_equal(outbox_memory_pause(&f->memory, true, varve_view_of("\xfe", 1), &f->error), VARVE_OK);
    assert_int_equal(outbox_memory_attempted(&f->memory, &letter, &f->error), VARVE_OK);
    memory_check_reopened(f);
}

static void a_full_disk_changes_nothing(void **state)
{
    const struct outbox_topic_count topic = { "t", 3 };
    struct memory_fixture *f = *state;
    struct outbox_replay replay = { .number = 1, .from = 1, .until = 2 };
    struct varve_dead_letter letter = memory_letter("a", 100);

    memory_park(f, "a", 100, UINT64_C(110), UINT64_C(0));
    char *before = memory_picture(&f->memory);
    atomic_store(&f->store.fault.free_bytes, 1000);
    for (int round = 0; f->error.status != VARVE_DISK_FULL; round++) {
        fixture_append(&f->store, "x:any=."); /* Free space is looked at now and then. */
        outbox_memory_publish(&f->memory, 0, 0, &f->error);
        assert_in_range(round, 0, 100000);
    }
    struct outbox_memory *memory = &f->memory;
    assert_int_equal(outbox_memory_publish(memory, 7, 7, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_park(memory, &letter, 1, NULL, 0, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_attempted(memory, &letter, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_retried(memory, letter.stream, 100, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_discard(memory, letter.stream, 100, absent, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_pause(memory, true, absent, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_reset(memory, 5, 9, absent, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_replay(memory, &replay, absent, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_set_partitions(memory, &topic, 1, &f->error), VARVE_DISK_FULL);
    assert_int_equal(outbox_memory_partitions(memory, "t"), 0);
    char *after = memory_picture(memory);
    assert_string_equal(before, after);
    free(after);
    free(before);
    memory_check_reopened(f);
}

/* Each allocation fails once, in each of the things that are remembered. */
static enum varve_status do_one(struct memory_fixture *f, int which)
{
    struct outbox_replay replay = { .number = f->memory.replays + 1, .from = 1, .until = 2 };
    struct varve_dead_letter letter = memory_letter("a", 100);
    char topic[16];

    switch (which) {
    case 0: return outbox_memory_publish(&f->memory, 700, 7, &f->error);
    case 1: return outbox_memory_attempted(&f->memory, &letter, &f->error);
    case 2: return outbox_memory_retried(&f->memory, letter.stream, 100, &f->error);
    case 3: return outbox_memory_pause(&f->memory, !f->memory.paused, because, &f->error);
    case 4: return outbox_memory_replay(&f->memory, &replay, because, &f->error);
    case 5: return outbox_memory_replayed(&f->memory, 5, &f->error);
    case 6: return outbox_memory_reset(&f->memory, 600, 8, because, &f->error);
    case 7: return outbox_memory_discard(&f->memory, letter.stream, 120, because, &f->error);
    default:
        snprintf(topic, sizeof(topic), "topic-%d", which % 100);
        return outbox_memory_set_partitions(&f->memory, &(struct outbox_topic_count){ topic, 3 }, 1, &f->error);
    }
}

static void without_memory_nothing_changes_or_all(void **state)
{
    struct memory_fixture *f = *state;

    if (!FAIL_ALLOC_WORKS)
        skip();
    memory_park(f, "a", 100, UINT64_C(110), UINT64_C(120), UINT64_C(0));
    for (int which = 0; which < 40; which++) {
        enum varve_status status = VARVE_NO_MEMORY;

        for (unsigned nth = 1; status != VARVE_OK; nth++) {
            char *before = memory_picture(&f->memory), *after;

            fail_alloc_arm(nth);
            status = do_one(f, which);
            bool fired = fail_alloc_disarm();
            /* Without memory jansson leaves out a part of the text; the store refuses that. */
            if (status != VARVE_OK && (!fired || (status != VARVE_NO_MEMORY && status != VARVE_INVALID_ARGUMENT)))
                fail_msg("%d, allocation %u: %s", which, nth, f->error.message);
            after = memory_picture(&f->memory);
            assert_true(status == VARVE_OK || strcmp(before, after) == 0);
            free(before);
            free(after);
        }
        if (which == 1) /* The texts of an attempt may have found no memory; they are the log's again now. */
            memory_reopen(f);
        memory_check_reopened(f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_outbox_that_never_ran_remembers_nothing),
        TEST(the_newest_hint_counts),
        TEST(a_pause_outlives_a_start),
        TEST(an_old_order_does_not_undo_a_newer_hint),
        TEST(a_number_beyond_what_json_can_say_is_refused),
        TEST(a_replay_goes_on_after_a_start),
        TEST(a_dead_letter_lives_until_it_is_settled),
        TEST(the_next_letter_has_its_version),
        TEST(texts_of_others_cannot_spoil_the_log),
        TEST(a_full_disk_changes_nothing),
        TEST(without_memory_nothing_changes_or_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
