/* outbox_config_route.c - reads a route: `class=integration type=payment.* -> topic=pay.{type} key=stream`. */
#include "outbox_config_parts.h"

#include <stdio.h>
#include <string.h>

#include "outbox_nearest.h"
#include "outbox_topic.h"

struct route_reader {
    struct outbox_draft *draft;
    const struct outbox_place *place;
    struct outbox_route route;
    unsigned seen; /* bits of `words` */
};
static const unsigned all_classes = (1u << VARVE_CLASS_DOMAIN) | (1u << VARVE_CLASS_INTEGRATION) |
                                    (1u << VARVE_CLASS_REALTIME);

/* The index of `text` in a list of names that ends with NULL. */
static bool take_name(const struct route_reader *reader, const char *what, const char *const *names, const char *text,
                      unsigned *ret)
{
    struct outbox_nearest nearest = outbox_nearest_to(text);
    char all[160] = "", hint[OUTBOX_NEAREST_HINT];
    size_t used = 0;

    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = i;
            return true;
        }
        outbox_nearest_offer(&nearest, names[i]);
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    return outbox_place_wrong(reader->place, "%s=%.60s: expected one of %s%s", what, text, all,
                              outbox_nearest_hint(&nearest, hint));
}

static bool take_class(struct route_reader *reader, const char *value)
{
    static const char *const names[] = { "domain", "integration", "realtime", "any", NULL };
    const char **words;
    size_t count;
    unsigned found;

    if (!outbox_draft_words(reader->draft, reader->place, value, &words, &count))
        return false;
    reader->route.classes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!take_name(reader, "class", names, words[i], &found))
            return false;
        reader->route.classes |= found == 3 ? all_classes : 1u << found;
    }
    return true;
}

static bool take_category(struct route_reader *reader, const char *value)
{
    return outbox_draft_words(reader->draft, reader->place, value, &reader->route.categories,
                              &reader->route.category_count);
}

static bool take_type(struct route_reader *reader, const char *value)
{
    return outbox_draft_words(reader->draft, reader->place, value, &reader->route.types, &reader->route.type_count);
}

static bool take_topic(struct route_reader *reader, const char *value)
{
    const char *why;

    reader->route.topic = value;
    return outbox_topic_check_template(value, &why) ||
           outbox_place_wrong(reader->place, "topic=%.80s is no name of a topic: %s", value, why);
}

static bool take_key(struct route_reader *reader, const char *value)
{
    static const char *const names[] = {
        [OUTBOX_KEY_STREAM] = "stream", [OUTBOX_KEY_CORRELATION_ID] = "correlation_id",
        [OUTBOX_KEY_USER_ID] = "user_id", [OUTBOX_KEY_CATEGORY] = "category", [OUTBOX_KEY_TYPE] = "type",
        [OUTBOX_KEY_EVENT_ID] = "event_id", NULL,
    };
    unsigned found = OUTBOX_KEY_STREAM;
    bool good = take_name(reader, "key", names, value, &found);

    reader->route.key = (enum outbox_key)found;
    return good;
}

static bool take_format(struct route_reader *reader, const char *value)
{
    static const char *const names[] = {
        [OUTBOX_FORMAT_RAW] = "raw", [OUTBOX_FORMAT_CLOUDEVENTS] = "cloudevents",
        [OUTBOX_FORMAT_CLOUDEVENTS_STRUCTURED] = "cloudevents_structured", [OUTBOX_FORMAT_ENVELOPE] = "envelope", NULL,
    };
    unsigned found = OUTBOX_FORMAT_RAW;
    bool good = take_name(reader, "format", names, value, &found);

    reader->route.format = (enum outbox_format)found;
    return good;
}

static bool take_tombstone(struct route_reader *reader, const char *value)
{
    static const char *const names[] = { "never", "on_empty", "type:GLOB", NULL };
    unsigned found = OUTBOX_TOMBSTONE_NEVER;

    if (strncmp(value, "type:", 5) == 0 && value[5] != 0) {
        reader->route.tombstone = OUTBOX_TOMBSTONE_ON_TYPE;
        reader->route.tombstone_type = value + 5;
        return true;
    }
    if (!take_name(reader, "tombstone", names, value, &found))
        return false;
    reader->route.tombstone = (enum outbox_tombstone)found;
    return true;
}

static const struct route_word {
    const char *name;
    bool is_action;
    bool (*take)(struct route_reader *reader, const char *value);
} route_words[] = {
    { "class", false, take_class }, { "category", false, take_category }, { "type", false, take_type },
    { "topic", true, take_topic }, { "key", true, take_key }, { "format", true, take_format },
    { "tombstone", true, take_tombstone },
};
enum { ROUTE_WORDS = sizeof(route_words) / sizeof(route_words[0]) };

static bool take_meta(struct route_reader *reader, const char *name, const char *glob)
{
    struct outbox_route *route = &reader->route;

    if (*name == 0)
        return outbox_place_wrong(reader->place, "meta.: expected meta.NAME=GLOB");
    struct outbox_meta_match *metas =
        outbox_draft_extend(reader->draft, reader->place, route->metas, route->meta_count, sizeof(*metas));
    if (metas == NULL)
        return false;
    metas[route->meta_count++] = (struct outbox_meta_match){ .name = name, .glob = glob };
    route->metas = metas;
    return true;
}

static bool unknown_word(const struct route_reader *reader, const char *name, bool is_action)
{
    struct outbox_nearest nearest = outbox_nearest_to(name);
    char hint[OUTBOX_NEAREST_HINT];

    for (size_t i = 0; i < ROUTE_WORDS; i++)
        if (route_words[i].is_action == is_action)
            outbox_nearest_offer(&nearest, route_words[i].name);
    return outbox_place_wrong(reader->place, "%.60s: expected %s%s", name,
                              is_action ? "drop, or topic=, key=, format=, tombstone= behind ->"
                                        : "class=, category=, type=, meta.NAME= before ->, and what to do behind it",
                              outbox_nearest_hint(&nearest, hint));
}

static bool take_word(struct route_reader *reader, char *word, bool is_action)
{
    char *equals = strchr(word, '=');
    size_t i = 0;

    if (is_action && strcmp(word, "drop") == 0)
        return reader->route.drop = true;
    if (equals == NULL || equals == word)
        return unknown_word(reader, word, is_action);
    *equals = 0;
    if (equals[1] == 0)
        return outbox_place_wrong(reader->place, "%.60s= has no value", word);
    if (!is_action && strncmp(word, "meta.", 5) == 0)
        return take_meta(reader, word + 5, equals + 1);
    while (i < ROUTE_WORDS && (route_words[i].is_action != is_action || strcmp(route_words[i].name, word) != 0))
        i++;
    if (i == ROUTE_WORDS)
        return unknown_word(reader, word, is_action);
    if (reader->seen & (1u << i))
        return outbox_place_wrong(reader->place, "%s= is there twice", word);
    reader->seen |= 1u << i;
    return route_words[i].take(reader, equals + 1);
}

static bool take_words(struct route_reader *reader, char *text)
{
    char *rest = text;
    bool is_action = false, has_action = false;

    for (char *word = strtok_r(text, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        if (strcmp(word, "->") == 0 && !is_action) {
            is_action = true;
            continue;
        }
        if (!take_word(reader, word, is_action))
            return false;
        has_action |= is_action;
    }
    if (!has_action)
        return outbox_place_wrong(reader->place, "expected CONDITION=... -> topic=... or -> drop");
    if (reader->route.drop && (reader->seen >> 3) != 0)
        return outbox_place_wrong(reader->place, "drop stands alone behind ->");
    return true;
}

bool outbox_draft_add_route(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    struct outbox_config *config = &draft->config;
    struct route_reader reader = {
        .draft = draft, .place = place,
        .route = { .classes = all_classes & ~(1u << VARVE_CLASS_REALTIME), .topic = "varve.{category}" },
    };
    char *copy = outbox_draft_text(draft, place, varve_view_str(text));

    if (copy == NULL || !take_words(&reader, copy))
        return false;
    struct outbox_route *routes =
        outbox_draft_extend(draft, place, config->routes, config->route_count, sizeof(*routes));
    if (routes == NULL)
        return false;
    routes[config->route_count++] = reader.route;
    config->routes = routes;
    return true;
}
