/* journal.c - the journal as its owner sees it: opened, a frame written and synced, closed. */
#include "journal.h"

#include "journal_frame.h"
#include "journal_pool.h"
#include "journal_scan.h"
#include "journal_segment.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE_BYTES 4u
#define FRAME_ROOM_STEP ((uint64_t)64 << 10)

struct journal {
    struct journal_options options; /* `directory` is ours */
    struct pool *pool;
    /* The rest belongs to the committer. */
    struct pool_segment segment;
    uint64_t offset;        /* of the next frame */
    bool sealed;            /* what lies there now is a seal */
    bool any;               /* a frame with records was ever written */
    uint64_t last_hash;     /* of the last of them */
    uint64_t next_position;
    uint8_t *frame;         /* whole blocks, aligned to one */
    uint64_t frame_room;
    uint64_t frame_promised; /* what begin() made room for; 0 = no frame begun */
    uint64_t frame_bytes;    /* header and body so far */
    uint32_t frame_count;
    struct journal_sync last_sync;
    struct varve_error fault; /* a failed write or sync: the journal does nothing more */
};

static enum varve_status refuse(const struct journal *journal, struct varve_error *error)
{
    return varve_fail(error, journal->fault.status, NULL, "%s", journal->fault.message);
}

static enum varve_status poison(struct journal *journal, int os_result, const char *doing, struct varve_error *error)
{
    segment_fail(&journal->fault, os_result, doing, journal->segment.number);
    journal->fault.status = VARVE_IO; /* Whatever the cause was: here it is no "try again". */
    return refuse(journal, error);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static enum varve_status make_first(struct journal *journal, struct scan_result *found, struct varve_error *error)
{
    int fd;
    enum varve_status status = segment_make(&journal->options, 1, false, &fd, error);

    if (status != VARVE_OK)
        return status;
    journal->options.os->close(journal->options.os->self, fd);
    found->segments[0] = (struct scan_segment){ .number = 1, .size = journal->options.segment_size_bytes };
    found->segment_count = 1;
    return VARVE_OK;
}

/* An earlier process may have died between write and sync, or its sync may have failed and left pages that look clean:
 * only writing the bytes once more makes sure that a sync reaches them. */
static enum varve_status make_durable(struct journal *journal, const struct scan_result *found,
                                      struct varve_error *error)
{
    const struct varve_os *os = journal->options.os;
    int result = os->sync_directory(os->self, journal->options.directory);

    if (result < 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot sync %s: %s", journal->options.directory, strerror(-result));
    if (found->frames == 0)
        return VARVE_OK;

    const struct scan_segment *segment = &found->segments[found->last_segment];
    int fd;
    enum varve_status status = segment_open(&journal->options, segment->number, false, &fd, error);
    if (status != VARVE_OK)
        return status;
    ssize_t got = os->pread(os->self, fd, journal->frame, found->last_file_bytes, found->last_offset);
    struct frame_header header;
    if (got != (ssize_t)found->last_file_bytes ||
        !frame_parse(journal->frame, journal->options.seed, segment->number, &header) ||
        !frame_verify(journal->frame, &header, journal->options.seed))
        status = segment_fail(error, got < 0 ? (int)got : -EIO, "read the last frame again", segment->number);
    if (status == VARVE_OK) {
        result = os->pwrite(os->self, fd, journal->frame, found->last_file_bytes, found->last_offset);
        if (result >= 0)
            result = os->fdatasync(os->self, fd);
        if (result < 0)
            status = segment_fail(error, result, "write the last frame again", segment->number);
    }
    os->close(os->self, fd);
    return status;
}

/* Room for a frame of `bytes`, whole blocks. What was in it is lost. */
static enum varve_status reserve_frame(struct journal *journal, uint64_t bytes, struct varve_error *error)
{
    if (bytes <= journal->frame_room)
        return VARVE_OK;
    uint64_t room = (bytes + FRAME_ROOM_STEP - 1) / FRAME_ROOM_STEP * FRAME_ROOM_STEP;
    uint8_t *frame = aligned_alloc(JOURNAL_BLOCK, room);
    if (frame == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a journal frame of %llu bytes",
                          (unsigned long long)bytes);
    free(journal->frame);
    journal->frame = frame;
    journal->frame_room = room;
    return VARVE_OK;
}

static enum varve_status check_found(const struct journal *journal, const struct scan_result *found,
                                     struct varve_error *error)
{
    if (journal->options.create && found->frames > 0)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s holds the journal of another store",
                          journal->options.directory);
    if (!journal->options.create && found->segment_count == 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the journal is missing: %s has no segment",
                          journal->options.directory);
    /* A file is used again only after a newer one holds records, so a journal without any still has its first file. */
    if (!journal->options.create && found->frames == 0 && found->segments[0].number != 1)
        return varve_fail(error, VARVE_CORRUPT, NULL,
                          "the beginning of the journal is missing: %s begins with %08llu and holds no record",
                          journal->options.directory, (unsigned long long)found->segments[0].number);
    return VARVE_OK;
}

static enum varve_status begin_after(struct journal *journal, struct scan_result *found, uint64_t settled_position,
                                     struct varve_error *error)
{
    enum varve_status status = check_found(journal, found, error);

    if (status == VARVE_OK && found->segment_count == 0)
        status = make_first(journal, found, error);
    if (status == VARVE_OK)
        status = reserve_frame(journal, found->frames > 0 ? found->last_file_bytes : JOURNAL_BLOCK, error);
    if (status == VARVE_OK)
        status = make_durable(journal, found, error);
    if (status == VARVE_OK)
        status = pool_start(&journal->options, found, settled_position, &journal->pool, &journal->segment, error);
    journal->offset = found->offset;
    journal->sealed = found->sealed;
    journal->any = found->frames > 0;
    journal->last_hash = found->last_hash;
    journal->next_position = found->next_position;
    return status;
}

static enum varve_status scan_and_begin(struct journal *journal, uint64_t settled_position, journal_visit visit,
                                        void *user, struct varve_error *error)
{
    const struct scan_request request = { .options = &journal->options, .settled_position = settled_position,
                                          .visit = visit, .user = user };
    struct scan_result found;
    enum varve_status status = VARVE_OK;

    if (journal->options.create)
        status = segment_make_directory(&journal->options, error);
    if (status == VARVE_OK)
        status = scan_journal(&request, &found, error);
    if (status == VARVE_NOT_A_STORE && !journal->options.create)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the journal is missing: %s", journal->options.directory);
    if (status != VARVE_OK)
        return status;
    status = begin_after(journal, &found, settled_position, error);
    scan_result_free(&found);
    return status;
}

enum varve_status journal_open(const struct journal_options *options, uint64_t settled_position, journal_visit visit,
                               void *user, struct journal **ret_journal, struct varve_error *error)
{
    struct journal *journal = calloc(1, sizeof(*journal));

    assert(options->segment_size_bytes >= 2 * JOURNAL_BLOCK && options->segment_size_bytes % JOURNAL_BLOCK == 0);
    if (journal == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the journal");
    journal->options = *options;
    journal->options.directory = strdup(options->directory);
    enum varve_status status = VARVE_OK;
    if (journal->options.directory == NULL)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the journal");
    if (status == VARVE_OK)
        status = scan_and_begin(journal, settled_position, visit, user, error);
    if (status != VARVE_OK) {
        journal_close(journal);
        return status;
    }
    *ret_journal = journal;
    return VARVE_OK;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    pool_stop(journal->pool);
    free(journal->frame);
    free((char *)journal->options.directory);
    free(journal);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

uint64_t journal_frame_room(uint32_t segment_size_bytes)
{
    return segment_size_bytes - JOURNAL_BLOCK - FRAME_HEADER_BYTES;
}

/* See to it that `bytes` fit behind the current offset. */
static enum varve_status make_way(struct journal *journal, uint64_t bytes, struct varve_error *error)
{
    struct pool_segment segment = journal->segment;

    if (bytes <= segment.size - journal->offset)
        return VARVE_OK;
    enum varve_status status = pool_take(journal->pool, bytes, &segment, error);
    if (segment.number != journal->segment.number) {
        journal->segment = segment;
        journal->offset = JOURNAL_BLOCK;
        journal->sealed = false;
    }
    return status;
}

enum varve_status journal_frame_begin(struct journal *journal, uint32_t count, uint64_t size_bytes,
                                      struct varve_error *error)
{
    uint64_t body_bytes = size_bytes + (uint64_t)count * RECORD_SIZE_BYTES;

    journal->frame_promised = 0;
    if (journal->fault.status != VARVE_OK)
        return refuse(journal, error);
    if (body_bytes > journal_frame_room(journal->options.segment_size_bytes))
        return varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "%llu bytes do not fit a journal file",
                          (unsigned long long)body_bytes);

    enum varve_status status = reserve_frame(journal, frame_file_bytes(body_bytes), error);
    if (status == VARVE_OK)
        status = make_way(journal, frame_file_bytes(body_bytes), error);
    if (status != VARVE_OK)
        return status;
    journal->frame_promised = FRAME_HEADER_BYTES + body_bytes;
    journal->frame_bytes = FRAME_HEADER_BYTES;
    journal->frame_count = 0;
    return VARVE_OK;
}

uint8_t *journal_frame_add(struct journal *journal, uint32_t size)
{
    uint32_t size_le = htole32(size);
    uint8_t *at = journal->frame + journal->frame_bytes;

    assert(journal->frame_bytes + RECORD_SIZE_BYTES + size <= journal->frame_promised);
    memcpy(at, &size_le, sizeof(size_le));
    journal->frame_bytes += RECORD_SIZE_BYTES + (uint64_t)size;
    journal->frame_count++;
    return at + RECORD_SIZE_BYTES;
}

/* The frame that lies in the buffer, finished and padded, into the file. Returns its hash. */
static int write_frame(struct journal *journal, const struct frame_header *header, uint64_t *ret_hash)
{
    const struct varve_os *os = journal->options.os;
    uint64_t used = FRAME_HEADER_BYTES + header->body_bytes;
    uint64_t file_bytes = frame_file_bytes(header->body_bytes);

    *ret_hash = frame_finish(journal->frame, header, journal->options.seed);
    memset(journal->frame + used, 0, file_bytes - used);
    return os->pwrite(os->self, journal->segment.fd, journal->frame, file_bytes, journal->offset);
}

enum varve_status journal_frame_commit(struct journal *journal, uint64_t first_position, struct varve_error *error)
{
    const struct varve_os *os = journal->options.os;

    if (journal->fault.status != VARVE_OK)
        return refuse(journal, error);
    assert(journal->frame_promised > 0 && journal->frame_count > 0 && first_position == journal->next_position);
    struct frame_header header = { .segment = journal->segment.number, .first_position = first_position,
                                   .prev_hash = journal->last_hash, .count = journal->frame_count,
                                   .body_bytes = (uint32_t)(journal->frame_bytes - FRAME_HEADER_BYTES) };
    uint64_t hash;
    int result = write_frame(journal, &header, &hash);
    if (result < 0)
        return poison(journal, result, "write", error);
    journal->last_sync.began_us = os->monotonic_us(os->self);
    result = os->fdatasync(os->self, journal->segment.fd);
    if (result < 0)
        return poison(journal, result, "sync", error);

    journal->last_sync.ended_us = os->monotonic_us(os->self);
    journal->offset += frame_file_bytes(header.body_bytes);
    journal->next_position += header.count;
    journal->last_hash = hash;
    journal->any = true;
    journal->sealed = false;
    journal->frame_promised = 0;
    pool_note_frame(journal->pool, journal->next_position - 1, journal->offset);
    return VARVE_OK;
}

struct journal_sync journal_last_sync(const struct journal *journal)
{
    return journal->last_sync;
}

enum varve_status journal_seal(struct journal *journal, struct varve_error *error)
{
    if (journal->fault.status != VARVE_OK)
        return refuse(journal, error);
    if (!journal->any || journal->sealed || journal->segment.size - journal->offset < JOURNAL_BLOCK)
        return VARVE_OK;

    struct frame_header header = { .segment = journal->segment.number, .first_position = journal->next_position,
                                   .prev_hash = journal->last_hash, .seal = true };
    uint64_t hash;
    journal->frame_promised = 0;
    int result = write_frame(journal, &header, &hash);
    if (result < 0)
        return poison(journal, result, "write", error);
    journal->sealed = true; /* The next frame takes its place: a lost seal must not look like a lost frame. */
    return VARVE_OK;
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

void journal_recycle(struct journal *journal, uint64_t settled_position)
{
    pool_recycle(journal->pool, settled_position);
}

void journal_get_stats(struct journal *journal, struct journal_stats *ret_stats)
{
    pool_get_stats(journal->pool, ret_stats);
}

struct check {
    journal_visit visit;
    varve_check_found found;
    void *user;
    struct varve_check_report *report;
};

static enum varve_status check_visit(void *user, const uint8_t *record, uint32_t size)
{
    const struct check *check = user;
    return check->visit(check->user, record, size);
}

static bool check_damage(void *user, enum varve_status status, const char *where, const char *what)
{
    const struct check *check = user;
    const struct varve_check_finding finding = { .where = where, .what = what };

    if (status == VARVE_NEWER_FORMAT)
        return false;
    check->report->findings++;
    if (check->found != NULL)
        check->found(check->user, &finding);
    return true;
}

enum varve_status journal_check(const struct journal_options *options, uint64_t settled_position, journal_visit visit,
                                varve_check_found found, void *user, struct varve_check_report *report,
                                uint64_t *ret_last_position, struct varve_error *error)
{
    struct check check = { .visit = visit, .found = found, .user = user, .report = report };
    const struct scan_request request = { .options = options, .settled_position = settled_position,
                                          .visit = check_visit, .damage = check_damage, .user = &check };
    struct scan_result result;
    enum varve_status status = scan_journal(&request, &result, error);

    if (status != VARVE_OK && status != VARVE_NOT_A_STORE)
        return status;
    if (status == VARVE_NOT_A_STORE || result.segment_count == 0)
        check_damage(&check, VARVE_CORRUPT, "journal", "the journal is missing");
    *ret_last_position = 0;
    if (status == VARVE_OK) {
        report->journal_frames += result.frames;
        report->unfinished_segment = result.unfinished_segment;
        report->unfinished_offset = result.unfinished_offset;
        *ret_last_position = result.next_position - 1;
        scan_result_free(&result);
    }
    return VARVE_OK;
}
