/* test_push_share.c - push beside those who ask: neither waits long for the other. No clock but the one told here. */
#include "support/check.h"

#include "server/http/push_share.h"

enum { LONG_AGO_US = 3600u * 1000 * 1000 };

/* A loop that push shares with others. */
struct loop {
    struct push_share share;
    uint64_t now_us, requests, spent_us; /* the latter since push_share_take() was called */
};

enum { FEW = 1, MANY = 200 }; /* in a millisecond */

/* Somebody has just asked, so many have asked lately, and nothing is saved. */
static struct loop loop_begun(uint64_t per_ms)
{
    struct loop loop = { .now_us = LONG_AGO_US, .requests = 7 };

    push_share_take(&loop.share, loop.now_us, loop.requests, 0);
    loop.now_us += PUSH_WHILE_US;
    loop.requests += per_ms * PUSH_WHILE_US / 1000;
    push_share_take(&loop.share, loop.now_us, loop.requests, PUSH_WHILE_US);
    return loop;
}

/* A turn of the loop: others work for so long, and push for as long as it may, `over` times. */
static uint64_t turn(struct loop *loop, uint64_t others_us, uint64_t requests, uint64_t over)
{
    loop->now_us += others_us;
    loop->requests += requests;
    uint64_t turn_us = push_share_take(&loop->share, loop->now_us, loop->requests, loop->spent_us);
    loop->spent_us = turn_us * over;
    loop->now_us += loop->spent_us;
    return turn_us;
}

static void turns_are_the_longer_the_longer_nobody_asks(void **state)
{
    static const struct { uint64_t per_ms, quiet_us, turn_us; } cases[] = {
        { MANY, 0, 50 }, { MANY, 203, 50 }, { MANY, 204, 51 }, { MANY, 600, 150 }, { MANY, 999, 249 },
        { MANY, 1000, PUSH_TURN_US }, { MANY, LONG_AGO_US, PUSH_TURN_US },
        { FEW, 0, 100 }, { FEW, 201, 100 }, { FEW, 202, 101 }, { FEW, 499, 249 }, { FEW, 500, PUSH_TURN_US },
        { FEW, 501, PUSH_TURN_US }, { FEW, LONG_AGO_US, PUSH_TURN_US },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loop loop = loop_begun(cases[i].per_ms);
        uint64_t turn_us = turn(&loop, cases[i].quiet_us, 0, 1);

        if (turn_us != cases[i].turn_us)
            fail_msg("%u us quiet: %u", (unsigned)cases[i].quiet_us, (unsigned)turn_us);
    }
}

static void one_request_makes_them_short_again(void **state)
{
    struct loop loop = loop_begun(FEW);

    assert_int_equal(turn(&loop, LONG_AGO_US, 0, 1), PUSH_TURN_US);
    assert_int_equal(turn(&loop, 10, 0, 1), PUSH_TURN_US);
    assert_int_equal(turn(&loop, 10, 0, 1), PUSH_TURN_US);
    assert_int_equal(turn(&loop, 10, 1, 1), 0); /* Its turns while nobody asked were not for nothing. */
    assert_int_equal(turn(&loop, 10, 0, 1), push_grant_few.least_us);
}

/* Of all the time, from loops that hardly do anything in a turn to those that stand still. */
static void when_all_ask_it_has_its_part(void **state)
{
    static const struct { uint64_t others_us, requests, over; double least, most; } cases[] = {
        { 1, 1, 1, 0.19, 0.21 }, { 3, 1, 1, 0.19, 0.21 }, { 40, 4, 1, 0.19, 0.21 }, { 300, 30, 1, 0.19, 0.21 },
        { 1000, 100, 1, 0.19, 0.21 },
        { 3, 1, 3, 0.19, 0.21 }, { 300, 30, 3, 0.19, 0.21 }, /* a turn takes longer than it may */
        { 5000, 500, 1, 0.047, 0.049 },                      /* a turn of push follows each of theirs */
        { 100, 1, 1, 0.49, 0.51 }, { 100, 1, 3, 0.49, 0.51 }, { 200, 2, 1, 0.49, 0.51 }, { 1000, 10, 1, 0.19, 0.21 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loop loop = loop_begun(cases[i].requests * 1000 / cases[i].others_us);
        uint64_t began_us = loop.now_us, spent_us = 0;

        while (loop.now_us - began_us < 10000000)
            spent_us += turn(&loop, cases[i].others_us, cases[i].requests, cases[i].over) * cases[i].over;
        double part = (double)spent_us / (double)(loop.now_us - began_us);
        if (part < cases[i].least || part > cases[i].most)
            fail_msg("%u requests in %u us: %f", (unsigned)cases[i].requests, (unsigned)cases[i].others_us, part);
    }
}

static void nobody_waits_long_for_the_other(void **state)
{
    struct loop loop = loop_begun(MANY);
    const uint64_t fifth = 10 / push_grant_many.tenths;
    uint64_t waited_us = 0;

    loop.spent_us = LONG_AGO_US; /* Whatever it took, once. */
    while (turn(&loop, 10, 2, 0) == 0)
        waited_us += 10;
    assert_true(waited_us <= (PUSH_MOST_OWED_US + push_grant_many.least_us) * fifth);
    assert_true(waited_us >= PUSH_MOST_OWED_US * fifth);
    assert_true(turn(&loop, LONG_AGO_US, 1, 1) <= PUSH_TURN_US); /* What it did not take, it did not need. */
    assert_true(turn(&loop, 10, 1, 1) < PUSH_TURN_US);
}

/* What is sent is measured with all that is answered over HTTP. */
static void when_others_are_charged_to_it_it_works_all_the_same(void **state)
{
    struct loop loop = loop_begun(MANY);
    uint64_t began_us = loop.now_us, turns = 0;

    while (loop.now_us - began_us < 1000000) {
        uint64_t turn_us = turn(&loop, 100, 20, 1);

        turns += turn_us > 0;
        assert_true(turn_us <= push_grant_many.least_us);
        loop.spent_us += 60;
    }
    assert_in_range(turns, 1000000 / PUSH_MOST_WAIT_US - 10, 1000000 / PUSH_MOST_WAIT_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_the_longer_the_longer_nobody_asks),
        cmocka_unit_test(one_request_makes_them_short_again),
        cmocka_unit_test(when_all_ask_it_has_its_part),
        cmocka_unit_test(nobody_waits_long_for_the_other),
        cmocka_unit_test(when_others_are_charged_to_it_it_works_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
