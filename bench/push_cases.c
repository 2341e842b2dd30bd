/* push_cases.c - server-sent events to a thousand clients: how many, how soon, and what it costs those who append. */
#include "http_cases.h"
#include "push_load.h"
#include "raw_server.h"

#include <string.h>

enum { CLIENTS = 1000, QUICK_CLIENTS = 100, HISTORY_RATE = 50000, HISTORY_MS = 100 };

struct push_case {
    bool per_user;
    uint32_t rate; /* 0: as fast as they are taken */
};

static const struct push_case push_list[] = {
    { true, 1000 }, { false, 100 }, { true, 10000 }, { true, 0 }, { false, 1000 }, { false, 0 },
};
enum { QUICK_CASES = 1 };

static void name_row(struct row *row, const struct push_case *c, uint32_t clients, const char *section,
                     const char *appends)
{
    char rate[32] = "full speed";

    if (c->rate > 0)
        snprintf(rate, sizeof(rate), "%u/s", c->rate);
    row->section = section;
    snprintf(row->name, sizeof(row->name), "%s%s, %u clients, %s", appends, rate, clients,
             c->per_user ? "a user each" : "all of all");
}

/* Appends alone, then with clients; *appends has both, row by row. */
static void measure(const struct settings *settings, const struct push_case *c, uint32_t clients, struct row *events,
                    struct row *appends)
{
    struct push_load load = { .per_user = c->per_user, .rate = c->rate, .ms = http_case_ms(settings) };
    struct measurement unused;
    char url[64];
    pid_t varved = varved_start_with_http(settings, fresh_path(settings, "server"), url, &load.http_port);

    load.url = url;
    for (uint32_t i = 0; i < settings->rounds; i++) {
        load.clients = 0;
        push_measure(&load, &unused, &appends->raw[i]);
        load.clients = clients;
        push_measure(&load, &events->ours[i], &appends->ours[i]);
    }
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}

/* At full speed, but nobody appends: all clients read the same log from its first event on. */
static void history_case(const struct settings *settings, uint32_t clients, struct report *report)
{
    struct row row = { .section = "push: events at the clients", .unit = "events", .rounds = settings->rounds };
    struct push_load load = { .rate = HISTORY_RATE, .ms = HISTORY_MS };
    struct measurement unused;
    char url[64];

    snprintf(row.name, sizeof(row.name), "history, %u clients, all of all", clients);
    if (!is_chosen(settings, row.name))
        return;
    pid_t varved = varved_start_with_http(settings, fresh_path(settings, "server"), url, &load.http_port);
    load.url = url;
    uint64_t events = push_measure(&load, &unused, &unused);
    load.clients = clients;
    for (uint32_t i = 0; i < settings->rounds; i++)
        push_measure_history(&load, events, &row.ours[i]);
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
    report_row(report, &row);
}

void push_cases(const struct settings *settings, struct report *report)
{
    enum { CASES = sizeof(push_list) / sizeof(push_list[0]) };
    size_t count = settings->quick ? QUICK_CASES : CASES;
    uint32_t clients = settings->quick ? QUICK_CLIENTS : CLIENTS;
    static struct row events[CASES], appends[CASES];

    for (size_t i = 0; i < count; i++) {
        events[i] = (struct row){ .unit = "events", .rounds = settings->rounds };
        appends[i] = (struct row){ .unit = "events", .rounds = settings->rounds, .has_raw = true,
                                   .raw_name = "the same without clients" };
        name_row(&events[i], &push_list[i], clients, "push: events at the clients", "");
        name_row(&appends[i], &push_list[i], clients, "push: the appends meanwhile", "appends, ");
        if (!is_chosen(settings, events[i].name))
            continue;
        measure(settings, &push_list[i], clients, &events[i], &appends[i]);
        report_row(report, &events[i]);
    }
    history_case(settings, clients, report);
    for (size_t i = 0; i < count; i++)
        if (is_chosen(settings, events[i].name))
            report_row(report, &appends[i]);
}
