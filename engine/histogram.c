/* histogram.c - see histogram.h. 0 has a bucket, 1 to 4 have one each, and from there on each doubling has four, whose
 * upper ends belong to them: so powers of two end buckets. */
#include "varve/histogram.h"

static uint64_t get(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void set(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t value)
{
    if (value <= 4)
        return (unsigned)value;
    uint64_t before = value - 1; /* >= 4 */
    unsigned exponent = 63 - (unsigned)__builtin_clzll(before);
    return 1 + 4 * (exponent - 1) + (unsigned)(before >> (exponent - 2) & 3);
}

static uint64_t last_of(unsigned bucket)
{
    if (bucket <= 4)
        return bucket;
    unsigned shift = (bucket - 1) / 4 - 1;
    uint64_t before = ((UINT64_C(4) + (bucket - 1) % 4) << shift) + ((UINT64_C(1) << shift) - 1);
    return before == UINT64_MAX ? before : before + 1;
}

void varve_histogram_add(struct varve_histogram *histogram, uint64_t value)
{
    _Atomic uint64_t *bucket = &histogram->buckets[bucket_of(value)];

    set(bucket, get(bucket) + 1);
    set(&histogram->sum, get(&histogram->sum) + value);
    if (value > get(&histogram->max))
        set(&histogram->max, value);
}

void varve_histogram_look(const struct varve_histogram *histogram, struct varve_histogram_view *ret)
{
    ret->count = 0;
    ret->sum = get(&histogram->sum);
    for (unsigned i = 0; i < VARVE_HISTOGRAM_BUCKETS; i++) {
        ret->buckets[i] = get(&histogram->buckets[i]);
        ret->count += ret->buckets[i];
    }
    ret->max = get(&histogram->max);
}

/* The highest of what is left is known to a bucket only. */
static uint64_t highest_of(const struct varve_histogram_view *view)
{
    unsigned bucket = VARVE_HISTOGRAM_BUCKETS;

    while (bucket > 0 && view->buckets[bucket - 1] == 0)
        bucket--;
    if (bucket == 0)
        return 0;
    return last_of(bucket - 1) < view->max ? last_of(bucket - 1) : view->max;
}

void varve_histogram_subtract(struct varve_histogram_view *view, const struct varve_histogram_view *earlier)
{
    view->count -= earlier->count;
    view->sum -= earlier->sum;
    for (unsigned i = 0; i < VARVE_HISTOGRAM_BUCKETS; i++)
        view->buckets[i] -= earlier->buckets[i];
    view->max = highest_of(view);
}

uint64_t varve_histogram_quantile(const struct varve_histogram_view *view, unsigned per_mille)
{
    uint64_t count = view->count, below = 0;
    uint64_t rank = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;

    if (count == 0)
        return 0;
    for (unsigned i = 0; i < VARVE_HISTOGRAM_BUCKETS; i++) {
        below += view->buckets[i];
        if (below >= rank && below > 0)
            return last_of(i) < view->max ? last_of(i) : view->max;
    }
    return view->max;
}

uint64_t varve_histogram_below(const struct varve_histogram_view *view, uint64_t bound)
{
    uint64_t below = 0;

    for (unsigned i = 0; i < VARVE_HISTOGRAM_BUCKETS && last_of(i) <= bound; i++) {
        below += view->buckets[i];
        if (last_of(i) == UINT64_MAX)
            break; /* The last that a value can fall into. */
    }
    return below;
}
