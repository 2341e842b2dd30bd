/* subscription.h - follow the log from C, alone (subscription) or with others (consumer group).
 *
 * A subscription or a consumer has a connection of its own and belongs to one thread at a time; the options and the URL
 * are those of a client. Both come in two forms over the same object: _next() blocks and returns one thing that
 * happened, _run() calls back for each until the callback or varve_..._stop() ends it.
 *
 * While a call waits, a server that says nothing is sent a PING every few seconds (half of request_timeout_ms, at most
 * 5 s), and counts as lost when nothing comes for request_timeout_ms after it; 0: it never does. A lost connection is
 * taken up again with the options' reconnect_attempts, for which a call may take longer than its timeout_ms; being
 * connected alone does not count as progress, but what comes then does. */
#ifndef VARVE_SUBSCRIPTION_H
#define VARVE_SUBSCRIPTION_H

#include "varve/client.h"
#include "varve/filter.h"
#include "varve/group.h"

/* ---- subscriptions ---------------------------------------------------------------------------------------------- */

struct varve_subscription;

enum varve_notice_kind {
    VARVE_NOTICE_EVENT,         /* `event`; `position` may lie behind its own, when nothing matched up to there */
    VARVE_NOTICE_CAUGHT_UP,     /* nothing more now; what comes is live */
    VARVE_NOTICE_FELL_BEHIND,
    VARVE_NOTICE_CHECKPOINT,    /* nothing matched up to `position`: store it as you would an event's */
    VARVE_NOTICE_RECONNECTED,   /* the connection was lost and is back; events go on behind the last handed over */
    VARVE_NOTICE_TIMEOUT,       /* of _next(): nothing happened in time */
};
struct varve_notice {
    enum varve_notice_kind kind;
    uint64_t position;          /* resume `after` it and nothing is skipped, nothing comes twice */
    const struct varve_event *event; /* verified; lives until the next call */
};

/* Copies all it needs. `filter` NULL: everything but system events. `after`: a position, or VARVE_AFTER_END; the end is
 * fixed by the first connection. Connects and returns what the server thinks of it: INVALID_ARGUMENT (filter; `after`
 * past the end), UNREACHABLE, ... */
enum varve_status varve_subscription_open(const char *url, const struct varve_client_options *options,
                                          const struct varve_filter *filter, uint64_t after,
                                          struct varve_subscription **ret_subscription, struct varve_error *error);
/* The next notice; waits up to timeout_ms (UINT32_MAX: for ever; 0: takes what is there). A lost connection is taken up
 * again behind the last position handed over; when that cannot be done it says so (UNREACHABLE, DISCONNECTED, ..., or
 * INVALID_ARGUMENT when the server has another, shorter log; its database id differs: CORRUPT), and _next() may be
 * called again to try once more, as after NO_MEMORY. Other faults stay: an event that does not verify (CORRUPT), that
 * comes twice, out of order or was not asked for (PROTOCOL). */
enum varve_status varve_subscription_next(struct varve_subscription *subscription, uint32_t timeout_ms,
                                          struct varve_notice *ret_notice, struct varve_error *error);
/* Calls `take` for every notice until it returns false (VARVE_OK), varve_subscription_stop() (CANCELLED) or a fault. */
typedef bool (*varve_take_notice)(void *user, const struct varve_notice *notice);
enum varve_status varve_subscription_run(struct varve_subscription *subscription, varve_take_notice take, void *user,
                                         struct varve_error *error);
/* From any thread or a signal handler, until close is called: the call that waits returns CANCELLED, or the next one
 * does, and so do all after it. */
void varve_subscription_stop(struct varve_subscription *subscription);
uint64_t varve_subscription_position(const struct varve_subscription *subscription); /* as in the last notice */
void varve_subscription_close(struct varve_subscription *subscription); /* NULL allowed */

/* ---- consumer groups: administration, over any client ----------------------------------------------------------- */

/* What *ret_info points to lives until the next call on the client; ret_info may be NULL. */
enum varve_status varve_client_group_create(struct varve_client *client, struct varve_view group,
                                            const struct varve_group_settings *settings, uint64_t after,
                                            struct varve_group_info *ret_info, struct varve_error *error);
enum varve_status varve_client_group_update(struct varve_client *client, struct varve_view group,
                                            const struct varve_group_settings *settings, bool resume,
                                            struct varve_group_info *ret_info, struct varve_error *error);
enum varve_status varve_client_group_reset(struct varve_client *client, struct varve_view group, uint64_t after,
                                           struct varve_group_info *ret_info, struct varve_error *error);
enum varve_status varve_client_group_delete(struct varve_client *client, struct varve_view group,
                                            struct varve_error *error);
enum varve_status varve_client_group_info(struct varve_client *client, struct varve_view group,
                                          struct varve_group_info *ret_info, struct varve_error *error);
enum varve_status varve_client_group_list(struct varve_client *client, const struct varve_group_info **ret_infos,
                                          size_t *ret_count, struct varve_error *error);
enum varve_status varve_client_parked_list(struct varve_client *client, struct varve_view group, uint64_t after,
                                           uint32_t limit, const struct varve_parked_event **ret_events,
                                           size_t *ret_count, bool *ret_end, struct varve_error *error);
/* position 0: the oldest `limit` of them (0: all). */
enum varve_status varve_client_parked_replay(struct varve_client *client, struct varve_view group, uint64_t position,
                                             uint32_t limit, uint32_t *ret_count, struct varve_error *error);
enum varve_status varve_client_parked_discard(struct varve_client *client, struct varve_view group, uint64_t position,
                                              uint32_t limit, struct varve_view reason, uint32_t *ret_count,
                                              struct varve_error *error);

/* ---- consumer groups: working ----------------------------------------------------------------------------------- */

struct varve_consumer;

/* Several may be out at once. Each event lives until the first varve_consumer_next() after it was acked or nacked,
 * whatever the answer; those that never are, until the consumer is closed or 20,000 younger ones are out. */
struct varve_work {
    const struct varve_event *event; /* verified */
    uint32_t attempt;                /* 1: the first */
    uint64_t epoch;                  /* of the membership it was delivered to */
};
/* Joins the group under `name`. max_in_flight 0: as the group is set. A name in use is CONSUMER_EXISTS unless
 * `takeover`; the consumer's own reconnecting always takes over. */
enum varve_status varve_consumer_open(const char *url, const struct varve_client_options *options,
                                      struct varve_view group, struct varve_view name, uint32_t max_in_flight,
                                      bool takeover, struct varve_consumer **ret_consumer, struct varve_error *error);
/* The next event, or TIMEOUT. After a lost connection it joins again by itself with a new epoch; what was out comes
 * again (to this consumer or another), acks of it are FENCED, and those without an answer are lost, as _flush() tells.
 * FENCED, GROUP_STOPPED, GROUP_NOT_FOUND stay; what does not stay of a subscription's faults does not here either. */
enum varve_status varve_consumer_next(struct varve_consumer *consumer, uint32_t timeout_ms, struct varve_work *ret_work,
                                      struct varve_error *error);
/* Sent, and not waited for: VARVE_OK: on its way. It counts for the group when it arrives, and the next event of the
 * key may come then; its answer comes when it is durable, in a busy group up to a quarter of a second later, and is
 * taken in by _next(), _flush() and whatever else waits. _flush() tells how it went.
 * FENCED: the event is not with this consumer any more; NOT_DELIVERED: _next() did not hand it over, or it was acked or
 * nacked before. When 16,384 acks (of _ack_many(): calls, or 100,000 positions) are unanswered, the call first waits
 * for answers: TIMEOUT, none came within request_timeout_ms; DISCONNECTED: the membership was lost. Then, as with
 * NO_MEMORY, it was not sent. Not interrupted by _stop(). */
enum varve_status varve_consumer_ack(struct varve_consumer *consumer, uint64_t position, struct varve_error *error);
/* Up to 10,000 (VARVE_MAX_ACKS) at once; of those that would be FENCED or NOT_DELIVERED, _flush() tells. */
enum varve_status varve_consumer_ack_many(struct varve_consumer *consumer, const uint64_t *positions, size_t count,
                                          struct varve_error *error);

/* Waits up to timeout_ms (UINT32_MAX: for ever; 0: takes what is there) until everything that was sent is answered.
 * VARVE_OK: what was not refused is durable, and comes again only by a reset. TIMEOUT: not all is answered yet, nothing
 * is lost. DISCONNECTED: the connection was lost since the last flush, before the answers to some, whose events may
 * come again. PROTOCOL, NO_MEMORY: the same, and why.
 * Whatever it returns, *ret_refused are the acks that were not taken since the last flush, the newest VARVE_MAX_REFUSED
 * of them, with the reason: FENCED or NOT_DELIVERED; DISCONNECTED: not known; or what the server answered. It lives
 * until the next call; both may be NULL. Not interrupted by _stop(). */
#define VARVE_MAX_REFUSED 10000u
enum varve_status varve_consumer_flush(struct varve_consumer *consumer, uint32_t timeout_ms,
                                       const struct varve_refused_ack **ret_refused, size_t *ret_count,
                                       struct varve_error *error);
/* Events whose acks were sent and have no answer yet. */
uint32_t varve_consumer_unconfirmed(const struct varve_consumer *consumer);

/* These wait for their answer, but for a nack of VARVE_NACK_SKIP, which is as an ack. VARVE_OK; FENCED, NOT_DELIVERED:
 * as above, or the server says so. DISCONNECTED, TIMEOUT: unknown; if it was not taken, the event comes again. Events
 * that arrive meanwhile are kept for _next(), no more of them than read_credit_bytes allow. */
enum varve_status varve_consumer_nack(struct varve_consumer *consumer, uint64_t position, enum varve_nack action,
                                      uint32_t retry_after_ms, struct varve_view reason, struct varve_error *error);
enum varve_status varve_consumer_extend(struct varve_consumer *consumer, uint64_t position, uint32_t by_ms,
                                        struct varve_error *error);
/* Calls `work` for each event and acks (VARVE_OK) or nacks it (anything else: retry as the group is set, with *error's
 * message as the reason) until varve_consumer_stop() (CANCELLED) or a fault of _next(). Acks that are refused or lost
 * end nothing: the event comes again. The last may be unanswered when it returns. */
typedef enum varve_status (*varve_do_work)(void *user, const struct varve_work *work, struct varve_error *error);
enum varve_status varve_consumer_run(struct varve_consumer *consumer, varve_do_work work, void *user,
                                     struct varve_error *error);
/* As varve_subscription_stop(), for _next() and _run(); acks and _flush() still work. */
void varve_consumer_stop(struct varve_consumer *consumer);
/* Waits up to request_timeout_ms for answers to all acks, then leaves the group, waiting up to 5 s for the server to
 * confirm it; what is out goes to others. NULL allowed. */
void varve_consumer_close(struct varve_consumer *consumer);

#endif
