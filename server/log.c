/* log.c - makes log lines: escaping, bounding, counting, writing. */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERVICE "varved"

enum { LINE_BYTES = 8192, LINE_TAIL = 32 /* kept free for the end of the line */ };

struct line {
    char bytes[LINE_BYTES];
    size_t size;
    bool full; /* something did not fit; what was begun must be taken back */
    bool json;
};

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_ERROR] = "error",
};

bool log_level_parse(const char *text, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void put(struct line *line, const char *bytes, size_t size)
{
    if (line->full || size > LINE_BYTES - LINE_TAIL - line->size) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

static void put_str(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* How many bytes the well-formed UTF-8 sequence at `at` has; 0 when it is none. */
static size_t utf8_size(const unsigned char *at, size_t left)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3
                : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;

    if (size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] >= 0x90))
        return 0;
    return size;
}

/* U+0080 to U+009F, which steer a terminal, too; in UTF-8 the second byte is the number. */
static bool is_c1(const unsigned char *at)
{
    return at[0] == 0xc2 && at[1] < 0xa0;
}

/* Between quotes; the escapes of JSON serve logfmt as well. Bytes that are no UTF-8 become U+FFFD. */
static void put_quoted(struct line *line, struct varve_view text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.size;

    put_str(line, "\"");
    while (at < end && !line->full) {
        size_t size = utf8_size(at, (size_t)(end - at));
        char escape[8];

        if (size == 0) {
            put_str(line, "\xef\xbf\xbd");
            size = 1;
        } else if (*at == '"' || *at == '\\') {
            snprintf(escape, sizeof(escape), "\\%c", *at);
            put_str(line, escape);
        } else if (*at == '\n') {
            put_str(line, "\\n");
        } else if (*at < 0x20 || *at == 0x7f || is_c1(at)) {
            snprintf(escape, sizeof(escape), "\\u%04x", at[size - 1]);
            put_str(line, escape);
        } else {
            put(line, (const char *)at, size);
        }
        at += size;
    }
    put_str(line, "\"");
}

static bool is_plain(struct varve_view text)
{
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[24];

    if (line->size > (line->json ? 1 : 0)) /* In JSON the bracket stands before the first. */
        put_str(line, line->json ? "," : " ");
    if (line->json)
        put_str(line, "\"");
    put_str(line, field->key);
    put_str(line, line->json ? "\":" : "=");
    if (!field->is_text) {
        snprintf(number, sizeof(number), "%" PRIu64, field->number);
        put_str(line, number);
    } else if (!line->json && is_plain(field->text)) {
        put(line, field->text.data, field->text.size);
    } else {
        put_quoted(line, field->text);
    }
}

/* A field goes in whole or not at all. */
static bool add_field(struct line *line, const struct log_field *field)
{
    size_t before = line->size;

    put_field(line, field);
    if (!line->full)
        return true;
    line->size = before;
    line->full = false;
    return false;
}

static void time_text(char *text, size_t room)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, room, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

/* Lines come from any thread, unlike what else is counted. */
static void count(const struct log *log, size_t offset)
{
    if (log->figures != NULL)
        atomic_fetch_add_explicit((_Atomic uint64_t *)((char *)log->figures + offset), 1, memory_order_relaxed);
}

static void count_written(const struct log *log, enum log_level level)
{
    static const size_t offsets[] = {
        [LOG_LEVEL_DEBUG] = offsetof(struct figures, log_lines_debug),
        [LOG_LEVEL_INFO] = offsetof(struct figures, log_lines_info),
        [LOG_LEVEL_WARN] = offsetof(struct figures, log_lines_warn),
        [LOG_LEVEL_ERROR] = offsetof(struct figures, log_lines_error),
    };

    count(log, offsets[level]);
}

/* ---- repeats ---------------------------------------------------------------------------------------------------- */

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Not what differs from client to client and from event to event, or a flood would have as many causes as lines. */
static bool names_cause(const struct log_field *field)
{
    static const char *const keys[] = { "outbox", "group", "error", "code", "why", "address", "operation", "facility",
                                        "key" };

    for (size_t i = 0; field->is_text && i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(field->key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* "outbox=kafka code=_TRANSPORT", or as much of it as there is room for. */
static void name_cause(const struct log_field *fields, size_t count, char ret_cause[LOG_REPEATS_CAUSE])
{
    size_t size = 0;

    ret_cause[0] = 0;
    for (size_t i = 0; i < count && size < LOG_REPEATS_CAUSE; i++) {
        if (names_cause(&fields[i]))
            size += (size_t)snprintf(ret_cause + size, LOG_REPEATS_CAUSE - size, "%s%s=%.*s", size == 0 ? "" : " ",
                                     fields[i].key, (int)fields[i].text.size, fields[i].text.data);
    }
}

static bool may_go_out(const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
                       size_t count_of_fields, uint64_t *ret_repeated)
{
    char cause[LOG_REPEATS_CAUSE];

    *ret_repeated = 0;
    if (log->repeats == NULL || level == LOG_LEVEL_DEBUG)
        return true; /* Who asks for debug lines wants them. */
    name_cause(fields, count_of_fields, cause);
    return log_repeats_allow(log->repeats, event, (int)level, cause, monotonic_us(), ret_repeated);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void write_line(const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
                       size_t count_of_fields, uint64_t repeated)
{
    struct line line;
    char now[64];
    bool whole = true;

    line.size = 0;
    line.full = false;
    line.json = atomic_load_explicit(&log->json, memory_order_relaxed);
    time_text(now, sizeof(now));
    if (line.json)
        put_str(&line, "{");
    const struct log_field head[] = { log_text("time", now), log_text("level", level_names[level]),
                                      log_text("service", log->service != NULL ? log->service : SERVICE),
                                      log_text("event", event) };
    const struct log_field tail = log_number("repeated", repeated);
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        whole &= add_field(&line, &head[i]);
    for (size_t i = 0; i < count_of_fields; i++)
        whole &= add_field(&line, &fields[i]);
    if (repeated > 0)
        whole &= add_field(&line, &tail);

    const char *end = line.json ? (whole ? "}\n" : ",\"cut\":true}\n") : (whole ? "\n" : " cut=true\n");
    memcpy(line.bytes + line.size, end, strlen(end)); /* put() left room for it. */
    if (write_all(log->fd, line.bytes, line.size + strlen(end)))
        count_written(log, level);
    else
        count(log, offsetof(struct figures, log_lines_dropped));
}

void log_event(const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t count_of_fields)
{
    uint64_t repeated;

    if (level < log_level_of(log))
        return;
    if (may_go_out(log, level, event, fields, count_of_fields, &repeated))
        write_line(log, level, event, fields, count_of_fields, repeated);
    else
        count(log, offsetof(struct figures, log_lines_dropped));
}

void log_tell_repeats(const struct log *log, bool all)
{
    struct log_repeats_row row;

    while (log->repeats != NULL && log_repeats_take(log->repeats, monotonic_us(), all, &row)) {
        const struct log_field fields[] = { log_text("of", row.event), log_text("cause", row.cause) };

        write_line(log, (enum log_level)row.level, "log.repeated", fields, 2, row.left_out);
    }
}
