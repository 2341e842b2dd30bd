/* config_file.c - walks the lines of the file. libinih takes them apart; the table of keys knows what they say. */
#include "config_file.h"

#include <ini.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outbox/outbox_nearest.h"

enum { SECTION_BYTES = 100, ORIGIN_BYTES = 512 };

struct walk {
    struct config_settings *settings;
    const char *path;
    struct varve_view rest;          /* of the text, not yet read */
    unsigned line;
    char section[SECTION_BYTES];     /* "http", "outbox loans"; "": none yet, or one that was answered for */
    const char *outbox;              /* the NAME in `section`; NULL: it is no outbox's */
    bool has_section;                /* the first has come */
    bool others_may_read;
};

/* "PATH:LINE: ..." */
static bool wrong(struct walk *walk, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct walk *walk, const char *format, ...)
{
    char sentence[CONFIG_COMPLAINT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return config_complain(walk->settings->complaints, "%s:%u: %s", walk->path, walk->line, sentence);
}

static void add(struct walk *walk, struct config_setting setting)
{
    char origin[ORIGIN_BYTES];

    snprintf(origin, sizeof(origin), "%s:%u", walk->path, walk->line);
    setting.source = CONFIG_FROM_FILE;
    setting.origin = origin;
    setting.others_may_read = walk->others_may_read;
    config_settings_add(walk->settings, &setting);
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static void unknown_section(struct walk *walk, const char *name)
{
    struct outbox_nearest nearest = outbox_nearest_to(name);

    if (strncmp(name, "outbox", 6) == 0 || strncmp(name, "kafka", 5) == 0) {
        wrong(walk, "[%.60s]: expected [outbox NAME]", name);
        return;
    }
    for (size_t i = 0; i < config_section_count; i++)
        outbox_nearest_offer(&nearest, config_sections[i].name);
    if (nearest.name != NULL)
        wrong(walk, "[%.60s]: no such section; did you mean [%s]?", name, nearest.name);
    else
        wrong(walk, "[%.60s]: no such section (varved --help-config lists them all)", name);
}

static void begin_section(struct walk *walk, struct varve_view name)
{
    static const char word[] = "outbox ";
    const size_t size = sizeof(word) - 1;

    walk->has_section = true;
    walk->outbox = NULL;
    snprintf(walk->section, sizeof(walk->section), "%.*s", (int)name.size, name.data);
    if (config_section_find(name.data, name.size) != NULL)
        return;
    if (name.size >= size && name.size < sizeof(walk->section) && memcmp(name.data, word, size) == 0) {
        walk->outbox = walk->section + size;
        add(walk, (struct config_setting){ .outbox = walk->outbox, .text = "" });
        return;
    }
    unknown_section(walk, walk->section);
    walk->section[0] = 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* libinih tells nobody of sections without keys and cuts long names, so they are recognised here. `line` stands behind
 * its '['. */
static void take_section(struct walk *walk, struct varve_view line)
{
    while (line.size > 0 && strchr(" \t\r\n", line.data[line.size - 1]) != NULL)
        line.size--;
    const char *end = memchr(line.data, ']', line.size);
    if (end != NULL && end == line.data + line.size - 1) {
        begin_section(walk, varve_view_of(line.data, line.size - 1));
        return;
    }
    wrong(walk, "expected [SECTION] or [outbox NAME]");
    walk->has_section = true;
    walk->section[0] = 0;
}

/* libinih tells of the first line only that it cannot take apart. */
static void look_at_line(struct walk *walk, struct varve_view line)
{
    while (line.size > 0 && strchr(" \t\r\n", *line.data) != NULL)
        line = varve_view_of(line.data + 1, line.size - 1);
    if (line.size == 0 || *line.data == '#' || *line.data == ';')
        return;
    if (*line.data == '[')
        take_section(walk, varve_view_of(line.data + 1, line.size - 1));
    else if (memchr(line.data, '=', line.size) == NULL && memchr(line.data, ':', line.size) == NULL)
        wrong(walk, "expected KEY = VALUE, [SECTION] or [outbox NAME]");
}

/* fgets() for libinih, which does not say on which line it is. */
static char *next_line(char *room, int size, void *user)
{
    struct walk *walk = user;
    struct varve_view *rest = &walk->rest;
    const char *newline = memchr(rest->data, '\n', rest->size);
    size_t length = newline != NULL ? (size_t)(newline - rest->data) + 1 : rest->size;

    if (length == 0)
        return NULL;
    walk->line++;
    if (length > CONFIG_MAX_LINE || length >= (size_t)size) {
        wrong(walk, "a line has at most %d bytes", CONFIG_MAX_LINE);
        return NULL;
    }
    look_at_line(walk, varve_view_of(rest->data, length));
    memcpy(room, rest->data, length);
    room[length] = 0;
    *rest = varve_view_of(rest->data + length, rest->size - length);
    return room;
}

static void take_key(struct walk *walk, const char *name, const char *value)
{
    char full[CONFIG_COMPLAINT_BYTES / 2];
    const struct config_key *key = config_key_find(walk->section, strlen(walk->section), name, strlen(name));
    const struct config_setting *before = key != NULL ? config_settings_find(walk->settings, key) : NULL;

    if (before != NULL && before->source == CONFIG_FROM_FILE) {
        wrong(walk, "%s is there twice: the first is at %s", key->name, before->origin);
        return;
    }
    if (key != NULL) {
        add(walk, (struct config_setting){ .key = key, .text = value });
        return;
    }
    snprintf(full, sizeof(full), "%s.%.100s", walk->section, name);
    const char *nearest = config_key_nearest(full);
    if (nearest != NULL)
        wrong(walk, "%s: no such key; did you mean %s?", full, nearest);
    else
        wrong(walk, "%s: no such key (varved --help-config lists them all)", full);
}

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct walk *walk = user;

    if (!walk->has_section)
        wrong(walk, "%.100s: stands before the first [SECTION]", name);
    else if (walk->outbox != NULL)
        add(walk, (struct config_setting){ .outbox = walk->outbox, .name = name, .text = value });
    else if (walk->section[0] != 0)
        take_key(walk, name, value);
    return 1;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* libinih's ways, the same for every caller: whole lines at once, comments on lines of their own only (a password may
 * well contain " ;"), a key may be indented, and a wrong line does not hide the next one. */
static void set_up_inih(void)
{
    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = CONFIG_MAX_LINE + 8;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_stop_on_first_error = false;
}

void config_file_parse(struct config_settings *settings, const char *path, struct varve_view text,
                       bool others_may_read)
{
    struct walk walk = { .settings = settings, .path = path, .rest = text, .others_may_read = others_may_read };

    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        walk.rest = varve_view_of(text.data + 3, text.size - 3);
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
        config_complain(settings->complaints, "%s: is no text: it has a NUL byte", path);
        return;
    }
    if (text.size == 0)
        return;
    set_up_inih();
    if (ini_parse_stream(next_line, &walk, take_line, &walk) < 0)
        config_complain(settings->complaints, "%s: no memory for the configuration", path);
}

/* The whole of a file of at most CONFIG_MAX_FILE bytes; free it. */
static char *read_whole(int fd, size_t *ret_size)
{
    char *room = malloc(CONFIG_MAX_FILE + 1);
    ssize_t got = 1;

    *ret_size = 0;
    while (room != NULL && got > 0 && *ret_size <= CONFIG_MAX_FILE) {
        got = read(fd, room + *ret_size, CONFIG_MAX_FILE + 1 - *ret_size);
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

/* A pipe was opened without waiting for somebody at its other end; who is there is waited for. */
static bool let_reads_wait(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

static void read_descriptor(struct config_settings *settings, const char *path, int fd)
{
    struct config_complaints *complaints = settings->complaints;
    struct stat stat;
    size_t size;

    if (fstat(fd, &stat) != 0 || S_ISDIR(stat.st_mode) || !let_reads_wait(fd)) {
        config_complain(complaints, "%s: is no file", path);
        return;
    }
    char *text = read_whole(fd, &size);
    if (text == NULL) {
        config_complain(complaints, "%s: cannot be read: %s", path, strerror(errno));
        return;
    }
    if (size == 0 && !S_ISREG(stat.st_mode)) /* A pipe that was read before: it would take everything back. */
        config_complain(complaints, "%s: says nothing; what is no plain file can be read only once", path);
    else if (size <= CONFIG_MAX_FILE)
        config_file_parse(settings, path, varve_view_of(text, size), (stat.st_mode & S_IROTH) != 0);
    else
        config_complain(complaints, "%s: has more than %d bytes", path, CONFIG_MAX_FILE);
    explicit_bzero(text, size);
    free(text);
}

void config_file_read(struct config_settings *settings, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* A pipe without a writer must not keep the server. */

    if (fd < 0) {
        config_complain(settings->complaints, "%s: cannot be opened: %s", path, strerror(errno));
        return;
    }
    read_descriptor(settings, path, fd);
    close(fd);
}
