/* check_journal.c - the journal's frames, and that its records go on where store.mdb ends. What the journal says of
 * streams is kept in a table in memory, as large as the unsettled end of the log needs; there 64 bits of a hash stand
 * for a name, which is good enough to find damage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "journal.h"
#include "streams_meta.h"

enum { FIRST_ROOM = 1024 };

struct tail_stream {
    uint64_t hash;      /* 0: free */
    uint64_t next;      /* version */
    bool is_next_known;
    bool is_changed;    /* by a metadata event */
};

struct check_tail {
    struct tail_stream *streams;
    size_t count, room; /* room is a power of two */
};

/* ---- the table ---- */

static uint64_t hash_of(struct varve_view stream)
{
    uint64_t hash = check_hash(stream);

    return hash == 0 ? 1 : hash;
}

static struct tail_stream *place_of(const struct check_tail *tail, uint64_t hash)
{
    size_t at = hash & (tail->room - 1);

    while (tail->streams[at].hash != 0 && tail->streams[at].hash != hash)
        at = (at + 1) & (tail->room - 1);
    return &tail->streams[at];
}

static bool grow(struct check_tail *tail)
{
    struct check_tail larger = { .count = tail->count, .room = tail->room == 0 ? FIRST_ROOM : 2 * tail->room };

    larger.streams = calloc(larger.room, sizeof(*larger.streams));
    if (larger.streams == NULL)
        return false;
    for (size_t i = 0; i < tail->room; i++)
        if (tail->streams[i].hash != 0)
            *place_of(&larger, tail->streams[i].hash) = tail->streams[i];
    free(tail->streams);
    *tail = larger;
    return true;
}

/* NULL: no memory. */
static struct tail_stream *obtain(struct check_tail *tail, struct varve_view stream)
{
    struct tail_stream *found;

    if (2 * tail->count >= tail->room && !grow(tail))
        return NULL;
    found = place_of(tail, hash_of(stream));
    if (found->hash == 0) {
        found->hash = hash_of(stream);
        tail->count++;
    }
    return found;
}

bool check_tail_changes(const struct check_tail *tail, struct varve_view stream)
{
    return tail != NULL && tail->room > 0 && place_of(tail, hash_of(stream))->is_changed;
}

void check_tail_free(struct check_tail *tail)
{
    if (tail != NULL)
        free(tail->streams);
    free(tail);
}

/* ---- records ---- */

/* What version the stream's row lets one expect. */
static enum varve_status look_up_next(struct check *check, struct varve_view name, struct tail_stream *stream)
{
    struct stream_state state = { .version = -1 };
    enum varve_status status = check->db == NULL ? VARVE_CORRUPT : tables_get_stream(check->txn, name, &state);

    stream->is_next_known = status == VARVE_OK || status == VARVE_STREAM_NOT_FOUND;
    stream->next = (uint64_t)(state.version + 1);
    if (status == VARVE_CORRUPT && check->db != NULL)
        db_forget(check->txn); /* Said when the rows are checked. */
    return stream->is_next_known || status == VARVE_CORRUPT ? VARVE_OK : check_fault(check, status);
}

static enum varve_status check_version(struct check *check, const struct varve_event *event, const char *where)
{
    struct tail_stream *stream = obtain(check->tail, event->stream);
    enum varve_status status = VARVE_OK;
    struct varve_view target;

    if (stream == NULL)
        return VARVE_NO_MEMORY;
    if (!stream->is_next_known)
        status = look_up_next(check, event->stream, stream);
    if (status != VARVE_OK)
        return status;
    if (stream->is_next_known && event->version != stream->next)
        check_say(check, where, "it is version %" PRIu64 " of \"%.*s\", but version %" PRIu64 " is due", event->version,
                  (int)event->stream.size, event->stream.data, stream->next);
    stream->next = event->version + 1;
    stream->is_next_known = true;
    if (!streams_meta_target(event->stream, &target))
        return VARVE_OK;
    stream = obtain(check->tail, target);
    if (stream == NULL)
        return VARVE_NO_MEMORY;
    stream->is_changed = true;
    return VARVE_OK;
}

static enum varve_status check_record(void *user, const uint8_t *record, uint32_t size)
{
    struct check *check = user;
    uint64_t due = check->last_position + 1;
    struct varve_event event;
    char where[64];

    check->report->events++;
    snprintf(where, sizeof(where), "journal, position %" PRIu64, due);
    if (varve_record_decode(record, size, &event) != VARVE_OK) {
        check_say(check, where, "the record is damaged inside a sound frame");
        check->last_position = due;
        return VARVE_OK;
    }
    if (event.position != due && check->db != NULL)
        check_say(check, where, "the record is of position %" PRIu64, event.position);
    if (event.recorded_at_us < check->last_recorded_at_us)
        check_say(check, where, "the record is older than the one before it");
    check->last_position = event.position;
    check->last_recorded_at_us = event.recorded_at_us;
    return check->deep ? check_version(check, &event, where) : VARVE_OK;
}

static enum varve_status pass_over(void *user, const uint8_t *record, uint32_t size)
{
    return VARVE_OK;
}

/* The journal counts its findings itself. */
static void relay(void *user, const struct varve_check_finding *finding)
{
    const struct check *check = user;

    if (check->found != NULL)
        check->found(check->user, finding);
}

/* Without store.mdb nobody knows what is settled. If everything is, as far as the journal goes, only its frames are
 * checked, and nothing is wrong about where it begins. */
static enum varve_status assume_settled(struct check *check, const struct journal_options *options)
{
    struct varve_check_report unused = { 0 };

    return journal_check(options, 0, pass_over, NULL, NULL, &unused, &check->meta.settled_position, check->error);
}

enum varve_status check_journal(struct check *check)
{
    char directory[FORMAT_MAX_PATH + 16];
    struct varve_options defaults;
    struct journal_options options = { .directory = directory, .os = check->os, .seed = check->format.hash_seed,
                                       .database_id = check->format.database_id };
    enum varve_status status = VARVE_OK;
    uint64_t last;

    snprintf(directory, sizeof(directory), "%s/journal", check->path);
    varve_options_init(&defaults);
    options.segment_size_bytes = defaults.segment_size_bytes;
    check->tail = calloc(1, sizeof(*check->tail));
    if (check->tail == NULL)
        return varve_fail(check->error, VARVE_NO_MEMORY, NULL, "no memory to check the journal");
    if (check->db == NULL)
        status = assume_settled(check, &options);
    check_progress(check, "journal", 0, 1);
    if (status == VARVE_OK)
        status = journal_check(&options, check->meta.settled_position, check_record, relay, check, check->report, &last,
                               check->error);
    check_progress(check, "journal", 1, 1);
    return status;
}
