/* log.h - the structured log: one event a line, as logfmt or as JSON, to a file descriptor.
 *
 * A line is `time=... level=info service=varved event=session.closed key=value ...`: what happened is a constant of
 * ours, what varies are the fields, and docs/logs.md lists all events (tests/docs.py holds it against the source).
 * Values come from anywhere, so they are escaped: a client's name cannot forge a line. Lines are bounded; what does not
 * fit is left out and the line says so. What events carry (data, metadata) is never logged.
 *
 * Whoever logs need not think of floods: of what repeats itself only so much is written (log_repeats.h). Two lines have
 * the same cause when the event and the fields that name a cause are the same. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varve/event.h"

#include "figures.h"
#include "log_repeats.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log {
    int fd;
    _Atomic enum log_level level; /* lines below it are not written */
    _Atomic bool json;
    const char *service;          /* NULL: "varved" */
    struct log_repeats *repeats;  /* NULL: whatever repeats itself is written */
    struct figures *figures;      /* NULL: lines are not counted */
};
static inline enum log_level log_level_of(const struct log *log)
{
    return atomic_load_explicit(&log->level, memory_order_relaxed);
}

struct log_field {
    const char *key; /* a plain word of ours; never escaped */
    bool is_text;
    struct varve_view text;
    uint64_t number;
};

static inline struct log_field log_view(const char *key, struct varve_view text)
{
    struct varve_view empty = varve_view_of("", 0);

    return (struct log_field){ .key = key, .is_text = true, .text = text.data == NULL ? empty : text };
}
static inline struct log_field log_text(const char *key, const char *text)
{
    return log_view(key, varve_view_str(text));
}
static inline struct log_field log_number(const char *key, uint64_t number)
{
    return (struct log_field){ .key = key, .number = number };
}

/* One line, in one write(2). A log that cannot be written is no reason to stop: failures are ignored. */
void log_event(const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#define LOG_FIELDS(...) (const struct log_field[]){ __VA_ARGS__ }, \
                        sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)
#define log_debug(log, event, ...) log_event(log, LOG_LEVEL_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(log, event, ...) log_event(log, LOG_LEVEL_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(log, event, ...) log_event(log, LOG_LEVEL_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(log, event, ...) log_event(log, LOG_LEVEL_ERROR, event, LOG_FIELDS(__VA_ARGS__))

/* Once a second: tells what was left out of floods that are over, or of all (`all`: the end). */
void log_tell_repeats(const struct log *log, bool all);

bool log_level_parse(const char *text, enum log_level *ret); /* "debug", "info", "warn", "error" */

#endif
