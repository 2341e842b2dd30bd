/* config_outboxes.c - outboxes have names that nobody can list, so which word is the name, and which one the key, is
 * found out when the file's names are known. */
#include "config_outboxes.h"

#include <ctype.h>
#include <string.h>

#include "config_values.h"
#include "outbox/outbox_config_keys.h"
#include "outbox/outbox_nearest.h"

static const char rdkafka[] = "rdkafka";
enum { RDKAFKA = sizeof(rdkafka) - 1, KEY_BYTES = 256 };

struct gathering {
    struct config *config;
    struct config_settings *settings;
};

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* rdkafka.sasl.password_file, for RDKAFKA_SASL_PASSWORD_FILE. Elsewhere the property is as librdkafka writes it. */
static const char *property_key(struct config_settings *settings, const char *rest, bool is_variable)
{
    char key[KEY_BYTES];
    size_t size = strlen(rest);

    if (!is_variable)
        return config_settings_text(settings, "%s.%s", rdkafka, rest + RDKAFKA + 1);
    snprintf(key, sizeof(key), "%s", rest);
    for (char *at = key; *at != 0; at++)
        *at = *at == '_' ? '.' : (char)tolower((unsigned char)*at);
    if (size > 5 && size < sizeof(key) && strcmp(key + size - 5, ".file") == 0)
        key[size - 5] = '_';
    return config_settings_text(settings, "%s", key);
}

/* The key that `rest` spells, as the table writes it. NULL: there is none. */
static const char *spelled_key(struct config_settings *settings, const char *rest, bool is_variable)
{
    struct outbox_key_row row;

    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        if (config_same_name(row.name, strlen(row.name), rest, strlen(rest)))
            return row.name;
    if (strlen(rest) > RDKAFKA && config_same_name(rest, RDKAFKA + 1, "rdkafka.", RDKAFKA + 1))
        return property_key(settings, rest, is_variable);
    return NULL;
}

/* The outbox that is meant by a name in another spelling: the file's, or one that was named before. */
static const char *known_outbox(const struct config_settings *settings, const char *name, size_t size)
{
    const char *found = NULL;

    for (size_t i = 0; i < settings->count; i++) {
        const char *outbox = settings->all[i].outbox;

        if (outbox == NULL || !config_same_name(outbox, strlen(outbox), name, size))
            continue;
        if (memcmp(outbox, name, size) == 0)
            return outbox;
        found = found == NULL ? outbox : found;
    }
    return found;
}

static const char *new_outbox(struct config_settings *settings, const char *name, size_t size, bool is_variable)
{
    char text[KEY_BYTES];

    snprintf(text, sizeof(text), "%.*s", (int)size, name);
    for (char *at = text; is_variable && *at != 0; at++)
        *at = (char)tolower((unsigned char)*at);
    return config_settings_text(settings, "%s", text);
}

/* Where the name ends and the key begins: behind a known outbox, else in front of the first key that there is. */
static bool split(struct config_settings *settings, struct config_setting *setting, bool must_be_known)
{
    bool is_variable = setting->source == CONFIG_FROM_ENVIRONMENT;
    const char *mark = is_variable ? "__" : ".", *name = setting->name;

    for (const char *at = strstr(name, mark); at != NULL; at = strstr(at + 1, mark)) {
        size_t size = (size_t)(at - name);
        const char *outbox = known_outbox(settings, name, size);
        const char *key = spelled_key(settings, at + strlen(mark), is_variable);

        if (size == 0 || key == NULL || (must_be_known && outbox == NULL))
            continue;
        setting->outbox = outbox != NULL ? outbox : new_outbox(settings, name, size, is_variable);
        setting->name = key;
        return setting->outbox != NULL;
    }
    return false;
}

/* A name in another spelling that two outboxes have. */
static void check_ambiguity(const struct config_settings *settings, const struct config_setting *setting,
                            const char *spelled)
{
    const char *outbox = setting->outbox;
    size_t size = strlen(outbox);

    if (strncmp(spelled, outbox, size) == 0)
        return;
    for (size_t i = 0; i < settings->count; i++) {
        const char *other = settings->all[i].outbox;

        if (other == NULL || strcmp(other, outbox) == 0 || !config_same_name(other, strlen(other), outbox, size))
            continue;
        config_complain(settings->complaints, "%s: may mean outbox %s or outbox %s", setting->origin, outbox, other);
        return;
    }
}

static void unknown_key(struct config_settings *settings, const struct config_setting *setting)
{
    bool is_variable = setting->source == CONFIG_FROM_ENVIRONMENT;
    const char *mark = is_variable ? "__" : ".", *at = strstr(setting->name, mark);
    struct outbox_nearest nearest;
    struct outbox_key_row row;
    char key[KEY_BYTES], hint[OUTBOX_NEAREST_HINT];

    if (at == NULL || at == setting->name || at[strlen(mark)] == 0) {
        config_complain(settings->complaints, "%s: expected an outbox's name and a key, such as %s", setting->origin,
                        is_variable ? "VARVED_OUTBOX__LOANS__BROKERS" : "--outbox.loans.brokers");
        return;
    }
    snprintf(key, sizeof(key), "%s", at + strlen(mark));
    for (char *c = key; *c != 0; c++)
        *c = (char)tolower((unsigned char)*c);
    nearest = outbox_nearest_to(key);
    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        outbox_nearest_offer(&nearest, row.name);
    outbox_nearest_hint(&nearest, hint);
    config_complain(settings->complaints, "%s: %s: no such key of an outbox%s", setting->origin, key,
                    *hint != 0 ? hint : " (varved --help-config lists them all)");
}

/* Of the file, where the section has the outbox's name. */
static void spell_as_the_table(struct config_settings *settings, struct config_setting *setting)
{
    const char *key = setting->name != NULL ? spelled_key(settings, setting->name, false) : NULL;

    if (key != NULL)
        setting->name = key;
}

static void find_names(struct config_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        struct config_setting *setting = &settings->all[i];

        if (setting->key != NULL || setting->outbox != NULL) {
            spell_as_the_table(settings, setting);
            continue;
        }
        const char *spelled = setting->name;
        if (!split(settings, setting, true) && !split(settings, setting, false))
            unknown_key(settings, setting);
        else
            check_ambiguity(settings, setting, spelled);
    }
}

/* ---- which of them hold ------------------------------------------------------------------------------------------ */

/* rdkafka.NAME and rdkafka.NAME_file say the same thing. */
static bool is_same_key(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);

    if (strncmp(a, rdkafka, RDKAFKA) == 0 && strncmp(b, rdkafka, RDKAFKA) == 0) {
        a_size -= a_size > 5 && strcmp(a + a_size - 5, "_file") == 0 ? 5 : 0;
        b_size -= b_size > 5 && strcmp(b + b_size - 5, "_file") == 0 ? 5 : 0;
    }
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

static bool repeats(const char *name)
{
    struct outbox_key_row row;
    size_t i = 0;

    while (outbox_keys_row(i, &row) && strcmp(row.name, name) != 0)
        i++;
    return outbox_keys_row(i, &row) && row.repeats;
}

/* What another source says hides it; on the command line, what is said later. */
static bool is_hidden(const struct config_settings *settings, const struct config_setting *setting)
{
    for (const struct config_setting *other = settings->all; other < settings->all + settings->count; other++) {
        if (other->outbox == NULL || other->name == NULL || other == setting ||
            strcmp(other->outbox, setting->outbox) != 0 || !is_same_key(other->name, setting->name))
            continue;
        if (other->source > setting->source)
            return true;
        if (other->source == CONFIG_FROM_COMMAND_LINE && setting->source == CONFIG_FROM_COMMAND_LINE &&
            other > setting && !repeats(setting->name))
            return true;
    }
    return false;
}

/* ---- outboxes ---------------------------------------------------------------------------------------------------- */

/* A secret in the open; $VARIABLE and a file's name are none. */
static bool is_secret(const char *name, const char *text)
{
    size_t size = strlen(name);

    return strncmp(name, "rdkafka.", RDKAFKA + 1) == 0 && outbox_property_is_secret(name + RDKAFKA + 1) &&
           !(size > 5 && strcmp(name + size - 5, "_file") == 0) && (text[0] != '$' || text[1] == '$');
}

static void show(struct gathering *gathering, const char *outbox, const char *name, const char *text,
                 const char *origin)
{
    char key[KEY_BYTES];

    snprintf(key, sizeof(key), "outbox.%s.%s", outbox, name);
    struct config_value value = { .key = key, .text = (char *)text, .origin = (char *)origin,
                                  .is_secret = is_secret(name, text) };
    if (config_values_add(gathering->config, &value) == NULL)
        config_complain(gathering->settings->complaints, "no memory for the configuration");
}

static void show_default(struct gathering *gathering, const char *outbox, const struct outbox_key_row *row)
{
    const struct config_settings *settings = gathering->settings;

    for (size_t i = 0; i < settings->count; i++) {
        const struct config_setting *setting = &settings->all[i];

        if (setting->outbox != NULL && setting->name != NULL && strcmp(setting->outbox, outbox) == 0 &&
            strcmp(setting->name, row->name) == 0)
            return;
    }
    if (row->otherwise != NULL)
        show(gathering, outbox, row->name, row->otherwise, "default");
}

static void apply_settings(struct gathering *gathering, struct outbox_draft *draft, const char *outbox)
{
    const struct config_settings *settings = gathering->settings;

    for (size_t i = 0; i < settings->count; i++) {
        const struct config_setting *setting = &settings->all[i];
        struct varve_error error;
        struct outbox_place place = { .origin = setting->origin, .key = setting->name,
                                      .others_may_read = setting->others_may_read, .error = &error };

        if (setting->outbox == NULL || setting->name == NULL || strcmp(setting->outbox, outbox) != 0 ||
            is_hidden(settings, setting))
            continue;
        if (!outbox_keys_set(draft, &place, setting->text))
            config_complain(settings->complaints, "%s", error.message);
        show(gathering, outbox, setting->name, setting->text, setting->origin);
    }
}

static void make_outbox(struct gathering *gathering, const struct config_setting *first)
{
    struct config_complaints *complaints = gathering->settings->complaints;
    size_t before = complaints->count;
    struct varve_error error;
    struct outbox_place place = { .origin = first->origin, .error = &error };
    struct outbox_draft *draft = outbox_draft_begin(&gathering->config->outboxes, &place,
                                                    varve_view_str(first->outbox));
    struct outbox_key_row row;

    if (draft == NULL) {
        config_complain(complaints, "%s", error.message);
        return;
    }
    apply_settings(gathering, draft, first->outbox);
    if (complaints->count == before && !outbox_keys_check(draft, &place))
        config_complain(complaints, "%s", error.message);
    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        show_default(gathering, first->outbox, &row);
}

/* The first that names its outbox? A second section of that name is a mistake. */
static bool is_first(const struct config_settings *settings, const struct config_setting *setting)
{
    for (const struct config_setting *other = settings->all; other < settings->all + settings->count; other++) {
        if (other == setting || other->outbox == NULL || strcmp(other->outbox, setting->outbox) != 0)
            continue;
        if (other->source < setting->source || (other->source == setting->source && other < setting))
            return false;
    }
    return true;
}

void config_outboxes_apply(struct config *config, struct config_settings *settings)
{
    struct gathering gathering = { .config = config, .settings = settings };

    find_names(settings);
    for (enum config_source source = CONFIG_FROM_FILE; source <= CONFIG_FROM_COMMAND_LINE; source++) {
        for (size_t i = 0; i < settings->count; i++) {
            const struct config_setting *setting = &settings->all[i];

            if (setting->outbox == NULL || setting->source != source)
                continue;
            if (is_first(settings, setting))
                make_outbox(&gathering, setting);
            else if (setting->name == NULL)
                config_complain(settings->complaints, "%s: there are two outboxes named %s", setting->origin,
                                setting->outbox);
        }
    }
}

/* ---- that of the mock -------------------------------------------------------------------------------------------- */

static bool add_mock_value(struct config *config, const struct outbox_key_row *row, const char *brokers)
{
    bool is_brokers = strcmp(row->name, "brokers") == 0, is_mock = strcmp(row->name, "mock") == 0;
    const char *text = is_brokers ? brokers : is_mock ? "yes" : row->otherwise;
    char key[KEY_BYTES];

    if (text == NULL)
        return true;
    snprintf(key, sizeof(key), "outbox.kafka.%s", row->name);
    return config_values_add(config, &(struct config_value){
        .key = key, .text = (char *)text, .origin = is_brokers || is_mock ? CONFIG_BY_MOCK : "default" }) != NULL;
}

enum varve_status config_outboxes_add_mock(struct config *config, const char *brokers, struct varve_error *error)
{
    enum varve_status status = outbox_configs_add(&config->outboxes, "kafka", brokers, error);
    struct outbox_key_row row;

    if (status != VARVE_OK)
        return status;
    config->outboxes.all[config->outboxes.count - 1]->is_mock = true;
    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        if (!add_mock_value(config, &row, brokers))
            return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the configuration");
    return VARVE_OK;
}
