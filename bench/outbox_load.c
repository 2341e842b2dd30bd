/* outbox_load.c - see outbox_load.h. One thread, one connection; the timetable goes on whatever the server does (an
 * open loop), and an event that could not be sent in time counts from when it should have been. */
#include "outbox_load.h"

#include "bench_client.h"
#include "engine_load.h"
#include "kafka_bench.h"
#include "random.h"
#include "varve/outbox_client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DATA_BYTES = 256, VARIED_BYTES = 96, MOST_PER_APPEND = 100, IN_FLIGHT = 256, PUNCTUAL_NS = 1000000,
       LOOK_US = 20000 };
#define STUCK_NS 60000000000ull

struct appender {
    const struct outbox_load *load;
    struct varve_client *client;
    uint64_t submitted, acked;
    uint64_t *sent_ns, *acked_ns;
    uint64_t began_ns, random;
    struct varve_event events[MOST_PER_APPEND];
    char data[MOST_PER_APPEND][DATA_BYTES];
};

/* ---- events ---- */

static void put_digits(char *at, uint64_t number)
{
    for (int i = 15; i >= 0; i--, number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
}

/* A number, digits that differ, and text that does not, so that a batch compresses about as JSON does. */
static void prepare(struct appender *appender)
{
    static const char text[] = "\"currency\":\"EUR\",\"status\":\"accepted\",\"customer\":{\"id\":\"c-12345678\","
                               "\"name\":\"Somebody Somewhere\",\"street\":\"Any Road 1\"},\"items\":[1,2,3,4]}";

    for (uint32_t i = 0; i < appender->load->per_append; i++) {
        memset(appender->data[i], ' ', DATA_BYTES);
        memcpy(appender->data[i] + VARIED_BYTES, text, sizeof(text) - 1);
        appender->events[i] = (struct varve_event){
            .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
            .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { appender->data[i], DATA_BYTES },
        };
    }
    _Static_assert(VARIED_BYTES + sizeof(text) - 1 <= DATA_BYTES, "data have room for the text");
}

static void vary(struct appender *appender)
{
    for (uint32_t i = 0; i < appender->load->per_append; i++) {
        put_digits(appender->data[i], appender->load->first + appender->submitted + i);
        for (int at = BENCH_NUMBER_DIGITS; at < VARIED_BYTES; at += 16)
            put_digits(appender->data[i] + at, random_next(&appender->random));
    }
}

/* ---- appending ---- */

static void on_outcome(void *user, const struct varve_append_outcome *outcome)
{
    struct appender *appender = user;
    uint64_t now = now_ns();

    if (outcome->status != VARVE_OK)
        die("append failed: %s: %s", varve_status_name(outcome->status), outcome->error.message);
    for (uint32_t i = 0; appender->acked_ns != NULL && i < appender->load->per_append; i++)
        appender->acked_ns[appender->acked + i] = now;
    appender->acked += appender->load->per_append; /* Outcomes come in the order of submission. */
}

static void submit(struct appender *appender, uint64_t due_ns)
{
    const struct outbox_load *load = appender->load;
    char name[32];
    uint32_t number = (uint32_t)(random_next(&appender->random) >> 16) % load->streams;
    struct varve_append_stream stream = { { name, bench_stream_name(name, number) }, VARVE_EXPECTED_ANY };
    struct varve_append_request request = { &stream, 1, appender->events, NULL, load->per_append };
    struct varve_error error;

    vary(appender);
    uint64_t now = now_ns();
    for (uint32_t i = 0; appender->sent_ns != NULL && i < load->per_append; i++)
        appender->sent_ns[appender->submitted + i] = now > due_ns + PUNCTUAL_NS ? due_ns : now;
    appender->submitted += load->per_append;
    if (varve_client_submit(appender->client, &request, on_outcome, appender, &error) != VARVE_OK)
        die("append refused: %s", error.message);
}

static uint64_t due_ns(const struct appender *appender)
{
    uint32_t rate = appender->load->rate;

    return rate == 0 ? 0 : appender->began_ns + (uint64_t)((double)appender->submitted * 1e9 / rate);
}

static void rest(struct appender *appender, uint64_t until_ns)
{
    uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
    const struct timespec pause = { .tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000) };
    struct varve_error error;

    if (varve_client_in_flight(appender->client) == 0)
        nanosleep(&pause, NULL);
    else if (varve_client_poll(appender->client, left < 1000000 ? 1 : (uint32_t)(left / 1000000), &error) != VARVE_OK)
        die("append failed: %s", error.message);
}

uint64_t outbox_load_run(const struct outbox_load *load, uint64_t *sent_ns, uint64_t *acked_ns)
{
    struct appender *appender = calloc(1, sizeof(*appender));
    struct varve_error error;

    if (appender == NULL || load->per_append > MOST_PER_APPEND)
        die("no memory");
    appender->load = load;
    appender->client = bench_client_open(load->url, IN_FLIGHT);
    appender->sent_ns = sent_ns;
    appender->acked_ns = acked_ns;
    appender->random = random_seed(0);
    prepare(appender);
    appender->began_ns = now_ns();
    while (appender->submitted < load->count) {
        uint64_t due = due_ns(appender);
        if (due <= now_ns())
            submit(appender, load->rate == 0 ? now_ns() : due);
        else
            rest(appender, due);
    }
    if (varve_client_drain(appender->client, &error) != VARVE_OK)
        die("append failed: %s", error.message);
    uint64_t elapsed = now_ns() - appender->began_ns;
    varve_client_free(appender->client);
    free(appender);
    return elapsed;
}

/* ---- what the server tells ---- */

static uint64_t ask(struct varve_client *client, const char *name)
{
    const struct varve_outbox_entry *entries;
    struct varve_error error;
    size_t count;

    if (varve_client_outbox_list(client, (struct varve_view){ NULL, 0 }, &entries, &count, &error) != VARVE_OK)
        die("cannot ask for the outbox: %s", error.message);
    for (size_t i = 0; count == 1 && i < entries[0].figure_count; i++)
        if (varve_view_equal(entries[0].figures[i].name, varve_view_str(name)))
            return entries[0].figures[i].number;
    die("the outbox has no figure %s", name);
}

uint64_t outbox_figure(const char *url, const char *name)
{
    struct varve_client *client = bench_client_open(url, IN_FLIGHT);
    uint64_t number = ask(client, name);

    varve_client_free(client);
    return number;
}

void outbox_load_await(const char *url)
{
    struct varve_client *client = bench_client_open(url, IN_FLIGHT);
    uint64_t left, before = UINT64_MAX, moved_ns = now_ns();

    while ((left = ask(client, "lag_events")) > 0) {
        if (left != before)
            moved_ns = now_ns();
        before = left;
        if (now_ns() - moved_ns > STUCK_NS)
            die("the outbox stands still, %llu events behind", (unsigned long long)left);
        usleep(LOOK_US);
    }
    varve_client_free(client);
}
