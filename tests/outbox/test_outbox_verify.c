/* test_outbox_verify.c - the topics against a store, a history and dead letters. */
#include "support/check.h"
#include "verify_fixture.h"

#include <stdlib.h>

static void fill(struct verify_fixture *f, size_t count)
{
    char stream[32], data[32];

    for (size_t i = 0; i < count; i++) {
        snprintf(stream, sizeof(stream), "%s-%zu", i % 5 == 0 ? "loan" : "order", i % 7);
        snprintf(data, sizeof(data), "{\"n\":%zu}", i);
        verify_append(f, stream, "made", data);
    }
    verify_say(f, "$outbox.topics", "{\"topics\":{\"varve.order\":3,\"varve.loan\":3,\"varve.dead\":1}}");
}

static void checkpoint_is(struct verify_fixture *f, uint64_t position)
{
    for (size_t i = 0; i < COUNT_OF(f->checkpoints); i++)
        f->checkpoints[i] = position;
}

static struct verify_fixture *published(size_t count)
{
    struct verify_fixture *f = verify_begin("dead_letter_topic = varve.dead\n");

    fill(f, count);
    verify_publish_all(f, 1, count);
    checkpoint_is(f, count);
    return f;
}

static void run(struct verify_fixture *f, uint64_t depth)
{
    if (verify_run(f, depth, NULL) != VARVE_OK)
        fail_msg("%s", f->error.message);
}

static void what_was_published_agrees(void **unused)
{
    struct verify_fixture *f = published(500);

    run(f, 0);
    assert_string_equal(f->found.finding, "");
    assert_int_equal(f->found.events, 500);
    assert_int_equal(f->found.records, 500);
    assert_int_equal(f->found.first_position, 1);
    assert_int_equal(f->found.last_position, 500);
    assert_int_equal(f->topic_reads, 2); /* Copies of dead letters are not events. */
    run(f, 10);
    assert_string_equal(f->found.finding, "");
    assert_int_equal(f->found.events, 60);
    assert_true(f->found.first_position > 1);
    verify_end(f);
}

static void what_is_missing_doubled_or_changed_is_found(void **unused)
{
    struct verify_fixture *f = published(500);

    struct verify_record taken = f->records[400];
    f->records[400] = f->records[399];
    run(f, 0);
    assert_int_equal(f->found.missing, 1);
    assert_int_equal(f->found.duplicates, 1);
    assert_non_null(strstr(f->found.finding, "event 400 is more than once in the topics"));
    f->records[400] = taken;
    snprintf(f->records[300].value, sizeof(f->records[300].value), "{}");
    f->records[200].partition = (f->records[200].partition + 1) % VERIFY_PARTITIONS;
    run(f, 0);
    assert_int_equal(f->found.different, 1);
    assert_int_equal(f->found.wrong_partition, 1);
    verify_end(f);
}

/* While a verification reads, the outbox goes on. */
static void goes_on(struct verify_fixture *f)
{
    fill(f, 20);
    verify_publish_all(f, f->checkpoints[0] + 2, f->checkpoints[0] + 21);
    f->checkpoints[2] = f->checkpoints[3] = f->checkpoints[0] + 21;
}

static void what_is_published_meanwhile_is_no_surprise(void **unused)
{
    struct verify_fixture *f = published(100);

    f->meanwhile = goes_on; /* And the checkpoint becomes visible a little later. */
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    assert_int_equal(f->found.events, 120);
    assert_int_equal(f->found.checkpoint, 121);
    assert_int_equal(f->checkpoint_reads, 3);
    verify_end(f);
}

static void what_is_above_the_checkpoint_is_found(void **unused)
{
    struct verify_fixture *f = published(100);

    checkpoint_is(f, 97);
    run(f, 0);
    assert_int_equal(f->found.above_checkpoint, 3);
    assert_string_equal(f->found.finding, "event 98 is published, and the checkpoint says 97");
    verify_end(f);
}

static void park(struct verify_fixture *f, const char *stream, uint64_t position)
{
    const struct varve_dead_letter letter = { .stream = varve_view_str(stream), .position = position, .waiting = 1,
                                              .error_code = varve_view_str("X"), .last_error = varve_view_str("x") };

    assert_int_equal(outbox_dead_put(f->dead, &letter, 0), VARVE_OK);
}

static void dead_letters_need_not_be_there(void **unused)
{
    struct verify_fixture *f = verify_begin("");

    fill(f, 100);
    verify_append(f, "order-a", "made", "{}"); /* 102 */
    verify_append(f, "order-a", "made", "{}");
    verify_append(f, "order-b", "made", "{}"); /* 104 */
    verify_append(f, "order-a", "made", "{}");
    park(f, "order-a", 102);
    outbox_dead_add_waiting(f->dead, varve_view_str("order-a"), (uint64_t[]){ 103, 105 }, 2);
    park(f, "order-b", 104);
    verify_publish_all(f, 1, 100);
    checkpoint_is(f, 105);
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    /* Discarded, and delivered late. */
    assert_true(outbox_dead_discard(f->dead, varve_view_str("order-b"), 104));
    run(f, 0);
    assert_int_equal(f->found.missing, 1);
    verify_say(f, "$outbox.discarded", "{\"stream\":\"order-b\",\"position\":104}");
    outbox_dead_delivered(f->dead, varve_view_str("order-a"), 105);
    verify_say(f, "$outbox.parked", "{\"stream\":\"order-a\",\"position\":102}");
    verify_say(f, "$outbox.retried", "{\"stream\":\"order-a\",\"through\":105}");
    run(f, 0);
    assert_int_equal(f->found.missing, 3);
    verify_publish_all(f, 102, 103);
    verify_publish(f, 105);
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    verify_end(f);
}

static void is_delivered(struct verify_fixture *f)
{
    outbox_dead_delivered(f->dead, varve_view_str("order-a"), 12);
    verify_say(f, "$outbox.retried", "{\"stream\":\"order-a\",\"through\":12}");
}

/* It is in the topic by now, but was not when the end of the topic was looked up. */
static void a_dead_letter_may_be_delivered_meanwhile(void **unused)
{
    struct verify_fixture *f = verify_begin("");

    fill(f, 10);
    assert_int_equal(verify_append(f, "order-a", "made", "{}"), 12);
    park(f, "order-a", 12);
    verify_say(f, "$outbox.parked", "{\"stream\":\"order-a\",\"position\":12}");
    verify_append(f, "order-6", "made", "{}");
    verify_publish_all(f, 1, 10);
    verify_publish(f, 14);
    checkpoint_is(f, 14);
    f->meanwhile = is_delivered;
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    verify_end(f);
}

/* Its first record may be such a delivery: nothing follows from it for what is between. */
static void a_delivery_does_not_widen_the_reach(void **unused)
{
    struct verify_fixture *f = published(200);
    struct verify_record early = f->records[9], last = f->records[199];

    /* Event 10 comes last but one in its partition, and only the last two records of each are read. */
    memmove(&f->records[9], &f->records[10], 189 * sizeof(early));
    f->records[198] = early;
    f->records[199] = last;
    last.partition = early.partition;
    char json[96];
    snprintf(json, sizeof(json), "{\"stream\":\"%s\",\"position\":10}", early.key);
    verify_say(f, "$outbox.parked", json);
    snprintf(json, sizeof(json), "{\"stream\":\"%s\",\"through\":10}", early.key);
    verify_say(f, "$outbox.retried", json);
    run(f, 1);
    assert_string_equal(f->found.finding, "");
    run(f, 2);
    assert_string_equal(f->found.finding, "");
    verify_end(f);
}

static bool at_once(void *user)
{
    return true;
}

static void it_can_be_interrupted_and_kafka_may_be_away(void **unused)
{
    struct verify_fixture *f = published(20);

    assert_int_equal(verify_run(f, 0, at_once), VARVE_CANCELLED);
    f->result = OUTBOX_INTERRUPTED;
    assert_int_equal(verify_run(f, 0, NULL), VARVE_CANCELLED);
    f->result = OUTBOX_AGAIN;
    assert_int_equal(verify_run(f, 0, NULL), VARVE_OUTBOX_BUSY);
    assert_string_equal(f->error.message, "Kafka cannot be read: _TRANSPORT: no broker");
    f->result = OUTBOX_DONE;
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    verify_end(f);
}

static void an_outbox_that_never_ran_agrees(void **unused)
{
    struct verify_fixture *f = verify_begin("");

    verify_append(f, "order-1", "made", "{}");
    run(f, 0);
    assert_string_equal(f->found.finding, "");
    assert_int_equal(f->found.records, 0);
    verify_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_agrees), cmocka_unit_test(what_is_missing_doubled_or_changed_is_found),
        cmocka_unit_test(what_is_published_meanwhile_is_no_surprise),
        cmocka_unit_test(what_is_above_the_checkpoint_is_found), cmocka_unit_test(dead_letters_need_not_be_there),
        cmocka_unit_test(a_dead_letter_may_be_delivered_meanwhile),
        cmocka_unit_test(a_delivery_does_not_widen_the_reach),
        cmocka_unit_test(it_can_be_interrupted_and_kafka_may_be_away),
        cmocka_unit_test(an_outbox_that_never_ran_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
