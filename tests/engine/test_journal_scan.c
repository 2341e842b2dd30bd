/* test_journal_scan.c - every kind of damage, and whether it is passed over or refused, which changes nothing. */
#include "engine/journal_frame.h"
#include "engine/journal_scan.h"
#include "engine/journal_segment.h"
#include "tests/support/check.h"
#include "tests/support/journal_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512u
#define FILES 3u

/* The journal that gets damaged, blocks of 4096 bytes:
 *   1: header, A (position 1), B (2, 3; two blocks)
 *   2: header, C (4), D (5), and a seal when `sealed`
 *   3: header, a spare */
static void make_journal(struct journal_fixture *f, bool sealed)
{
    journal_fixture_init(f);
    assert_int_equal(journal_fixture_append(f, 1, 1000, 1), VARVE_OK);
    assert_int_equal(journal_fixture_append(f, 2, 3000, 2), VARVE_OK);
    assert_int_equal(journal_fixture_append(f, 1, 1000, 3), VARVE_OK);
    assert_int_equal(journal_fixture_append(f, 1, 1000, 4), VARVE_OK);
    journal_fixture_wait_segments(f, FILES);
    if (sealed)
        assert_int_equal(journal_seal(f->journal, &f->error), VARVE_OK);
    journal_fixture_close(f);
}

struct files {
    uint8_t bytes[FILES][FIXTURE_SEGMENT];
};

static void read_files(const struct journal_fixture *f, struct files *files)
{
    for (unsigned i = 0; i < FILES; i++) {
        char path[TEMP_DIR_PATH + 32];
        journal_fixture_path(f, i + 1, path);
        int fd = open(path, O_RDONLY);
        memset(files->bytes[i], 0xee, FIXTURE_SEGMENT);
        if (fd >= 0) {
            assert_true(read(fd, files->bytes[i], FIXTURE_SEGMENT) >= 0);
            close(fd);
        }
    }
}

static void write_file(const struct journal_fixture *f, unsigned number, const uint8_t *bytes, size_t size)
{
    char path[TEMP_DIR_PATH + 32];

    journal_fixture_path(f, number, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void write_files(const struct journal_fixture *f, const struct files *files)
{
    for (unsigned i = 0; i < FILES; i++)
        write_file(f, i + 1, files->bytes[i], FIXTURE_SEGMENT);
}

/* What a damaged sector must lead to, when it holds anything that counts. */
static const struct {
    unsigned file, from, to; /* bytes that count */
    const char *label;
    enum varve_status plain, sealed; /* verdict without and with the seal behind D */
} places[] = {
    { 1, 0, 4096, "header of 1", VARVE_CORRUPT, VARVE_CORRUPT },
    { 1, 4096, 4096 + 64 + 1004, "A", VARVE_CORRUPT, VARVE_CORRUPT },
    { 1, 8192, 8192 + 64 + 6008, "B", VARVE_CORRUPT, VARVE_CORRUPT },
    { 2, 0, 4096, "header of 2", VARVE_CORRUPT, VARVE_CORRUPT },
    { 2, 4096, 4096 + 64 + 1004, "C", VARVE_CORRUPT, VARVE_CORRUPT },
    { 2, 8192, 8192 + 64 + 1004, "D, the last", VARVE_OK, VARVE_CORRUPT },
    { 3, 0, 4096, "header of the spare", VARVE_CORRUPT, VARVE_CORRUPT },
};

static enum varve_status expected_verdict(unsigned file, unsigned offset, bool sealed, const char **ret_label)
{
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (places[i].file == file && offset >= places[i].from && offset < places[i].to) {
            *ret_label = places[i].label;
            return sealed ? places[i].sealed : places[i].plain;
        }
    *ret_label = "a place that does not count";
    return VARVE_OK;
}

enum damage_kind { FLIP_FIRST, FLIP_LAST_THAT_COUNTS, ZERO, GARBAGE, DAMAGE_KINDS };

static void damage_sector(uint8_t *sector, enum damage_kind kind)
{
    switch (kind) {
    case FLIP_FIRST:
        sector[0] ^= 0x01;
        break;
    case FLIP_LAST_THAT_COUNTS: {
        size_t last = SECTOR - 1;
        while (last > 0 && sector[last] == 0)
            last--;
        sector[last] ^= 0x80;
        break;
    }
    case ZERO:
        memset(sector, 0, SECTOR);
        break;
    default:
        for (size_t i = 0; i < SECTOR; i++)
            sector[i] = (uint8_t)(i * 7 + 1);
    }
}

/* The library's verdict. A refusal names the file and leaves all bytes as they are. */
static enum varve_status verdict(struct journal_fixture *f, const struct files *damaged)
{
    static struct files after;

    enum varve_status status = journal_fixture_open(f);
    journal_fixture_close(f);
    assert_false(f->odd);
    if (status != VARVE_OK) {
        read_files(f, &after);
        assert_memory_equal(&after, damaged, sizeof(after));
        assert_int_equal(strncmp(f->error.message, "journal/0000000", 15), 0);
    }
    return status;
}

static enum varve_status ignore_record(void *user, const uint8_t *record, uint32_t size)
{
    return VARVE_OK;
}

static uint64_t findings(const struct journal_fixture *f)
{
    struct varve_check_report report = { 0 };
    uint64_t last;

    assert_int_equal(journal_check(&f->options, f->settled, ignore_record, NULL, NULL, &report, &last, NULL), VARVE_OK);
    return report.findings;
}

static void sweep_sectors(bool sealed)
{
    static struct files sound, damaged;
    struct journal_fixture f;

    make_journal(&f, sealed);
    read_files(&f, &sound);
    for (unsigned file = 1; file <= FILES; file++)
        for (unsigned offset = 0; offset < FIXTURE_SEGMENT; offset += SECTOR)
            for (enum damage_kind kind = 0; kind < DAMAGE_KINDS; kind++) {
                const char *label;
                enum varve_status expected = expected_verdict(file, offset, sealed, &label);
                damaged = sound;
                damage_sector(damaged.bytes[file - 1] + offset, kind);
                if (memcmp(&damaged, &sound, sizeof(sound)) == 0)
                    expected = VARVE_OK;
                write_files(&f, &damaged);
                CHECK_CASE((findings(&f) > 0) == (expected != VARVE_OK), label);
                CHECK_CASE(verdict(&f, &damaged) == expected, label);
                bool last_lost = expected == VARVE_OK && file == 2 && offset >= 8192 && offset < 8192 + 64 + 1004 &&
                                 memcmp(&damaged, &sound, sizeof(sound)) != 0;
                if (expected == VARVE_OK)
                    CHECK_CASE(f.seen == (last_lost && !sealed ? 4 : 5), label);
            }
    journal_fixture_free(&f);
}

static void test_every_sector_damaged(void **state)
{
    sweep_sectors(false);
}

static void test_every_sector_damaged_behind_a_seal(void **state)
{
    sweep_sectors(true);
}

static void test_a_shortened_file_is_refused(void **state)
{
    static struct files sound;
    struct journal_fixture f;

    make_journal(&f, false);
    read_files(&f, &sound);
    for (unsigned file = 1; file <= FILES; file++)
        for (unsigned size = 0; size < FIXTURE_SEGMENT; size += SECTOR) {
            write_files(&f, &sound);
            write_file(&f, file, sound.bytes[file - 1], size);
            assert_int_equal(journal_fixture_open(&f), VARVE_CORRUPT);
            assert_true(findings(&f) > 0);
        }
    journal_fixture_free(&f);
}

static void remove_file(const struct journal_fixture *f, unsigned number)
{
    char path[TEMP_DIR_PATH + 32];

    journal_fixture_path(f, number, path);
    assert_int_equal(unlink(path), 0);
}

static void lose_first(struct journal_fixture *f, struct files *files) { remove_file(f, 1); }
static void lose_second(struct journal_fixture *f, struct files *files) { remove_file(f, 2); }
static void lose_spare(struct journal_fixture *f, struct files *files) { remove_file(f, 3); }
static void lose_newest(struct journal_fixture *f, struct files *files)
{
    remove_file(f, 2);
    remove_file(f, 3);
}
static void swap_files(struct journal_fixture *f, struct files *files)
{
    write_file(f, 1, files->bytes[1], FIXTURE_SEGMENT);
    write_file(f, 2, files->bytes[0], FIXTURE_SEGMENT);
}
static void old_frame_over_last(struct journal_fixture *f, struct files *files)
{
    memcpy(files->bytes[1] + 8192, files->bytes[1] + 4096, 4096); /* C where D was: right segment, wrong place */
    write_files(f, files);
}
static void frame_of_other_segment(struct journal_fixture *f, struct files *files)
{
    memcpy(files->bytes[1] + 8192, files->bytes[0] + 4096, 4096); /* A where D was */
    write_files(f, files);
}
static void last_frame_again(struct journal_fixture *f, struct files *files)
{
    memcpy(files->bytes[1] + 12288, files->bytes[1] + 8192, 4096);
    write_files(f, files);
}
static void first_write_lost(struct journal_fixture *f, struct files *files)
{
    memset(files->bytes[1] + 4096, 0, 4096); /* C never arrived, D did */
    write_files(f, files);
}
static void end_of_first_lost(struct journal_fixture *f, struct files *files)
{
    memset(files->bytes[0] + 8192, 0, 8192); /* B is gone as if never written; only the chain of C knows */
    write_files(f, files);
}
static void all_frames_lost(struct journal_fixture *f, struct files *files)
{
    memset(files->bytes[0] + 4096, 0, FIXTURE_SEGMENT - 4096);
    memset(files->bytes[1] + 4096, 0, FIXTURE_SEGMENT - 4096);
    write_files(f, files);
}
static void other_seed(struct journal_fixture *f, struct files *files) { f->options.seed++; }
static void other_store(struct journal_fixture *f, struct files *files) { f->options.database_id.bytes[0]++; }
static void nothing(struct journal_fixture *f, struct files *files) { }

static void test_whole_files_and_frames(void **state)
{
    static const struct {
        const char *label;
        void (*damage)(struct journal_fixture *f, struct files *files);
        uint64_t settled;
        enum varve_status verdict;
        uint64_t seen;
        const char *message; /* a part of it */
    } cases[] = {
        { "sound", nothing, 0, VARVE_OK, 5, "" },
        { "sound, partly settled", nothing, 3, VARVE_OK, 2, "" },
        { "sound, all settled", nothing, 5, VARVE_OK, 0, "" },
        { "settled ahead of the journal", nothing, 6, VARVE_CORRUPT, 0, "ends with position 5" },
        { "first file lost", lose_first, 0, VARVE_CORRUPT, 0, "begins with position 4" },
        { "first file lost, half of it settled", lose_first, 2, VARVE_CORRUPT, 0, "begins with position 4" },
        { "first file gone, settled", lose_first, 3, VARVE_OK, 2, "" },
        { "second file lost", lose_second, 0, VARVE_CORRUPT, 0, "journal/00000002 offset 0: the file is missing" },
        { "spare lost", lose_spare, 0, VARVE_OK, 5, "" },
        { "newest files lost, nothing settled", lose_newest, 0, VARVE_OK, 3, "" },
        { "newest files lost, settled", lose_newest, 4, VARVE_CORRUPT, 0, "settled up to 4" },
        { "files swapped", swap_files, 0, VARVE_CORRUPT, 0, "was written as number 2" },
        { "an old frame over the last", old_frame_over_last, 0, VARVE_CORRUPT, 0, "does not follow" },
        { "a frame of another segment over the last", frame_of_other_segment, 0, VARVE_OK, 4, "" },
        { "a frame of another segment over the last, settled", frame_of_other_segment, 5, VARVE_CORRUPT, 0, "" },
        { "the last frame twice", last_frame_again, 0, VARVE_CORRUPT, 0, "does not follow" },
        { "a write lost between others", first_write_lost, 0, VARVE_CORRUPT, 0, "offset 4096: the frame is damaged" },
        { "the end of a segment lost", end_of_first_lost, 0, VARVE_CORRUPT, 0, "frames were lost" },
        { "the end of a segment lost, settled", end_of_first_lost, 5, VARVE_CORRUPT, 0, "frames were lost" },
        { "all frames lost, settled", all_frames_lost, 1, VARVE_CORRUPT, 0, "ends with position 0" },
        { "another seed", other_seed, 5, VARVE_CORRUPT, 0, "" },
        { "another store", other_store, 0, VARVE_CORRUPT, 0, "belongs to another store" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct journal_fixture f;
        static struct files files;
        make_journal(&f, false);
        f.settled = cases[i].settled;
        read_files(&f, &files);
        cases[i].damage(&f, &files);
        read_files(&f, &files);
        CHECK_CASE((findings(&f) > 0) == (cases[i].verdict != VARVE_OK), cases[i].label);
        CHECK_CASE(verdict(&f, &files) == cases[i].verdict, cases[i].label);
        if (cases[i].verdict == VARVE_OK)
            CHECK_CASE(f.seen == cases[i].seen, cases[i].label);
        else
            CHECK_CASE(strstr(f.error.message, cases[i].message) != NULL, f.error.message);
        journal_fixture_free(&f);
    }
}

/* After what was passed over, the log goes on in its place. */
static void test_a_torn_frame_is_written_over(void **state)
{
    struct journal_fixture f;
    static struct files files;

    make_journal(&f, false);
    read_files(&f, &files);
    memset(files.bytes[1] + 8192 + 512, 0x55, 512);
    write_files(&f, &files);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_int_equal(f.seen, 4);
    f.last = 4;
    assert_int_equal(journal_fixture_append(&f, 1, 300, 9), VARVE_OK);
    journal_fixture_close(&f);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_int_equal(f.seen, 5);
    assert_false(f.odd);
    read_files(&f, &files);
    struct frame_header header;
    assert_true(frame_parse(files.bytes[1] + 8192, f.options.seed, 2, &header));
    assert_int_equal(header.first_position, 5);
    journal_fixture_free(&f);
}

struct findings_seen {
    unsigned count;
    char all[2048];
};

static void note_finding(void *user, const struct varve_check_finding *finding)
{
    struct findings_seen *seen = user;
    size_t used = strlen(seen->all);

    seen->count++;
    snprintf(seen->all + used, sizeof(seen->all) - used, "%s: %s\n", finding->where, finding->what);
}

/* A check goes on behind what it finds, and changes nothing. */
static void test_check_goes_on(void **state)
{
    struct journal_fixture f;
    static struct files files, after;
    struct findings_seen seen = { 0 };
    struct varve_check_report report = { 0 };
    uint64_t last = 0;

    make_journal(&f, true);
    read_files(&f, &files);
    files.bytes[0][4096 + 200] ^= 1; /* A */
    files.bytes[1][100] ^= 1;        /* header of 2 */
    files.bytes[1][8192 + 70] ^= 1;  /* D, sealed */
    files.bytes[2][0] ^= 1;          /* header of 3 */
    write_files(&f, &files);
    assert_int_equal(journal_check(&f.options, 0, ignore_record, note_finding, &seen, &report, &last, NULL), VARVE_OK);
    static const char *const places_said[] = { "00000001 offset 4096", "00000002 offset 0", "00000002 offset 8192",
                                               "00000003 offset 0" };
    for (size_t i = 0; i < COUNT_OF(places_said); i++)
        CHECK_CASE(strstr(seen.all, places_said[i]) != NULL, seen.all);
    assert_int_equal(report.findings, seen.count);
    assert_int_equal(report.journal_frames, 2); /* B and C */
    assert_int_equal(last, 5);                  /* as the seal says */
    read_files(&f, &after);
    assert_memory_equal(&after, &files, sizeof(files));
    journal_fixture_free(&f);
}

/* A bit of the last frame: nobody can tell damage from a write that was cut short, so the check says what it sees. */
static void test_an_unfinished_end_is_said(void **state)
{
    struct journal_fixture f;
    static struct files files;
    struct varve_check_report report = { 0 };
    uint64_t last;

    make_journal(&f, false);
    read_files(&f, &files);
    assert_int_equal(journal_check(&f.options, 0, ignore_record, NULL, NULL, &report, &last, NULL), VARVE_OK);
    assert_int_equal(report.unfinished_segment, 0);
    for (unsigned byte = 0; byte < 64 + 1004; byte++) {
        uint8_t *at = files.bytes[1] + 8192 + byte; /* D */
        *at ^= (uint8_t)(1u << byte % 8);
        write_file(&f, 2, files.bytes[1], FIXTURE_SEGMENT);
        *at ^= (uint8_t)(1u << byte % 8);
        report = (struct varve_check_report){ 0 };
        assert_int_equal(journal_check(&f.options, 0, ignore_record, NULL, NULL, &report, &last, NULL), VARVE_OK);
        assert_int_equal(report.findings, 0);
        assert_int_equal(last, 4);
        assert_int_equal(report.unfinished_segment, 2);
        assert_int_equal(report.unfinished_offset, 8192);
    }
    assert_int_equal(journal_fixture_open(&f), VARVE_OK); /* What comes next takes its place. */
    f.last = 4;
    assert_int_equal(journal_fixture_append(&f, 1, 1000, 5), VARVE_OK);
    journal_fixture_close(&f);
    report = (struct varve_check_report){ 0 };
    assert_int_equal(journal_check(&f.options, 0, ignore_record, NULL, NULL, &report, &last, NULL), VARVE_OK);
    assert_int_equal(report.unfinished_segment, 0);
    assert_int_equal(last, 5);
    journal_fixture_free(&f);
}

static void test_check_of_nothing(void **state)
{
    struct journal_fixture f;
    struct findings_seen seen = { 0 };
    struct varve_check_report report = { 0 };
    uint64_t last = 1;

    journal_fixture_init(&f);
    journal_fixture_close(&f);
    remove_file(&f, 1);
    assert_int_equal(journal_check(&f.options, 0, ignore_record, note_finding, &seen, &report, &last, NULL), VARVE_OK);
    assert_string_equal(seen.all, "journal: the journal is missing\n");
    assert_int_equal(last, 0);
    journal_fixture_free(&f);
}

/* A newer varve wrote it: that is said, by a check too, instead of a list of findings. */
static void test_newer_format(void **state)
{
    struct journal_fixture f;
    static struct files files;
    struct varve_check_report report = { 0 };
    uint64_t last;

    make_journal(&f, false);
    read_files(&f, &files);
    files.bytes[0][16] = 2;
    uint64_t checksum = segment_checksum(files.bytes[0]);
    memcpy(files.bytes[0] + 8, &checksum, 8);
    write_files(&f, &files);
    assert_int_equal(journal_fixture_open(&f), VARVE_NEWER_FORMAT);
    assert_int_equal(journal_check(&f.options, 0, ignore_record, NULL, NULL, &report, &last, NULL),
                     VARVE_NEWER_FORMAT);
    journal_fixture_free(&f);
}

static enum varve_status refuse_third(void *user, const uint8_t *record, uint32_t size)
{
    return ++*(int *)user == 3 ? VARVE_NO_MEMORY : VARVE_OK;
}

static void test_a_refused_record_ends_the_scan(void **state)
{
    struct journal_fixture f;
    int visits = 0;

    make_journal(&f, false);
    assert_int_equal(journal_open(&f.options, 0, refuse_third, &visits, &f.journal, &f.error), VARVE_NO_MEMORY);
    assert_int_equal(visits, 3);
    assert_null(f.journal);
    assert_non_null(strstr(f.error.message, "position 3"));
    journal_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sector_damaged),
        cmocka_unit_test(test_every_sector_damaged_behind_a_seal),
        cmocka_unit_test(test_a_shortened_file_is_refused),
        cmocka_unit_test(test_whole_files_and_frames),
        cmocka_unit_test(test_a_torn_frame_is_written_over),
        cmocka_unit_test(test_check_goes_on),
        cmocka_unit_test(test_an_unfinished_end_is_said),
        cmocka_unit_test(test_check_of_nothing),
        cmocka_unit_test(test_newer_format),
        cmocka_unit_test(test_a_refused_record_ends_the_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
