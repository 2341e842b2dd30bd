/* test_outbox_kafka_checkpoint.c - the newest note of each kind is found, wherever in the partition it lies. */
#include "kafka_fixture.h"

/* Notes without messages, one transaction for all. A position of 0 is a tombstone. */
struct written {
    enum outbox_note_kind kind;
    const char *name, *stream;
    uint64_t position;
};

static void write_notes(struct kafka_fixture *fixture, const struct written *written, size_t count)
{
    struct outbox_note notes[8];
    char keys[8][OUTBOX_MAX_NOTE_KEY];
    uint8_t values[8][OUTBOX_CHECKPOINT_BYTES];

    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++) {
        const struct outbox_progress progress = { .number = 3, .position = written[i].position };
        const struct outbox_checkpoint checkpoint = { .position = written[i].position, .generation = 1 };
        bool is_checkpoint = written[i].kind == OUTBOX_NOTE_CHECKPOINT;

        if (is_checkpoint)
            outbox_checkpoint_encode(&checkpoint, values[i]);
        else
            outbox_progress_encode(&progress, values[i]);
        notes[i].key = outbox_note_key(written[i].kind, written[i].name, varve_view_str(written[i].stream), keys[i]);
        notes[i].value = varve_view_of(written[i].position == 0 ? NULL : (const char *)values[i],
                                       is_checkpoint ? OUTBOX_CHECKPOINT_BYTES : OUTBOX_PROGRESS_BYTES);
    }
    assert_int_equal(outbox_kafka_send(fixture->kafka, NULL, 0, notes, count, &fixture->sent, &fixture->fault),
                     OUTBOX_DONE);
}

static void an_empty_topic_has_none(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    struct outbox_found found = fixture_found(fixture, true);
    assert_false(found.has_checkpoint);
    assert_false(found.has_replay);
    assert_int_equal(found.parked_count, 0);
    assert_int_equal(found.damage[0], 0);
    outbox_found_end(&found);
    fixture_end(fixture);
}

/* Only the last few records are read, as a rule; the newest of several is what counts. */
static void the_newest_checkpoint_is_found(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    for (uint64_t i = 1; i <= 300; i++)
        assert_int_equal(fixture_send_with_checkpoint(fixture, 0, i, 2), OUTBOX_DONE);
    struct outbox_found found = fixture_found(fixture, false);
    assert_int_equal(found.checkpoint.position, 300);
    outbox_found_end(&found);
    fixture_end(fixture);
}

/* Far behind other records, it is looked for further and further back. */
static void a_checkpoint_far_back_is_found(void **state)
{
    static const struct written other = { OUTBOX_NOTE_CHECKPOINT, "another", NULL, 1 };
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 41, 2), OUTBOX_DONE);
    for (int i = 0; i < 700; i++)
        write_notes(fixture, &other, 1);
    struct outbox_found found = fixture_found(fixture, false);
    assert_true(found.has_checkpoint);
    assert_int_equal(found.checkpoint.position, 41);
    outbox_found_end(&found);
    fixture_end(fixture);
}

static void streams_and_replays_under_way(void **state)
{
    static const struct written first[] = {
        { OUTBOX_NOTE_PARKED, "test", "a-1", 5 },
        { OUTBOX_NOTE_PARKED, "test", "a-2", 6 },
        { OUTBOX_NOTE_REPLAY, "test", NULL, 70 },
        { OUTBOX_NOTE_PARKED, "another", "a-1", 99 },
        { OUTBOX_NOTE_CHECKPOINT, "test", NULL, 10 },
    };
    static const struct written second[] = {
        { OUTBOX_NOTE_PARKED, "test", "a-2", 0 },
        { OUTBOX_NOTE_PARKED, "test", "a-1", 7 },
        { OUTBOX_NOTE_PARKED, "test", "a-3", 0 },
    };
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    write_notes(fixture, first, COUNT_OF(first));
    write_notes(fixture, second, COUNT_OF(second));
    struct outbox_found found = fixture_found(fixture, true);
    assert_int_equal(found.checkpoint.position, 10);
    assert_true(found.has_replay);
    assert_int_equal(found.replay.position, 70);
    assert_int_equal(found.replay.number, 3);
    assert_int_equal(found.parked_count, 1);
    assert_string_equal(found.parked[0].stream, "a-1");
    assert_int_equal(found.parked[0].position, 7);
    outbox_found_end(&found);
    fixture_end(fixture);
}

static void write_raw(struct kafka_fixture *fixture, struct varve_view value)
{
    char key[OUTBOX_MAX_NOTE_KEY];
    const struct outbox_note note = {
        .key = outbox_note_key(OUTBOX_NOTE_CHECKPOINT, "test", varve_view_of(NULL, 0), key), .value = value,
    };

    assert_int_equal(outbox_kafka_send(fixture->kafka, NULL, 0, &note, 1, &fixture->sent, &fixture->fault),
                     OUTBOX_DONE);
}

static void damage_is_told_until_a_sound_one_follows(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 5, 2), OUTBOX_DONE);
    write_raw(fixture, varve_view_str("no checkpoint at all"));
    struct outbox_found found = fixture_found(fixture, false);
    assert_non_null(strstr(found.damage, "offset"));
    assert_false(found.has_checkpoint); /* The older one is no place to go on from. */
    outbox_found_end(&found);

    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 6, 2), OUTBOX_DONE);
    found = fixture_found(fixture, false);
    assert_int_equal(found.damage[0], 0);
    assert_int_equal(found.checkpoint.position, 6);
    outbox_found_end(&found);

    write_raw(fixture, varve_view_of(NULL, 0)); /* taken back by hand */
    found = fixture_found(fixture, false);
    assert_false(found.has_checkpoint);
    outbox_found_end(&found);
    fixture_end(fixture);
}

/* No answer is no checkpoint "none". */
static void silence_is_an_error(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    struct outbox_found found = { 0 };

    kafka_fixture_open(fixture);
    rd_kafka_mock_broker_set_down(fixture->cluster, -1);
    fixture->interrupt_at = fixture->asked + 1;
    assert_int_equal(outbox_kafka_read_checkpoint(fixture->kafka, false, &found, &fixture->fault), OUTBOX_INTERRUPTED);
    assert_false(found.has_checkpoint);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_topic_has_none),
        cmocka_unit_test(the_newest_checkpoint_is_found),
        cmocka_unit_test(a_checkpoint_far_back_is_found),
        cmocka_unit_test(streams_and_replays_under_way),
        cmocka_unit_test(damage_is_told_until_a_sound_one_follows),
        cmocka_unit_test(silence_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
