/* outbox_dead_list.c - questions about dead letters: whether, where, how many, and a page of them. */
#include "outbox_dead_parts.h"

#include <stdlib.h>
#include <string.h>

/* The lock is no part of what is told. */
void dead_lock(const struct outbox_dead *dead)
{
    pthread_mutex_lock((pthread_mutex_t *)&dead->lock);
}

void dead_unlock(const struct outbox_dead *dead)
{
    pthread_mutex_unlock((pthread_mutex_t *)&dead->lock);
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static int compare(const struct dead_stream *stream, struct varve_view name)
{
    size_t size = stream->name_size < name.size ? stream->name_size : name.size;
    int order = size == 0 ? 0 : memcmp(stream->name, name.data, size);

    return order != 0 ? order : stream->name_size < name.size ? -1 : stream->name_size > name.size;
}

size_t dead_seek(const struct outbox_dead *dead, struct varve_view name, bool above)
{
    size_t low = 0, high = dead->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(dead->streams[middle], name);

        if (order < 0 || (above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dead_stream *dead_get(const struct outbox_dead *dead, struct varve_view name)
{
    size_t at = dead->count == 0 ? 0 : dead_seek(dead, name, false);

    return at < dead->count && compare(dead->streams[at], name) == 0 ? dead->streams[at] : NULL;
}

size_t dead_place(const struct dead_stream *stream, uint64_t position)
{
    size_t low = stream->begin, high = stream->end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (stream->positions[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool dead_holds(const struct dead_stream *stream, uint64_t position)
{
    size_t at = dead_place(stream, position);

    return at < stream->end && stream->positions[at] == position;
}

/* ---- questions -------------------------------------------------------------------------------------------------- */

bool outbox_dead_blocks(const struct outbox_dead *dead, struct varve_view name)
{
    dead_lock(dead);
    const struct dead_stream *stream = dead_get(dead, name);
    bool blocks = stream != NULL && stream->blocked_from > 0;
    dead_unlock(dead);
    return blocks;
}

uint64_t outbox_dead_gap(const struct outbox_dead *dead, struct varve_view name)
{
    dead_lock(dead);
    const struct dead_stream *stream = dead_get(dead, name);
    uint64_t gap = stream == NULL ? 0 : stream->gap;
    dead_unlock(dead);
    return gap;
}

size_t outbox_dead_waiting(const struct outbox_dead *dead, struct varve_view name, uint64_t *ret_positions,
                           size_t room)
{
    size_t count = 0;

    dead_lock(dead);
    const struct dead_stream *stream = dead_get(dead, name);
    if (stream != NULL) {
        count = dead_waiting_count(stream) < room ? dead_waiting_count(stream) : room;
        if (count > 0)
            memcpy(ret_positions, stream->positions + stream->begin, count * sizeof(*ret_positions));
    }
    dead_unlock(dead);
    return count;
}

bool outbox_dead_has(const struct outbox_dead *dead, struct varve_view name, uint64_t position)
{
    dead_lock(dead);
    const struct dead_stream *stream = dead_get(dead, name);
    bool has = stream != NULL && dead_holds(stream, position);
    dead_unlock(dead);
    return has;
}

bool outbox_dead_stream_of(const struct outbox_dead *dead, uint64_t position,
                           char room[VARVE_MAX_SYSTEM_STREAM_NAME + 1])
{
    bool found = false;

    dead_lock(dead);
    for (size_t i = 0; i < dead->count && !found; i++) {
        const struct dead_stream *stream = dead->streams[i];

        found = dead_holds(stream, position);
        if (found) {
            memcpy(room, stream->name, stream->name_size);
            room[stream->name_size] = '\0';
        }
    }
    dead_unlock(dead);
    return found;
}

void outbox_dead_count(const struct outbox_dead *dead, struct outbox_dead_counts *ret)
{
    struct outbox_dead_counts counts = { .fold_from = UINT64_MAX };

    dead_lock(dead);
    for (size_t i = 0; i < dead->count; i++) {
        const struct dead_stream *stream = dead->streams[i];
        size_t waiting = dead_waiting_count(stream);

        if (waiting == 0)
            continue;
        counts.streams++;
        counts.positions += waiting;
        if (counts.first_position == 0 || stream->positions[stream->begin] < counts.first_position)
            counts.first_position = stream->positions[stream->begin];
        if (stream->log_version < counts.fold_from)
            counts.fold_from = stream->log_version;
    }
    dead_unlock(dead);
    *ret = counts;
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

static size_t text_bytes(const struct dead_stream *stream)
{
    return (size_t)stream->name_size + stream->code_size + stream->error_size;
}

static struct varve_view copy(char **at, const char *text, size_t size)
{
    struct varve_view copied = varve_view_of(*at, size);

    if (size > 0)
        memcpy(*at, text, size);
    *at += size;
    return copied;
}

/* Texts go to *at, which moves on. */
static void write_letter(const struct dead_stream *stream, struct varve_dead_letter *ret, char **at)
{
    uint64_t position = stream->positions[stream->begin];
    bool told = stream->told_of == position;
    size_t code_size = told ? stream->code_size : 0, error_size = told ? stream->error_size : 0;

    *ret = (struct varve_dead_letter){
        .stream = copy(at, stream->name, stream->name_size), .position = position,
        .version = stream->version_of == position ? stream->version : UINT64_MAX, .waiting = dead_waiting_count(stream),
        .skipped = stream->blocked_from == 0, .retry_count = told ? stream->attempts : 0,
        .error_code = copy(at, stream->texts, code_size),
        .last_error = copy(at, stream->texts + code_size, error_size),
        .first_attempt_us = told ? stream->first_attempt_us : 0, .last_attempt_us = told ? stream->last_attempt_us : 0,
    };
}

/* Those from `first` to `end` that have anything, into one block. */
static enum varve_status write_page(const struct outbox_dead *dead, size_t first, size_t end,
                                    struct varve_dead_letter **ret, size_t *ret_count)
{
    size_t count = 0, bytes = 0;

    for (size_t i = first; i < end; i++) {
        count += dead_waiting_count(dead->streams[i]) > 0;
        bytes += text_bytes(dead->streams[i]);
    }
    struct varve_dead_letter *letters = malloc(count * sizeof(*letters) + bytes + 1);
    if (letters == NULL)
        return VARVE_NO_MEMORY;
    char *at = (char *)(letters + count);
    *ret = letters;
    *ret_count = count;
    for (size_t i = first; i < end; i++)
        if (dead_waiting_count(dead->streams[i]) > 0)
            write_letter(dead->streams[i], letters++, &at);
    return VARVE_OK;
}

enum varve_status outbox_dead_list(const struct outbox_dead *dead, struct varve_view after, size_t limit,
                                   struct varve_dead_letter **ret, size_t *ret_count, bool *ret_end)
{
    size_t taken = 0;

    dead_lock(dead);
    size_t first = dead_seek(dead, after, true), end = first;
    for (; end < dead->count; end++) {
        if (dead_waiting_count(dead->streams[end]) == 0)
            continue; /* Only the mark of a gap. */
        if (taken == limit)
            break;
        taken++;
    }
    enum varve_status status = write_page(dead, first, end, ret, ret_count);
    if (status == VARVE_OK)
        *ret_end = end == dead->count;
    dead_unlock(dead);
    return status;
}

bool outbox_dead_find(const struct outbox_dead *dead, struct varve_view stream, struct varve_dead_letter **ret)
{
    size_t count = 0;

    dead_lock(dead);
    size_t at = dead_seek(dead, stream, false);
    bool found = dead_get(dead, stream) != NULL && dead_waiting_count(dead->streams[at]) > 0 &&
                 write_page(dead, at, at + 1, ret, &count) == VARVE_OK;
    dead_unlock(dead);
    return found;
}
