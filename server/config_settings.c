/* config_settings.c - the list of settings, and the list of complaints. */
#include "config_settings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BY_ARENA = 0 };

/* Names and values come from anywhere, and a complaint is a line, often on a terminal. */
static void keep_to_a_line(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

bool config_complain(struct config_complaints *complaints, const char *format, ...)
{
    va_list arguments;

    if (complaints->count < CONFIG_MAX_COMPLAINTS) {
        va_start(arguments, format);
        vsnprintf(complaints->lines[complaints->count], CONFIG_COMPLAINT_BYTES, format, arguments);
        va_end(arguments);
        keep_to_a_line(complaints->lines[complaints->count]);
    }
    complaints->count++;
    return false;
}

static bool no_memory(struct config_settings *settings)
{
    return config_complain(settings->complaints, "no memory for the configuration");
}

bool config_settings_begin(struct config_settings *settings, struct config_complaints *complaints)
{
    *settings = (struct config_settings){ .complaints = complaints, .texts = outbox_arena_create(KEPT_BY_ARENA) };
    return settings->texts != NULL || no_memory(settings);
}

void config_settings_end(struct config_settings *settings)
{
    outbox_arena_free(settings->texts);
    free(settings->all);
}

static const char *copy(struct config_settings *settings, const char *text)
{
    return outbox_arena_copy(settings->texts, varve_view_str(text)).data;
}

void config_settings_add(struct config_settings *settings, const struct config_setting *setting)
{
    if (settings->count == CONFIG_MAX_SETTINGS) {
        if (!settings->full)
            config_complain(settings->complaints, "%s: one setting more than the %d there may be", setting->origin,
                            CONFIG_MAX_SETTINGS);
        settings->full = true;
        return;
    }
    struct config_setting *all = reallocarray(settings->all, settings->count + 1, sizeof(*all));
    struct config_setting added = *setting;

    if (all != NULL)
        settings->all = all;
    added.text = copy(settings, setting->text);
    added.origin = copy(settings, setting->origin);
    added.outbox = setting->outbox != NULL ? copy(settings, setting->outbox) : NULL;
    added.name = setting->name != NULL ? copy(settings, setting->name) : NULL;
    if (all == NULL || added.text == NULL || added.origin == NULL ||
        (added.outbox == NULL) != (setting->outbox == NULL) || (added.name == NULL) != (setting->name == NULL))
        no_memory(settings);
    else
        all[settings->count++] = added;
}

const struct config_setting *config_settings_find(const struct config_settings *settings, const struct config_key *key)
{
    const struct config_setting *found = NULL;

    assert(key != NULL);
    for (size_t i = 0; i < settings->count; i++)
        if (settings->all[i].key == key && (found == NULL || settings->all[i].source >= found->source))
            found = &settings->all[i];
    return found;
}

const char *config_settings_text(struct config_settings *settings, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    const char *kept = size < 0 ? NULL : copy(settings, text);
    if (size >= 0)
        free(text);
    if (kept == NULL)
        no_memory(settings);
    return kept;
}
