/* test_outbox_checkpoint.c - records of the checkpoint topic, their keys, and every row of the judgement. */
#include "support/check.h"
#include "support/random.h"

#include <stdlib.h>
#include <xxhash.h>

#include "server/outbox/outbox_checkpoint.h"

static struct outbox_checkpoint sample(void)
{
    struct outbox_checkpoint checkpoint = { .position = 4711, .position_sum = UINT64_C(0xfedcba9876543210),
                                            .generation = 12, .written_at_us = 1763748684000001 };

    memset(checkpoint.database_id.bytes, 0xa1, 16);
    memset(checkpoint.owner.bytes, 0xb2, 16);
    return checkpoint;
}

static struct varve_view bytes_of(const uint8_t *bytes, size_t size)
{
    return varve_view_of((const char *)bytes, size);
}

/* ---- records ---- */

static void a_checkpoint_comes_back_as_it_went(void **state)
{
    uint64_t seed = 7;

    for (int i = 0; i < 1000; i++) {
        struct outbox_checkpoint in = sample(), out;
        uint8_t record[OUTBOX_CHECKPOINT_BYTES];

        in.position = i == 0 ? UINT64_MAX : random_next(&seed);
        in.position_sum = random_next(&seed);
        in.generation = i == 1 ? 0 : random_next(&seed);
        in.written_at_us = (int64_t)random_next(&seed);
        outbox_checkpoint_encode(&in, record);
        memset(&out, 0xff, sizeof(out));
        assert_int_equal(outbox_checkpoint_decode(bytes_of(record, sizeof(record)), &out, NULL), VARVE_OK);
        assert_memory_equal(&in, &out, sizeof(in));
    }
}

/* What is in Kafka must be readable by later versions: these bytes never change. */
static void the_bytes_of_a_checkpoint_are_what_they_were(void **state)
{
    static const uint8_t begin[] = { 'V', 'K', 'C', 'K', 0, 0, 0, 1, 0xa1 };
    static const uint8_t position[] = { 0, 0, 0, 0, 0, 0, 0x12, 0x67, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
                                        0xb2 };
    static const uint8_t zeros[16] = { 0 };
    struct outbox_checkpoint checkpoint = sample();
    uint8_t record[OUTBOX_CHECKPOINT_BYTES];

    outbox_checkpoint_encode(&checkpoint, record);
    assert_memory_equal(record, begin, sizeof(begin));
    assert_memory_equal(record + 24, position, sizeof(position));
    assert_int_equal(record[63], 12);
    assert_memory_equal(record + 72, zeros, sizeof(zeros));
}

static void every_bit_that_flips_is_seen(void **state)
{
    struct outbox_checkpoint checkpoint = sample();
    struct outbox_progress progress = { .number = 3, .position = 99 };
    uint8_t record[OUTBOX_CHECKPOINT_BYTES], note[OUTBOX_PROGRESS_BYTES];

    outbox_checkpoint_encode(&checkpoint, record);
    for (size_t bit = 0; bit < sizeof(record) * 8; bit++) {
        struct outbox_checkpoint out;
        struct varve_error error = { .message = "" };

        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(outbox_checkpoint_decode(bytes_of(record, sizeof(record)), &out, &error), VARVE_CORRUPT);
        assert_true(error.message[0] != '\0');
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    outbox_progress_encode(&progress, note);
    for (size_t bit = 0; bit < sizeof(note) * 8; bit++) {
        struct outbox_progress out;

        note[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(outbox_progress_decode(bytes_of(note, sizeof(note)), &out, NULL), VARVE_CORRUPT);
        note[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_record_of_another_size_is_refused(void **state)
{
    struct outbox_checkpoint checkpoint = sample(), out;
    struct outbox_progress progress;
    uint8_t record[OUTBOX_CHECKPOINT_BYTES + 8] = { 0 };

    outbox_checkpoint_encode(&checkpoint, record);
    for (size_t size = 0; size < sizeof(record); size++) {
        uint8_t *exact = malloc(size == 0 ? 1 : size); /* So that a sanitizer sees a step beyond. */

        assert_non_null(exact);
        memcpy(exact, record, size);
        assert_int_equal(outbox_checkpoint_decode(bytes_of(exact, size), &out, NULL),
                         size == OUTBOX_CHECKPOINT_BYTES ? VARVE_OK : VARVE_CORRUPT);
        assert_int_equal(outbox_progress_decode(bytes_of(exact, size), &progress, NULL), VARVE_CORRUPT);
        free(exact);
    }
    assert_int_equal(outbox_checkpoint_decode((struct varve_view){ NULL, 0 }, &out, NULL), VARVE_CORRUPT);
}

static void reseal(uint8_t *record, size_t size)
{
    uint64_t sum = __builtin_bswap64(XXH3_64bits(record, size - 8));

    memcpy(record + size - 8, &sum, sizeof(sum));
}

static void a_later_format_is_called_so_whatever_its_size(void **state)
{
    struct outbox_checkpoint checkpoint = sample(), out;
    uint8_t record[OUTBOX_CHECKPOINT_BYTES + 24] = { 0 };
    struct varve_error error;

    outbox_checkpoint_encode(&checkpoint, record);
    record[7] = 2;
    for (size_t size = 16; size <= sizeof(record); size++) {
        reseal(record, size);
        assert_int_equal(outbox_checkpoint_decode(bytes_of(record, size), &out, &error), VARVE_NEWER_FORMAT);
        assert_non_null(strstr(error.message, "format 2"));
    }
    record[7] = 0;
    reseal(record, OUTBOX_CHECKPOINT_BYTES);
    assert_int_equal(outbox_checkpoint_decode(bytes_of(record, OUTBOX_CHECKPOINT_BYTES), &out, &error), VARVE_CORRUPT);
    record[7] = 1;
    reseal(record, sizeof(record)); /* Sound, but of a size that our format does not have. */
    assert_int_equal(outbox_checkpoint_decode(bytes_of(record, sizeof(record)), &out, &error), VARVE_CORRUPT);
}

static void progress_comes_back_as_it_went(void **state)
{
    static const struct outbox_progress cases[] = { { 0, 0 }, { 1, 2 }, { UINT64_MAX, UINT64_MAX }, { 0, 4711 } };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t note[OUTBOX_PROGRESS_BYTES];
        struct outbox_progress out;

        outbox_progress_encode(&cases[i], note);
        assert_int_equal(outbox_progress_decode(bytes_of(note, sizeof(note)), &out, NULL), VARVE_OK);
        assert_memory_equal(&cases[i], &out, sizeof(out));
    }
}

/* ---- keys ---- */

static void keys_come_back_as_they_went(void **state)
{
    static const struct {
        const char *name, *stream, *key;
        enum outbox_note_kind kind;
    } cases[] = {
        { "kafka", "", "ck/kafka", OUTBOX_NOTE_CHECKPOINT },
        { "kafka", "", "rp/kafka", OUTBOX_NOTE_REPLAY },
        { "kafka", "order-1", "pk/kafka/order-1", OUTBOX_NOTE_PARKED },
        { "a", "x/y/", "pk/a/x/y/", OUTBOX_NOTE_PARKED },
        { "a", "/", "pk/a//", OUTBOX_NOTE_PARKED },
        { "a.b-c_D", "\xc3\xa4", "pk/a.b-c_D/\xc3\xa4", OUTBOX_NOTE_PARKED },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char room[OUTBOX_MAX_NOTE_KEY];
        struct varve_view stream, expected = varve_view_str(cases[i].key);
        struct varve_view key = outbox_note_key(cases[i].kind, cases[i].name, varve_view_str(cases[i].stream), room);

        CHECK_CASE(varve_view_equal(key, expected), cases[i].key);
        CHECK_CASE(outbox_note_parse(key, cases[i].name, &stream) == cases[i].kind, cases[i].key);
        CHECK_CASE(stream.size == strlen(cases[i].stream) && memcmp(stream.data == NULL ? "" : stream.data,
                                                                   cases[i].stream, stream.size) == 0, cases[i].key);
    }
}

static void the_longest_key_fits(void **state)
{
    char name[VARVE_MAX_OUTBOX_NAME + 1], stream[VARVE_MAX_SYSTEM_STREAM_NAME + 1], room[OUTBOX_MAX_NOTE_KEY];
    char longer[OUTBOX_MAX_NOTE_KEY + 2];
    struct varve_view found;

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    memset(stream, 's', sizeof(stream));
    struct varve_view key = outbox_note_key(OUTBOX_NOTE_PARKED, name, varve_view_of(stream, sizeof(stream) - 1), room);
    assert_int_equal(key.size, OUTBOX_MAX_NOTE_KEY);
    assert_int_equal(outbox_note_parse(key, name, &found), OUTBOX_NOTE_PARKED);
    assert_int_equal(found.size, VARVE_MAX_SYSTEM_STREAM_NAME);

    memcpy(longer, key.data, key.size);
    longer[key.size] = 's'; /* No stream has such a name. */
    assert_int_equal(outbox_note_parse(varve_view_of(longer, key.size + 1), name, &found), OUTBOX_NOTE_OTHER);
}

static void what_is_no_key_of_ours_is_other(void **state)
{
    static const char *const others[] = {
        "", "c", "ck", "ck/", "ck/a", "ck/kafk", "ck/kafka2", "ck/kafka/", "xx/kafka", "CK/kafka", "rp/kafka/x",
        "pk/kafka", "pk/kafka/", "pk/kafka2/order-1", "pk/kafk/order-1", "pkxkafka/order-1", "kafka", "/ck/kafka",
    };

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct varve_view stream = varve_view_str("left");

        CHECK_CASE(outbox_note_parse(varve_view_str(others[i]), "kafka", &stream) == OUTBOX_NOTE_OTHER, others[i]);
        CHECK_CASE(stream.data == NULL, others[i]);
    }
}

/* ---- judgement ---- */

enum { OURS = 0xa1, NONE = -1 };

static const struct {
    const char *label;
    int64_t found;      /* position; NONE: there is no checkpoint */
    uint8_t id;
    uint64_t sum, head, hint, start_from;
    bool is_mock;
    enum varve_outbox_halt halt;
    uint64_t position;
} rows[] = {
    { "first start, from the beginning", NONE, OURS, 5, 100, 0, 1, false, VARVE_HALT_NONE, 0 },
    { "first start, 0 is the beginning, too", NONE, OURS, 5, 100, 0, 0, false, VARVE_HALT_NONE, 0 },
    { "first start, from a position", NONE, OURS, 5, 100, 0, 41, false, VARVE_HALT_NONE, 40 },
    { "first start, from the end", NONE, OURS, 5, 100, 0, UINT64_MAX, false, VARVE_HALT_NONE, 100 },
    { "first start, from beyond the end", NONE, OURS, 5, 100, 0, 5000, false, VARVE_HALT_NONE, 100 },
    { "first start, the log is empty", NONE, OURS, 0, 0, 0, 1, false, VARVE_HALT_NONE, 0 },
    { "missing", NONE, OURS, 5, 100, 60, 1, false, VARVE_HALT_CHECKPOINT_MISSING, 0 },
    { "missing, start_from does not help", NONE, OURS, 5, 100, 1, UINT64_MAX, false, VARVE_HALT_CHECKPOINT_MISSING, 0 },
    { "missing in a mock", NONE, OURS, 5, 100, 60, 1, true, VARVE_HALT_NONE, 60 },
    { "first start with a mock", NONE, OURS, 5, 100, 0, 41, true, VARVE_HALT_NONE, 40 },
    { "found", 70, OURS, 5, 100, 60, 1, false, VARVE_HALT_NONE, 70 },
    { "found, the log remembers none", 70, OURS, 5, 100, 0, 1, false, VARVE_HALT_NONE, 70 },
    { "found, start_from is of the past", 70, OURS, 5, 100, 0, UINT64_MAX, false, VARVE_HALT_NONE, 70 },
    { "found at the hint", 60, OURS, 5, 100, 60, 1, false, VARVE_HALT_NONE, 60 },
    { "found at the head", 100, OURS, 5, 100, 60, 1, false, VARVE_HALT_NONE, 100 },
    { "found at 0, which has no sum", 0, OURS, 9, 100, 0, 1, false, VARVE_HALT_NONE, 0 },
    { "regressed", 59, OURS, 5, 100, 60, 1, false, VARVE_HALT_CHECKPOINT_REGRESSED, 0 },
    { "regressed to 0", 0, OURS, 5, 100, 60, 1, false, VARVE_HALT_CHECKPOINT_REGRESSED, 0 },
    { "regressed in a mock", 59, OURS, 5, 100, 60, 1, true, VARVE_HALT_NONE, 60 },
    { "of another database", 70, 0xcc, 5, 100, 60, 1, false, VARVE_HALT_DIVERGED, 0 },
    { "of another database, at 0", 0, 0xcc, 5, 100, 0, 1, false, VARVE_HALT_DIVERGED, 0 },
    { "of another database, in a mock", 70, 0xcc, 5, 100, 0, 1, true, VARVE_HALT_DIVERGED, 0 },
    { "above the head", 101, OURS, 5, 100, 60, 1, false, VARVE_HALT_DIVERGED, 0 },
    { "above an empty log", 1, OURS, 5, 0, 0, 1, false, VARVE_HALT_DIVERGED, 0 },
    { "another event", 70, OURS, 6, 100, 60, 1, false, VARVE_HALT_DIVERGED, 0 },
    { "another event, and regressed", 50, OURS, 6, 100, 60, 1, false, VARVE_HALT_DIVERGED, 0 },
};

static void every_row_of_the_judgement(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outbox_checkpoint found = sample();
        struct outbox_judgement judgement = { .found = rows[i].found == NONE ? NULL : &found, .head = rows[i].head,
                                              .sum = rows[i].sum, .hint = rows[i].hint,
                                              .start_from = rows[i].start_from, .is_mock = rows[i].is_mock };
        char why[VARVE_MAX_OUTBOX_REASON] = "";
        uint64_t position = 12345;

        memset(judgement.database_id.bytes, OURS, 16);
        memset(found.database_id.bytes, rows[i].id, 16);
        found.position = (uint64_t)rows[i].found;
        found.position_sum = 5;
        enum varve_outbox_halt halt = outbox_checkpoint_judge(&judgement, &position, why, sizeof(why));
        CHECK_CASE(halt == rows[i].halt, rows[i].label);
        CHECK_CASE(position == (halt == VARVE_HALT_NONE ? rows[i].position : 12345), rows[i].label);
        CHECK_CASE((why[0] != '\0') == (halt != VARVE_HALT_NONE), rows[i].label);
    }
}

static void a_reason_that_does_not_fit_is_cut(void **state)
{
    struct outbox_judgement judgement = { .head = 100, .hint = 60 };
    char why[12] = "unchanged..";
    uint64_t position = 0;

    assert_int_equal(outbox_checkpoint_judge(&judgement, &position, why, 8), VARVE_HALT_CHECKPOINT_MISSING);
    assert_int_equal(strlen(why), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_comes_back_as_it_went),
        cmocka_unit_test(the_bytes_of_a_checkpoint_are_what_they_were),
        cmocka_unit_test(every_bit_that_flips_is_seen),
        cmocka_unit_test(a_record_of_another_size_is_refused),
        cmocka_unit_test(a_later_format_is_called_so_whatever_its_size),
        cmocka_unit_test(progress_comes_back_as_it_went),
        cmocka_unit_test(keys_come_back_as_they_went),
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(what_is_no_key_of_ours_is_other),
        cmocka_unit_test(every_row_of_the_judgement),
        cmocka_unit_test(a_reason_that_does_not_fit_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
