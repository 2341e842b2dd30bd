/* options.h - the words of a command line, told apart by tables of what is allowed.
 *
 * Options may stand before, between and after the other words; "--" ends them; "-" alone is a word. The last of several
 * equal options counts. Whatever is not in the tables is an error that names the closest thing that is. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include "varve/event.h"

#define OPTIONS_MAX 320 /* options given in one call: a filter may name many streams */
#define WORDS_MAX 8     /* words that are not options */

/* A table of these ends with one whose name is NULL. */
struct option_spec {
    const char *name;  /* "limit" for --limit */
    char letter;       /* 'n' for -n; 0: no short form */
    const char *value; /* what --help calls its value; NULL: it takes none */
    const char *help;
};

struct arguments {
    const struct option_spec *tables[2]; /* of all commands, and of this one (NULL until it is known) */
    struct {
        const struct option_spec *spec;
        const char *value;
    } given[OPTIONS_MAX];
    size_t given_count;
    const char *words[WORDS_MAX];
    size_t word_count;
    bool takes_command; /* what stands behind "--" is a command line of its own */
    char **command;     /* ended by a NULL; NULL: there was no "--" */
};

/* Take arguments from argv[first] on; with `until_word`, only up to the first word. Returns the index behind what was
 * taken; what argv points to must outlive *arguments. -1: *error says what is wrong. */
int arguments_parse(struct arguments *arguments, int argc, char **argv, int first, bool until_word,
                    struct varve_error *error);

/* `name` must be in a table. */
bool arguments_has(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name); /* NULL: not given */
/* Every value of an option that may be repeated, in order; returns how many there are, also beyond `room`. */
size_t arguments_texts(const struct arguments *arguments, const char *name, struct varve_view *ret_texts, size_t room);

/* A whole number from 0 to `max`, in decimal digits alone. */
bool option_parse_uint(const char *text, uint64_t max, uint64_t *ret);

/* Typed values. An option that was not given leaves *ret as it is. */
enum varve_status arguments_uint(const struct arguments *arguments, const char *name, uint64_t max, uint64_t *ret,
                                 struct varve_error *error);
/* --limit: the same, and at least 1. */
enum varve_status arguments_limit(const struct arguments *arguments, uint64_t max, uint64_t *ret,
                                  struct varve_error *error);
enum varve_status arguments_uuid(const struct arguments *arguments, const char *name, struct varve_uuid *ret,
                                 struct varve_error *error);
enum varve_status arguments_time(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                 struct varve_error *error);
enum varve_status arguments_moment(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                   struct varve_error *error);
enum varve_status arguments_duration(const struct arguments *arguments, const char *name, int64_t *ret_us,
                                     struct varve_error *error);
enum varve_status arguments_expected(const struct arguments *arguments, const char *name, int64_t *ret,
                                     struct varve_error *error);

/* At least `min` and at most `max` words; `usage` is quoted when not. */
enum varve_status arguments_words(const struct arguments *arguments, size_t min, size_t max, const char *usage,
                                  struct varve_error *error);

#endif
