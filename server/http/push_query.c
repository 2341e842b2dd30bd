/* push_query.c - parameters cut into lists, checked, and divided: what followers filter by, and what is left. */
#include "push_query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "varve/number_text.h"

struct words {
    struct varve_view items[PUSH_LIST_MAX];
    size_t count;
};

static bool is_there(struct varve_view text)
{
    return text.data != NULL;
}

static enum varve_status cut(const char *name, struct varve_view text, struct words *ret, struct varve_error *error)
{
    ret->count = 0;
    while (is_there(text)) {
        const char *comma = memchr(text.data, ',', text.size);
        size_t size = comma != NULL ? (size_t)(comma - text.data) : text.size;

        if (size == 0)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "%s: expected names parted by single commas; one "
                              "is empty", name);
        if (ret->count == PUSH_LIST_MAX)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "%s: expected at most %d names", name,
                              PUSH_LIST_MAX);
        ret->items[ret->count++] = varve_view_of(text.data, size);
        text = comma != NULL ? varve_view_of(comma + 1, text.size - size - 1) : varve_view_of(NULL, 0);
    }
    return VARVE_OK;
}

static bool is_pattern(struct varve_view type)
{
    return memchr(type.data, '*', type.size) != NULL || memchr(type.data, '?', type.size) != NULL;
}

static bool have_patterns(const struct words *types)
{
    for (size_t i = 0; i < types->count; i++)
        if (is_pattern(types->items[i]))
            return true;
    return false;
}

static enum varve_status check_types(const struct words *types, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < types->count && status == VARVE_OK; i++)
        status = varve_check_text(types->items[i], VARVE_MAX_TYPE, "type", error);
    return status;
}

static enum varve_status take_classes(struct varve_view text, unsigned *ret, struct varve_error *error)
{
    struct words words;
    enum varve_status status = cut("class", text, &words, error);

    for (size_t i = 0; i < words.count && status == VARVE_OK; i++) {
        enum varve_class class_;

        if (!varve_class_parse(words.items[i], &class_))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "class", "class: expected domain, integration or "
                              "realtime, or several parted by commas");
        *ret |= 1u << class_;
    }
    return status;
}

/* ---- where to begin --------------------------------------------------------------------------------------------- */

/* A browser that was connected before says where it was; that counts more than the address it uses again. */
static enum varve_status take_after(const struct push_parameters *from, struct push_ask *ask, struct varve_error *error)
{
    ask->after = 0;
    ask->from_end = false;
    if (is_there(from->last_event_id) && from->last_event_id.size > 0) {
        if (varve_number_parse(from->last_event_id, &ask->after))
            return VARVE_OK;
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "Last-Event-ID",
                          "Last-Event-ID: expected the position of an event");
    }
    ask->from_end = !is_there(from->after) || varve_view_equal(from->after, varve_view_str("end"));
    if (ask->from_end || varve_view_equal(from->after, varve_view_str("start")) ||
        varve_number_parse(from->after, &ask->after))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "after: expected a position, start or end");
}

static enum varve_status take_named(struct varve_view text, bool *ret_unnamed, struct varve_error *error)
{
    *ret_unnamed = varve_view_equal(text, varve_view_str("false"));
    if (*ret_unnamed || !is_there(text) || varve_view_equal(text, varve_view_str("true")))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "named", "named: expected true or false");
}

/* ---- the filter ------------------------------------------------------------------------------------------------- */

/* The engine names parts of a filter; who asked named parameters. */
static enum varve_status in_their_words(enum varve_status status, struct varve_error *error)
{
    static const char *const parts[][2] = { { "filter.streams", "stream" }, { "filter.categories", "category" },
                                            { "filter.types", "type" }, { "filter.prefixes", "prefix" } };
    char message[sizeof(error->message)];

    if (status != VARVE_INVALID_ARGUMENT || error == NULL)
        return status;
    const char *colon = strstr(error->message, ": ");
    memcpy(message, colon != NULL ? colon + 2 : error->message,
           strlen(colon != NULL ? colon + 2 : error->message) + 1);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strncmp(error->field, parts[i][0], strlen(parts[i][0])) == 0)
            return varve_fail(error, status, parts[i][1], "%s: %s", parts[i][1], message);
    return varve_fail(error, status, "", "these parameters %s", message);
}

static enum varve_status check_system(struct varve_view name, const char *parameter, struct varve_error *error)
{
    if (!is_there(name) || name.size == 0 || name.data[0] != '$')
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, parameter, "%s: events of the server's own streams ('$') are not "
                      "pushed", parameter);
}

static enum varve_status make_filter(const struct push_parameters *from, const struct words *types,
                                     struct varve_filter **ret, struct varve_error *error)
{
    struct words categories, streams, prefixes;
    enum varve_status status = cut("category", from->category, &categories, error);

    streams = (struct words){ .items = { from->stream }, .count = is_there(from->stream) };
    prefixes = (struct words){ .items = { from->prefix }, .count = is_there(from->prefix) };
    struct varve_filter filter = {
        .streams = streams.items, .stream_count = streams.count, .prefixes = prefixes.items,
        .prefix_count = prefixes.count, .categories = categories.items, .category_count = categories.count,
        .types = types->items, .type_count = have_patterns(types) ? 0 : types->count,
    };
    if (status == VARVE_OK)
        status = check_system(from->stream, "stream", error);
    if (status == VARVE_OK)
        status = check_system(from->prefix, "prefix", error);
    if (status == VARVE_OK)
        status = take_classes(from->class_, &filter.classes, error);
    if (status == VARVE_OK)
        status = in_their_words(varve_filter_check(&filter, error), error);
    if (status != VARVE_OK)
        return status;
    *ret = varve_filter_copy(&filter);
    return *ret != NULL ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for one more client");
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static struct push_ask *create(const struct words *types, struct varve_view user_id)
{
    size_t bytes = sizeof(struct push_ask) + user_id.size;

    for (size_t i = 0; i < types->count; i++)
        bytes += types->items[i].size + 1;
    struct push_ask *ask = calloc(1, bytes);
    if (ask == NULL)
        return NULL;
    ask->bytes = bytes;
    char *at = ask->text;
    for (size_t i = 0; i < types->count; i++) {
        ask->types.items[ask->types.count++] = at;
        memcpy(at, types->items[i].data, types->items[i].size);
        at += types->items[i].size + 1;
    }
    if (is_there(user_id)) {
        memcpy(at, user_id.data, user_id.size);
        ask->user_id = varve_view_of(at, user_id.size);
    }
    return ask;
}

enum varve_status push_ask_create(const struct push_parameters *parameters, struct push_ask **ret,
                                  struct varve_error *error)
{
    static const struct words none = { .count = 0 };
    struct varve_filter *filter = NULL;
    struct words types;
    enum varve_status status = cut("type", parameters->type, &types, error);

    if (status == VARVE_OK)
        status = check_types(&types, error);
    if (status == VARVE_OK && is_there(parameters->user))
        status = varve_check_text(parameters->user, VARVE_MAX_USER_ID, "user", error);
    if (status == VARVE_OK)
        status = make_filter(parameters, &types, &filter, error);
    if (status != VARVE_OK)
        return status;
    struct push_ask *ask = create(have_patterns(&types) ? &types : &none, parameters->user);
    if (ask == NULL) {
        free(filter);
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for one more client");
    }
    ask->filter = filter;
    status = take_after(parameters, ask, error);
    if (status == VARVE_OK)
        status = take_named(parameters->named, &ask->unnamed, error);
    if (status == VARVE_OK)
        *ret = ask;
    else
        push_ask_free(ask);
    return status;
}

void push_ask_free(struct push_ask *ask)
{
    if (ask == NULL)
        return;
    free(ask->filter);
    free(ask);
}
