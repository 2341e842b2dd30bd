/* histogram.c - see histogram.h. Values below 64 have a bucket each; above, 64 buckets for each power of two. */
#include "histogram.h"

#include <string.h>

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

static size_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB)
        return (size_t)value;
    int power = 63 - __builtin_clzll(value); /* >= 6 */
    return (size_t)(power - 5) * HISTOGRAM_SUB + (size_t)((value >> (power - 6)) & (HISTOGRAM_SUB - 1));
}

static uint64_t value_of(size_t bucket)
{
    if (bucket < HISTOGRAM_SUB)
        return bucket;
    int power = (int)(bucket / HISTOGRAM_SUB) + 5;
    return (1ull << power) + ((uint64_t)(bucket % HISTOGRAM_SUB) << (power - 6));
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
    histogram->buckets[bucket_of(value_ns)]++;
    histogram->count++;
    if (value_ns > histogram->max)
        histogram->max = value_ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t histogram_at(const struct histogram *histogram, double fraction)
{
    uint64_t wanted = (uint64_t)(fraction * (double)histogram->count), seen = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted || (seen == histogram->count && seen > 0))
            return value_of(i);
    }
    return 0;
}
