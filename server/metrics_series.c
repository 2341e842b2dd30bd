/* metrics_series.c - see metrics_series.h. Nothing is ever taken out, so open addressing is all that is needed. */
#include "metrics_series.h"

#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

enum { FEWEST_SLOTS = 16, VALUE_BYTES = 3 * 256, LINE_BYTES = 128 };

/* So that at most half of them are taken. */
static uint32_t slots_for(uint32_t most)
{
    uint32_t slots = FEWEST_SLOTS;

    while (slots < 2 * most)
        slots *= 2;
    return slots;
}

static uint32_t series_limit_for(uint32_t label_count, uint32_t values, bool has_histograms)
{
    return 1 + values * (label_count == 1 ? 1 : has_histograms ? SPREADS_PER_VALUE : SERIES_PER_VALUE);
}

size_t series_escape(struct varve_view value, char *ret)
{
    size_t size = 0;

    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == '\\' || c == '"' || c == '\n')
            ret[size++] = '\\';
        ret[size++] = c == '\n' ? 'n' : c;
    }
    return size;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool add_value(struct label *label, struct varve_view raw)
{
    char *memory = malloc(3 * raw.size + 1);

    if (memory == NULL)
        return false;
    if (raw.size > 0)
        memcpy(memory, raw.data, raw.size);
    label->values[label->count++] = (struct label_value){
        .raw = { memory, raw.size }, .escaped = { memory + raw.size, series_escape(raw, memory + raw.size) },
    };
    return true;
}

/* Its index, or that of `other` when there is no place for it. */
static uint32_t find_value(struct series_set *set, uint32_t which, struct varve_view value)
{
    struct label *label = &set->labels[which];
    uint32_t *slots = set->value_slots[which];
    uint32_t at = (uint32_t)XXH3_64bits(value.size > 0 ? value.data : "", value.size) & set->value_mask;

    for (; slots[at] != 0; at = (at + 1) & set->value_mask)
        if (varve_view_equal(label->values[slots[at] - 1].raw, value))
            return slots[at] - 1;
    if (label->count > set->value_limit || !add_value(label, value))
        return SERIES_OTHER;
    uint32_t size = (uint32_t)label->values[label->count - 1].escaped.size;
    if (size > atomic_load_explicit(&set->longest, memory_order_relaxed))
        atomic_store_explicit(&set->longest, size, memory_order_relaxed);
    slots[at] = label->count;
    return label->count - 1;
}

/* ---- series ----------------------------------------------------------------------------------------------------- */

static bool add_series(struct series_set *set, const uint32_t values[SERIES_MAX_LABELS])
{
    uint32_t count = atomic_load_explicit(&set->count, memory_order_relaxed);
    struct series *series = &set->all[count];

    if (set->has_histograms && (series->histogram = calloc(1, sizeof(*series->histogram))) == NULL)
        return false;
    memcpy(series->values, values, sizeof(series->values));
    atomic_store_explicit(&set->count, count + 1, memory_order_release); /* With the values that it names. */
    return true;
}

struct series *series_find(struct series_set *set, const struct varve_view *values)
{
    uint32_t found[SERIES_MAX_LABELS] = { SERIES_OTHER }, *slots = set->series_slots;

    for (uint32_t i = 0; i < set->label_count; i++)
        found[i] = find_value(set, i, values[i]);
    uint32_t at = (found[0] * UINT32_C(2654435761) ^ found[1] * UINT32_C(40503)) & set->series_mask;
    for (; slots[at] != 0; at = (at + 1) & set->series_mask)
        if (memcmp(set->all[slots[at] - 1].values, found, sizeof(found)) == 0)
            return &set->all[slots[at] - 1];
    uint32_t count = atomic_load_explicit(&set->count, memory_order_relaxed);
    if (count == set->series_limit || !add_series(set, found))
        return &set->all[SERIES_OTHER];
    slots[at] = count + 1;
    return &set->all[count];
}

/* ---- its beginning and its end ---------------------------------------------------------------------------------- */

static bool take_memory(struct series_set *set)
{
    uint32_t value_slots = slots_for(set->value_limit + 1), series_slots = slots_for(set->series_limit);
    bool good = true;

    set->value_mask = value_slots - 1;
    set->series_mask = series_slots - 1;
    for (uint32_t i = 0; i < set->label_count; i++) {
        set->labels[i].values = calloc(set->value_limit + 1, sizeof(*set->labels[i].values));
        set->value_slots[i] = calloc(value_slots, sizeof(*set->value_slots[i]));
        good = good && set->labels[i].values != NULL && set->value_slots[i] != NULL;
    }
    set->all = calloc(set->series_limit, sizeof(*set->all));
    set->series_slots = calloc(series_slots, sizeof(*set->series_slots));
    return good && set->all != NULL && set->series_slots != NULL;
}

bool series_start(struct series_set *set, uint32_t label_count, uint32_t values, bool has_histograms)
{
    const struct varve_view others[SERIES_MAX_LABELS] = { { "other", 5 }, { "other", 5 } };

    *set = (struct series_set){ .label_count = label_count, .value_limit = values, .has_histograms = has_histograms,
                                .series_limit = series_limit_for(label_count, values, has_histograms) };
    if (!take_memory(set))
        return false;
    series_find(set, others); /* Whatever is really called so is among them. */
    for (uint32_t i = 0; i < label_count; i++)
        if (set->labels[i].count == 0)
            return false;
    return series_count(set) == 1;
}

void series_end(struct series_set *set)
{
    for (uint32_t i = 0; i < set->label_count; i++) {
        for (uint32_t value = 0; value < set->labels[i].count; value++)
            free((char *)set->labels[i].values[value].raw.data);
        free(set->labels[i].values);
        free(set->value_slots[i]);
    }
    for (uint32_t i = 0; set->all != NULL && i < series_count(set); i++)
        free(set->all[i].histogram);
    free(set->all);
    free(set->series_slots);
    *set = (struct series_set){ .label_count = 0 };
}

uint64_t series_text_bytes(const struct series_set *set, uint64_t lines)
{
    uint64_t longest = atomic_load_explicit(&set->longest, memory_order_relaxed);

    return series_count(set) * lines * (LINE_BYTES + set->label_count * longest);
}

uint64_t series_memory_bound(uint32_t label_count, uint32_t values, bool has_histograms)
{
    uint64_t series = series_limit_for(label_count, values, has_histograms);
    uint64_t each = sizeof(struct series) + 4 * sizeof(uint32_t);

    if (has_histograms)
        each += sizeof(struct varve_histogram);
    return series * each + label_count * (values + 1ull) * (sizeof(struct label_value) + VALUE_BYTES +
                                                            4 * sizeof(uint32_t));
}
