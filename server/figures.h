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
    X(bytes_in)                                                                                                        \
    X(bytes_out)                                                                                                       \
    X(slow_consumers)      /* connections closed because they took nothing */                                          \
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
