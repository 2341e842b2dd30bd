/* test_outbox_memory_published.c - when a position had been published, found among hints. */
#include "memory_fixture.h"

#include "support/check.h"
#include "support/random.h"

enum { HINTS = 200, SECOND = 1000000 };

static int64_t published_at(struct memory_fixture *f, uint64_t position)
{
    int64_t us = 0;

    assert_int_equal(outbox_memory_published_at(f->store.store, MEMORY_NAME, position, &us, &f->error), VARVE_OK);
    return us;
}

static void publish_at(struct memory_fixture *f, int64_t us, uint64_t position)
{
    atomic_store(&f->store.now_us, us);
    assert_int_equal(outbox_memory_publish(&f->memory, position, 1, &f->error), VARVE_OK);
}

static void without_hints_nobody_knows(void **state)
{
    struct memory_fixture *f = *state;

    assert_int_equal(published_at(f, 1), VARVE_TIME_NONE);
    memory_park(f, "a", 100, UINT64_C(0));
    assert_int_equal(published_at(f, 1), VARVE_TIME_NONE);
}

static void the_first_hint_at_or_above_says_when(void **state)
{
    struct memory_fixture *f = *state;
    uint64_t positions[HINTS], seed = 5, position = 0;
    int64_t begin = varve_os_default()->now_us(NULL) + SECOND;

    for (int i = 0; i < HINTS; i++) {
        position += random_below(&seed, 4);
        positions[i] = position;
        publish_at(f, begin + i * SECOND, position);
        if (i % 20 == 7)
            memory_write(f, MEMORY_HINTS, "$outbox.later", "?"); /* Of a later version: not looked at. */
        if (i == HINTS / 2)
            fixture_settle(&f->store);
    }
    for (uint64_t wanted = 0; wanted <= position + 2; wanted++) {
        int64_t expected = VARVE_TIME_NONE;

        for (int i = HINTS - 1; i >= 0; i--)
            if (positions[i] >= wanted)
                expected = begin + i * SECOND;
        assert_int_equal(published_at(f, wanted), expected);
    }
}

/* Behind a reset there may be several true answers; what is said is one of them. */
static void after_a_reset_what_is_said_is_true(void **state)
{
    struct memory_fixture *f = *state;
    int64_t begin = varve_os_default()->now_us(NULL) + SECOND;
    static const uint64_t positions[] = { 10, 20, 30, 40, 5, 15, 25, 35 };

    for (size_t i = 0; i < COUNT_OF(positions); i++)
        publish_at(f, begin + (int64_t)i * SECOND, positions[i]);
    for (uint64_t wanted = 1; wanted <= 35; wanted++) {
        int64_t said = published_at(f, wanted);

        assert_in_range(said, begin, begin + 7 * SECOND);
        assert_true(positions[(said - begin) / SECOND] >= wanted);
    }
}

static void a_hint_that_cannot_be_read_is_told(void **state)
{
    struct memory_fixture *f = *state;
    int64_t us;

    memory_write(f, MEMORY_HINTS, "$outbox.published", "{}");
    assert_int_equal(outbox_memory_published_at(f->store.store, MEMORY_NAME, 1, &us, &f->error), VARVE_CORRUPT);
    assert_non_null(strstr(f->error.message, "event 0 of " MEMORY_HINTS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_hints_nobody_knows),
        TEST(the_first_hint_at_or_above_says_when),
        TEST(after_a_reset_what_is_said_is_true),
        TEST(a_hint_that_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
