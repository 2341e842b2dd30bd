/* follower.c - one who follows the log through crashes of its server, for follow_kills.py.
 *
 *   follower subscribe URL COUNT [TYPE]      prints the id of each event, until there were COUNT
 *   follower consume URL GROUP NAME          works for a group until SIGTERM: for each event that arrives it prints
 *                                            "event NS POSITION STREAM ID ATTEMPT", then acks it; and
 *                                            "confirmed NS POSITION" when the ack was answered
 * It complains and fails when an event comes twice or out of order to a subscription. */
#include "varve/subscription.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ACKS_AT_ONCE = 50, UNCONFIRMED = 5000 };

static void give_up(const char *what, const struct varve_error *error)
{
    fprintf(stderr, "follower: %s: %s: %s\n", what, varve_status_name(error->status), error->message);
    exit(1);
}

static void format_id(const struct varve_uuid *id, char text[33])
{
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
}

/* ---- alone ---- */

struct progress {
    uint64_t wanted, count, position;
};

static bool print_event(void *user, const struct varve_notice *notice)
{
    struct progress *progress = user;
    char id[33];

    if (notice->kind != VARVE_NOTICE_EVENT)
        return true;
    if (notice->event->position <= progress->position) {
        fprintf(stderr, "follower: position %" PRIu64 " after %" PRIu64 "\n", notice->event->position,
                progress->position);
        exit(1);
    }
    progress->position = notice->event->position;
    format_id(&notice->event->id, id);
    puts(id);
    return ++progress->count < progress->wanted;
}

static int subscribe(const char *url, const char *count, const char *type)
{
    struct progress progress = { .wanted = strtoull(count, NULL, 10) };
    struct varve_view types = varve_view_str(type);
    struct varve_filter filter = { .types = &types, .type_count = type != NULL ? 1 : 0 };
    struct varve_subscription *subscription = NULL;
    struct varve_error error;

    if (varve_subscription_open(url, NULL, &filter, 0, &subscription, &error) != VARVE_OK)
        give_up("cannot subscribe", &error);
    if (varve_subscription_run(subscription, print_event, &progress, &error) != VARVE_OK)
        give_up("the subscription ended", &error);
    varve_subscription_close(subscription);
    return 0;
}

/* ---- with others ---- */

static volatile sig_atomic_t stopped;

static void on_sigterm(int signum)
{
    stopped = 1;
}

struct member {
    struct varve_consumer *consumer;
    uint64_t positions[UNCONFIRMED + ACKS_AT_ONCE]; /* that were had since the last flush */
    size_t count, acked;                            /* the first so many were acked */
};

static unsigned long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

static void print_work(const struct varve_work *work)
{
    char id[33];

    format_id(&work->event->id, id);
    printf("event %llu %" PRIu64 " %.*s %s %" PRIu32 "\n", now_ns(), work->event->position,
           (int)work->event->stream.size, work->event->stream.data, id, work->attempt);
}

/* Events that were taken back meanwhile come again: a refused ack is no fault here. */
static void ack(struct member *member)
{
    struct varve_error error;

    fflush(stdout);
    if (member->count == member->acked)
        return;
    enum varve_status status = varve_consumer_ack_many(member->consumer, member->positions + member->acked,
                                                       member->count - member->acked, &error);
    if (status != VARVE_OK && status != VARVE_FENCED && !varve_status_retryable(status))
        give_up("cannot ack", &error);
    member->acked = member->count;
}

/* Only when every one of them was taken we say so of all. */
static void flush(struct member *member)
{
    const struct varve_refused_ack *refused;
    struct varve_error error;
    size_t refused_count;

    enum varve_status status = varve_consumer_flush(member->consumer, 60000, &refused, &refused_count, &error);
    for (size_t i = 0; i < member->acked && status == VARVE_OK && refused_count == 0; i++)
        printf("confirmed %llu %" PRIu64 "\n", now_ns(), member->positions[i]);
    member->count = member->acked = 0;
}

static void take_one(struct member *member)
{
    struct varve_work work;
    struct varve_error error;
    uint32_t wait_ms = member->count > member->acked ? 0 : 50;
    enum varve_status status = varve_consumer_next(member->consumer, wait_ms, &work, &error);

    if (status == VARVE_OK) {
        print_work(&work);
        member->positions[member->count++] = work.event->position;
    } else if (!varve_status_retryable(status)) {
        give_up("the consumer ended", &error);
    }
    bool many = member->count >= UNCONFIRMED;
    if (member->count - member->acked == ACKS_AT_ONCE || many || (status != VARVE_OK && member->count > member->acked))
        ack(member);
    else if (status != VARVE_OK && member->count > 0)
        many = true; /* Nothing comes: time to see what became of the acks. */
    if (many)
        flush(member);
}

static int consume(const char *url, const char *group, const char *name)
{
    static struct member member;
    struct varve_error error;

    signal(SIGTERM, on_sigterm);
    if (varve_consumer_open(url, NULL, varve_view_str(group), varve_view_str(name), 0, false, &member.consumer,
                            &error) != VARVE_OK)
        give_up("cannot join", &error);
    while (!stopped)
        take_one(&member);
    ack(&member);
    flush(&member);
    varve_consumer_close(member.consumer);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && argc <= 5 && strcmp(argv[1], "subscribe") == 0)
        return subscribe(argv[2], argv[3], argc == 5 ? argv[4] : NULL);
    if (argc == 5 && strcmp(argv[1], "consume") == 0)
        return consume(argv[2], argv[3], argv[4]);
    fprintf(stderr, "usage: follower subscribe URL COUNT [TYPE] | consume URL GROUP NAME\n");
    return 2;
}
