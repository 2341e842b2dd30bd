/* config_keys.h - every key of the configuration but the outboxes', in one table. From its rows come what file,
 * environment and command line may say, the checks, --help, --help-config and docs/configuration.md. */
#ifndef SERVER_CONFIG_KEYS_H
#define SERVER_CONFIG_KEYS_H

#include "config.h"

enum config_kind {
    CONFIG_TEXT,      /* const char *; the word of the default ("none", "all") means NULL */
    CONFIG_LIST,      /* likewise; words parted by commas or blanks */
    CONFIG_WORD,      /* one of `values`, parted by '|'; its number is stored */
    CONFIG_COUNT, CONFIG_SIZE, CONFIG_TIME,
    CONFIG_ADDRESSES, /* struct config_address[CONFIG_MAX_LISTEN], and how many at `count_offset` */
    CONFIG_INDEXES,   /* bits VARVE_INDEX_* */
};
struct config_key {
    const char *name;      /* "http.max_body" */
    const char *flag;      /* what it is called on the command line besides --http.max_body; NULL: nothing else */
    const char *values;    /* what may stand there, as in "HOST:PORT,..." */
    const char *otherwise; /* the default */
    const char *help;
    enum config_kind kind;
    bool is_reloadable;    /* may change while the server runs */
    size_t offset;         /* in struct config */
    unsigned width;        /* bytes of the field */
    union {
        struct { uint64_t min, max; };         /* CONFIG_COUNT, CONFIG_SIZE, CONFIG_TIME (ms) */
        size_t count_offset;                   /* CONFIG_ADDRESSES */
        bool (*is_good_word)(const char *word, const char **expected); /* CONFIG_LIST; NULL: every word is good */
    };
};

struct config_section {
    const char *name, *help;
};
extern const struct config_section config_sections[]; /* in the order of the keys */
extern const size_t config_section_count;
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* NULL: there is none. */
const struct config_section *config_section_find(const char *name, size_t size);
/* The section's name in `name`, which has a '.' behind it. */
size_t config_section_size(const char *name);
/* Names are the same when they differ only in case and in '_' for '.' and '-': http.max_body, VARVED_HTTP__MAX_BODY,
 * --http.max-body. */
bool config_same_name(const char *a, size_t a_size, const char *b, size_t b_size);
/* NULL: there is none. */
const struct config_key *config_key_find(const char *section, size_t section_size, const char *name, size_t name_size);
const struct config_key *config_key_of_flag(const char *flag, size_t size);

/* The key that may have been meant, "http.max_body" for "http.max_bdy"; NULL: none is near. */
const char *config_key_nearest(const char *name);
/* "; did you mean --http.max_body?", or where to look. `name` as behind "--". */
enum { CONFIG_HINT_BYTES = 160 };
const char *config_flag_hint(const char *name, char room[CONFIG_HINT_BYTES]);

#endif
