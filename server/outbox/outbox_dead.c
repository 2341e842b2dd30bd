/* outbox_dead.c - what happens to dead letters: set aside, tried again, delivered, discarded. */
#include "outbox_dead_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table -------------------------------------------------------------------------------------------------- */

enum varve_status outbox_dead_create(struct outbox_dead **ret)
{
    struct outbox_dead *dead = calloc(1, sizeof(*dead));

    if (dead == NULL)
        return VARVE_NO_MEMORY;
    pthread_mutex_init(&dead->lock, NULL);
    *ret = dead;
    return VARVE_OK;
}

static void free_stream(struct dead_stream *stream)
{
    free(stream->positions);
    free(stream->texts);
    free(stream);
}

void outbox_dead_destroy(struct outbox_dead *dead)
{
    if (dead == NULL)
        return;
    outbox_dead_unreserve(dead);
    for (size_t i = 0; i < dead->count; i++)
        free_stream(dead->streams[i]);
    free(dead->streams);
    free(dead->reserved);
    pthread_mutex_destroy(&dead->lock);
    free(dead);
}

/* True: there is room for one more. */
static bool grow_list(struct dead_stream ***list, size_t needed, size_t *capacity)
{
    size_t more = *capacity == 0 ? 16 : *capacity * 2;

    if (needed <= *capacity)
        return true;
    if (more < needed)
        more = needed;
    struct dead_stream **grown = realloc(*list, more * sizeof(**list));
    if (grown == NULL)
        return false;
    *list = grown;
    *capacity = more;
    return true;
}

static struct dead_stream *make_stream(struct varve_view name)
{
    struct dead_stream *stream = calloc(1, sizeof(*stream) + name.size);

    assert(name.size > 0 && name.size <= VARVE_MAX_SYSTEM_STREAM_NAME);
    if (stream == NULL)
        return NULL;
    stream->name_size = (uint16_t)name.size;
    memcpy(stream->name, name.data, name.size);
    return stream;
}

/* Room for `more` positions behind `end`. What was taken from the front is used again first. */
static bool reserve_positions(struct dead_stream *stream, size_t more)
{
    size_t count = dead_waiting_count(stream), needed = count + more;

    if (stream->begin > 0 && (needed > stream->capacity - stream->begin || stream->begin > count)) {
        memmove(stream->positions, stream->positions + stream->begin, count * sizeof(*stream->positions));
        stream->begin = 0;
        stream->end = count;
    }
    if (needed <= stream->capacity - stream->begin)
        return true;
    size_t capacity = needed < 2 * stream->capacity ? 2 * stream->capacity : needed;
    uint64_t *grown = realloc(stream->positions, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    stream->positions = grown;
    stream->capacity = capacity;
    return true;
}

static struct dead_stream *find_reserved(const struct outbox_dead *dead, struct varve_view name, size_t *ret_index)
{
    for (size_t i = dead->reserved_count; i-- > 0;) {
        if (varve_view_equal(dead_name(dead->reserved[i]), name)) {
            *ret_index = i;
            return dead->reserved[i];
        }
    }
    return NULL;
}

/* The stream, made when there is none, with room for one position more. NULL: no memory. */
static struct dead_stream *get_or_reserve(struct outbox_dead *dead, struct varve_view name)
{
    struct dead_stream *stream = dead_get(dead, name);
    size_t index;

    if (stream == NULL)
        stream = find_reserved(dead, name, &index);
    if (stream != NULL)
        return reserve_positions(stream, 1) ? stream : NULL;
    if (!grow_list(&dead->reserved, dead->reserved_count + 1, &dead->reserved_capacity) ||
        !grow_list(&dead->streams, dead->count + dead->reserved_count + 1, &dead->capacity))
        return NULL;
    stream = make_stream(name);
    if (stream == NULL)
        return NULL;
    dead->reserved[dead->reserved_count++] = stream;
    return reserve_positions(stream, 1) ? stream : NULL;
}

enum varve_status outbox_dead_reserve(struct outbox_dead *dead, struct varve_view name, size_t positions)
{
    dead_lock(dead);
    struct dead_stream *stream = get_or_reserve(dead, name);
    bool good = stream != NULL && reserve_positions(stream, stream->reserved + positions);
    if (good)
        stream->reserved += positions;
    dead_unlock(dead);
    return good ? VARVE_OK : VARVE_NO_MEMORY;
}

void outbox_dead_unreserve(struct outbox_dead *dead)
{
    dead_lock(dead);
    for (size_t i = 0; i < dead->reserved_count; i++)
        free_stream(dead->reserved[i]);
    dead->reserved_count = 0;
    for (size_t i = 0; i < dead->count; i++)
        dead->streams[i]->reserved = 0;
    dead_unlock(dead);
}

/* From what is reserved into the table, where there is room for it. */
static struct dead_stream *enter(struct outbox_dead *dead, struct varve_view name)
{
    size_t index = 0, at = dead_seek(dead, name, false);
    struct dead_stream *stream = find_reserved(dead, name, &index);

    dead->reserved[index] = dead->reserved[--dead->reserved_count];
    memmove(dead->streams + at + 1, dead->streams + at, (dead->count - at) * sizeof(*dead->streams));
    dead->streams[at] = stream;
    dead->count++;
    return stream;
}

/* A stream with nothing more to say leaves; one whose parked events are gone does not hold up later ones. */
static void tidy_up(struct outbox_dead *dead, struct dead_stream *stream)
{
    if (dead_waiting_count(stream) == 0 || stream->positions[stream->end - 1] < stream->blocked_from)
        stream->blocked_from = 0;
    if (dead_waiting_count(stream) > 0 || stream->gap > 0)
        return;
    size_t at = dead_seek(dead, dead_name(stream), false);
    dead->count--;
    memmove(dead->streams + at, dead->streams + at + 1, (dead->count - at) * sizeof(*dead->streams));
    free_stream(stream);
}

/* ---- what is set aside ------------------------------------------------------------------------------------------ */

/* There is room for it. */
static void insert_position(struct dead_stream *stream, uint64_t position)
{
    size_t at = dead_place(stream, position);

    if (at < stream->end && stream->positions[at] == position)
        return;
    memmove(stream->positions + at + 1, stream->positions + at, (stream->end - at) * sizeof(position));
    stream->positions[at] = position;
    stream->end++;
}

static size_t cut(struct varve_view text, size_t max)
{
    return text.size < max ? text.size : max;
}

/* Texts for which there is no memory are left out: they are for people, nothing follows from them. */
static void keep_texts(struct dead_stream *stream, struct varve_view code, struct varve_view error)
{
    size_t code_size = cut(code, VARVE_MAX_OUTBOX_REASON), error_size = cut(error, VARVE_MAX_OUTBOX_REASON);
    char *texts = malloc(code_size + error_size + 1);

    free(stream->texts);
    stream->texts = texts;
    stream->code_size = texts == NULL ? 0 : (uint16_t)code_size;
    stream->error_size = texts == NULL ? 0 : (uint16_t)error_size;
    if (texts != NULL && code_size > 0)
        memcpy(texts, code.data, code_size);
    if (texts != NULL && error_size > 0)
        memcpy(texts + code_size, error.data, error_size);
}

static void set_version(struct dead_stream *stream, uint64_t position, uint64_t version)
{
    stream->version_of = position;
    stream->version = version;
}

/* What was known of the same position before is not forgotten: since when, and its version. */
static void tell_of(struct dead_stream *stream, const struct varve_dead_letter *letter, bool again)
{
    bool same = stream->told_of == letter->position;

    if (letter->version != UINT64_MAX)
        set_version(stream, letter->position, letter->version);
    if (!again || !same || stream->attempts == 0)
        stream->first_attempt_us = letter->first_attempt_us;
    stream->told_of = letter->position;
    stream->attempts = letter->retry_count;
    stream->last_attempt_us = letter->last_attempt_us;
    keep_texts(stream, letter->error_code, letter->last_error);
}

static bool is_first(const struct dead_stream *stream, uint64_t position)
{
    return dead_waiting_count(stream) > 0 && stream->positions[stream->begin] == position;
}

static void put(struct outbox_dead *dead, const struct varve_dead_letter *letter, uint64_t log_version)
{
    struct dead_stream *stream = dead_get(dead, letter->stream);

    if (stream == NULL)
        stream = enter(dead, letter->stream);
    if (dead_waiting_count(stream) == 0 || log_version < stream->log_version)
        stream->log_version = log_version;
    insert_position(stream, letter->position);
    if (is_first(stream, letter->position))
        tell_of(stream, letter, false);
    if (letter->skipped)
        stream->gap = stream->gap > letter->position ? stream->gap : letter->position;
    else if (stream->blocked_from == 0 || letter->position < stream->blocked_from)
        stream->blocked_from = letter->position;
}

enum varve_status outbox_dead_put(struct outbox_dead *dead, const struct varve_dead_letter *letter,
                                  uint64_t log_version)
{
    assert(letter->position > 0);
    dead_lock(dead);
    bool good = get_or_reserve(dead, letter->stream) != NULL;
    if (good)
        put(dead, letter, log_version);
    dead_unlock(dead);
    return good ? VARVE_OK : VARVE_NO_MEMORY;
}

static int compare_positions(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* There is room for all. Usually they come in order, behind what is there; after a reset of the checkpoint they may lie
 * anywhere, and some are there already. */
static void insert_all(struct dead_stream *stream, const uint64_t *positions, size_t count)
{
    bool in_order = true;

    for (size_t i = 0; i < count; i++) {
        if (stream->end > stream->begin && positions[i] <= stream->positions[stream->end - 1])
            in_order = false;
        stream->positions[stream->end++] = positions[i];
    }
    if (in_order)
        return;
    qsort(stream->positions + stream->begin, dead_waiting_count(stream), sizeof(*positions), compare_positions);
    size_t kept = stream->begin;
    for (size_t i = stream->begin + 1; i < stream->end; i++)
        if (stream->positions[i] != stream->positions[kept])
            stream->positions[++kept] = stream->positions[i];
    stream->end = kept + 1;
}

enum varve_status outbox_dead_add_waiting(struct outbox_dead *dead, struct varve_view name,
                                          const uint64_t *positions, size_t count)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, name);
    bool waits = stream != NULL && dead_waiting_count(stream) > 0;
    bool good = !waits || reserve_positions(stream, count);

    if (waits && good)
        insert_all(stream, positions, count);
    dead_unlock(dead);
    return good ? VARVE_OK : VARVE_NO_MEMORY;
}

/* ---- what becomes of it ----------------------------------------------------------------------------------------- */

void outbox_dead_attempted(struct outbox_dead *dead, const struct varve_dead_letter *letter)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, letter->stream);
    if (stream != NULL && is_first(stream, letter->position))
        tell_of(stream, letter, true);
    dead_unlock(dead);
}

void outbox_dead_delivered(struct outbox_dead *dead, struct varve_view name, uint64_t through)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, name);
    if (stream != NULL) {
        stream->begin = through == UINT64_MAX ? stream->end : dead_place(stream, through + 1);
        if (stream->gap <= through)
            stream->gap = 0;
        tidy_up(dead, stream);
    }
    dead_unlock(dead);
}

bool outbox_dead_discard(struct outbox_dead *dead, struct varve_view name, uint64_t position)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, name);
    bool found = stream != NULL && dead_holds(stream, position);
    if (found) {
        size_t at = dead_place(stream, position);
        if (at == stream->begin)
            stream->begin++;
        else
            memmove(stream->positions + at, stream->positions + at + 1, (--stream->end - at) * sizeof(position));
        tidy_up(dead, stream);
    }
    dead_unlock(dead);
    return found;
}

void outbox_dead_passed_gap(struct outbox_dead *dead, struct varve_view name, uint64_t after)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, name);
    if (stream != NULL && stream->gap <= after) {
        stream->gap = 0;
        tidy_up(dead, stream);
    }
    dead_unlock(dead);
}

void outbox_dead_set_version(struct outbox_dead *dead, struct varve_view name, uint64_t position, uint64_t version)
{
    dead_lock(dead);
    struct dead_stream *stream = dead_get(dead, name);
    if (stream != NULL && is_first(stream, position))
        set_version(stream, position, version);
    dead_unlock(dead);
}
