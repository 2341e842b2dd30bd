/* config_settings.h - everything that file, environment and command line say, before it is known what holds. */
#ifndef SERVER_CONFIG_SETTINGS_H
#define SERVER_CONFIG_SETTINGS_H

#include "config_keys.h"
#include "outbox/outbox_arena.h"

enum { CONFIG_MAX_SETTINGS = 10000 }; /* keys are looked for one by one */

enum config_source { CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT, CONFIG_FROM_COMMAND_LINE }; /* the later one holds */

struct config_setting {
    const struct config_key *key;  /* NULL: of an outbox */
    const char *outbox;            /* its name. NULL: still a part of `name` */
    const char *name;              /* its key: "mode". In front of it the outbox, as in "loans.mode" or "LOANS__MODE",
                                    * when that is not known yet. NULL: nothing but that the outbox is there */
    enum config_source source;
    const char *text;
    const char *origin;            /* "/etc/varve/varved.ini:12", "VARVED_HTTP__LISTEN", "--http.listen" */
    bool others_may_read;
};
struct config_settings {
    struct config_setting *all;
    size_t count;
    bool full;                             /* and it was said */
    struct outbox_arena *texts;            /* theirs */
    struct config_complaints *complaints;
};

bool config_settings_begin(struct config_settings *settings, struct config_complaints *complaints);
void config_settings_end(struct config_settings *settings);

/* One more; its texts are copied. More than CONFIG_MAX_SETTINGS are one complaint. */
void config_settings_add(struct config_settings *settings, const struct config_setting *setting);
/* What holds for the key; NULL: nobody says anything. */
const struct config_setting *config_settings_find(const struct config_settings *settings, const struct config_key *key);
/* A text that lives as long as the settings. NULL: no memory, and it was said. */
const char *config_settings_text(struct config_settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line more of what is wrong. Returns false, so that a failing function ends in one line. */
bool config_complain(struct config_complaints *complaints, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
