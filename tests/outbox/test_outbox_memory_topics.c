/* test_outbox_memory_topics.c - partitions of topics, known over starts. */
#include "memory_fixture.h"

#include "support/check.h"

#include <stdio.h>

static void set(struct memory_fixture *f, const char *topic, int32_t partitions)
{
    const struct outbox_topic_count count = { topic, partitions };

    assert_int_equal(outbox_memory_set_partitions(&f->memory, &count, 1, &f->error), VARVE_OK);
    assert_int_equal(outbox_memory_partitions(&f->memory, topic), partitions);
}

static void what_was_set_is_known_after_a_start(void **state)
{
    struct memory_fixture *f = *state;

    assert_int_equal(outbox_memory_partitions(&f->memory, "orders"), 0);
    set(f, "orders", 6);
    set(f, "audit", 1);
    set(f, "payments", 12);
    memory_check_reopened(f);
    set(f, "orders", 7);
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_partitions(&f->memory, "orders"), 7);
    assert_int_equal(outbox_memory_partitions(&f->memory, "order"), 0);
}

static void what_did_not_change_is_not_written(void **state)
{
    struct memory_fixture *f = *state;

    set(f, "orders", 6);
    set(f, "orders", 6);
    assert_int_equal(f->memory.next_version, 1);
}

/* The hint says where they stand: what came between is not read. */
static void topics_are_found_far_behind_the_end(void **state)
{
    struct memory_fixture *f = *state;

    set(f, "orders", 6);
    set(f, "audit", 1);
    for (int i = 0; i < 50; i++)
        assert_int_equal(outbox_memory_pause(&f->memory, i % 2 == 0, varve_view_str("x"), &f->error), VARVE_OK);
    assert_int_equal(outbox_memory_publish(&f->memory, 10, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 2);
    assert_int_equal(outbox_memory_pause(&f->memory, false, varve_view_str("x"), &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 3);
    set(f, "payments", 2); /* From now on these, and not those that the hint knows. */
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_partitions(&f->memory, "orders"), 6);
}

static void more_than_fits_an_event_is_known_to_this_process_only(void **state)
{
    struct memory_fixture *f = *state;
    char name[OUTBOX_MAX_TOPIC + 1];
    uint64_t last = 0;
    int count = 0;

    for (; count < 1000 && (count == 0 || f->memory.next_version > last); count++) {
        last = f->memory.next_version;
        snprintf(name, sizeof(name), "%0240d", count);
        set(f, name, count + 1);
    }
    assert_in_range(count, 200, 300); /* 64 KiB in this store. */
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%0240d", i);
        assert_int_equal(outbox_memory_partitions(&f->memory, name), i + 1);
    }
    memory_reopen(f);
    snprintf(name, sizeof(name), "%0240d", count - 1);
    assert_int_equal(outbox_memory_partitions(&f->memory, name), 0);
    snprintf(name, sizeof(name), "%0240d", count - 2);
    assert_int_equal(outbox_memory_partitions(&f->memory, name), count - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_set_is_known_after_a_start),
        TEST(what_did_not_change_is_not_written),
        TEST(topics_are_found_far_behind_the_end),
        TEST(more_than_fits_an_event_is_known_to_this_process_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
