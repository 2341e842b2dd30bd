/* test_recent.c - the newest ids are found, older ones are not, however often the ring goes round. */
#include "engine/recent.h"
#include "support/check.h"
#include "support/random.h"
#include "support/records.h"

static struct recent *make(uint32_t capacity)
{
    struct recent *recent = NULL;

    assert_int_equal(recent_create(capacity, 42, &recent), VARVE_OK);
    return recent;
}

static void add(struct recent *recent, uint64_t number, uint64_t position)
{
    struct varve_uuid id = test_uuid(number);

    recent_add(recent, &id, position);
}

static uint64_t find(const struct recent *recent, uint64_t number)
{
    struct varve_uuid id = test_uuid(number);

    return recent_find(recent, &id);
}

static void empty_finds_nothing(void **ignored)
{
    struct recent *recent = make(16);

    assert_int_equal(find(recent, 1), 0);
    recent_destroy(recent);
    recent_destroy(NULL);
}

static void capacity_is_kept_to_the_id(void **ignored)
{
    static const struct { const char *label; uint32_t capacity, held; uint64_t first; } cases[] = {
        { "the least", 0, 16, 1 },        { "below the least", 15, 16, 1 },  { "just the least", 16, 16, 1 },
        { "odd", 17, 17, 1 },             { "a power of two", 64, 64, 1 },   { "one above", 65, 65, 1 },
        { "begun far up", 20, 20, 987654321 },
        { "begun at a multiple", 32, 32, 64 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct recent *recent = make(cases[i].capacity);
        uint64_t first = cases[i].first, end = first + 5 * cases[i].held + 3;
        for (uint64_t position = first; position < end; position++)
            add(recent, position, position);
        for (uint64_t position = first; position < end; position++)
            CHECK_CASE(find(recent, position) == (position + cases[i].held >= end ? position : 0), cases[i].label);
        recent_destroy(recent);
    }
}

static void memory_is_told(void **ignored)
{
    struct recent *recent = make(1000);

    assert_in_range(recent_bytes(recent), 1000 * (16 + 2 * 4), 1000 * (16 + 4 * 4) + 64);
    recent_destroy(recent);
}

static void growing_forgets_nothing(void **ignored)
{
    struct recent *recent = make(20);

    for (uint64_t position = 500; position < 550; position++) {
        if (position == 537)
            assert_int_equal(recent_grow(&recent), VARVE_OK);
        add(recent, position, position);
    }
    assert_int_equal(recent_capacity(recent), 40);
    for (uint64_t position = 500; position < 550; position++)
        assert_int_equal(find(recent, position), position >= 517 ? position : 0);
    assert_int_equal(recent_grow(&recent), VARVE_OK);
    assert_int_equal(find(recent, 517), 517);
    assert_int_equal(find(recent, 549), 549);
    recent_destroy(recent);
}

/* Against an array, with ids that come again and again. */
static void agrees_with_a_list(void **ignored)
{
    enum { CAPACITY = 37, ADDED = 5000, NUMBERS = 120 };
    static uint64_t numbers[ADDED];
    struct recent *recent = make(CAPACITY);
    uint64_t seed = 7;

    for (uint64_t at = 0; at < ADDED; at++) {
        numbers[at] = random_below(&seed, NUMBERS);
        add(recent, numbers[at], at + 1);
        uint64_t from = at + 1 > CAPACITY ? at + 1 - CAPACITY : 0;
        for (uint64_t number = 0; number < NUMBERS; number++) {
            bool held = false;
            for (uint64_t i = from; i <= at; i++)
                held = held || numbers[i] == number;
            uint64_t found = find(recent, number);
            assert_int_equal(found != 0, held);
            if (found != 0) {
                assert_in_range(found, from + 1, at + 1);
                assert_int_equal(numbers[found - 1], number);
            }
        }
    }
    recent_destroy(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_finds_nothing),
        cmocka_unit_test(capacity_is_kept_to_the_id),
        cmocka_unit_test(memory_is_told),
        cmocka_unit_test(growing_forgets_nothing),
        cmocka_unit_test(agrees_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
