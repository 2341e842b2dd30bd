/* config_environment.c - the names of variables are keys in capital letters. */
#include "config_environment.h"

#include <ctype.h>
#include <string.h>

static const char prefix[] = "VARVED_", outbox[] = "OUTBOX__";
enum { PREFIX = sizeof(prefix) - 1, MAX_NAME = 200 };

/* What stands behind "NAME="; NULL: it is another's. */
static const char *value_of(const char *variable, const char *name)
{
    size_t size = strlen(name);

    return strncmp(variable, name, size) == 0 && variable[size] == '=' ? variable + size + 1 : NULL;
}

const char *config_environment_file(char **environment)
{
    const char *found = NULL;

    for (; *environment != NULL && found == NULL; environment++)
        found = value_of(*environment, "VARVED_CONFIG");
    return found;
}

void config_environment_name(const char *key, char room[CONFIG_VARIABLE_BYTES])
{
    size_t section = config_section_size(key);
    int used = snprintf(room, CONFIG_VARIABLE_BYTES, "%s%.*s__%s", prefix, (int)section, key,
                        key[section] != 0 ? key + section + 1 : "");

    for (int i = 0; i < used && i < CONFIG_VARIABLE_BYTES - 1; i++)
        room[i] = room[i] == '.' || room[i] == '-' ? '_' : (char)toupper((unsigned char)room[i]);
}

/* The same letters, whatever number of '_' stands between them? */
static bool sounds_the_same(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "_");
        b += strspn(b, "_");
        if (*a != *b)
            return false;
        if (*a == 0)
            return true;
    }
}

static void check_stranger(struct config_settings *settings, const char *name)
{
    char known[CONFIG_VARIABLE_BYTES];

    for (size_t i = 0; i < config_key_count; i++) {
        config_environment_name(config_keys[i].name, known);
        if (sounds_the_same(name, known)) {
            config_complain(settings->complaints, "%s: no such key; did you mean %s?", name, known);
            return;
        }
    }
}

static void complain_of(struct config_settings *settings, const char *name, const char *parts)
{
    char key[MAX_NAME], hint[CONFIG_HINT_BYTES], variable[CONFIG_VARIABLE_BYTES];
    const char *meant = strstr(name + PREFIX, "__") + 2;
    size_t section = (size_t)(parts - name) - PREFIX;

    snprintf(key, sizeof(key), "%.*s.%s", (int)section, name + PREFIX, meant);
    for (char *at = key; *at != 0; at++)
        *at = (char)tolower((unsigned char)*at);
    meant = config_key_nearest(key);
    hint[0] = 0;
    if (meant != NULL) {
        config_environment_name(meant, variable);
        snprintf(hint, sizeof(hint), "; did you mean %s?", variable);
    }
    config_complain(settings->complaints, "%s: no such key%s", name,
                    meant != NULL ? hint : " (varved --help-config lists them all)");
}

static void take(struct config_settings *settings, const char *name, const char *value)
{
    const char *parts = strstr(name + PREFIX, "__");

    if (parts == NULL) {
        check_stranger(settings, name);
        return;
    }
    if (strncmp(name + PREFIX, outbox, sizeof(outbox) - 1) == 0) {
        config_settings_add(settings, &(struct config_setting){ .name = name + PREFIX + sizeof(outbox) - 1,
                                                                .source = CONFIG_FROM_ENVIRONMENT, .text = value,
                                                                .origin = name });
        return;
    }
    const struct config_key *key = config_key_find(name + PREFIX, (size_t)(parts - name) - PREFIX, parts + 2,
                                                   strlen(parts + 2));
    if (key == NULL)
        complain_of(settings, name, parts);
    else
        config_settings_add(settings, &(struct config_setting){ .key = key, .source = CONFIG_FROM_ENVIRONMENT,
                                                                .text = value, .origin = name });
}

void config_environment_read(struct config_settings *settings, char **environment)
{
    char name[MAX_NAME];

    for (; *environment != NULL; environment++) {
        size_t size = strcspn(*environment, "=");

        if (strncmp(*environment, prefix, PREFIX) != 0 || (*environment)[size] != '=')
            continue;
        if (value_of(*environment, "VARVED_CONFIG") != NULL)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)size, *environment);
        if (size >= sizeof(name))
            config_complain(settings->complaints, "%s...: no such key", name);
        else
            take(settings, name, *environment + size + 1);
    }
}
