/* follow_options.c - see follow_options.h. */
#include "follow_options.h"

#include <stdio.h>
#include <string.h>

#include "varve/wire.h"

#define ROOM (VARVE_FILTER_MAX_ITEMS + 1) /* one too many is refused by the check of the filter */

static size_t at_most_room(size_t count)
{
    return count < ROOM ? count : ROOM;
}

static size_t take_list(const struct arguments *arguments, const char *name, struct varve_view *items)
{
    return at_most_room(arguments_texts(arguments, name, items, ROOM));
}

static void take_streams(const struct arguments *arguments, size_t first_word, struct follow_filter *ret)
{
    struct varve_filter *filter = &ret->filter;

    filter->stream_count = take_list(arguments, "stream", ret->streams);
    for (size_t i = first_word; i < arguments->word_count && filter->stream_count < ROOM; i++)
        ret->streams[filter->stream_count++] = varve_view_str(arguments->words[i]);
}

static enum varve_status take_classes(const struct arguments *arguments, struct varve_filter *filter,
                                      struct varve_error *error)
{
    struct varve_view names[OPTIONS_MAX];
    size_t count = arguments_texts(arguments, "class", names, OPTIONS_MAX);

    for (size_t i = 0; i < count; i++) {
        enum varve_class class_;
        if (!varve_class_parse(names[i], &class_))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "class",
                              "--class must be domain, integration or realtime, not \"%.*s\"", (int)names[i].size,
                              names[i].data);
        filter->classes |= 1u << class_;
    }
    return VARVE_OK;
}

static bool is_narrowed(const struct varve_filter *filter, const struct arguments *arguments)
{
    return filter->stream_count + filter->category_count + filter->type_count + filter->prefix_count > 0 ||
           filter->classes != 0 || arguments_has(arguments, "correlation");
}

enum varve_status follow_filter_parse(const struct arguments *arguments, size_t first_word,
                                      struct follow_filter *ret_filter, struct varve_error *error)
{
    struct varve_filter *filter = &ret_filter->filter;
    bool all = arguments_has(arguments, "all");

    *filter = (struct varve_filter){ .streams = ret_filter->streams, .categories = ret_filter->categories,
                                     .types = ret_filter->types, .prefixes = ret_filter->prefixes };
    take_streams(arguments, first_word, ret_filter);
    filter->category_count = take_list(arguments, "category", ret_filter->categories);
    filter->type_count = take_list(arguments, "type", ret_filter->types);
    filter->prefix_count = take_list(arguments, "prefix", ret_filter->prefixes);
    filter->include_system = arguments_has(arguments, "system");
    enum varve_status status = take_classes(arguments, filter, error);
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "correlation", &filter->correlation_id, error);
    if (status != VARVE_OK)
        return status;
    bool narrowed = is_narrowed(filter, arguments);
    if (all && narrowed)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "all", "--all leaves nothing out; give it alone or not at "
                          "all");
    ret_filter->given = all || narrowed || filter->include_system;
    return varve_filter_check(filter, error);
}

enum varve_status follow_after_parse(const struct arguments *arguments, uint64_t *ret_after,
                                     struct varve_error *error)
{
    const char *text = arguments_text(arguments, "after");

    if (text == NULL)
        return VARVE_OK;
    if (strcmp(text, "start") == 0)
        *ret_after = 0;
    else if (strcmp(text, "end") == 0)
        *ret_after = VARVE_AFTER_END;
    else if (!option_parse_uint(text, VARVE_AFTER_END - 1, ret_after))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "--after must be a position, start or end, not "
                          "\"%s\"", text);
    return VARVE_OK;
}
