/* outbox_memory_park.c - what a batch sets aside, in as few appends as the store allows: letters first, then what waits
 * behind them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_memory_parts.h"

enum {
    AT_ONCE = 1024,            /* events of one append, at most */
    EVENT_OVERHEAD = 512,      /* of a record beside its data */
    WAITING_OVERHEAD = 1100,   /* JSON of one waiting event beside its positions, */
    POSITION_BYTES = 20,       /* and of each of those */
};

struct clean_letter {
    struct varve_dead_letter letter;
    char code[VARVE_MAX_OUTBOX_REASON + 1], error[VARVE_MAX_OUTBOX_REASON + 1];
};
struct park {
    struct outbox_memory *memory;
    struct varve_options limits;
    struct clean_letter *letters;
    struct outbox_waiting *waiting; /* by stream and position */
    uint64_t *positions;            /* the same ones */
    /* what goes into the next append */
    struct memory_event *events;
    enum memory_kind *kinds;
    struct varve_view *data;
    size_t count, capacity, bytes;
    struct varve_error *error;
};

/* ---- appends ---------------------------------------------------------------------------------------------------- */

static void drop_pending(struct park *park)
{
    for (size_t i = 0; i < park->count; i++)
        free((char *)park->data[i].data);
    park->count = park->bytes = 0;
}

/* Once the log has it nothing can fail: memory was taken beforehand. */
static enum varve_status flush(struct park *park)
{
    uint64_t version = 0;

    if (park->count == 0)
        return VARVE_OK;
    enum varve_status status = memory_append(park->memory, park->memory->stream, park->kinds, park->data, park->count,
                                             &version, park->error);
    for (size_t i = 0; i < park->count && status == VARVE_OK; i++) {
        enum varve_status applied = memory_apply(park->memory, &park->events[i], version + i, true);
        assert(applied == VARVE_OK);
        (void)applied;
    }
    if (status == VARVE_OK)
        park->memory->next_version = version + park->count;
    drop_pending(park);
    return status;
}

static enum varve_status push(struct park *park, const struct memory_event *event)
{
    struct varve_view data = memory_event_encode(event);
    enum varve_status status = VARVE_OK;

    if (data.data == NULL)
        return memory_no_memory(park->error);
    if (park->count == park->capacity || park->bytes + data.size + EVENT_OVERHEAD > park->limits.max_append_bytes)
        status = flush(park);
    if (status != VARVE_OK) {
        free((char *)data.data);
        return status;
    }
    park->events[park->count] = *event;
    park->kinds[park->count] = event->kind;
    park->data[park->count++] = data;
    park->bytes += data.size + EVENT_OVERHEAD;
    return VARVE_OK;
}

/* ---- what goes in ----------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct outbox_waiting *left = a, *right = b;
    size_t size = left->stream.size < right->stream.size ? left->stream.size : right->stream.size;
    int order = memcmp(left->stream.data, right->stream.data, size);

    if (order != 0)
        return order;
    if (left->stream.size != right->stream.size)
        return left->stream.size < right->stream.size ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

static bool prepare(struct park *park, const struct varve_dead_letter *letters, size_t letter_count,
                    const struct outbox_waiting *waiting, size_t waiting_count)
{
    varve_store_limits(park->memory->store, &park->limits);
    park->capacity = park->limits.max_append_events < AT_ONCE ? park->limits.max_append_events : AT_ONCE;
    park->letters = calloc(letter_count + 1, sizeof(*park->letters));
    park->waiting = calloc(waiting_count + 1, sizeof(*park->waiting));
    park->positions = calloc(waiting_count + 1, sizeof(*park->positions));
    park->events = calloc(park->capacity, sizeof(*park->events));
    park->kinds = calloc(park->capacity, sizeof(*park->kinds));
    park->data = calloc(park->capacity, sizeof(*park->data));
    if (park->letters == NULL || park->waiting == NULL || park->positions == NULL || park->events == NULL ||
        park->kinds == NULL || park->data == NULL)
        return false;
    for (size_t i = 0; i < letter_count; i++) {
        struct clean_letter *clean = &park->letters[i];

        clean->letter = letters[i];
        clean->letter.error_code = memory_clean_text(letters[i].error_code, clean->code, sizeof(clean->code));
        clean->letter.last_error = memory_clean_text(letters[i].last_error, clean->error, sizeof(clean->error));
    }
    if (waiting_count > 0)
        memcpy(park->waiting, waiting, waiting_count * sizeof(*waiting));
    qsort(park->waiting, waiting_count, sizeof(*waiting), compare);
    for (size_t i = 0; i < waiting_count; i++)
        park->positions[i] = park->waiting[i].position;
    return true;
}

/* How many, from the first on, are of the same stream. */
static size_t same_stream(const struct outbox_waiting *waiting, size_t count)
{
    size_t same = 1;

    while (same < count && varve_view_equal(waiting[same].stream, waiting[0].stream))
        same++;
    return same;
}

/* Else it would wait behind nothing, and be forgotten. */
static bool has_letter(const struct park *park, size_t letter_count, struct varve_view stream)
{
    bool has = outbox_dead_blocks(park->memory->dead, stream);

    for (size_t i = 0; i < letter_count && !has; i++)
        has = !park->letters[i].letter.skipped && varve_view_equal(park->letters[i].letter.stream, stream);
    return has;
}

static bool reserve(struct park *park, size_t letter_count, size_t waiting_count)
{
    bool good = true;

    for (size_t i = 0; i < letter_count && good; i++)
        good = outbox_dead_reserve(park->memory->dead, park->letters[i].letter.stream, 1) == VARVE_OK;
    for (size_t i = 0, same; i < waiting_count && good; i += same) {
        same = same_stream(park->waiting + i, waiting_count - i);
        assert(has_letter(park, letter_count, park->waiting[i].stream));
        good = outbox_dead_reserve(park->memory->dead, park->waiting[i].stream, same) == VARVE_OK;
    }
    return good;
}

static size_t positions_at_once(const struct park *park)
{
    size_t room = park->limits.max_event_bytes;
    size_t count = room > WAITING_OVERHEAD + POSITION_BYTES ? (room - WAITING_OVERHEAD) / POSITION_BYTES : 1;

    return count < MEMORY_MAX_POSITIONS ? count : MEMORY_MAX_POSITIONS;
}

static enum varve_status push_waiting(struct park *park, size_t first, size_t count)
{
    size_t at_once = positions_at_once(park);
    enum varve_status status = VARVE_OK;

    for (size_t i = first; i < first + count && status == VARVE_OK; i += at_once) {
        size_t left = first + count - i;
        const struct memory_event event = { .kind = MEMORY_WAITING, .letter = { .stream = park->waiting[i].stream },
                                            .positions = park->positions + i,
                                            .count = left < at_once ? left : at_once };
        status = push(park, &event);
    }
    return status;
}

static enum varve_status push_all(struct park *park, size_t letter_count, size_t waiting_count)
{
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < letter_count && status == VARVE_OK; i++) {
        const struct memory_event event = { .kind = MEMORY_PARKED, .letter = park->letters[i].letter };
        status = push(park, &event);
    }
    for (size_t i = 0, same; i < waiting_count && status == VARVE_OK; i += same) {
        same = same_stream(park->waiting + i, waiting_count - i);
        status = push_waiting(park, i, same);
    }
    return status == VARVE_OK ? flush(park) : status;
}

/* After a reset of the checkpoint an event may come to wait before the letter. */
static void name_versions(struct park *park, size_t waiting_count)
{
    for (size_t i = 0; i < waiting_count; i += same_stream(park->waiting + i, waiting_count - i)) {
        uint64_t first = 0;

        if (outbox_dead_waiting(park->memory->dead, park->waiting[i].stream, &first, 1) == 1 &&
            first == park->waiting[i].position)
            memory_name_version(park->memory, park->waiting[i].stream);
    }
}

enum varve_status outbox_memory_park(struct outbox_memory *memory, const struct varve_dead_letter *letters,
                                     size_t letter_count, const struct outbox_waiting *waiting, size_t waiting_count,
                                     struct varve_error *error)
{
    struct park park = { .memory = memory, .error = error };
    enum varve_status status;

    if (prepare(&park, letters, letter_count, waiting, waiting_count) && reserve(&park, letter_count, waiting_count))
        status = push_all(&park, letter_count, waiting_count);
    else
        status = memory_no_memory(error);
    name_versions(&park, status == VARVE_OK ? waiting_count : 0);
    drop_pending(&park);
    outbox_dead_unreserve(memory->dead);
    free(park.letters);
    free(park.waiting);
    free(park.positions);
    free(park.events);
    free(park.kinds);
    free(park.data);
    return status;
}
