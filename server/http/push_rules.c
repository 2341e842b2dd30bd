/* push_rules.c - the lists of [push], cut into words and checked; and an event held against them. */
#include "push_rules.h"

#include <stdlib.h>
#include <string.h>

#include "outbox/outbox_json.h"
#include "outbox/outbox_route.h"
#include "varve/nearest.h"
#include "varve/time_text.h"
#include "varve/uuid.h"

enum { MAX_WORD = 255 };

/* ---- the configuration ------------------------------------------------------------------------------------------ */

struct source {
    const char *key, *text;
    struct push_list *list;
    struct push_list *metadata; /* not NULL: the list names members of data, and those of metadata go here */
    bool of_types;              /* neither: paths of an event */
};

static bool parts_words(char c)
{
    return c == ' ' || c == ',' || c == '\t';
}

/* A member of an event's JSON, as far as it is the first of a path? */
static bool is_member(const char *path, size_t size, struct varve_nearest *nearest)
{
    static const char *const names[] = { "stream", "type", "id", "time", "correlation_id", "causation_id", "source",
                                         "user_id", "class", "schema_version", "content_type", "metadata", "data",
                                         "version", "position", "recorded_at" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == size && memcmp(names[i], path, size) == 0)
            return true;
        varve_nearest_offer(nearest, names[i]);
    }
    return false;
}

static enum varve_status check_event_path(const struct source *source, const char *word, struct varve_error *error)
{
    size_t size = strcspn(word, ".");
    char first[MAX_WORD + 1], hint[VARVE_NEAREST_HINT];

    memcpy(first, word, size);
    first[size] = 0;
    struct varve_nearest nearest = varve_nearest_to(first);
    if (!is_member(word, size, &nearest))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, source->key, "%s: an event has no member \"%s\"%s; members of "
                          "its data are data.NAME", source->key, first, varve_nearest_hint(&nearest, "", hint));
    if (word[size] == '.' && strcmp(first, "data") != 0 && strcmp(first, "metadata") != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, source->key, "%s: \"%s\" has no members; only data and "
                          "metadata have", source->key, first);
    return VARVE_OK;
}

static enum varve_status check_word(const struct source *source, const char *word, struct varve_error *error)
{
    enum varve_status status = varve_check_text(varve_view_str(word), MAX_WORD, source->key, error);

    if (status != VARVE_OK || source->of_types)
        return status;
    if (word[0] == '.' || word[strlen(word) - 1] == '.' || strstr(word, "..") != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, source->key, "%s: \"%s\" is not a name, or names parted by "
                          "single dots", source->key, word);
    if (source->metadata == NULL)
        return check_event_path(source, word, error);
    if (strncmp(word, "data.", 5) == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, source->key, "%s: it names members of data, so write \"%s\" "
                          "instead of \"%s\"", source->key, word + 5, word);
    return VARVE_OK;
}

static size_t words_of(const struct source *source)
{
    return source->list->count + (source->metadata != NULL ? source->metadata->count : 0);
}

static void add_word(const struct source *source, const char *word)
{
    static const char prefix[] = "metadata.";
    struct push_list *list = source->list;

    if (source->metadata != NULL && strncmp(word, prefix, sizeof(prefix) - 1) == 0) {
        list = source->metadata;
        word += sizeof(prefix) - 1;
    }
    list->items[list->count++] = word;
}

/* Cut the text into words at *at, where there is room for it. */
static enum varve_status take_list(const struct source *source, char **at, struct varve_error *error)
{
    const char *text = source->text != NULL ? source->text : "";
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK) {
        char *word = *at;

        while (parts_words(*text))
            text++;
        if (*text == 0)
            return VARVE_OK;
        while (*text != 0 && !parts_words(*text))
            *(*at)++ = *text++;
        *(*at)++ = 0;
        if (words_of(source) == PUSH_LIST_MAX)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, source->key, "%s: at most %d names may stand there",
                              source->key, PUSH_LIST_MAX);
        status = check_word(source, word, error);
        add_word(source, word);
    }
    return status;
}

enum varve_status push_rules_create(const struct push_config *config, struct push_rules **ret,
                                    struct varve_error *error)
{
    const char *const texts[] = { config->allow_types, config->fields, config->required_fields, config->uuid_fields,
                                  config->time_fields };
    size_t bytes = sizeof(struct push_rules);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        bytes += texts[i] != NULL ? strlen(texts[i]) + 1 : 0;
    struct push_rules *rules = calloc(1, bytes);
    if (rules == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the lists of [push]");
    const struct source sources[] = {
        { .key = "push.allow_types", .text = texts[0], .list = &rules->allow_types, .of_types = true },
        { .key = "push.fields", .text = texts[1], .list = &rules->fields, .metadata = &rules->metadata },
        { .key = "push.required_fields", .text = texts[2], .list = &rules->required },
        { .key = "push.uuid_fields", .text = texts[3], .list = &rules->uuids },
        { .key = "push.time_fields", .text = texts[4], .list = &rules->times },
    };
    enum varve_status status = VARVE_OK;
    char *at = rules->text;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && status == VARVE_OK; i++)
        status = take_list(&sources[i], &at, error);
    if (status == VARVE_OK)
        *ret = rules;
    else
        free(rules);
    return status;
}

/* ---- an event --------------------------------------------------------------------------------------------------- */

bool push_list_matches(const struct push_list *patterns, struct varve_view text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (outbox_glob_match(patterns->items[i], text))
            return true;
    return false;
}

bool push_rules_allow_type(const struct push_rules *rules, struct varve_view type)
{
    return rules->allow_types.count == 0 || push_list_matches(&rules->allow_types, type);
}

static bool is_string(struct varve_view value)
{
    return value.size >= 2 && value.data[0] == '"';
}

static bool is_uuid(struct varve_view text)
{
    struct varve_uuid uuid;

    return varve_uuid_parse(text, &uuid) && !varve_uuid_is_nil(&uuid);
}

static bool is_time(struct varve_view text)
{
    int64_t time_us;

    return varve_time_parse(text, &time_us);
}

/* Is each of these that is there a string of this kind? */
static bool are_good(const struct push_list *paths, struct varve_view event, bool (*is_good)(struct varve_view text))
{
    char room[OUTBOX_JSON_TEXT];
    struct varve_view value;

    for (size_t i = 0; i < paths->count; i++) {
        if (outbox_json_find(event, paths->items[i], &value) &&
            !(is_string(value) && is_good(outbox_json_text(value, room))))
            return false;
    }
    return true;
}

enum push_verdict push_rules_judge(const struct push_rules *rules, struct varve_view event)
{
    struct varve_view value;

    for (size_t i = 0; i < rules->required.count; i++)
        if (!outbox_json_find(event, rules->required.items[i], &value))
            return PUSH_MISSING_FIELD;
    if (!are_good(&rules->uuids, event, is_uuid))
        return PUSH_BAD_ID;
    return are_good(&rules->times, event, is_time) ? PUSH_GOOD : PUSH_BAD_TIME;
}
