/* metrics_cases.c - what counting and being scraped cost appends: the same load on a varved that is scraped every
 * second, and on another one, turn by turn. */
#include "raw_server.h"
#include "server_load.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATA_BYTES = 256, STREAMS = 10000, SCRAPE_EVERY_MS = 1000, STEP_MS = 20, RECEIVE_BYTES = 256 * 1024 };

/* ---- the scraper ---- */

struct scraper {
    int port;
    atomic_bool stopping;
    uint64_t scrapes, bytes, ns; /* the thread's, until it is joined */
    pthread_t thread;
};

static uint64_t scrape(int port)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static char answer[RECEIVE_BYTES];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    uint64_t size = 0;
    ssize_t got;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
        die("cannot scrape port %d", port);
    while ((got = read(fd, answer, sizeof(answer))) > 0)
        size += (uint64_t)got;
    close(fd);
    if (size < sizeof(request))
        die("port %d answered a scrape with %llu bytes", port, (unsigned long long)size);
    return size;
}

static void *scrape_main(void *argument)
{
    struct scraper *scraper = argument;

    for (uint64_t waited_ms = SCRAPE_EVERY_MS; !atomic_load(&scraper->stopping); waited_ms += STEP_MS) {
        if (waited_ms >= SCRAPE_EVERY_MS) {
            uint64_t began = now_ns();

            scraper->bytes += scrape(scraper->port);
            scraper->ns += now_ns() - began;
            scraper->scrapes++;
            waited_ms = 0;
        }
        usleep(STEP_MS * 1000);
    }
    return NULL;
}

/* ---- one side of a comparison ---- */

struct side {
    pid_t pid;
    char url[64];
    int64_t *versions;
    uint64_t events, cpu_ms;
};

/* User and system time of a process. */
static uint64_t cpu_ms_of(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    if (at == NULL || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("cannot read %s", path);
    return (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void measure(struct side *side, const struct server_load *given, struct scraper *scraper,
                    struct measurement *ret)
{
    struct server_load load = *given;
    uint64_t before_ms = cpu_ms_of(side->pid);

    load.url = side->url;
    if (scraper != NULL) {
        atomic_store(&scraper->stopping, false);
        if (pthread_create(&scraper->thread, NULL, scrape_main, scraper) != 0)
            die("no thread to scrape");
    }
    server_load_append(&load, side->versions, ret);
    if (scraper != NULL) {
        atomic_store(&scraper->stopping, true);
        pthread_join(scraper->thread, NULL);
    }
    side->cpu_ms += cpu_ms_of(side->pid) - before_ms;
    side->events += (uint64_t)(ret->per_second * load.seconds);
}

static void side_end(struct side *side)
{
    server_stop(side->pid);
    free(side->versions);
}

/* ---- cases ---- */

static double us_per_event(const struct side *side)
{
    return side->events == 0 ? 0 : (double)side->cpu_ms * 1e3 / (double)side->events;
}

static void note(struct report *report, const struct row *row, const struct side *ours, const struct side *other,
                 const struct scraper *scraper)
{
    double ours_sum = 0, other_sum = 0;

    for (uint32_t i = 0; i < row->rounds; i++) {
        ours_sum += row->ours[i].per_second;
        other_sum += row->raw[i].per_second;
    }
    report_note(report, "all rounds together: %.3f of the other's events; CPU of the server: %.2f us an event, the "
                "other's %.2f us: %.3f", ours_sum / other_sum, us_per_event(ours), us_per_event(other),
                us_per_event(ours) / us_per_event(other));
    report_note(report, "%llu scrapes of %llu KiB, %.1f ms each", (unsigned long long)scraper->scrapes,
                (unsigned long long)(scraper->bytes / scraper->scrapes >> 10),
                (double)scraper->ns / 1e6 / (double)scraper->scrapes);
}

static void run_case(const struct settings *settings, struct report *report, const char *name, uint32_t connections,
                     uint32_t in_flight)
{
    struct row row = { .section = "metrics: appends while scraped every second", .unit = "events",
                       .rounds = settings->rounds, .has_raw = true, .goal = 0.98,
                       .raw_name = settings->baseline != NULL ? settings->baseline : "varved, not scraped" };
    const struct server_load load = { NULL, connections, in_flight, 1, STREAMS, DATA_BYTES, settings->seconds, false };
    struct side ours = { .versions = server_load_fresh_versions(STREAMS) };
    struct side other = { .versions = server_load_fresh_versions(STREAMS) };
    struct scraper scraper = { .stopping = true };

    snprintf(row.name, sizeof(row.name), "%s, scraped, %u conn x %u", name, connections, in_flight);
    if (is_chosen(settings, row.name)) {
        ours.pid = varved_start_with_http(settings, fresh_path(settings, "server"), ours.url, &scraper.port);
        other.pid = varved_start_other(settings, settings->baseline, fresh_path(settings, "other"), other.url);
        for (uint32_t i = 0; i < 2 * row.rounds; i++) { /* Who comes second has a warmer disk, so they take turns. */
            if ((i % 2 == 0) == (i / 2 % 2 == 0))
                measure(&ours, &load, &scraper, &row.ours[i / 2]);
            else
                measure(&other, &load, NULL, &row.raw[i / 2]);
        }
        report_row(report, &row);
        note(report, &row, &ours, &other, &scraper);
        side_end(&ours);
        side_end(&other);
        remove_tree(scratch_path(settings, "server"));
        remove_tree(scratch_path(settings, "other"));
    }
}

void bench_metrics(const struct settings *settings, struct report *report)
{
    run_case(settings, report, "W1", 1, 1);
    run_case(settings, report, "W2", 8, 8);
}
