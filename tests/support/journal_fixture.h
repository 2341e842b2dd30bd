/* journal_fixture.h - a small journal in a directory of its own, and what it should hold. */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include "engine/journal.h"
#include "tests/support/fault_os.h"
#include "tests/support/temp_dir.h"

#define FIXTURE_MAX_RECORDS 4096u
#define FIXTURE_SEGMENT 16384u /* a header and three blocks of frames */

/* A record is made of its position and a number that its test chose: its size and all its bytes follow from both. */
struct journal_fixture {
    char parent[TEMP_DIR_PATH];
    char directory[TEMP_DIR_PATH + 16];
    struct fault_os fault;
    struct journal_options options;
    struct journal *journal;     /* NULL: closed */
    struct varve_error error;    /* of the last call that failed */
    uint64_t settled;
    uint64_t last;               /* of acknowledged records */
    uint64_t salts[FIXTURE_MAX_RECORDS]; /* by position: of acknowledged records, and the attempted ones behind */
    uint64_t seen;               /* records handed over by the last open, all as expected; */
    bool odd;                    /* or not */
};

/* An empty journal, open, with segments of FIXTURE_SEGMENT bytes. */
void journal_fixture_init(struct journal_fixture *fixture);
void journal_fixture_free(struct journal_fixture *fixture);

/* Open it again. Records above `settled` are held against `salts`; more than `last` of them may be there. */
enum varve_status journal_fixture_open(struct journal_fixture *fixture);
void journal_fixture_close(struct journal_fixture *fixture);

/* One frame of `count` records of about `size` bytes each (at least 16). */
enum varve_status journal_fixture_append(struct journal_fixture *fixture, uint32_t count, uint32_t size, uint64_t salt);

/* Wait until the journal's thread has `segments` files. Fails the test after 10 seconds. */
void journal_fixture_wait_segments(struct journal_fixture *fixture, uint64_t segments);

/* The path of a segment's file. */
void journal_fixture_path(const struct journal_fixture *fixture, uint64_t number, char ret_path[TEMP_DIR_PATH + 32]);

#endif
