/* trace.c - see trace.h. */
#include "tests/crash/trace.h"

#include "tests/crash/common.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *trace_kind_name(uint8_t kind)
{
    static const char *const names[TRACE_KINDS] = { "session", "open", "write", "size", "sync begins", "sync ends",
                                                    "mkdir", "rename", "unlink", "mark" };
    return kind < TRACE_KINDS ? names[kind] : "?";
}

static uint8_t *read_all(const char *file, size_t *ret_size)
{
    struct stat status;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0)
        die("cannot open the trace %s", file);
    uint8_t *bytes = must_alloc((size_t)status.st_size + 1);
    for (size_t done = 0; done < (size_t)status.st_size;) {
        ssize_t got = read(fd, bytes + done, (size_t)status.st_size - done);
        if (got <= 0)
            die("cannot read the trace %s", file);
        done += (size_t)got;
    }
    close(fd);
    *ret_size = (size_t)status.st_size;
    return bytes;
}

/* The entry at *at, which moves behind it. Its path gets a NUL in a copy of its own. */
static struct trace_entry next_entry(const uint8_t *bytes, size_t size, size_t *at)
{
    struct trace_entry entry;

    if (size - *at < sizeof(entry.op))
        die("the trace is cut off at byte %zu", *at);
    memcpy(&entry.op, bytes + *at, sizeof(entry.op));
    *at += sizeof(entry.op);
    if (entry.op.kind >= TRACE_KINDS || entry.op.path_bytes >= TRACE_MAX_PATH ||
        size - *at < (size_t)entry.op.path_bytes + entry.op.data_bytes)
        die("the trace makes no sense before byte %zu", *at);
    char *path = must_alloc(entry.op.path_bytes + 1u);
    memcpy(path, bytes + *at, entry.op.path_bytes);
    entry.path = path;
    entry.data = bytes + *at + entry.op.path_bytes;
    *at += (size_t)entry.op.path_bytes + entry.op.data_bytes;
    return entry;
}

void trace_load(const char *file, struct trace *ret_trace)
{
    size_t size, room = 0, at = 0;
    struct trace trace = { .bytes = read_all(file, &size) };

    while (at < size) {
        trace.entries = grown(trace.entries, trace.count, &room, sizeof(*trace.entries));
        trace.entries[trace.count++] = next_entry(trace.bytes, size, &at);
    }
    *ret_trace = trace;
}

void trace_free(struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        free((char *)(uintptr_t)trace->entries[i].path);
    free(trace->entries);
    free(trace->bytes);
}
