/* filter.c - see filter.h: the shape of a filter, its normal form, and the question asked of every event. */
#include "varve/filter.h"

#include "varve/record.h"
#include "varve/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTS = 4, ALL_CLASSES = 1 << VARVE_CLASS_DOMAIN | 1 << VARVE_CLASS_INTEGRATION | 1 << VARVE_CLASS_REALTIME };

struct list {
    const char *name;
    const struct varve_view *items;
    size_t count;
};

static void get_lists(const struct varve_filter *filter, struct list ret_lists[LISTS])
{
    ret_lists[0] = (struct list){ "streams", filter->streams, filter->stream_count };
    ret_lists[1] = (struct list){ "categories", filter->categories, filter->category_count };
    ret_lists[2] = (struct list){ "types", filter->types, filter->type_count };
    ret_lists[3] = (struct list){ "prefixes", filter->prefixes, filter->prefix_count };
}

static bool begins_with(struct varve_view text, struct varve_view prefix)
{
    return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

static bool is_system(struct varve_view name)
{
    return name.data[0] == '$';
}

/* ---- shape ---- */

/* Streams, categories and prefixes are all beginnings of a stream's name. */
static enum varve_status check_name(struct varve_view name, const char *field, struct varve_error *error)
{
    bool system = name.data != NULL && name.size > 0 && is_system(name);

    return varve_check_stream_name(name, system, field, error);
}

static enum varve_status check_item(const struct list *list, size_t i, struct varve_error *error)
{
    struct varve_view item = list->items[i];
    char field[48];

    snprintf(field, sizeof(field), "filter.%s[%zu]", list->name, i);
    if (strcmp(list->name, "types") == 0)
        return varve_check_text(item, VARVE_MAX_TYPE, field, error);
    enum varve_status status = check_name(item, field, error);
    if (status == VARVE_OK && strcmp(list->name, "categories") == 0 && memchr(item.data, '-', item.size) != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: a category ends before the first '-', so it "
                          "cannot hold one", field);
    return status;
}

static enum varve_status check_list(const struct list *list, size_t *bytes, struct varve_error *error)
{
    char field[48];

    snprintf(field, sizeof(field), "filter.%s", list->name);
    if (list->count > VARVE_FILTER_MAX_ITEMS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: may hold %u names, holds %zu", field,
                          VARVE_FILTER_MAX_ITEMS, list->count);
    if (list->items == NULL && list->count > 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must be a list of %zu names, is none", field,
                          list->count);
    for (size_t i = 0; i < list->count; i++) {
        enum varve_status status = check_item(list, i, error);
        if (status != VARVE_OK)
            return status;
        *bytes += list->items[i].size;
    }
    return VARVE_OK;
}

/* ---- contradictions ---- */

/* Is there a name that begins with `prefix` and lies in `category`? */
static bool prefix_fits_category(struct varve_view prefix, struct varve_view category)
{
    struct varve_view of_prefix = varve_category(prefix);

    return of_prefix.size < prefix.size ? varve_view_equal(of_prefix, category) : begins_with(category, prefix);
}

static bool stream_fits_some_category(const struct varve_filter *filter, struct varve_view stream)
{
    struct varve_view category = varve_category(stream);
    bool fits = filter->category_count == 0;

    for (size_t i = 0; i < filter->category_count && !fits; i++)
        fits = varve_view_equal(filter->categories[i], category);
    return fits;
}

static bool stream_fits_some_prefix(const struct varve_filter *filter, struct varve_view stream)
{
    bool fits = filter->prefix_count == 0;

    for (size_t i = 0; i < filter->prefix_count && !fits; i++)
        fits = begins_with(stream, filter->prefixes[i]);
    return fits;
}

static bool some_stream_fits(const struct varve_filter *filter)
{
    for (size_t i = 0; i < filter->stream_count; i++)
        if (stream_fits_some_category(filter, filter->streams[i]) &&
            stream_fits_some_prefix(filter, filter->streams[i]))
            return true;
    return false;
}

static bool may_be_shown(const struct varve_filter *filter, struct varve_view beginning)
{
    return filter->include_system || !is_system(beginning);
}

static bool some_prefix_fits(const struct varve_filter *filter, const struct varve_view *category)
{
    for (size_t i = 0; i < filter->prefix_count; i++)
        if (may_be_shown(filter, filter->prefixes[i]) &&
            (category == NULL || prefix_fits_category(filter->prefixes[i], *category)))
            return true;
    return filter->prefix_count == 0;
}

static bool some_category_fits(const struct varve_filter *filter)
{
    for (size_t i = 0; i < filter->category_count; i++)
        if (may_be_shown(filter, filter->categories[i]) && some_prefix_fits(filter, &filter->categories[i]))
            return true;
    return false;
}

/* Can there be a stream whose events match? Types, ids and classes exclude none. */
static enum varve_status check_contradictions(const struct varve_filter *filter, struct varve_error *error)
{
    if (filter->stream_count > 0)
        return some_stream_fits(filter)
                   ? VARVE_OK
                   : varve_fail(error, VARVE_INVALID_ARGUMENT, "filter", "filter: can never match: none of its streams "
                                "is of one of its categories and begins with one of its prefixes");
    if (filter->category_count > 0 ? some_category_fits(filter) : some_prefix_fits(filter, NULL))
        return VARVE_OK;
    struct varve_filter with_system = *filter;
    with_system.include_system = true;
    if (filter->category_count > 0 ? some_category_fits(&with_system) : some_prefix_fits(&with_system, NULL))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "filter", "filter: can never match: it names system streams "
                          "('$') and does not include system events");
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "filter",
                      "filter: can never match: no stream of its categories begins with one of its prefixes");
}

enum varve_status varve_filter_check(const struct varve_filter *filter, struct varve_error *error)
{
    struct list lists[LISTS];
    size_t bytes = 0;

    get_lists(filter, lists);
    for (size_t i = 0; i < LISTS; i++) {
        enum varve_status status = check_list(&lists[i], &bytes, error);
        if (status != VARVE_OK)
            return status;
    }
    if (bytes > VARVE_FILTER_MAX_BYTES)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "filter", "filter: its names may have %u bytes together, "
                          "these have %zu", VARVE_FILTER_MAX_BYTES, bytes);
    if ((filter->classes & ~(unsigned)ALL_CLASSES) != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "filter.classes", "filter.classes: must be a sum of 1 "
                          "(domain), 2 (integration) and 4 (realtime), is %u", filter->classes);
    return check_contradictions(filter, error);
}

/* ---- normal form ---- */

static int compare(struct varve_view a, struct varve_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, common);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_items(const void *a, const void *b)
{
    return compare(*(const struct varve_view *)a, *(const struct varve_view *)b);
}

/* Sorts `count` items that the copy holds already, and drops doubles. Returns how many are left. */
static size_t normalise(struct varve_view *items, size_t count)
{
    size_t kept = 0;

    if (count > 1)
        qsort(items, count, sizeof(*items), compare_items);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare(items[kept - 1], items[i]) != 0)
            items[kept++] = items[i];
    return kept;
}

static size_t copy_list(const struct list *list, struct varve_view *items, char **bytes)
{
    for (size_t i = 0; i < list->count; i++) {
        memcpy(*bytes, list->items[i].data, list->items[i].size);
        items[i] = varve_view_of(*bytes, list->items[i].size);
        *bytes += items[i].size;
    }
    return normalise(items, list->count);
}

/* One piece of memory: struct, items, names. */
struct varve_filter *varve_filter_copy(const struct varve_filter *filter)
{
    struct list lists[LISTS];
    size_t count = 0, size = 0;

    get_lists(filter, lists);
    for (size_t i = 0; i < LISTS; i++) {
        count += lists[i].count;
        for (size_t k = 0; k < lists[i].count; k++)
            size += lists[i].items[k].size;
    }
    struct varve_filter *copy = malloc(sizeof(*copy) + count * sizeof(struct varve_view) + size);
    if (copy == NULL)
        return NULL;
    *copy = *filter;
    copy->classes = filter->classes == ALL_CLASSES ? 0 : filter->classes;
    struct varve_view *items = (struct varve_view *)(copy + 1);
    char *bytes = (char *)(items + count);
    copy->streams = items;
    copy->stream_count = copy_list(&lists[0], items, &bytes);
    copy->categories = items += lists[0].count;
    copy->category_count = copy_list(&lists[1], items, &bytes);
    copy->types = items += lists[1].count;
    copy->type_count = copy_list(&lists[2], items, &bytes);
    copy->prefixes = items += lists[2].count;
    copy->prefix_count = copy_list(&lists[3], items, &bytes);
    return copy;
}

static bool lists_equal(const struct list *a, const struct list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!varve_view_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

bool varve_filter_equal(const struct varve_filter *a, const struct varve_filter *b)
{
    struct list lists_of_a[LISTS], lists_of_b[LISTS];
    bool equal = varve_uuid_equal(&a->correlation_id, &b->correlation_id) && a->classes == b->classes &&
                 a->include_system == b->include_system;

    get_lists(a, lists_of_a);
    get_lists(b, lists_of_b);
    for (size_t i = 0; i < LISTS && equal; i++)
        equal = lists_equal(&lists_of_a[i], &lists_of_b[i]);
    return equal;
}

/* ---- matching: lists are sorted ---- */

/* How many items are not greater than `name`. */
static size_t count_up_to(const struct varve_view *items, size_t count, struct varve_view name)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(items[middle], name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool contains(const struct varve_view *items, size_t count, struct varve_view name)
{
    size_t at = count_up_to(items, count, name);

    return at > 0 && items[at - 1].size == name.size && memcmp(items[at - 1].data, name.data, name.size) == 0;
}

/* The greatest item up to the name is a prefix of it, or shares fewer bytes with it than any item that is one: then it
 * is asked again for those bytes alone. */
static bool contains_prefix_of(const struct varve_view *items, size_t count, struct varve_view name)
{
    for (;;) {
        count = count_up_to(items, count, name);
        if (count == 0)
            return false;
        const struct varve_view *item = &items[count - 1];
        size_t common = 0;
        while (common < item->size && common < name.size && item->data[common] == name.data[common])
            common++;
        if (common == item->size)
            return true;
        name.size = common;
    }
}

static bool stream_matches(const struct varve_filter *filter, struct varve_view stream)
{
    if (filter->stream_count == 0 ? is_system(stream) && !filter->include_system
                                  : !contains(filter->streams, filter->stream_count, stream))
        return false;
    if (filter->category_count > 0 &&
        !contains(filter->categories, filter->category_count, varve_category(stream)))
        return false;
    return filter->prefix_count == 0 || contains_prefix_of(filter->prefixes, filter->prefix_count, stream);
}

static bool correlation_matches(const struct varve_filter *filter, const uint8_t *record)
{
    struct varve_uuid correlation_id;

    if (varve_uuid_is_nil(&filter->correlation_id))
        return true;
    correlation_id = varve_record_correlation_id(record);
    return varve_uuid_equal(&correlation_id, &filter->correlation_id);
}

bool varve_filter_matches(const struct varve_filter *filter, const uint8_t *record, uint32_t size)
{
    return stream_matches(filter, varve_record_stream(record)) &&
           (filter->type_count == 0 || contains(filter->types, filter->type_count, varve_record_type(record))) &&
           (filter->classes == 0 || (filter->classes >> varve_record_class(record) & 1) != 0) &&
           correlation_matches(filter, record);
}

/* ---- reading ---- */

void varve_filter_choose_read(const struct varve_filter *filter, unsigned indexes, struct varve_read *ret_read)
{
    varve_read_init(ret_read);
    ret_read->include_system = true;
    if (filter->stream_count == 1) {
        ret_read->kind = VARVE_READ_STREAM;
        ret_read->name = filter->streams[0];
    } else if (!varve_uuid_is_nil(&filter->correlation_id) && (indexes & VARVE_INDEX_CORRELATION) != 0) {
        ret_read->kind = VARVE_READ_CORRELATION;
        ret_read->correlation_id = filter->correlation_id;
    } else if (filter->type_count == 1 && (indexes & VARVE_INDEX_TYPE) != 0) {
        ret_read->kind = VARVE_READ_TYPE;
        ret_read->name = filter->types[0];
    } else if (filter->category_count == 1 && (indexes & VARVE_INDEX_CATEGORY) != 0) {
        ret_read->kind = VARVE_READ_CATEGORY;
        ret_read->name = filter->categories[0];
    }
}
