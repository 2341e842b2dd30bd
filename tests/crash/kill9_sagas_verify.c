/* kill9_sagas_verify.c - see kill9_sagas.h: what is served, held against what the worker did. */
#include "crash/kill9_sagas_parts.h"
#include "varve/uuid.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMERS_WITHIN_S 60

static bool offend(struct sagas_scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool offend(struct sagas_scan *scan, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(scan->fault, scan->room, format, arguments);
    va_end(arguments);
    return false;
}

static bool begins_with(struct varve_view text, const char *prefix)
{
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static bool is_text(struct varve_view view, const char *text)
{
    return view.size == strlen(text) && memcmp(view.data == NULL ? "" : view.data, text, view.size) == 0;
}

bool sagas_scan_begin(struct sagas_scan *scan, const struct saga_worker *worker, char *fault, size_t room)
{
    *scan = (struct sagas_scan){ .worker = worker, .fault = fault, .room = room };
    sagas_lives_begin(&scan->lives);
    scan->timers = calloc(worker->lives.transactions + 2, sizeof(*scan->timers));
    return scan->timers != NULL || offend(scan, "no memory to verify with");
}

void sagas_scan_end(struct sagas_scan *scan)
{
    free(scan->timers);
    scan->timers = NULL;
}

bool sagas_scan_owns(const struct varve_event *event)
{
    return begins_with(event->stream, "$") || is_text(event->stream, SAGAS_EFFECTS);
}

/* ---- the log ---- */

/* The one event that the server adds: of a saga that is past its deadline, once. */
static bool take_time_out(struct sagas_scan *scan, const struct varve_event *event)
{
    char digits[24] = "";
    struct varve_view stream = event->stream;
    const size_t prefix = strlen("$saga-" SAGAS_TIMER_TYPE "-");

    if (stream.size > prefix && stream.size - prefix < sizeof(digits))
        memcpy(digits, stream.data + prefix, stream.size - prefix);
    uint64_t n = strtoull(digits, NULL, 10);
    if (n == 0 || n > scan->lives.transactions || scan->timers[n].events != 1 || event->version != 1 ||
        !is_text(event->type, "$saga.timed_out"))
        return offend(scan, "position %" PRIu64 " holds %.*s@%" PRIu64 ", which does not follow", event->position,
                      (int)stream.size, stream.data, event->version);
    if (event->recorded_at_us < scan->timers[n].deadline_us)
        return offend(scan, "timer %" PRIu64 " was fired before its time", n);
    scan->timers[n].events = 2;
    scan->running_timers--;
    return true;
}

static void expect_part(const struct saga_step *step, unsigned part, char stream[64], char type[32], char data[48],
                        uint64_t *ret_version)
{
    struct plan_saga_name name;

    snprintf(data, 48, "%" PRIu64, step->n);
    *ret_version = step->n - 1;
    switch (part) {
    case SAGAS_EFFECT:
        snprintf(stream, 64, SAGAS_EFFECTS);
        snprintf(type, 32, "effect.had");
        break;
    case SAGAS_TRANSITION:
        plan_saga_name(step->saga, step->generation, &name);
        snprintf(stream, 64, "%s", name.stream);
        snprintf(type, 32, "%s", plan_saga_event_type(step->action));
        data[step->has_state ? strlen(data) : 0] = '\0';
        *ret_version = (uint64_t)(step->version + 1);
        break;
    case SAGAS_TIMER:
        snprintf(stream, 64, "$saga-" SAGAS_TIMER_TYPE "-%" PRIu64, step->n);
        snprintf(type, 32, "$saga.started");
        data[0] = '\0';
        *ret_version = 0;
        break;
    default:
        snprintf(stream, 64, SAGAS_CHECKPOINT_STREAM);
        snprintf(type, 32, PLAN_CHECKPOINT_TYPE);
        snprintf(data, 48, "{\"position\":%" PRIu64 "}", step->n);
        break;
    }
}

static void begin_timer(struct sagas_scan *scan, uint64_t n, const struct varve_event *event)
{
    static const char member[] = "\"deadline_us\":";
    const char *found = memmem(event->metadata.data, event->metadata.size, member, strlen(member));

    scan->timers[n].events = 1;
    scan->timers[n].deadline_us = found == NULL ? INT64_MAX : strtoll(found + strlen(member), NULL, 10);
    scan->timer_count++;
    scan->running_timers++;
}

static bool take_part(struct sagas_scan *scan, const struct varve_event *event)
{
    struct saga_lives lives = scan->lives;
    struct saga_step step = sagas_next(&lives);
    char stream[64], type[32], data[48];
    struct varve_uuid id = sagas_id(step.n, (uint8_t)scan->part);
    uint64_t version;

    expect_part(&step, scan->part, stream, type, data, &version);
    if (!is_text(event->stream, stream) || !is_text(event->type, type) || !is_text(event->data, data) ||
        event->version != version || !varve_uuid_equal(&event->id, &id))
        return offend(scan, "position %" PRIu64 " holds %.*s@%" PRIu64 ", not %s@%" PRIu64 " of transaction %" PRIu64,
                      event->position, (int)event->stream.size, event->stream.data, event->version, stream, version,
                      step.n);
    if (step.n > scan->worker->lives.transactions + 1)
        return offend(scan, "transaction %" PRIu64 " was never sent", step.n);
    if (scan->part == SAGAS_TIMER)
        begin_timer(scan, step.n, event);
    scan->part++;
    if (scan->part == SAGAS_TIMER && !step.has_timer)
        scan->part++;
    if (scan->part > SAGAS_CHECKPOINT) {
        scan->part = 0;
        scan->lives = lives;
    }
    return true;
}

bool sagas_scan_take(struct sagas_scan *scan, const struct varve_event *event)
{
    bool is_owned = sagas_scan_owns(event);

    if (scan->part != 0 && !is_owned)
        return offend(scan, "position %" PRIu64 " stands amid transaction %" PRIu64, event->position,
                      scan->lives.transactions + 1);
    if (!is_owned)
        return true;
    if (scan->part == 0 && begins_with(event->stream, "$saga-" SAGAS_TIMER_TYPE "-"))
        return take_time_out(scan, event);
    return take_part(scan, event);
}

/* ---- the tables ---- */

static bool check_saga(struct sagas_scan *scan, const struct varve_saga *found)
{
    char stream[VARVE_SAGA_MAX_NAME], state[24];
    uint32_t saga, generation;

    if (is_text(found->type, SAGAS_TIMER_TYPE)) {
        uint64_t n = strtoull(found->id.data, NULL, 10); /* What follows it in the frame is no digit. */
        unsigned events = n > scan->lives.transactions ? 0 : scan->timers[n].events;

        return events == (found->status == VARVE_SAGA_TIMED_OUT ? 2 : 1) ||
               offend(scan, "timer %" PRIu64 " is listed with status %u, but has %u events", n,
                      (unsigned)found->status, events);
    }
    if (!plan_parse_saga(varve_saga_stream(found->type, found->id, stream), &saga, &generation))
        return offend(scan, "a saga is listed that nobody began");
    snprintf(state, sizeof(state), "%" PRIu64, scan->lives.sagas[saga].state_n);
    if (generation != scan->lives.sagas[saga].generation || (int)found->status != scan->lives.sagas[saga].status ||
        found->version != scan->lives.sagas[saga].version || !found->has_state || !is_text(found->state, state))
        return offend(scan, "saga %u.%u is listed with status %u, version %" PRId64 "; its events say %u.%u, %d, %"
                      PRId64, saga, generation, (unsigned)found->status, found->version, saga,
                      scan->lives.sagas[saga].generation, scan->lives.sagas[saga].status,
                      scan->lives.sagas[saga].version);
    return true;
}

static bool check_list(struct sagas_scan *scan, struct varve_client *client)
{
    uint64_t listed = 0, alive = scan->timer_count;
    struct varve_saga_list page = { .end = false };
    struct varve_saga_query query;
    struct varve_error error;

    for (uint32_t saga = 0; saga < PLAN_SAGAS; saga++)
        alive += scan->lives.sagas[saga].status != PLAN_NOT_BEGUN;
    varve_saga_query_init(&query);
    query.include_state = true;
    query.limit = 1000;
    while (!page.end) {
        if (varve_client_saga_list(client, &query, &page, &error) != VARVE_OK)
            return offend(scan, "listing sagas: %s", error.message);
        for (size_t i = 0; i < page.count; i++, listed++)
            if (!check_saga(scan, &page.sagas[i]))
                return false;
        query.after = varve_view_of((const char *)page.next, page.next_size);
    }
    return listed == alive || offend(scan, "%" PRIu64 " sagas are listed, %" PRIu64 " are there", listed, alive);
}

static bool check_counts(struct sagas_scan *scan, struct varve_client *client)
{
    uint64_t counted = 0, expected = scan->timer_count, timers_running = 0;
    struct varve_saga_counts counts;
    struct varve_error error;

    if (varve_client_saga_counts(client, &counts, &error) != VARVE_OK)
        return offend(scan, "counting sagas: %s", error.message);
    for (uint32_t saga = 0; saga < PLAN_SAGAS; saga++)
        expected += scan->lives.sagas[saga].status != PLAN_NOT_BEGUN;
    for (size_t i = 0; i < counts.count; i++) {
        for (unsigned status = 0; status < VARVE_SAGA_STATUSES; status++)
            counted += counts.types[i].by_status[status];
        if (is_text(counts.types[i].type, SAGAS_TIMER_TYPE))
            timers_running = counts.types[i].by_status[VARVE_SAGA_RUNNING];
    }
    return (counted == expected && timers_running == scan->running_timers) ||
           offend(scan, "%" PRIu64 " sagas are counted, %" PRIu64 " of them timers that run; there are %" PRIu64
                  " and %" PRIu64, counted, timers_running, expected, scan->running_timers);
}

static bool check_checkpoint(struct sagas_scan *scan, struct varve_client *client)
{
    uint64_t position;
    int64_t version;
    struct varve_error error;

    if (varve_client_checkpoint(client, varve_view_str("kill9"), &position, &version, &error) != VARVE_OK)
        return offend(scan, "the checkpoint: %s", error.message);
    return (position == scan->lives.transactions && version == (int64_t)position - 1) ||
           offend(scan, "the checkpoint says %" PRIu64 ", %" PRIu64 " transactions are there", position,
                  scan->lives.transactions);
}

bool sagas_scan_check(struct sagas_scan *scan, struct varve_client *client, bool complete)
{
    uint64_t found = scan->lives.transactions, acknowledged = scan->worker->lives.transactions;

    if (scan->part != 0)
        return offend(scan, "the log ends amid transaction %" PRIu64, found + 1);
    if (found < acknowledged || (complete && found > acknowledged))
        return offend(scan, "%" PRIu64 " transactions are there, %" PRIu64 " were acknowledged", found, acknowledged);
    if (!complete) /* Timers may fire between one look and the next. */
        return check_checkpoint(scan, client);
    return check_checkpoint(scan, client) && check_list(scan, client) && check_counts(scan, client);
}

bool sagas_wait_for_timers(struct varve_client *client, char *fault, size_t room)
{
    const struct timespec rest = { .tv_nsec = 20000000 };
    uint64_t running = 1;

    for (unsigned i = 0; i < TIMERS_WITHIN_S * 50u && running > 0; i++) {
        struct varve_saga_counts counts;
        struct varve_error error;

        if (varve_client_saga_counts(client, &counts, &error) != VARVE_OK) {
            snprintf(fault, room, "counting sagas: %.300s", error.message);
            return false;
        }
        running = 0;
        for (size_t type = 0; type < counts.count; type++)
            if (is_text(counts.types[type].type, SAGAS_TIMER_TYPE))
                running = counts.types[type].by_status[VARVE_SAGA_RUNNING];
        if (running > 0)
            nanosleep(&rest, NULL);
    }
    if (running > 0)
        snprintf(fault, room, "%" PRIu64 " deadlines were not fired within %d s", running, TIMERS_WITHIN_S);
    return running == 0;
}
