/* filter.c - a filter's array: [[stream...], [category...], [type...], [prefix...], correlation_id|nil, classes,
 * include_system]. */
#include "filter.h"

#define FILTER_FIELDS 7u

static void pack_names(struct pack *pack, const struct varve_view *names, size_t count)
{
    pack_array(pack, count);
    for (size_t i = 0; i < count; i++)
        pack_str(pack, names[i]);
}

void pack_filter(struct pack *pack, const struct varve_filter *filter)
{
    static const struct varve_filter everything = { 0 };

    if (filter == NULL)
        filter = &everything;
    pack_array(pack, FILTER_FIELDS);
    pack_names(pack, filter->streams, filter->stream_count);
    pack_names(pack, filter->categories, filter->category_count);
    pack_names(pack, filter->types, filter->type_count);
    pack_names(pack, filter->prefixes, filter->prefix_count);
    pack_uuid_or_nil(pack, &filter->correlation_id);
    pack_uint(pack, filter->classes);
    pack_bool(pack, filter->include_system);
}

/* The names past the bound are only looked at. */
static const struct varve_view *decode_names(struct fields *fields, const char *field, struct varve_wire_arena *arena,
                                             size_t *ret_count)
{
    uint32_t count = fields_list(fields, field, 1);
    uint32_t kept = count < VARVE_FILTER_MAX_ITEMS ? count : VARVE_FILTER_MAX_ITEMS;
    struct varve_view *names = kept == 0 ? NULL : fields_take(fields, arena, kept, sizeof(*names));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        struct varve_view name = varve_pull_str(&fields->pull);

        if (i < kept)
            names[i] = name;
    }
    fields_list_end(fields);
    if (count > kept)
        fields_bad(fields, field, "expected at most %u of them", VARVE_FILTER_MAX_ITEMS);
    *ret_count = kept;
    return names;
}

void fields_filter(struct fields *fields, struct varve_wire_arena *arena, struct varve_filter *ret)
{
    uint32_t unknown = fields_open(fields, FILTER_FIELDS);

    ret->streams = decode_names(fields, "filter.streams", arena, &ret->stream_count);
    ret->categories = decode_names(fields, "filter.categories", arena, &ret->category_count);
    ret->types = decode_names(fields, "filter.types", arena, &ret->type_count);
    ret->prefixes = decode_names(fields, "filter.prefixes", arena, &ret->prefix_count);
    fields_uuid_or_nil(fields, "filter.correlation_id", &ret->correlation_id);
    ret->classes = (unsigned)fields_uint(fields, "filter.classes", 0, UINT32_MAX);
    ret->include_system = varve_pull_bool(&fields->pull);
    fields_close(fields, unknown);
}
