/* outbox_config.c - walks the lines of the configuration file. libinih takes them apart, outbox_config_keys.c knows
 * what they say. */
#include <ini.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outbox_config_keys.h"

enum { MAX_FILE = 1 << 20, KEPT_BY_ARENA = 0 };

struct walk {
    struct outbox_configs *configs;
    struct outbox_draft *draft;  /* of the section at hand; NULL: before the first */
    struct outbox_place place;
    struct varve_view rest;      /* of the text, not yet read */
    bool failed;
};

/* ---- outboxes ---------------------------------------------------------------------------------------------------- */

static bool is_name(struct varve_view name)
{
    if (name.size == 0 || name.size > VARVE_MAX_OUTBOX_NAME)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", name.data[i]) == NULL)
            return false;
    return true;
}

static bool is_taken(const struct outbox_configs *configs, struct varve_view name)
{
    for (size_t i = 0; i < configs->count; i++)
        if (varve_view_equal(varve_view_str(configs->all[i]->name), name))
            return true;
    return false;
}

static void end_draft(struct outbox_draft *draft)
{
    outbox_arena_free(draft->arena);
    free(draft);
}

/* One more outbox with all defaults, which belongs to *configs at once. NULL: *place says why. */
static struct outbox_draft *begin_draft(struct outbox_configs *configs, const struct outbox_place *place,
                                        struct varve_view name)
{
    if (!is_name(name))
        return outbox_place_wrong(place, "an outbox's name has 1 to %u letters, digits, '.', '_' and '-'",
                                  VARVE_MAX_OUTBOX_NAME), NULL;
    if (is_taken(configs, name))
        return outbox_place_wrong(place, "there are two outboxes named %.*s", (int)name.size, name.data), NULL;
    if (configs->count == VARVE_MAX_OUTBOXES)
        return outbox_place_wrong(place, "a server has at most %u outboxes", VARVE_MAX_OUTBOXES), NULL;
    struct outbox_draft *draft = calloc(1, sizeof(*draft));
    if (draft == NULL)
        return outbox_place_no_memory(place), NULL;
    draft->line = place->line;
    memcpy(draft->config.name, name.data, name.size);
    draft->arena = outbox_arena_create(KEPT_BY_ARENA);
    if (draft->arena == NULL || !outbox_keys_set_defaults(draft, place)) {
        end_draft(draft);
        return outbox_place_no_memory(place), NULL;
    }
    configs->all[configs->count++] = &draft->config;
    return draft;
}

void outbox_configs_end(struct outbox_configs *configs)
{
    for (size_t i = 0; i < configs->count; i++)
        end_draft((struct outbox_draft *)configs->all[i]);
    configs->count = 0;
}

enum varve_status outbox_configs_add(struct outbox_configs *configs, const char *name, const char *brokers,
                                     struct varve_error *error)
{
    struct varve_error own;
    struct outbox_place place = { .path = name, .key = "brokers", .error = error != NULL ? error : &own };
    struct outbox_draft *draft = begin_draft(configs, &place, varve_view_str(name));

    return draft != NULL && outbox_keys_set(draft, &place, brokers) ? VARVE_OK : place.error->status;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static bool fail(struct walk *walk)
{
    walk->failed = true;
    return false;
}

/* What only the whole section tells. */
static bool end_section(struct walk *walk)
{
    struct outbox_place place = walk->place;

    if (walk->draft == NULL)
        return true;
    place.key = NULL;
    place.line = walk->draft->line;
    return outbox_keys_check(walk->draft, &place) || fail(walk);
}

/* `line` stands behind its '['. libinih tells nobody of sections without keys and cuts long names, so they are
 * recognised here. */
static bool begin_section(struct walk *walk, struct varve_view line)
{
    static const char word[] = "outbox ";
    const size_t size = sizeof(word) - 1;

    if (!end_section(walk))
        return false;
    while (line.size > 0 && strchr(" \t\r\n", line.data[line.size - 1]) != NULL)
        line.size--;
    walk->place.key = NULL;
    if (line.size <= size || memcmp(line.data, word, size) != 0 || memchr(line.data, ']', line.size) == NULL ||
        (const char *)memchr(line.data, ']', line.size) != line.data + line.size - 1)
        return outbox_place_wrong(&walk->place, "expected [outbox NAME]") || fail(walk);
    walk->draft = begin_draft(walk->configs, &walk->place, varve_view_of(line.data + size, line.size - size - 1));
    return walk->draft != NULL || fail(walk);
}

static bool look_at_line(struct walk *walk, struct varve_view line)
{
    if (line.size > OUTBOX_MAX_LINE)
        return outbox_place_wrong(&walk->place, "a line has at most %d bytes", OUTBOX_MAX_LINE) || fail(walk);
    while (line.size > 0 && strchr(" \t\r\n", *line.data) != NULL)
        line = varve_view_of(line.data + 1, line.size - 1);
    if (line.size == 0 || *line.data != '[')
        return true;
    return begin_section(walk, varve_view_of(line.data + 1, line.size - 1));
}

/* fgets() for libinih, which does not say on which line it is. */
static char *next_line(char *room, int size, void *user)
{
    struct walk *walk = user;
    struct varve_view *rest = &walk->rest;
    const char *newline = memchr(rest->data, '\n', rest->size);
    size_t length = newline != NULL ? (size_t)(newline - rest->data) + 1 : rest->size;

    if (walk->failed || length == 0)
        return NULL;
    walk->place.line++;
    walk->place.key = NULL;
    if (!look_at_line(walk, varve_view_of(rest->data, length)))
        return NULL;
    if (length >= (size_t)size) { /* Longer than what libinih was told to take: see parse_text(). */
        outbox_place_wrong(&walk->place, "a line has at most %d bytes", OUTBOX_MAX_LINE);
        return fail(walk), NULL;
    }
    memcpy(room, rest->data, length);
    room[length] = 0;
    *rest = varve_view_of(rest->data + length, rest->size - length);
    return room;
}

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct walk *walk = user;

    walk->place.key = name;
    if (walk->failed)
        return 0;
    if (walk->draft == NULL)
        outbox_place_wrong(&walk->place, "stands before the first [outbox NAME]");
    else if (outbox_keys_set(walk->draft, &walk->place, value))
        return 1;
    return fail(walk);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* libinih's ways, the same for every caller: whole lines at once, comments on lines of their own only (a password may
 * well contain " ;"), and a key may be indented. */
static void set_up_inih(void)
{
    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = OUTBOX_MAX_LINE + 8;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
}

static enum varve_status parse_text(struct walk *walk, struct varve_view text)
{
    struct varve_error own = { .status = VARVE_OK };
    int line;

    if (walk->place.error == NULL)
        walk->place.error = &own;
    walk->rest = text;
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        walk->rest = varve_view_of(text.data + 3, text.size - 3);
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL)
        return outbox_place_wrong(&walk->place, "is no text: it has a NUL byte"), walk->place.error->status;
    if (text.size == 0)
        return VARVE_OK;
    set_up_inih();
    line = ini_parse_stream(next_line, walk, take_line, walk);
    if (line < 0 && !walk->failed)
        fail(walk), outbox_place_no_memory(&walk->place);
    if (line > 0 && !walk->failed)
        fail(walk), outbox_place_wrong(&walk->place, "expected KEY = VALUE or [outbox NAME]");
    return walk->failed || !end_section(walk) ? walk->place.error->status : VARVE_OK;
}

enum varve_status outbox_configs_parse(struct outbox_configs *configs, const char *path, struct varve_view text,
                                       struct varve_error *error)
{
    struct walk walk = { .configs = configs, .place = { .path = path, .error = error } };

    return parse_text(&walk, text);
}

/* The whole of a file of at most MAX_FILE bytes; free it. */
static char *read_whole(int fd, size_t *ret_size)
{
    char *room = malloc(MAX_FILE + 1);
    ssize_t got = 1;

    *ret_size = 0;
    while (room != NULL && got > 0 && *ret_size <= MAX_FILE) {
        got = read(fd, room + *ret_size, MAX_FILE + 1 - *ret_size);
        if (got > 0)
            *ret_size += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (got >= 0)
        return room;
    free(room);
    return NULL;
}

static enum varve_status read_file(struct walk *walk, int fd)
{
    struct varve_error *error = walk->place.error;
    struct stat stat;
    size_t size;

    if (fstat(fd, &stat) != 0 || S_ISDIR(stat.st_mode))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "config", "%s: is no file", walk->place.path);
    char *text = read_whole(fd, &size);
    if (text == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "config", "%s: cannot be read: %s", walk->place.path,
                          strerror(errno));
    walk->place.others_may_read = (stat.st_mode & S_IROTH) != 0;
    enum varve_status status =
        size <= MAX_FILE ? parse_text(walk, varve_view_of(text, size))
                         : varve_fail(error, VARVE_INVALID_ARGUMENT, "config", "%s: has more than %d bytes",
                                      walk->place.path, MAX_FILE);
    explicit_bzero(text, size);
    free(text);
    return status;
}

enum varve_status outbox_configs_read(struct outbox_configs *configs, const char *path, struct varve_error *error)
{
    struct walk walk = { .configs = configs, .place = { .path = path, .error = error } };
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "config", "%s: cannot be opened: %s", path, strerror(errno));
    enum varve_status status = read_file(&walk, fd);
    close(fd);
    return status;
}
