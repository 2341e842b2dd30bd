/* test_group_state_keys.c - first come, first served within a key; keys take turns. */
#include "group_fixture.h"

static void keys_take_turns(void **unused)
{
    struct group_fixture f;
    static const uint64_t expected[] = { 1, 3, 4, 2, 5 };

    group_fixture_setup(&f);
    add_events(&f, 1, 2, 1); /* 1 and 2 of one key, 3 and 5 of another, 4 of a third. */
    add_events(&f, 3, 1, 2);
    add_events(&f, 4, 1, 3);
    add_events(&f, 5, 1, 2);
    join_ready(&f, 1);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct group_action action = next_action(&f);
        assert_int_equal(action.position, expected[i]);
        ack(&f, 1, action.position);
    }
    group_fixture_teardown(&f);
}

static void a_key_is_forgotten_with_its_last_event(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    assert_int_equal(group_keys_find(f.state, 77), GROUP_NONE);
    add_events(&f, 1, 1, 77);
    assert_int_not_equal(group_keys_find(f.state, 77), GROUP_NONE);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    ack(&f, 1, 1);
    assert_int_equal(group_keys_find(f.state, 77), GROUP_NONE);
    add_events(&f, 2, 1, 77); /* And may come again. */
    expect_delivery(&f, 1, 2, 1);
    group_fixture_teardown(&f);
}

/* Hashes that are equal in all bits that choose the bucket are still two keys. */
static void keys_of_one_bucket_do_not_wait_for_each_other(void **unused)
{
    struct group_fixture f;
    uint64_t others = 0;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, 5);
    uint32_t bucket = group_keys_bucket(f.state, 5);
    for (uint64_t hash = 6; others < 3; hash++)
        if (group_keys_bucket(f.state, hash) == bucket)
            add_events(&f, 2 + others++, 1, hash);
    join_ready(&f, 1);
    for (uint64_t position = 1; position <= 4; position++)
        expect_delivery(&f, 1, position, 1);
    ack(&f, 1, 3);
    ack(&f, 1, 1);
    ack(&f, 1, 4);
    ack(&f, 1, 2);
    expect_nothing(&f);
    group_fixture_teardown(&f);
}

static void a_retry_goes_before_what_nobody_had(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    f.limits.max_in_flight = 1;
    group_state_set_limits(f.state, &f.limits);
    for (uint64_t key = 1; key <= 3; key++)
        add_events(&f, key, 1, key);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    nack(&f, 1, 1, VARVE_NACK_RETRY);
    expect_delivery(&f, 1, 2, 1);
    f.now_ms += 10;
    expect_nothing(&f);
    ack(&f, 1, 2);
    expect_delivery(&f, 1, 1, 2);
    group_fixture_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_take_turns), cmocka_unit_test(a_key_is_forgotten_with_its_last_event),
        cmocka_unit_test(keys_of_one_bucket_do_not_wait_for_each_other),
        cmocka_unit_test(a_retry_goes_before_what_nobody_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
