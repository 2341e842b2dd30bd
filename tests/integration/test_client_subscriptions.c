/* test_client_subscriptions.c - the C client follows a real server, which stops, dies and comes back: every event once
 * and in order. */
#include "served.h"

#include "support/random.h"
#include "varve/subscription.h"

#include <stdlib.h>

#define ROUNDS 30
#define PER_ROUND 40

static const char *const small_segments[] = { "--segment-size", "2MiB", "--max-event-bytes", "64KiB",
                                              "--max-append-bytes", "256KiB", "--settle-events", "300",
                                              "--stop-timeout", "100ms", NULL };
static uint64_t seed = 20250117;

static int begin(void **state)
{
    static struct served served;
    const char *text = getenv("VARVE_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu (VARVE_SEED)\n", (unsigned long long)seed);
    served_begin(&served, small_segments);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

/* Half of the restarts are asked for, the others are not. */
static void restart(struct served *served)
{
    if (random_below(&seed, 2) == 0)
        assert_int_equal(varved_process_stop(&served->varved), 0);
    else
        varved_process_kill(&served->varved);
    assert_true(varved_process_start(&served->varved, small_segments));
}

static struct varve_subscription *subscribe(const struct served *served, const struct varve_filter *filter,
                                            uint64_t after)
{
    struct varve_subscription *subscription = NULL;
    struct varve_error error;

    if (varve_subscription_open(served->varved.url, NULL, filter, after, &subscription, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    return subscription;
}

static struct varve_notice next(struct varve_subscription *subscription)
{
    struct varve_notice notice;
    struct varve_error error;

    if (varve_subscription_next(subscription, 60000, &notice, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_not_equal(notice.kind, VARVE_NOTICE_TIMEOUT);
    return notice;
}

/* Events of one type, so that what does not match is known: odd numbers. */
static void append_some(struct served *served, uint32_t first, uint32_t count)
{
    for (uint32_t number = first; number < first + count; number++) {
        struct varve_event event = served_event(number % 2 == 0 ? "even" : "odd", 1, number);

        served_append(served, "s-1", VARVE_EXPECTED_ANY, &event);
    }
}

/* Takes notices until version `last` of s-1 was handed over; each `step`th version comes, from *version on. */
static void follow(struct varve_subscription *subscription, uint64_t *version, uint64_t last, unsigned step)
{
    uint64_t position = varve_subscription_position(subscription);

    while (*version <= last) {
        struct varve_notice notice = next(subscription);

        assert_true(notice.position >= position);
        position = notice.position;
        if (notice.kind != VARVE_NOTICE_EVENT)
            continue;
        assert_int_equal(notice.event->version, *version);
        assert_true(notice.event->position <= position);
        *version += step;
    }
}

static void test_every_event_once_over_restarts(void **state)
{
    struct served *served = *state;
    struct varve_view types[] = { varve_view_str("even") };
    const struct varve_filter evens = { .types = types, .type_count = 1 };
    uint32_t appended = 0;
    uint64_t all_version = 0, even_version = 0;

    append_some(served, 0, 2);
    appended = 2;
    struct varve_subscription *all = subscribe(served, NULL, 0), *even = subscribe(served, &evens, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned before = (unsigned)random_below(&seed, PER_ROUND);

        append_some(served, appended, before);
        if (random_below(&seed, 2) == 0) /* Caught up, or not at all. */
            follow(all, &all_version, appended + before - 1, 1);
        restart(served);
        append_some(served, appended + before, PER_ROUND - before);
        appended += PER_ROUND;
        if (random_below(&seed, 2) == 0)
            follow(even, &even_version, appended - 2, 2);
    }
    follow(all, &all_version, appended - 1, 1);
    follow(even, &even_version, appended - 2, 2);
    varve_subscription_close(all);
    varve_subscription_close(even);
}

static void test_caught_up_and_checkpoints(void **state)
{
    struct served *served = *state;
    struct varve_view streams[] = { varve_view_str("nothing-here") };
    const struct varve_filter nothing = { .streams = streams, .stream_count = 1 };
    struct varve_subscription *subscription = subscribe(served, &nothing, 0);
    struct varve_notice notice = next(subscription);

    assert_int_equal(notice.kind, VARVE_NOTICE_CAUGHT_UP); /* A stream that does not exist has been read whole. */
    uint64_t caught_up_at = notice.position;
    append_some(served, 1u << 20, 10);
    do
        notice = next(subscription);
    while (notice.kind != VARVE_NOTICE_CHECKPOINT || notice.position < caught_up_at + 10);
    assert_int_equal(varve_subscription_position(subscription), notice.position);
    varve_subscription_close(subscription);

    subscription = subscribe(served, NULL, VARVE_AFTER_END);
    assert_int_equal(varve_subscription_position(subscription), notice.position);
    varve_subscription_close(subscription);
}

static void wait_for(struct varve_subscription *subscription, enum varve_notice_kind kind)
{
    while (next(subscription).kind != kind)
        continue;
}

/* A connection lost at the very end of the log, when nothing is on its way: what is appended after the reconnect comes,
 * though nobody asks for anything. Others went silent here. */
static void test_no_stall_after_reconnect(void **state)
{
    struct served *served = *state;
    struct varve_subscription *subscription = subscribe(served, NULL, VARVE_AFTER_END);

    wait_for(subscription, VARVE_NOTICE_CAUGHT_UP);
    for (uint32_t round = 0; round < 5; round++) {
        restart(served);
        wait_for(subscription, VARVE_NOTICE_RECONNECTED);
        wait_for(subscription, VARVE_NOTICE_CAUGHT_UP);
        append_some(served, (1u << 21) + round, 1);
        wait_for(subscription, VARVE_NOTICE_EVENT);
    }
    varve_subscription_close(subscription);
}

static void test_what_the_server_refuses(void **state)
{
    struct served *served = *state;
    struct varve_subscription *subscription = NULL;
    struct varve_error error;

    assert_int_equal(varve_subscription_open(served->varved.url, NULL, NULL, 1u << 30, &subscription, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "after");
    assert_null(subscription);
}

/* The same address, another store: its positions mean other events. */
static void test_another_store_is_told(void **state)
{
    struct served *served = *state;
    struct varve_subscription *subscription = subscribe(served, NULL, VARVE_AFTER_END);
    char kept[sizeof(served->varved.directory)];
    struct varve_notice notice;
    struct varve_error error;
    enum varve_status status;

    assert_int_equal(varved_process_stop(&served->varved), 0);
    memcpy(kept, served->varved.directory, sizeof(kept));
    snprintf(served->varved.directory, sizeof(kept), "%.180s/other", served->scratch);
    assert_true(varved_process_start(&served->varved, small_segments));
    while ((status = varve_subscription_next(subscription, 60000, &notice, &error)) == VARVE_OK)
        assert_int_equal(notice.kind, VARVE_NOTICE_CAUGHT_UP);
    assert_int_equal(status, VARVE_CORRUPT);
    assert_non_null(strstr(error.message, "another database"));
    assert_int_equal(varved_process_stop(&served->varved), 0);
    memcpy(served->varved.directory, kept, sizeof(kept));
    assert_true(varved_process_start(&served->varved, small_segments));
    assert_int_equal(next(subscription).kind, VARVE_NOTICE_RECONNECTED); /* The right one again. */
    varve_subscription_close(subscription);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_once_over_restarts),
        cmocka_unit_test(test_caught_up_and_checkpoints),
        cmocka_unit_test(test_no_stall_after_reconnect),
        cmocka_unit_test(test_what_the_server_refuses),
        cmocka_unit_test(test_another_store_is_told),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
