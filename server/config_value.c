/* config_value.c - what kinds of values there are: how each is read, and checked. */
#include "config_value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "config_address.h"
#include "config_units.h"

static bool expect(char *expected, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool expect(char *expected, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(expected, CONFIG_EXPECTED_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static void *field_of(struct config *config, const struct config_key *key)
{
    return (char *)config + key->offset;
}

static void store(struct config *config, const struct config_key *key, uint64_t number)
{
    void *field = field_of(config, key);

    assert(key->width == sizeof(bool) || key->width == sizeof(uint32_t) || key->width == sizeof(uint64_t));
    if (key->width == sizeof(bool))
        *(bool *)field = number != 0;
    else if (key->width == sizeof(uint32_t)) /* A reader on another thread gets the old number or the new one. */
        __atomic_store_n((uint32_t *)field, (uint32_t)number, __ATOMIC_RELAXED);
    else
        __atomic_store_n((uint64_t *)field, number, __ATOMIC_RELAXED);
}

static uint64_t load(const struct config *config, const struct config_key *key)
{
    const char *field = (const char *)config + key->offset;
    uint64_t number = 0;
    uint32_t half;

    if (key->width == sizeof(number)) {
        memcpy(&number, field, sizeof(number));
        return number;
    }
    memcpy(&half, field, sizeof(half));
    return half;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The largest unit in which the number is whole. */
static void write_number(enum config_kind kind, uint64_t number, char room[CONFIG_NUMBER_BYTES])
{
    static const struct { uint64_t size; const char *suffix; } sizes[] = {
        { UINT64_C(1) << 40, "TiB" }, { UINT64_C(1) << 30, "GiB" }, { UINT64_C(1) << 20, "MiB" },
        { UINT64_C(1) << 10, "KiB" }, { 1, "" },
    }, times[] = { { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
    size_t i = 0;

    if (kind == CONFIG_COUNT || number == 0) {
        snprintf(room, CONFIG_NUMBER_BYTES, "%" PRIu64, number);
        return;
    }
    while (number % (kind == CONFIG_SIZE ? sizes : times)[i].size != 0)
        i++;
    snprintf(room, CONFIG_NUMBER_BYTES, "%" PRIu64 "%s", number / (kind == CONFIG_SIZE ? sizes : times)[i].size,
             (kind == CONFIG_SIZE ? sizes : times)[i].suffix);
}

static bool set_number(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    char least[CONFIG_NUMBER_BYTES], most[CONFIG_NUMBER_BYTES];
    const char *rest = "";
    uint64_t number = 0;
    bool good = key->kind == CONFIG_SIZE   ? config_parse_size(text, &number)
                : key->kind == CONFIG_TIME ? config_parse_duration(text, &number)
                                           : config_parse_number(text, &number, &rest) && *rest == 0;

    if (good && number >= key->min && number <= key->max) {
        store(config, key, number);
        return true;
    }
    write_number(key->kind, key->min, least);
    write_number(key->kind, key->max, most);
    return expect(expected, "%s from %s to %s%s", key->kind == CONFIG_SIZE ? "a size" :
                  key->kind == CONFIG_TIME ? "a time" : "a number", least, most,
                  key->kind == CONFIG_SIZE   ? ", such as 65536 or 64MiB"
                  : key->kind == CONFIG_TIME ? ", such as 30s or 500ms" : "");
}

bool config_value_is_number(const struct config_key *key)
{
    return key->kind == CONFIG_COUNT || key->kind == CONFIG_SIZE || key->kind == CONFIG_TIME;
}

void config_value_write(const struct config *config, const struct config_key *key, char room[CONFIG_NUMBER_BYTES])
{
    write_number(key->kind, load(config, key), room);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

bool config_next_word(const char **at, const char **ret_word, size_t *ret_size)
{
    *at += strspn(*at, ", \t");
    *ret_word = *at;
    *ret_size = strcspn(*at, ", \t");
    *at += *ret_size;
    return *ret_size > 0;
}

static bool set_word(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    const char *at = key->values;

    for (uint64_t i = 0;; i++) {
        size_t size = strcspn(at, "|");

        if (strlen(text) == size && memcmp(at, text, size) == 0) {
            store(config, key, i);
            return true;
        }
        if (at[size] == 0)
            return expect(expected, "%s", key->values);
        at += size + 1;
    }
}

static bool set_text(struct config *config, const struct config_key *key, const char *text)
{
    bool is_absent = strcmp(text, key->otherwise) == 0 && (strcmp(text, "none") == 0 || strcmp(text, "all") == 0);
    const char *field = is_absent ? NULL : text;

    memcpy(field_of(config, key), &field, sizeof(field));
    return true;
}

static bool set_list(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    const char *at = text, *word, *what = "";
    char copy[256];
    size_t size;

    while (config_next_word(&at, &word, &size)) {
        if (size >= sizeof(copy))
            return expect(expected, "words of at most %zu bytes", sizeof(copy) - 1);
        memcpy(copy, word, size);
        copy[size] = 0;
        if (key->is_good_word != NULL && strcmp(text, key->otherwise) != 0 && !key->is_good_word(copy, &what))
            return expect(expected, "%s", what);
    }
    if (text[strspn(text, ", \t")] == 0)
        return expect(expected, "words parted by commas, or %s", key->otherwise);
    return set_text(config, key, text);
}

static bool set_indexes(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    static const struct { const char *name; unsigned bit; } names[] = {
        { "type", VARVE_INDEX_TYPE }, { "category", VARVE_INDEX_CATEGORY },
        { "correlation", VARVE_INDEX_CORRELATION }, { "id", VARVE_INDEX_ID }, { "all", VARVE_INDEX_ALL },
        { "none", 0 },
    };
    const size_t count = sizeof(names) / sizeof(names[0]);
    const char *at = text, *word;
    unsigned indexes = 0;
    size_t size, i = count;

    while (config_next_word(&at, &word, &size)) {
        for (i = 0; i < count && (strlen(names[i].name) != size || memcmp(names[i].name, word, size) != 0); i++)
            ;
        if (i == count)
            break;
        indexes |= names[i].bit;
    }
    if (i == count)
        return expect(expected, "any of type,category,correlation,id; or all, or none");
    store(config, key, indexes);
    return true;
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static bool add_address(const struct config_key *key, struct config_address *all, size_t *count, const char *word,
                        size_t size, char *expected)
{
    struct config_address *address = &all[*count];
    const char *what;

    if (*count == CONFIG_MAX_LISTEN)
        return expect(expected, "at most %d addresses", CONFIG_MAX_LISTEN);
    if (size >= sizeof(address->text))
        return expect(expected, "HOST:PORT of at most %zu bytes", sizeof(address->text) - 1);
    memcpy(address->text, word, size);
    address->text[size] = 0;
    if (!config_parse_address(address->text, &address->address, &what))
        return what != NULL ? expect(expected, "%s", what)
                            : expect(expected, "HOST:PORT, such as %s or [::1]%s", key->otherwise,
                                     strrchr(key->otherwise, ':'));
    ++*count;
    return true;
}

static bool set_addresses(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    struct config_address *all = field_of(config, key);
    size_t *count = (size_t *)((char *)config + key->count_offset);
    const char *at = text, *word;
    size_t size;

    *count = 0;
    if (strcmp(text, "off") == 0)
        return true;
    while (config_next_word(&at, &word, &size))
        if (!add_address(key, all, count, word, size, expected))
            return false;
    return *count > 0 || expect(expected, "HOST:PORT,... or off");
}

bool config_value_set(struct config *config, const struct config_key *key, const char *text,
                      char expected[CONFIG_EXPECTED_BYTES])
{
    switch (key->kind) {
    case CONFIG_TEXT:
        return set_text(config, key, text);
    case CONFIG_LIST:
        return set_list(config, key, text, expected);
    case CONFIG_WORD:
        return set_word(config, key, text, expected);
    case CONFIG_ADDRESSES:
        return set_addresses(config, key, text, expected);
    case CONFIG_INDEXES:
        return set_indexes(config, key, text, expected);
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_TIME:
        break;
    }
    return set_number(config, key, text, expected);
}
