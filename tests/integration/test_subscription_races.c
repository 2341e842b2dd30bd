/* test_subscription_races.c - consumers that come and go at random while the log grows: every event once, in order.
 *
 * Each consumer asks on from the position it knows, takes a few frames, quickly or slowly, with much or little credit,
 * and cuts the connection wherever that happens to be; 10,000 times among them all. Most stand near the end, so that
 * history turns into news at every moment there is. Versions of a stream are dense: a skipped or repeated event shows
 * at once. At last everybody must get to the end: a consumer that is forgotten after one of its reconnects stalls. */
#include "served.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "raw_link.h"
#include "support/effort.h"
#include "support/random.h"

#include "varve/record.h"

enum {
    DISCONNECTS = 10000, CONSUMERS = 10, WRITERS = 2, STREAMS = 12, MOST_EVENTS = 12,
    MOST_FRAMES = 12, PATIENCE_MS = 60000, WRITE_PAUSE_US = 1000,
};

enum part { EVERYTHING, STREAM, CATEGORY, PREFIX, TYPE };
static const struct wish {
    enum part part;
    const char *text;
} wishes[] = { { EVERYTHING, "" }, { EVERYTHING, "" }, { STREAM, "a-1" }, { CATEGORY, "b" }, { PREFIX, "a-" },
               { TYPE, "odd" } };

struct consumer {
    pthread_t thread;
    uint64_t random;
    const char *socket;
    unsigned number, disconnects;
    struct varve_filter filter;
    struct varve_view name;
    const struct wish *wish;
    uint64_t position;                 /* told */
    uint64_t last_event;               /* position of */
    uint64_t versions[STREAMS];        /* next */
    uint64_t events;
    unsigned caught_up;
    struct raw_link link;
    char fault[200];
};

struct writer {
    pthread_t thread;
    uint64_t random;
    const char *url;
    const atomic_bool *enough;
    char fault[200];
};

static void sleep_us(uint64_t us)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)us * 1000 }, NULL);
}

/* ---- writers ----------------------------------------------------------------------------------------------------- */

static bool append_some(struct writer *w, struct varve_client *client)
{
    static const char text[300] = "\"";
    struct varve_event events[MOST_EVENTS];
    char name[32];
    struct varve_append_outcome outcome;
    struct varve_error error = { .message = "" };
    size_t count = 1 + random_below(&w->random, MOST_EVENTS);

    snprintf(name, sizeof(name), "%s-%d", random_below(&w->random, 3) == 0 ? "b" : "a",
             (int)random_below(&w->random, STREAMS / 2));
    for (size_t i = 0; i < count; i++)
        events[i] = (struct varve_event){ .type = varve_view_str(i % 2 == 0 ? "even" : "odd"), .schema_version = 1,
                                          .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_OCTET_STREAM,
                                          .data = varve_view_of(text, random_below(&w->random, sizeof(text))) };
    const struct varve_append_stream stream = { varve_view_str(name), VARVE_EXPECTED_ANY };
    if (varve_client_append(client, &(struct varve_append_request){ &stream, 1, events, NULL, count }, &outcome,
                            &error) == VARVE_OK)
        return true;
    snprintf(w->fault, sizeof(w->fault), "append: %.150s", error.message);
    return false;
}

static void *write_on(void *user)
{
    struct writer *w = user;
    struct varve_client *client = NULL;

    if (varve_client_create(w->url, NULL, &client, NULL) != VARVE_OK)
        return NULL;
    while (!atomic_load(w->enough) && append_some(w, client))
        sleep_us(random_below(&w->random, WRITE_PAUSE_US));
    varve_client_free(client);
    return NULL;
}

/* ---- consumers --------------------------------------------------------------------------------------------------- */

static bool offend(struct consumer *c, const char *what, uint64_t number)
{
    if (c->fault[0] == '\0')
        snprintf(c->fault, sizeof(c->fault), "consumer %u: %s (%llu), told %llu, last event %llu", c->number, what,
                 (unsigned long long)number, (unsigned long long)c->position, (unsigned long long)c->last_event);
    return false;
}

/* "a-3" is stream 3, "b-3" the same of the second half. */
static unsigned stream_number(struct varve_view name)
{
    return (unsigned)(name.data[2] - '0') + (name.data[0] == 'b' ? STREAMS / 2 : 0);
}

static bool take_record(struct consumer *c, struct varve_view record)
{
    struct varve_event event;

    if (varve_record_decode(record.data, record.size, &event) != VARVE_OK)
        return offend(c, "not a record", record.size);
    if (event.position <= c->last_event)
        return offend(c, "an event out of order", event.position);
    uint64_t *version = &c->versions[stream_number(event.stream)];
    if (c->wish->part != TYPE && event.version != *version)
        return offend(c, "a version skipped or repeated", event.version);
    *version = event.version + 1;
    c->last_event = event.position;
    c->events++;
    return true;
}

static bool take_events(struct consumer *c)
{
    const struct varve_view *records;
    uint32_t count;
    uint64_t position;

    if (varve_decode_events(c->link.body, c->link.arena, &records, &count, &position, NULL) != VARVE_OK)
        return offend(c, "malformed EVENTS", c->link.body.size);
    for (uint32_t i = 0; i < count; i++) {
        if (!take_record(c, records[i]))
            return false;
    }
    if (count == 0 || position < c->last_event)
        return offend(c, "EVENTS that end early", position);
    c->position = position;
    varve_encode_credit(&c->link.out, 5, (uint32_t)c->link.body.size);
    return raw_link_send(&c->link) || offend(c, "the connection was lost", 0);
}

static bool take_position(struct consumer *c)
{
    uint64_t position;

    if (varve_decode_position(c->link.body, c->link.frame.opcode, &position, NULL) != VARVE_OK)
        return offend(c, "malformed", c->link.frame.opcode);
    if (position < c->position)
        return offend(c, "a position that goes back", position);
    c->position = position;
    c->caught_up += c->link.frame.opcode == VARVE_OP_CAUGHT_UP;
    return true;
}

static bool take_frame(struct consumer *c)
{
    switch (c->link.frame.opcode) {
    case VARVE_OP_SUBSCRIBED:
        return true;
    case VARVE_OP_EVENTS:
        return take_events(c);
    case VARVE_OP_CAUGHT_UP:
    case VARVE_OP_FELL_BEHIND:
    case VARVE_OP_CHECKPOINT:
        return take_position(c);
    default:
        return offend(c, "an unexpected frame", c->link.frame.opcode);
    }
}

/* On from the last event, or from what was looked at: both are places to resume from. */
static bool connect_again(struct consumer *c, uint32_t credit_bytes, uint32_t batch_bytes)
{
    const struct varve_subscribe_request request = {
        .filter = c->filter, .after = random_below(&c->random, 2) == 0 ? c->last_event : c->position,
        .credit_bytes = credit_bytes, .batch_bytes = batch_bytes,
    };

    if (!raw_link_open(&c->link, c->socket))
        return offend(c, "the server cannot be reached", 0);
    c->position = request.after;
    varve_encode_subscribe(&c->link.out, 5, &request);
    return raw_link_send(&c->link) || offend(c, "the connection was lost", 0);
}

static bool visit(struct consumer *c)
{
    static const uint32_t credits[] = { 1, 1000, 20000, 1 << 20 }, batches[] = { 0, 0, 1, 500 };
    static const size_t bites[] = { 7, 300, 4096, 65536, 65536, 65536 };
    uint64_t frames = random_below(&c->random, MOST_FRAMES);
    size_t bite = bites[random_below(&c->random, sizeof(bites) / sizeof(bites[0]))];

    if (!connect_again(c, credits[random_below(&c->random, 4)], batches[random_below(&c->random, 4)]))
        return false;
    for (uint64_t i = 0; i < frames; i++) {
        enum raw_result result = raw_link_take(&c->link, (int)random_below(&c->random, 3), bite);

        if (result == RAW_ENDED)
            return offend(c, "the server closed the connection", i);
        if (result == RAW_FRAME && !take_frame(c))
            return false;
        if (random_below(&c->random, 50) == 0)
            sleep_us(random_below(&c->random, 3000));
    }
    raw_link_close(&c->link);
    return true;
}

/* The writers are done: everything that there is must come. */
static bool get_to(struct consumer *c, uint64_t last_position)
{
    if (!connect_again(c, 1 << 20, 0))
        return false;
    while (c->position < last_position) {
        if (raw_link_take(&c->link, PATIENCE_MS, 65536) != RAW_FRAME)
            return offend(c, "stalled on the way to", last_position);
        if (!take_frame(c))
            return false;
    }
    raw_link_close(&c->link);
    return true;
}

static void *consume(void *user)
{
    struct consumer *c = user;

    for (unsigned i = 0; i < c->disconnects && c->fault[0] == '\0'; i++)
        visit(c);
    return NULL;
}

static void choose_filter(struct consumer *c)
{
    const struct wish *wish = c->wish = &wishes[c->number % (sizeof(wishes) / sizeof(wishes[0]))];

    c->name = varve_view_str(wish->text);
    c->filter = (struct varve_filter){
        .streams = &c->name, .stream_count = wish->part == STREAM, .categories = &c->name,
        .category_count = wish->part == CATEGORY, .prefixes = &c->name, .prefix_count = wish->part == PREFIX,
        .types = &c->name, .type_count = wish->part == TYPE,
    };
}

/* What the filter of a wish says, said otherwise. */
static bool is_wanted(const struct wish *wish, const struct varve_event *event)
{
    switch (wish->part) {
    case STREAM:
        return varve_view_equal(event->stream, varve_view_str(wish->text));
    case CATEGORY:
        return event->stream.data[0] == wish->text[0] && event->stream.data[1] == '-';
    case PREFIX:
        return strncmp(event->stream.data, wish->text, strlen(wish->text)) == 0;
    case TYPE:
        return varve_view_equal(event->type, varve_view_str(wish->text));
    default:
        return true;
    }
}

/* How many events of the whole log each of them wants, told by a plain read. */
static void count_wanted(struct served *served, const struct consumer *consumers, uint64_t *ret_wanted)
{
    const struct varve_event *event = NULL;
    struct varve_read read;

    varve_read_init(&read);
    assert_int_equal(varve_client_read_open(served->client, &read, NULL), VARVE_OK);
    while (varve_client_read_next(served->client, &event, NULL) == VARVE_OK && event != NULL) {
        for (unsigned i = 0; i < CONSUMERS; i++)
            ret_wanted[i] += is_wanted(consumers[i].wish, event);
    }
    varve_client_read_close(served->client);
}

static void every_event_once_and_in_order(void **state)
{
    static const char *const options[] = { "--settle-events", "3000", "--settle-size", "1MiB", "--segment-size",
                                           "16MiB", "--log-level", "warn", NULL };
    struct consumer *consumers = calloc(CONSUMERS, sizeof(*consumers));
    struct writer writers[WRITERS] = { { .url = NULL } };
    uint64_t wanted[CONSUMERS] = { 0 }, seed = test_seed(20), last_position = 0;
    atomic_bool enough = false;
    struct served served;
    int64_t now_us;

    served_begin(&served, options);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .random = seed + i, .url = served.varved.url, .enough = &enough };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (unsigned i = 0; i < CONSUMERS; i++) {
        struct consumer *c = &consumers[i];

        *c = (struct consumer){ .random = seed + 100 + i, .socket = served.varved.socket, .number = i,
                                .disconnects = TEST_EFFORT(DISCONNECTS) / CONSUMERS, .link.fd = -1 };
        choose_filter(c);
        assert_int_equal(pthread_create(&c->thread, NULL, consume, c), 0);
    }
    for (unsigned i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i].thread, NULL);
    atomic_store(&enough, true);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_string_equal(writers[i].fault, "");
    }
    assert_int_equal(varve_client_ping(served.client, &now_us, &last_position, NULL), VARVE_OK);
    count_wanted(&served, consumers, wanted);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        get_to(&consumers[i], last_position);
        print_message("consumer %u: %llu events, caught up %u times\n", i, (unsigned long long)consumers[i].events,
                      consumers[i].caught_up);
        assert_string_equal(consumers[i].fault, "");
        assert_int_equal(consumers[i].events, wanted[i]);
        raw_link_free(&consumers[i].link);
    }
    free(consumers);
    served_end(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_event_once_and_in_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
