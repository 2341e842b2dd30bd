/* outbox_route.c - where one event goes. Cheap questions come first, and metadata is looked into only when a route or a
 * filter asks for it. */
#include "outbox_route.h"

#include <string.h>

#include "outbox_json.h"
#include "outbox_topic.h"
#include "varve/uuid.h"

/* The last of every outbox. */
static const struct outbox_route default_route = {
    .classes = (1u << VARVE_CLASS_DOMAIN) | (1u << VARVE_CLASS_INTEGRATION),
    .topic = "varve.{category}",
};

const char *outbox_filter_reason_name(enum outbox_filter_reason reason)
{
    static const char *const names[OUTBOX_FILTER_REASONS] = {
        [OUTBOX_FILTER_SYSTEM] = "system",
        [OUTBOX_FILTER_NO_ROUTE] = "no_route",
        [OUTBOX_FILTER_DROPPED] = "dropped",
        [OUTBOX_FILTER_TYPE_NOT_ALLOWED] = "type_not_allowed",
        [OUTBOX_FILTER_FIELD_MISSING] = "field_missing",
        [OUTBOX_FILTER_OTHER_PRIORITY] = "other_priority",
    };

    return (size_t)reason < OUTBOX_FILTER_REASONS ? names[reason] : NULL;
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

static bool matches_any(const char *const *globs, size_t count, struct varve_view text)
{
    for (size_t i = 0; i < count; i++)
        if (outbox_glob_match(globs[i], text))
            return true;
    return count == 0;
}

/* One of the four, or, like no priority at all, "normal". */
static bool has_priority(const struct varve_event *event, const char *priority)
{
    static const char *const known[] = { "critical", "high", "low" };
    char room[OUTBOX_JSON_TEXT];
    struct varve_view value;
    const char *own = "normal";

    if (outbox_json_find(event->metadata, "priority", &value)) {
        struct varve_view text = outbox_json_text(value, room);

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (varve_view_equal(text, varve_view_str(known[i])))
                own = known[i];
    }
    return strcmp(own, priority) == 0;
}

static bool has_field(const struct varve_event *event, const char *field)
{
    struct varve_view value;

    if (strncmp(field, "data.", 5) == 0)
        return event->content_type == VARVE_CONTENT_JSON && outbox_json_find(event->data, field + 5, &value);
    if (strncmp(field, "metadata.", 9) == 0)
        return outbox_json_find(event->metadata, field + 9, &value);
    if (strcmp(field, "correlation_id") == 0)
        return !varve_uuid_is_nil(&event->correlation_id);
    if (strcmp(field, "causation_id") == 0)
        return !varve_uuid_is_nil(&event->causation_id);
    if (strcmp(field, "time") == 0)
        return event->time_us != VARVE_TIME_NONE;
    return (strcmp(field, "user_id") == 0  ? event->user_id.size
            : strcmp(field, "source") == 0 ? event->source.size
            : strcmp(field, "data") == 0   ? event->data.size
                                           : event->metadata.size) > 0;
}

static bool has_all_fields(const struct outbox_config *config, const struct varve_event *event)
{
    for (size_t i = 0; i < config->required_field_count; i++)
        if (!has_field(event, config->required_fields[i]))
            return false;
    return true;
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static bool metas_match(const struct outbox_route *route, const struct varve_event *event)
{
    char room[OUTBOX_JSON_TEXT];
    struct varve_view value;

    for (size_t i = 0; i < route->meta_count; i++)
        if (!outbox_json_find(event->metadata, route->metas[i].name, &value) ||
            !outbox_glob_match(route->metas[i].glob, outbox_json_text(value, room)))
            return false;
    return true;
}

static bool route_matches(const struct outbox_route *route, const struct varve_event *event)
{
    return (route->classes & (1u << event->class_)) != 0 &&
           matches_any(route->categories, route->category_count, varve_category(event->stream)) &&
           matches_any(route->types, route->type_count, event->type) && metas_match(route, event);
}

static const struct outbox_route *find_route(const struct outbox_config *config, const struct varve_event *event)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (route_matches(&config->routes[i], event))
            return &config->routes[i];
    return route_matches(&default_route, event) ? &default_route : NULL;
}

static struct varve_view uuid_key(const struct varve_uuid *uuid, struct outbox_routing *ret)
{
    varve_uuid_format(uuid, ret->key_text);
    return varve_view_of(ret->key_text, VARVE_UUID_TEXT - 1);
}

/* What has no key of the kind asked for takes its stream's name: no event goes without a key, or its order would be
 * anybody's guess. */
static struct varve_view key_of(enum outbox_key kind, const struct varve_event *event, struct outbox_routing *ret)
{
    switch (kind) {
    case OUTBOX_KEY_CORRELATION_ID:
        return varve_uuid_is_nil(&event->correlation_id) ? event->stream : uuid_key(&event->correlation_id, ret);
    case OUTBOX_KEY_USER_ID:
        return event->user_id.size == 0 ? event->stream : event->user_id;
    case OUTBOX_KEY_CATEGORY:
        return varve_category(event->stream).size == 0 ? event->stream : varve_category(event->stream);
    case OUTBOX_KEY_TYPE:
        return event->type;
    case OUTBOX_KEY_EVENT_ID:
        return uuid_key(&event->id, ret);
    case OUTBOX_KEY_STREAM:
        break;
    }
    return event->stream;
}

/* Why this event is not for Kafka; OUTBOX_FILTER_REASONS: it is. */
static enum outbox_filter_reason filter(const struct outbox_config *config, const struct varve_event *event,
                                        const struct outbox_route **ret_route)
{
    if (event->stream.size > 0 && event->stream.data[0] == '$')
        return OUTBOX_FILTER_SYSTEM;
    if (!matches_any(config->allow_types, config->allow_type_count, event->type))
        return OUTBOX_FILTER_TYPE_NOT_ALLOWED;
    *ret_route = find_route(config, event);
    if (*ret_route == NULL)
        return OUTBOX_FILTER_NO_ROUTE;
    if ((*ret_route)->drop)
        return OUTBOX_FILTER_DROPPED;
    if (config->priority != NULL && !has_priority(event, config->priority))
        return OUTBOX_FILTER_OTHER_PRIORITY;
    return has_all_fields(config, event) ? OUTBOX_FILTER_REASONS : OUTBOX_FILTER_FIELD_MISSING;
}

enum outbox_verdict outbox_route(const struct outbox_config *config, const struct varve_event *event,
                                 struct outbox_routing *ret)
{
    ret->route = NULL;
    ret->reason = filter(config, event, &ret->route);
    if (ret->reason != OUTBOX_FILTER_REASONS)
        return ret->verdict = OUTBOX_FILTERED;
    if (!outbox_topic_expand(ret->route->topic, event, ret->topic, ret->why, sizeof(ret->why)))
        return ret->verdict = OUTBOX_UNROUTABLE;
    ret->key = key_of(ret->route->key, event, ret);
    return ret->verdict = OUTBOX_SEND;
}
