/* histogram.h - how values are spread, in 4 buckets to a doubling: quantiles to within a quarter, in 2 KiB.
 *
 * Written by one thread at a time, read by any: atomics without order, which cost a plain store. A reader sees each
 * value at some time; buckets and sum may be a moment apart. All zeros is an empty one. */
#ifndef VARVE_HISTOGRAM_H
#define VARVE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { VARVE_HISTOGRAM_BUCKETS = 256 };

struct varve_histogram {
    _Atomic uint64_t buckets[VARVE_HISTOGRAM_BUCKETS], sum, max;
};

/* Of a histogram at one moment; `count` is that of the buckets. The difference of two is what happened between them;
 * its `max` is known to a bucket. */
struct varve_histogram_view {
    uint64_t buckets[VARVE_HISTOGRAM_BUCKETS], count, sum, max;
};

void varve_histogram_add(struct varve_histogram *histogram, uint64_t value); /* its one writer */
void varve_histogram_look(const struct varve_histogram *histogram, struct varve_histogram_view *ret);
void varve_histogram_subtract(struct varve_histogram_view *view, const struct varve_histogram_view *earlier);
/* Upper end of the bucket in which the `per_mille`-th of all values lies, at most the highest; 0: no value. */
uint64_t varve_histogram_quantile(const struct varve_histogram_view *view, unsigned per_mille);
/* How many values are at most `bound`; exact when the bound ends a bucket, as every power of two does. */
uint64_t varve_histogram_below(const struct varve_histogram_view *view, uint64_t bound);

#endif
