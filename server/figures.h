/* figures.h - what the server counts about itself, as STATS tells it.
 *
 * Written by the loop thread only, read by any: hence atomics without order, which cost a plain store. */
#ifndef SERVER_FIGURES_H
#define SERVER_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name): the name is also that of the figure in STATS. */
#define FIGURES(X)                                                                                                     \
    X(connections)         /* open now */                                                                              \
    X(connections_total)   /* accepted since the start */                                                              \
    X(connections_refused) /* too many at a time */                                                                    \
    X(requests)            /* frames that reached a handler */                                                         \
    X(requests_under_way)  /* begun and not yet answered, reads included */                                            \
    X(requests_failed)     /* answered with ERROR */                                                                   \
    X(requests_refused)    /* of those: OVERLOADED or NOT_READY */                                                     \
    X(reads_under_way)                                                                                                 \
    X(subscriptions)       /* open now */                                                                              \
    X(subscription_events) /* sent to them */                                                                          \
    X(followers)           /* places of the log that subscriptions and groups stand at now */                          \
    X(follower_reads)      /* batches read for them by a reader thread, */                                             \
    X(follower_reads_inline) /* and by the loop */                                                                     \
    X(follower_batches)    /* of these, those with events, */                                                          \
    X(follower_batches_shared) /* and of these, those that went to more than one */                                    \
    X(consumer_groups)     /* there are */                                                                             \
    X(group_consumers)     /* members of them now */                                                                   \
    X(group_events_delivered)                                                                                          \
    X(group_events_redelivered) /* of those: not for the first time */                                                 \
    X(group_acks)                                                                                                      \
    X(group_nacks)                                                                                                     \
    X(group_extends)                                                                                                   \
    X(group_acks_refused)  /* of all three: FENCED or NOT_DELIVERED */                                                 \
    X(group_checkpoints)   /* written */                                                                               \
    X(group_parked)        /* events set aside now */                                                                  \
    X(transactions)        /* stored; of their changes of sagas: */                                                    \
    X(saga_begins)                                                                                                     \
    X(saga_steps)                                                                                                      \
    X(saga_compensates)                                                                                                \
    X(saga_completes)                                                                                                  \
    X(saga_fails)                                                                                                      \
    X(saga_archives)                                                                                                   \
    X(saga_deadlines_fired)                                                                                            \
    X(saga_claims)         /* answered with sagas, */                                                                  \
    X(sagas_claimed)       /* and with how many */                                                                     \
    X(saga_claims_waiting) /* now */                                                                                   \
    X(saga_leases)         /* now */                                                                                   \
    X(push_clients)        /* of server-sent events, open now */                                                       \
    X(push_clients_total)                                                                                              \
    X(push_refused_clients) /* too many at a time, or no memory for one more */                                        \
    X(push_dropped_clients) /* took nothing for too long */                                                            \
    X(push_events)         /* sent, to all of them together, */                                                        \
    X(push_bytes)          /* with all that is sent between them, */                                                   \
    X(push_events_rendered) /* and how often one was made into text for that */                                        \
    X(push_rejected_type_not_allowed) /* events that are not pushed, each counted once */                              \
    X(push_rejected_missing_field)                                                                                     \
    X(push_rejected_bad_id)                                                                                            \
    X(push_rejected_bad_time)                                                                                          \
    X(log_lines_debug)     /* written; those of the log are counted by any thread */                                   \
    X(log_lines_info)                                                                                                  \
    X(log_lines_warn)                                                                                                  \
    X(log_lines_error)                                                                                                 \
    X(log_lines_dropped)   /* repeats that were left out, and what could not be written */                             \
    X(bytes_in)                                                                                                        \
    X(bytes_out)                                                                                                       \
    X(slow_consumers)      /* connections closed because they took nothing */                                          \
    X(http_connections)    /* open now */                                                                              \
    X(http_connections_total)                                                                                          \
    X(http_connections_refused) /* too many at a time */                                                               \
    X(http_requests)       /* begun */                                                                                 \
    X(http_requests_under_way)                                                                                         \
    X(http_requests_failed) /* answered with a status of 400 or above */                                               \
    X(http_streams)        /* answers without an end, now */                                                           \
    X(budget_used_bytes)   /* of --memory-budget */                                                                    \
    X(budget_limit_bytes)

struct figures {
#define X(name) _Atomic uint64_t name;
    FIGURES(X)
#undef X
};

static inline uint64_t figure_get(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static inline void figure_set(_Atomic uint64_t *figure, uint64_t value)
{
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

static inline void figure_add(_Atomic uint64_t *figure, uint64_t more)
{
    figure_set(figure, figure_get(figure) + more);
}

static inline void figure_subtract(_Atomic uint64_t *figure, uint64_t less)
{
    figure_set(figure, figure_get(figure) - less);
}

#endif
