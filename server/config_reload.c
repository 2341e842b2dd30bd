/* config_reload.c - holds what is said now against what holds. */
#include "config_reload.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "config_outboxes.h"
#include "config_value.h"

struct comparison {
    struct config *config;
    config_told told;
    void *user;
};

static void tell(const struct comparison *comparison, const struct config_value *before,
                 const struct config_value *after, bool taken)
{
    comparison->told(comparison->user,
                     &(struct config_change){ .before = before, .after = after, .taken = taken });
}

static void swap(struct config_value *a, struct config_value *b)
{
    struct config_value kept = *a;

    *a = *b;
    *b = kept;
}

/* The new text takes the place of the old one, which may still be what the field points to. */
static void take(struct config *config, const struct config_key *key, struct config_value *before,
                 struct config_value *after)
{
    char expected[CONFIG_EXPECTED_BYTES];
    bool good = config_value_set(config, key, after->text, expected);

    assert(good); /* It was just read. */
    swap(before, after);
}

/* Its number may have been lowered for want of descriptors, and there may be enough of them now. */
static void take_as_said(struct config *config, const struct config_key *key, const char *said)
{
    char holds[CONFIG_NUMBER_BYTES], expected[CONFIG_EXPECTED_BYTES];

    if (!key->is_reloadable || !config_value_is_number(key))
        return;
    config_value_write(config, key, holds);
    if (strcmp(holds, said) == 0)
        return;
    bool good = config_value_set(config, key, said, expected);
    assert(good); /* It was read before. */
}

static void compare_key(const struct comparison *comparison, struct config *fresh, size_t i)
{
    const struct config_key *key = &config_keys[i];
    struct config_value *before = &comparison->config->values[i], *after = &fresh->values[i];

    if (strcmp(before->text, after->text) == 0) {
        char *origin = before->origin; /* Somebody else may say the same now. */

        before->origin = after->origin;
        after->origin = origin;
        take_as_said(comparison->config, key, before->text);
        return;
    }
    if (!key->is_reloadable) {
        tell(comparison, before, after, false);
        return;
    }
    take(comparison->config, key, before, after);
    tell(comparison, after, before, true);
}

/* The n-th of this name: routes are there more than once. */
static const struct config_value *find_nth(const struct config *config, const char *key, size_t nth)
{
    for (size_t i = config_key_count; i < config->value_count; i++)
        if (strcmp(config->values[i].key, key) == 0 && nth-- == 0)
            return &config->values[i];
    return NULL;
}

static size_t count_before(const struct config *config, size_t i)
{
    size_t count = 0;

    for (size_t j = config_key_count; j < i; j++)
        count += strcmp(config->values[j].key, config->values[i].key) == 0;
    return count;
}

/* Of an outbox that comes or goes, what was said is told, not all that nobody said. That of the mock neither comes nor
 * goes: the command line stays as it is. */
static bool is_said(const struct config_value *value)
{
    return strcmp(value->origin, "default") != 0 && strcmp(value->origin, CONFIG_BY_MOCK) != 0;
}

/* An outbox lives with what it was started with. */
static void compare_outboxes(const struct comparison *comparison, const struct config *fresh)
{
    const struct config *config = comparison->config;

    for (size_t i = config_key_count; i < config->value_count; i++) {
        const struct config_value *before = &config->values[i];
        const struct config_value *after = find_nth(fresh, before->key, count_before(config, i));

        if (after == NULL ? is_said(before) : strcmp(before->text, after->text) != 0)
            tell(comparison, before, after, false);
    }
    for (size_t i = config_key_count; i < fresh->value_count; i++)
        if (is_said(&fresh->values[i]) &&
            find_nth(config, fresh->values[i].key, count_before(fresh, i)) == NULL)
            tell(comparison, NULL, &fresh->values[i], false);
}

/* Whoever holds the other end of a pipe open and says nothing would hold up the server: once, at the start, is enough.
 * That there is no file is found when it is read. */
static bool is_plain_file(const char *path, struct config_complaints *complaints)
{
    struct stat stat_of_file;

    return path == NULL || stat(path, &stat_of_file) != 0 || S_ISREG(stat_of_file.st_mode) ||
           config_complain(complaints, "%s: what is no plain file can be read only once", path);
}

bool config_reload(struct config *config, struct config_complaints *complaints, config_told told, void *user)
{
    struct comparison comparison = { .config = config, .told = told, .user = user };
    struct config fresh;

    complaints->count = 0;
    if (!is_plain_file(config->config_file, complaints))
        return false;
    if (config_parse(config->argc, config->argv, &fresh, complaints) != CONFIG_SERVE)
        return false;
    for (size_t i = 0; i < config_key_count; i++)
        compare_key(&comparison, &fresh, i);
    compare_outboxes(&comparison, &fresh);
    config_end(&fresh);
    return true;
}
