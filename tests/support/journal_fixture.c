/* journal_fixture.c - a small journal in a directory of its own, and what it should hold. */
#include "tests/support/journal_fixture.h"

#include "tests/support/check.h"
#include "tests/support/pause.h"


#define HEAD_BYTES 16u

/* The salt's upper half is the size, so that a record's size needs no place of its own. */
static uint32_t size_of(uint64_t salt)
{
    return (uint32_t)(salt >> 32);
}

static void fill_record(uint8_t *record, uint64_t position, uint64_t salt)
{
    memcpy(record, &position, 8);
    memcpy(record + 8, &salt, 8);
    for (uint32_t i = HEAD_BYTES; i < size_of(salt); i++)
        record[i] = (uint8_t)(position * 31 + salt * 17 + i * 7);
}

static bool record_is(const uint8_t *record, uint32_t size, uint64_t position, uint64_t salt)
{
    if (size != size_of(salt) || memcmp(record, &position, 8) != 0 || memcmp(record + 8, &salt, 8) != 0)
        return false;
    for (uint32_t i = HEAD_BYTES; i < size; i++)
        if (record[i] != (uint8_t)(position * 31 + salt * 17 + i * 7))
            return false;
    return true;
}

static enum varve_status on_record(void *user, const uint8_t *record, uint32_t size)
{
    struct journal_fixture *fixture = user;
    uint64_t position = fixture->settled + ++fixture->seen;

    if (position >= FIXTURE_MAX_RECORDS || !record_is(record, size, position, fixture->salts[position]))
        fixture->odd = true;
    return VARVE_OK;
}

void journal_fixture_init(struct journal_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    temp_dir_make(fixture->parent);
    snprintf(fixture->directory, sizeof(fixture->directory), "%s/journal", fixture->parent);
    fault_os_init(&fixture->fault);
    fixture->options = (struct journal_options){
        .directory = fixture->directory, .os = &fixture->fault.os, .create = true,
        .database_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } }, .seed = 4711,
        .segment_size_bytes = FIXTURE_SEGMENT,
    };
    assert_int_equal(journal_fixture_open(fixture), VARVE_OK);
    fixture->options.create = false;
}

void journal_fixture_free(struct journal_fixture *fixture)
{
    journal_fixture_close(fixture);
    temp_dir_remove(fixture->parent);
}

enum varve_status journal_fixture_open(struct journal_fixture *fixture)
{
    assert_null(fixture->journal);
    fixture->seen = 0;
    fixture->odd = false;
    return journal_open(&fixture->options, fixture->settled, on_record, fixture, &fixture->journal, &fixture->error);
}

void journal_fixture_close(struct journal_fixture *fixture)
{
    journal_close(fixture->journal);
    fixture->journal = NULL;
}

enum varve_status journal_fixture_append(struct journal_fixture *fixture, uint32_t count, uint32_t size, uint64_t salt)
{
    assert_true(fixture->last + count < FIXTURE_MAX_RECORDS && size >= HEAD_BYTES);
    salt = (salt & UINT32_MAX) | (uint64_t)size << 32;
    enum varve_status status = journal_frame_begin(fixture->journal, count, (uint64_t)count * size, &fixture->error);
    if (status != VARVE_OK)
        return status;
    for (uint64_t i = 1; i <= count; i++) {
        fill_record(journal_frame_add(fixture->journal, size), fixture->last + i, salt);
        fixture->salts[fixture->last + i] = salt;
    }
    status = journal_frame_commit(fixture->journal, fixture->last + 1, &fixture->error);
    if (status == VARVE_OK)
        fixture->last += count;
    return status;
}

void journal_fixture_wait_segments(struct journal_fixture *fixture, uint64_t segments)
{
    struct journal_stats stats;

    for (int i = 0; i < 10000; i++) {
        journal_get_stats(fixture->journal, &stats);
        if (stats.segments == segments)
            return;
        pause_ms(1);
    }
    fail_msg("%llu segments, not %llu", (unsigned long long)stats.segments, (unsigned long long)segments);
}

void journal_fixture_path(const struct journal_fixture *fixture, uint64_t number, char ret_path[TEMP_DIR_PATH + 32])
{
    snprintf(ret_path, TEMP_DIR_PATH + 32, "%s/%08llu", fixture->directory, (unsigned long long)number);
}
