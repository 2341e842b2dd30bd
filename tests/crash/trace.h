/* trace.h - what the recorder writes down and the explorer reads: the file operations of one directory, in order.
 *
 * A file of operations, each a struct trace_op, then its path, then its data. Operations of one process follow each
 * other as they took effect; a sync is two: it covers what was there when it began, and counts when it has ended. */
#ifndef TESTS_CRASH_TRACE_H
#define TESTS_CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
    TRACE_SESSION,    /* a process begins; descriptors of the one before are gone */
    TRACE_OPEN,       /* fd, path, flags TRACE_CREATED, TRACE_TRUNCATED, TRACE_IS_DIRECTORY, TRACE_DSYNC */
    TRACE_WRITE,      /* fd, offset, data, flag TRACE_DIED */
    TRACE_SIZE,       /* fd, offset = the file's new size */
    TRACE_SYNC_BEGIN, /* fd */
    TRACE_SYNC_END,   /* fd */
    TRACE_MKDIR,      /* path */
    TRACE_RENAME,     /* path, data = new path */
    TRACE_UNLINK,     /* path */
    TRACE_MARK,       /* data: what the workload says */
    TRACE_KINDS
};

/* DIED: of a write in which the process was killed; it may be in memory only, whatever its descriptor promises. */
enum { TRACE_CREATED = 1, TRACE_TRUNCATED = 2, TRACE_IS_DIRECTORY = 4, TRACE_DSYNC = 8, TRACE_DIED = 16 };

struct trace_op {
    uint8_t kind, flags;
    uint16_t path_bytes;
    int32_t fd;
    uint32_t data_bytes;
    uint32_t zero;
    uint64_t offset;
};

#define TRACE_MAX_PATH 256u

/* ---- reading, for the explorer ---- */

struct trace_entry {
    struct trace_op op;
    const char *path; /* with a NUL of its own, below the watched directory; "" is the directory itself */
    const uint8_t *data;
};

struct trace {
    struct trace_entry *entries;
    size_t count;
    uint8_t *bytes;
};

/* Exits the program with a message when the file cannot be read or makes no sense. */
void trace_load(const char *file, struct trace *ret_trace);
void trace_free(struct trace *trace);

/* "write journal/00000001", for people. */
const char *trace_kind_name(uint8_t kind);

#endif
