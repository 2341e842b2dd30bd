/* test_client_consumers.c - consumers of the C client in a group of a real server, which stops, dies and comes back:
 * nothing skipped, each stream in its order, and only what was not acked comes again. */
#include "served.h"

#include "support/random.h"
#include "varve/subscription.h"

#include <stdlib.h>

#define ROUNDS 12
#define PER_ROUND 60
#define STREAMS 5
#define CONSUMERS 3

static const char *const options[] = { "--stop-timeout", "100ms", NULL };
static const struct varve_view group = { "billing", 7 };
static uint64_t seed = 20250118;

static int begin(void **state)
{
    static struct served served;
    const char *text = getenv("VARVE_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu (VARVE_SEED)\n", (unsigned long long)seed);
    served_begin(&served, options);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

static void restart(struct served *served)
{
    if (random_below(&seed, 2) == 0)
        assert_int_equal(varved_process_stop(&served->varved), 0);
    else
        varved_process_kill(&served->varved);
    assert_true(varved_process_start(&served->varved, options));
}

static void must(enum varve_status status, const struct varve_error *error)
{
    if (status != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error->status), error->message);
}

static void create(struct served *served, struct varve_view name)
{
    struct varve_view categories[] = { varve_view_str("work") };
    const struct varve_filter filter = { .categories = categories, .category_count = 1 };
    struct varve_group_settings settings;
    struct varve_error error;

    varve_group_settings_init(&settings);
    settings.filter = &filter;
    settings.max_attempts = 1000; /* Restarts count as attempts. */
    settings.backoff_count = 0;
    must(varve_client_group_create(served->client, name, &settings, 0, NULL, &error), &error);
}

static struct varve_consumer *join(const struct served *served, struct varve_view in, const char *name, bool takeover)
{
    struct varve_consumer *consumer = NULL;
    struct varve_error error;

    must(varve_consumer_open(served->varved.url, NULL, in, varve_view_str(name), 0, takeover, &consumer, &error),
         &error);
    return consumer;
}

/* ---- over restarts ----------------------------------------------------------------------------------------------- */

struct book {
    uint64_t appended[STREAMS]; /* how many versions each stream has, */
    uint64_t seen[STREAMS];     /* how many of them were handed over, */
    uint64_t acked[STREAMS];    /* and how many acks of it were sent */
    uint64_t last_position;
};

static void append_some(struct served *served, struct book *book, unsigned count)
{
    static uint32_t number;

    for (unsigned i = 0; i < count; i++) {
        unsigned stream = (unsigned)random_below(&seed, STREAMS);
        struct varve_event event = served_event("done", 2, number++);
        char name[16];

        snprintf(name, sizeof(name), "work-%u", stream);
        book->last_position = served_append(served, name, (int64_t)book->appended[stream] - 1, &event);
        book->appended[stream]++;
    }
}

/* One consumer takes what is there for it and acks it. Nothing comes before its turn: the next of a stream is the first
 * that was not handed over yet, or one that comes again. */
static void work(struct varve_consumer *consumer, struct book *book)
{
    struct varve_work todo;
    struct varve_error error;
    enum varve_status status = varve_consumer_next(consumer, 5, &todo, &error);

    if (status == VARVE_TIMEOUT)
        return;
    must(status, &error);
    unsigned stream = (unsigned)(todo.event->stream.data[5] - '0');
    uint64_t version = todo.event->version;
    assert_true(stream < STREAMS);
    assert_true(version <= book->seen[stream]);
    book->seen[stream] = version + 1 > book->seen[stream] ? version + 1 : book->seen[stream];
    status = varve_consumer_ack(consumer, todo.event->position, &error);
    if (status == VARVE_OK)
        book->acked[stream] = version + 1 > book->acked[stream] ? version + 1 : book->acked[stream];
    else
        assert_true(status == VARVE_FENCED || status == VARVE_DISCONNECTED); /* It went with the server. */
}

static bool is_done(struct served *served, const struct book *book)
{
    struct varve_group_info info;
    struct varve_error error;

    must(varve_client_group_info(served->client, group, &info, &error), &error);
    return info.checkpoint >= book->last_position;
}

static void test_nothing_is_skipped_over_restarts(void **state)
{
    struct served *served = *state;
    struct varve_consumer *consumers[CONSUMERS];
    struct book book = { .appended = { 0 } };

    create(served, group);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "worker-%u", i);
        consumers[i] = join(served, group, name, false);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        append_some(served, &book, PER_ROUND);
        for (uint64_t steps = random_below(&seed, PER_ROUND); steps > 0; steps--)
            work(consumers[random_below(&seed, CONSUMERS)], &book);
        restart(served);
    }
    while (!is_done(served, &book))
        for (unsigned i = 0; i < CONSUMERS; i++)
            work(consumers[i], &book);
    for (unsigned i = 0; i < CONSUMERS; i++)
        varve_consumer_close(consumers[i]);

    struct varve_group_info info;
    struct varve_error error;
    must(varve_client_group_info(served->client, group, &info, &error), &error);
    assert_int_equal(info.in_flight, 0);
    assert_int_equal(info.parked, 0);
    assert_int_equal(info.consumer_count, 0); /* Leaving was confirmed. */
    assert_memory_equal(book.seen, book.appended, sizeof(book.seen));
    assert_memory_equal(book.acked, book.appended, sizeof(book.acked));
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void test_names_and_fencing(void **state)
{
    struct served *served = *state;
    struct varve_view name = varve_view_str("fenced");
    struct varve_consumer *other = NULL;
    const struct varve_refused_ack *refused;
    struct varve_work todo;
    size_t refused_count;
    struct varve_error error;

    create(served, name);
    struct varve_consumer *first = join(served, name, "worker", false);
    must(varve_consumer_next(first, 60000, &todo, &error), &error);
    assert_int_equal(varve_consumer_open(served->varved.url, NULL, name, varve_view_str("worker"), 0, false, &other,
                                         &error), VARVE_CONSUMER_EXISTS);
    assert_int_equal(varve_consumer_open(served->varved.url, NULL, varve_view_str("unknown"), varve_view_str("worker"),
                                         0, false, &other, &error), VARVE_GROUP_NOT_FOUND);
    struct varve_consumer *second = join(served, name, "worker", true);
    must(varve_consumer_ack(first, todo.event->position, &error), &error); /* It does not know yet. */
    must(varve_consumer_flush(first, 60000, &refused, &refused_count, &error), &error);
    assert_int_equal(refused_count, 1);
    assert_int_equal(refused[0].position, todo.event->position);
    assert_int_equal(refused[0].status, VARVE_FENCED);
    while (varve_consumer_next(first, 60000, &todo, &error) == VARVE_OK)
        continue; /* What had arrived before. */
    assert_int_equal(error.status, VARVE_FENCED);
    must(varve_consumer_next(second, 60000, &todo, &error), &error);
    must(varve_consumer_ack(second, todo.event->position, &error), &error);
    varve_consumer_close(first);
    varve_consumer_close(second);
    varve_consumer_close(join(served, name, "worker", false)); /* The name is free at once. */
    must(varve_client_group_delete(served->client, name, &error), &error);
}

static void test_parking_replaying_and_stopping(void **state)
{
    struct served *served = *state;
    struct varve_view name = varve_view_str("parking"), why = varve_view_str("no ink");
    const struct varve_parked_event *events;
    struct varve_group_info info;
    struct varve_work todo;
    struct varve_error error;
    uint32_t count;
    size_t listed;
    bool at_end;

    create(served, name);
    struct varve_consumer *consumer = join(served, name, "worker", false);
    must(varve_consumer_next(consumer, 60000, &todo, &error), &error);
    uint64_t position = todo.event->position;
    must(varve_consumer_extend(consumer, position, 60000, &error), &error);
    must(varve_consumer_nack(consumer, position, VARVE_NACK_PARK, VARVE_RETRY_BACKOFF, why, &error), &error);
    do
        must(varve_client_parked_list(served->client, name, 0, 10, &events, &listed, &at_end, &error), &error);
    while (listed == 0); /* It is parked when that is durable. */
    assert_int_equal(listed, 1);
    assert_true(at_end);
    assert_int_equal(events[0].position, position);
    assert_true(varve_view_equal(events[0].last_error, why));
    must(varve_client_parked_replay(served->client, name, position, 0, &count, &error), &error);
    assert_int_equal(count, 1);
    do {
        must(varve_consumer_next(consumer, 60000, &todo, &error), &error);
        if (todo.event->position != position)
            must(varve_consumer_ack(consumer, todo.event->position, &error), &error);
    } while (todo.event->position != position);
    must(varve_consumer_nack(consumer, position, VARVE_NACK_STOP, VARVE_RETRY_BACKOFF, why, &error), &error);
    while (varve_consumer_next(consumer, 60000, &todo, &error) == VARVE_OK)
        continue;
    assert_int_equal(error.status, VARVE_GROUP_STOPPED);
    must(varve_client_group_info(served->client, name, &info, &error), &error);
    assert_true(info.stopped);
    assert_true(varve_view_equal(info.stop_reason, why));
    must(varve_client_group_update(served->client, name, NULL, true, &info, &error), &error);
    assert_false(info.stopped);
    varve_consumer_close(consumer);
    must(varve_client_group_delete(served->client, name, &error), &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_skipped_over_restarts),
        cmocka_unit_test(test_names_and_fencing),
        cmocka_unit_test(test_parking_replaying_and_stopping),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
