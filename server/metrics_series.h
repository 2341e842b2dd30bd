/* metrics_series.h - what is counted by labels that clients choose: a bounded number of series, the rest as `other`.
 *
 * One thread at a time finds series and counts; any thread reads meanwhile without a lock: whatever is below the count
 * that it sees is whole and stays. */
#ifndef SERVER_METRICS_SERIES_H
#define SERVER_METRICS_SERIES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "varve/event.h"
#include "varve/histogram.h"

enum {
    SERIES_MAX_LABELS = 2,
    SERIES_PER_VALUE = 5, /* combinations of two labels, for each value that one may have, */
    SPREADS_PER_VALUE = 2, /* and of histograms */
    SERIES_OTHER = 0,     /* the first value of each label, and the first series: all of them `other` */
};

struct label {
    uint32_t count;            /* the writer's: readers know values from series */
    struct label_value {
        struct varve_view raw; /* malloc'ed, */
        struct varve_view escaped; /* in the same piece: as it stands between quotes */
    } *values;
};
struct series {
    uint32_t values[SERIES_MAX_LABELS]; /* indexes into the labels' */
    _Atomic uint64_t count;
    struct varve_histogram *histogram;  /* NULL when the set has none */
};
struct series_set {
    uint32_t label_count, value_limit, series_limit;
    bool has_histograms;
    struct label labels[SERIES_MAX_LABELS];
    _Atomic uint32_t count;
    _Atomic uint32_t longest;  /* value of a label, escaped */
    struct series *all;
    uint32_t *value_slots[SERIES_MAX_LABELS]; /* hash tables of index + 1; 0: free. The writer's */
    uint32_t *series_slots;
    uint32_t value_mask, series_mask;
};

/* Of each label `values` are told apart. False: no memory; end it all the same. */
bool series_start(struct series_set *set, uint32_t label_count, uint32_t values, bool has_histograms);
void series_end(struct series_set *set);
/* The series of these values, as many as the set has labels. Texts are copied. */
struct series *series_find(struct series_set *set, const struct varve_view *values);
static inline void series_add(struct series *series, uint64_t more)
{
    atomic_store_explicit(&series->count, atomic_load_explicit(&series->count, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* Reading: those below the count; index SERIES_OTHER is there from the beginning, and counts 0 as long as all had a
 * place. */
static inline uint32_t series_count(const struct series_set *set)
{
    return atomic_load_explicit(&set->count, memory_order_acquire);
}
static inline struct varve_view series_label(const struct series_set *set, const struct series *series, uint32_t label)
{
    return set->labels[label].values[series->values[label]].escaped;
}
uint64_t series_text_bytes(const struct series_set *set, uint64_t lines); /* of all, with so many lines each */
uint64_t series_memory_bound(uint32_t label_count, uint32_t values, bool has_histograms);

/* `\`, `"` and line ends as they stand between the quotes of a label. `room` of `ret`: at least twice the size. */
size_t series_escape(struct varve_view value, char *ret);

#endif
