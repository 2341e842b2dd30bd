/* outbox_route_split.c - do these routes keep each stream in one partition of one topic? Events of a stream share its
 * name and category; class, type, source and metadata may differ, and what depends on those can part them. When in
 * doubt, they do. */
#include "outbox_route.h"

#include <stdio.h>
#include <string.h>

#include "outbox_topic.h"

static const unsigned all_classes = (1u << VARVE_CLASS_DOMAIN) | (1u << VARVE_CLASS_INTEGRATION) |
                                    (1u << VARVE_CLASS_REALTIME);

static bool has_wildcard(const char *glob)
{
    return strpbrk(glob, "*?") != NULL;
}

/* Could one text match both? Certain only when one of them is plain. */
static bool globs_overlap(const char *a, const char *b)
{
    if (!has_wildcard(a))
        return outbox_glob_match(b, varve_view_str(a));
    return has_wildcard(b) || outbox_glob_match(a, varve_view_str(b));
}

static bool categories_overlap(const struct outbox_route *a, const struct outbox_route *b)
{
    if (a->category_count == 0 || b->category_count == 0)
        return true;
    for (size_t i = 0; i < a->category_count; i++)
        for (size_t j = 0; j < b->category_count; j++)
            if (globs_overlap(a->categories[i], b->categories[j]))
                return true;
    return false;
}

static bool is_complete(const struct outbox_route *route)
{
    return route->type_count == 0 && route->meta_count == 0;
}

/* Some events of a stream by `first`, others of the same by `later`, to different places? */
static bool part_streams(const struct outbox_route *first, const struct outbox_route *later)
{
    if (first->drop || later->drop || !categories_overlap(first, later))
        return false;
    if (is_complete(first) && (later->classes & ~first->classes) == 0)
        return false; /* All of the stream that `later` could match has gone by `first`. */
    return strcmp(first->topic, later->topic) != 0 || first->key != later->key;
}

static bool has_one_class(unsigned classes)
{
    return (classes & (classes - 1)) == 0;
}

static bool parts_alone(const struct outbox_route *route, char *why, size_t room)
{
    const char *const variables[] = { "type", "source", has_one_class(route->classes) ? "type" : "class" };
    static const char *const keys[] = {
        [OUTBOX_KEY_CORRELATION_ID] = "correlation_id", [OUTBOX_KEY_USER_ID] = "user_id", [OUTBOX_KEY_TYPE] = "type",
        [OUTBOX_KEY_EVENT_ID] = "event_id",
    };

    if (route->drop)
        return false;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (outbox_topic_depends_on(route->topic, variables[i])) {
            snprintf(why, room, "topic=%.80s depends on the %s, so that a stream's events can come into several "
                     "topics: their order holds within each topic only", route->topic, variables[i]);
            return true;
        }
    if ((size_t)route->key >= sizeof(keys) / sizeof(keys[0]) || keys[route->key] == NULL)
        return false;
    snprintf(why, room, "key=%s to topic=%.80s can bring a stream's events into several partitions: their order holds "
             "for each key only", keys[route->key], route->topic);
    return true;
}

/* The routes as they apply, the built-in one behind them: `index` up to route_count. */
static struct outbox_route route_at(const struct outbox_config *config, size_t index)
{
    return index < config->route_count ? config->routes[index]
                                       : (struct outbox_route){ .classes = all_classes & ~(1u << VARVE_CLASS_REALTIME),
                                                                .topic = "varve.{category}" };
}

bool outbox_routes_split_streams(const struct outbox_config *config, char *why, size_t room)
{
    unsigned open = all_classes; /* of which events come as far as this route */

    for (size_t later = 0; later <= config->route_count; later++) {
        struct outbox_route route = route_at(config, later);

        route.classes &= open;
        if (route.classes == 0)
            continue;
        if (parts_alone(&route, why, room))
            return true;
        for (size_t first = 0; first < later; first++)
            if (part_streams(&config->routes[first], &route)) {
                snprintf(why, room, "topic=%.80s and topic=%.80s can both get events of one stream: their order holds "
                         "within each topic only", config->routes[first].topic, route.topic);
                return true;
            }
        if (is_complete(&route) && route.category_count == 0)
            open &= ~route.classes;
    }
    return false;
}
