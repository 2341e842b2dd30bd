/* options.c - see options.h. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timestamp.h"
#include "varve/append_json.h"
#include "varve/nearest.h"
#include "varve/os.h"
#include "varve/store.h"
#include "varve/uuid.h"

#define NAME_MAX_BYTES 32 /* of an option that we do not know; the rest is not shown */

/* ---- options and words ------------------------------------------------------------------------------------------- */

static const struct option_spec *find_long(const struct arguments *arguments, const char *name, size_t size)
{
    for (size_t t = 0; t < 2; t++) {
        for (const struct option_spec *s = arguments->tables[t]; s != NULL && s->name != NULL; s++) {
            if (strlen(s->name) == size && memcmp(s->name, name, size) == 0)
                return s;
        }
    }
    return NULL;
}

static const struct option_spec *find_letter(const struct arguments *arguments, char letter)
{
    for (size_t t = 0; t < 2; t++) {
        for (const struct option_spec *s = arguments->tables[t]; s != NULL && s->name != NULL; s++) {
            if (s->letter == letter)
                return s;
        }
    }
    return NULL;
}

static enum varve_status fail_unknown(const struct arguments *arguments, const char *given, size_t size,
                                      struct varve_error *error)
{
    char name[NAME_MAX_BYTES + 2], hint[VARVE_NEAREST_HINT];

    snprintf(name, sizeof(name), "%.*s", size < sizeof(name) ? (int)size : (int)sizeof(name) - 1, given);
    struct varve_nearest nearest = varve_nearest_to(name);
    for (size_t t = 0; t < 2; t++) {
        for (const struct option_spec *s = arguments->tables[t]; s != NULL && s->name != NULL; s++)
            varve_nearest_offer(&nearest, s->name);
    }
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "option", "unknown option --%s%s", name,
                      varve_nearest_hint(&nearest, "--", hint));
}

static enum varve_status remember(struct arguments *arguments, const struct option_spec *spec, const char *value,
                                  struct varve_error *error)
{
    if (arguments->given_count == OPTIONS_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "option", "more than %d options", OPTIONS_MAX);
    arguments->given[arguments->given_count].spec = spec;
    arguments->given[arguments->given_count++].value = value;
    return VARVE_OK;
}

/* --name, --name=value, --name value. Moves *i to the last argument it took. */
static enum varve_status take_long(struct arguments *arguments, int argc, char **argv, int *i,
                                   struct varve_error *error)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option_spec *spec = find_long(arguments, name, size);

    if (spec == NULL)
        return fail_unknown(arguments, name, size, error);
    if (spec->value == NULL && equals != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, spec->name, "--%s takes no value", spec->name);
    if (spec->value == NULL)
        return remember(arguments, spec, NULL, error);
    if (equals != NULL)
        return remember(arguments, spec, equals + 1, error);
    if (*i + 1 == argc)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, spec->name, "--%s needs a value: --%s %s", spec->name,
                          spec->name, spec->value);
    return remember(arguments, spec, argv[++*i], error);
}

/* -n, -n value, -nvalue; flags are not bundled. */
static enum varve_status take_short(struct arguments *arguments, int argc, char **argv, int *i,
                                    struct varve_error *error)
{
    const char *text = argv[*i] + 1;
    const struct option_spec *spec = find_letter(arguments, text[0]);

    if (spec == NULL || (spec->value == NULL && text[1] != '\0'))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "option", "unknown option -%s", text);
    if (spec->value == NULL)
        return remember(arguments, spec, NULL, error);
    if (text[1] != '\0')
        return remember(arguments, spec, text + 1, error);
    if (*i + 1 == argc)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, spec->name, "-%c needs a value: -%c %s", spec->letter,
                          spec->letter, spec->value);
    return remember(arguments, spec, argv[++*i], error);
}

static enum varve_status take_word(struct arguments *arguments, const char *word, struct varve_error *error)
{
    if (arguments->word_count == WORDS_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "one argument too many: \"%s\"", word);
    arguments->words[arguments->word_count++] = word;
    return VARVE_OK;
}

int arguments_parse(struct arguments *arguments, int argc, char **argv, int first, bool until_word,
                    struct varve_error *error)
{
    bool options_over = false;

    for (int i = first; i < argc; i++) {
        enum varve_status status = VARVE_OK;
        bool is_option = !options_over && argv[i][0] == '-' && argv[i][1] != '\0';

        if (!is_option && until_word)
            return i;
        if (!is_option)
            status = take_word(arguments, argv[i], error);
        else if (strcmp(argv[i], "--") == 0 && arguments->takes_command) {
            arguments->command = argv + i + 1;
            return argc;
        } else if (strcmp(argv[i], "--") == 0)
            options_over = true;
        else if (argv[i][1] == '-')
            status = take_long(arguments, argc, argv, &i, error);
        else
            status = take_short(arguments, argc, argv, &i, error);
        if (status != VARVE_OK)
            return -1;
    }
    return argc;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

bool arguments_has(const struct arguments *arguments, const char *name)
{
    const struct option_spec *spec = find_long(arguments, name, strlen(name));

    assert(spec != NULL);
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].spec == spec)
            return true;
    }
    return false;
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
    const struct option_spec *spec = find_long(arguments, name, strlen(name));

    assert(spec != NULL && spec->value != NULL);
    for (size_t i = arguments->given_count; i > 0; i--) {
        if (arguments->given[i - 1].spec == spec)
            return arguments->given[i - 1].value;
    }
    return NULL;
}

size_t arguments_texts(const struct arguments *arguments, const char *name, struct varve_view *ret_texts, size_t room)
{
    const struct option_spec *spec = find_long(arguments, name, strlen(name));
    size_t count = 0;

    assert(spec != NULL && spec->value != NULL);
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].spec != spec)
            continue;
        if (count < room)
            ret_texts[count] = varve_view_str(arguments->given[i].value);
        count++;
    }
    return count;
}

bool option_parse_uint(const char *text, uint64_t max, uint64_t *ret)
{
    char *end;

    if (text[0] < '0' || text[0] > '9') /* strtoull takes signs and spaces; we do not */
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max)
        return false;
    *ret = value;
    return true;
}

enum varve_status arguments_uint(const struct arguments *arguments, const char *name, uint64_t max, uint64_t *ret,
                                 struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);

    if (text == NULL || option_parse_uint(text, max, ret))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "--%s must be a whole number from 0 to %llu, not \"%s\"",
                      name, (unsigned long long)max, text);
}

enum varve_status arguments_limit(const struct arguments *arguments, uint64_t max, uint64_t *ret,
                                  struct varve_error *error)
{
    uint64_t limit = 1;
    enum varve_status status = arguments_uint(arguments, "limit", max, &limit, error);

    if (status == VARVE_OK && limit == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "limit", "--limit must be at least 1");
    if (status == VARVE_OK && arguments_has(arguments, "limit"))
        *ret = limit;
    return status;
}

enum varve_status arguments_uuid(const struct arguments *arguments, const char *name, struct varve_uuid *ret,
                                 struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);
    struct varve_uuid uuid;

    if (text == NULL)
        return VARVE_OK;
    if (!varve_uuid_parse(varve_view_str(text), &uuid) || varve_uuid_is_nil(&uuid))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                          "--%s must be a UUID such as 0192f0c1-7a3b-7cde-8f01-23456789abcd, not \"%s\"", name,
                      text);
    *ret = uuid;
    return VARVE_OK;
}

enum varve_status arguments_time(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                 struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);

    if (text == NULL || varve_time_parse(varve_view_str(text), ret_us))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                      "--%s must be a time as in RFC 3339, such as 2024-05-01T12:00:00.5+02:00, not \"%s\"", name,
                      text);
}

enum varve_status arguments_moment(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                   struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);
    const struct varve_os *os = varve_os_default();

    if (text == NULL || timestamp_parse_moment(varve_view_str(text), os->now_us(os->self), ret_us))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                      "--%s must be a time (2024-05-01T12:00:00Z), a date (2024-05-01) or how long ago (10m, 2h), "
                      "not \"%s\"", name,
                      text);
}

enum varve_status arguments_duration(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                     struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);

    if (text == NULL || duration_parse(varve_view_str(text), ret_us))
        return VARVE_OK;
    if (strcmp(text, "0") == 0) {
        *ret_us = 0;
        return VARVE_OK;
    }
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                      "--%s must be a duration such as 90s, 12h, 30d or 1w2d, or 0, not \"%s\"", name,
                      text);
}

enum varve_status arguments_expected(const struct arguments *arguments, const char *name, int64_t *ret,
                                     struct varve_error *error)
{
    const char *text = arguments_text(arguments, name);

    if (text == NULL || varve_expected_parse(varve_view_str(text), ret))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                      "--%s must be any, no_stream, stream_exists or a version (0, 1, 2, ...), not \"%s\"", name,
                      text);
}

enum varve_status arguments_words(const struct arguments *arguments, size_t min, size_t max, const char *usage,
                                  struct varve_error *error)
{
    if (arguments->word_count < min)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "too few arguments; usage: varve %s", usage);
    if (arguments->word_count > max)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "one argument too many: \"%s\"; usage: varve %s",
                          arguments->words[max], usage);
    return VARVE_OK;
}
