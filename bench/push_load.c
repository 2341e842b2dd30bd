/* push_load.c - see push_load.h. One thread and one connection append; the timetable goes on whatever the server does,
 * and an event that could not be sent in time counts from when it should have been. */
#include "push_load.h"

#include "bench_client.h"
#include "engine_load.h"
#include "push_clients.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DATA_BYTES = 256, STREAMS = 10000, IN_FLIGHT = 64, PUNCTUAL_NS = 1000000, LOOK_US = 1000 };
#define STUCK_NS 60000000000ull

struct appender {
    const struct push_load *load;
    struct varve_client *client;
    uint64_t submitted, acked, began_ns, ended_ns, random;
    uint64_t sent_ns[IN_FLIGHT]; /* by number; outcomes come in the order of submission */
    struct histogram histogram;
    char data[DATA_BYTES + 1];
};

static const char data_begins[] = "{\"at\":\"~0123456789abcdef\",\"text\":\"", data_ends[] = "\"}";
enum { STAMP_AT = 8 };

static uint32_t random_below(struct appender *appender, uint32_t bound)
{
    return (uint32_t)(random_next(&appender->random) >> 16) % bound;
}

static void prepare(struct appender *appender)
{
    memset(appender->data, 'v', DATA_BYTES);
    memcpy(appender->data, data_begins, sizeof(data_begins) - 1);
    memcpy(appender->data + DATA_BYTES - 2, data_ends, sizeof(data_ends));
    appender->random = random_seed(0);
}

static void stamp(struct appender *appender, uint64_t when_ns)
{
    char digits[PUSH_STAMP_DIGITS + 1];

    snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)when_ns);
    memcpy(appender->data + STAMP_AT, digits, PUSH_STAMP_DIGITS);
}

static void on_outcome(void *user, const struct varve_append_outcome *outcome)
{
    struct appender *appender = user;

    if (outcome->status != VARVE_OK)
        die("append failed: %s: %s", varve_status_name(outcome->status), outcome->error.message);
    histogram_add(&appender->histogram, now_ns() - appender->sent_ns[appender->acked % IN_FLIGHT]);
    appender->acked++;
}

static void submit(struct appender *appender, uint64_t due_ns)
{
    char name[32], user[32] = "";
    uint32_t number = random_below(appender, STREAMS);
    struct varve_append_stream stream = { { name, bench_stream_name(name, number) }, VARVE_EXPECTED_ANY };
    struct varve_event event = { .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE,
                                 .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                 .data = { appender->data, DATA_BYTES } };
    struct varve_append_request request = { &stream, 1, &event, NULL, 1 };
    uint64_t now = now_ns();
    struct varve_error error;

    if (appender->load->per_user && appender->load->clients > 0) {
        snprintf(user, sizeof(user), "user-%u", random_below(appender, appender->load->clients));
        event.user_id = varve_view_str(user);
    }
    if (due_ns != 0 && now > due_ns + PUNCTUAL_NS)
        now = due_ns;
    stamp(appender, now);
    appender->sent_ns[appender->submitted++ % IN_FLIGHT] = now;
    if (varve_client_submit(appender->client, &request, on_outcome, appender, &error) != VARVE_OK)
        die("append refused: %s", error.message);
}

static void poll_for(struct appender *appender, uint32_t ms)
{
    struct varve_error error;

    if (varve_client_poll(appender->client, ms, &error) != VARVE_OK)
        die("append failed: %s", error.message);
}

/* Until it is time for the next. */
static void rest(struct appender *appender, uint64_t until_ns)
{
    uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
    const struct timespec pause = { .tv_nsec = (long)(left < 50000 ? left : 50000) };

    if (varve_client_in_flight(appender->client) == 0)
        nanosleep(&pause, NULL);
    else
        poll_for(appender, 1);
}

static void append_all(struct appender *appender)
{
    uint64_t rate = appender->load->rate, ends_ns;
    struct varve_error error;

    appender->began_ns = now_ns();
    ends_ns = appender->began_ns + appender->load->ms * 1000000ull;
    while (now_ns() < ends_ns) {
        uint64_t due = rate == 0 ? 0 : appender->began_ns + appender->submitted * 1000000000ull / rate;
        if (varve_client_in_flight(appender->client) == IN_FLIGHT)
            poll_for(appender, 30000);
        else if (due <= now_ns())
            submit(appender, due);
        else
            rest(appender, due);
    }
    if (varve_client_drain(appender->client, &error) != VARVE_OK)
        die("append failed: %s", error.message);
    appender->ended_ns = now_ns();
}

/* ---- both together ---- */

static void await_all(const struct push_clients *clients, uint64_t expected)
{
    uint64_t before = 0, moved_ns = now_ns(), arrived;

    while ((arrived = push_clients_arrived(clients)) < expected) {
        if (arrived != before)
            moved_ns = now_ns();
        before = arrived;
        if (now_ns() - moved_ns > STUCK_NS)
            die("%llu of %llu events arrived", (unsigned long long)arrived, (unsigned long long)expected);
        usleep(LOOK_US);
    }
}

uint64_t push_measure(const struct push_load *load, struct measurement *ret_events, struct measurement *ret_appends)
{
    struct appender *appender = calloc(1, sizeof(*appender));
    struct push_clients *clients = NULL;
    static struct histogram arrivals;

    if (appender == NULL)
        die("no memory");
    appender->load = load;
    appender->client = bench_client_open(load->url, IN_FLIGHT);
    prepare(appender);
    if (load->clients > 0)
        clients = push_clients_open(load->http_port, load->clients, load->per_user ? PUSH_OF_USER : PUSH_NEW);
    append_all(appender);
    measure_histogram(&appender->histogram, appender->acked, appender->ended_ns - appender->began_ns, ret_appends);
    if (clients != NULL) {
        if (load->rate > 0)
            await_all(clients, appender->acked * (load->per_user ? 1 : load->clients));
        uint64_t arrived = push_clients_arrived(clients), elapsed = now_ns() - appender->began_ns;
        push_clients_stop(clients, &arrivals);
        measure_histogram(&arrivals, arrived, elapsed, ret_events);
        push_clients_close(clients);
    }
    uint64_t appended = appender->acked;
    varve_client_free(appender->client);
    free(appender);
    return appended;
}

void push_measure_history(const struct push_load *load, uint64_t events, struct measurement *ret)
{
    uint64_t began_ns = now_ns(), all = events * load->clients;
    struct push_clients *clients = push_clients_open(load->http_port, load->clients, PUSH_HISTORY);
    static struct histogram ages;

    await_all(clients, all);
    *ret = (struct measurement){ .per_second = (double)all * 1e9 / (double)(now_ns() - began_ns) };
    push_clients_stop(clients, &ages);
    push_clients_close(clients);
}
