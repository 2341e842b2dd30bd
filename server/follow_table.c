/* follow_table.c - followers by the place where they stand: filter, size of batches, position. */
#include "follow_parts.h"

#include <stdlib.h>

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_list(uint64_t hash, const struct varve_view *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = mix(mix(hash, items[i].data, items[i].size), &items[i].size, sizeof(items[i].size));
    return mix(hash, &count, sizeof(count));
}

/* Equal filters were sorted by varve_filter_copy(), so they give equal hashes. */
static uint64_t hash_filter(const struct varve_filter *filter)
{
    uint64_t hash = 0xcbf29ce484222325u;

    hash = mix_list(hash, filter->streams, filter->stream_count);
    hash = mix_list(hash, filter->categories, filter->category_count);
    hash = mix_list(hash, filter->types, filter->type_count);
    hash = mix_list(hash, filter->prefixes, filter->prefix_count);
    hash = mix(hash, &filter->correlation_id, sizeof(filter->correlation_id));
    hash = mix(hash, &filter->classes, sizeof(filter->classes));
    return mix(hash, &filter->include_system, sizeof(filter->include_system));
}

static struct follower **bucket_of(struct follower_table *table, uint64_t filter_hash, uint64_t position)
{
    return &table->buckets[((filter_hash ^ position) * 0x9e3779b97f4a7c15u) >> 52];
}

static bool stands_at(const struct follower *f, const struct follow_place *place)
{
    return f->place.position == place->position && f->place.batch_bytes == place->batch_bytes &&
           varve_filter_equal(f->place.filter, place->filter);
}

struct follower *follower_table_find(struct follower_table *table, const struct follow_place *place)
{
    struct follower *f = table->recent;

    if (f != NULL && stands_at(f, place))
        return f;
    f = *bucket_of(table, hash_filter(place->filter), place->position);
    while (f != NULL && !stands_at(f, place))
        f = f->next_in_bucket;
    if (f != NULL)
        table->recent = f;
    return f;
}

void follower_table_add(struct follower_table *table, struct follower *f)
{
    struct follower **bucket = bucket_of(table, f->filter_hash, f->place.position);

    f->next_in_bucket = *bucket;
    *bucket = f;
    f->listed = true;
    table->recent = f;
}

void follower_table_remove(struct follower_table *table, struct follower *f)
{
    struct follower **at = bucket_of(table, f->filter_hash, f->place.position);

    if (!f->listed)
        return;
    while (*at != f)
        at = &(*at)->next_in_bucket;
    *at = f->next_in_bucket;
    f->listed = false;
    if (table->recent == f)
        table->recent = NULL;
}

uint64_t follow_filter_bytes(const struct varve_filter *filter)
{
    const struct { const struct varve_view *items; size_t count; } lists[] = {
        { filter->streams, filter->stream_count }, { filter->categories, filter->category_count },
        { filter->types, filter->type_count }, { filter->prefixes, filter->prefix_count },
    };
    uint64_t bytes = sizeof(*filter);

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t j = 0; j < lists[i].count; j++)
            bytes += sizeof(lists[i].items[j]) + lists[i].items[j].size;
    }
    return bytes;
}

enum varve_status follower_create(struct server *server, struct follower_table *table, const struct follow_place *place,
                                  struct follower **ret, struct varve_error *error)
{
    uint64_t bytes = sizeof(struct follower) + follow_filter_bytes(place->filter);

    if (table->count >= FOLLOWERS_MAX)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d places of the log are read at the same time",
                          FOLLOWERS_MAX);
    if (!budget_take(&server->budget, bytes))
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the server's memory for subscriptions is used up");
    struct follower *f = calloc(1, sizeof(*f));
    struct varve_filter *filter = varve_filter_copy(place->filter);
    if (f == NULL || filter == NULL) {
        budget_give(&server->budget, bytes);
        free(f);
        free(filter);
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for a subscription");
    }
    f->server = server;
    f->place = (struct follow_place){ filter, place->batch_bytes, place->position };
    f->filter_hash = hash_filter(filter);
    f->charged_bytes = bytes;
    table->count++;
    figure_add(&server->figures.followers, 1);
    *ret = f;
    return VARVE_OK;
}

void follower_destroy(struct follower *f, struct follower_table *table)
{
    table->count--;
    figure_subtract(&f->server->figures.followers, 1);
    budget_give(&f->server->budget, f->charged_bytes);
    follow_result_drop(&f->result);
    free((struct varve_filter *)f->place.filter);
    free(f);
}
