/* test_db_pace.c - LMDB's writes begin to go to the disk piece by piece, its own sync stays, and a failure of the disk
 * told in between is a failure of the commit. The calls below are replaced in this program. */
#include "support/db_fixture.h"

#include "engine/db_pace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { ALL_CALLS = 4096, BLOCK = 64 << 10, BEGIN = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE };

/* What reached the disk's side, in order: 'p' a piece begun, 's' a sync. */
static char calls[ALL_CALLS];
static size_t call_count;
static int piece_error, piece_fd;

static void note(char call)
{
    assert_true(call_count < ALL_CALLS - 1);
    calls[call_count++] = call;
    calls[call_count] = '\0';
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    note(offset == 0 && size == 0 && flags == BEGIN ? 'p' : '?');
    piece_fd = fd;
    errno = piece_error;
    return piece_error == 0 ? 0 : -1;
}

int fdatasync(int fd)
{
    int (*real)(int fd) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    note('s');
    return real(fd);
}

static void forget_calls(int error)
{
    call_count = 0;
    calls[0] = '\0';
    piece_error = error;
}

static size_t pieces(void)
{
    size_t count = 0;

    for (size_t i = 0; i < call_count; i++)
        count += calls[i] == 'p';
    return count;
}

/* ---- the two calls ---- */

struct file {
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 8];
    int fd;
};

static uint8_t block[BLOCK];

/* Nothing of a piece has been written. */
static void open_file(struct file *file)
{
    temp_dir_make(file->directory);
    snprintf(file->path, sizeof(file->path), "%s/file", file->directory);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file->fd >= 0);
    forget_calls(0);
    while (pieces() == 0)
        assert_int_equal(db_pace_pwrite(file->fd, block, BLOCK, 0), BLOCK);
    forget_calls(0);
}

static void close_file(struct file *file)
{
    close(file->fd);
    temp_dir_remove(file->directory);
}

static void a_piece_is_begun_when_it_is_written(void **state)
{
    struct file f;

    open_file(&f);
    for (unsigned i = 0; i < 3 * DB_PACE_PIECE / BLOCK; i++) {
        memset(block, (int)i, BLOCK);
        errno = EAGAIN;
        assert_int_equal(db_pace_pwrite(f.fd, block, BLOCK, (off_t)i * BLOCK), BLOCK);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(call_count, (i + 1) / (DB_PACE_PIECE / BLOCK));
    }
    assert_string_equal(calls, "ppp");
    assert_int_equal(piece_fd, f.fd);
    for (unsigned i = 0; i < 3 * DB_PACE_PIECE / BLOCK; i++) {
        assert_int_equal(pread(f.fd, block, BLOCK, (off_t)i * BLOCK), BLOCK);
        assert_true(block[0] == (uint8_t)i && block[BLOCK - 1] == (uint8_t)i);
    }
    close_file(&f);
}

static void parts_count_too(void **state)
{
    struct iovec parts[3] = { { block, BLOCK }, { block, 1 }, { block, BLOCK - 1 } };
    struct file f;

    open_file(&f);
    for (unsigned i = 0; i < DB_PACE_PIECE / (2 * BLOCK); i++) {
        assert_string_equal(calls, "");
        assert_int_equal(db_pace_writev(f.fd, parts, 3), 2 * BLOCK);
    }
    assert_string_equal(calls, "p");
    assert_int_equal(lseek(f.fd, 0, SEEK_CUR), DB_PACE_PIECE);
    close_file(&f);
}

/* Each part holds its number, and all arrive in their order however they are handed on. */
static void many_parts_make_several_pieces(void **state)
{
    enum { PARTS = 5 * DB_PACE_PIECE / BLOCK / 2 };
    uint8_t *bytes = calloc(PARTS, BLOCK);
    struct iovec parts[PARTS];
    struct file f;

    assert_non_null(bytes);
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i] = (struct iovec){ bytes + i * BLOCK, BLOCK };
        memset(parts[i].iov_base, (int)i, BLOCK);
    }
    open_file(&f);
    assert_int_equal(db_pace_writev(f.fd, parts, PARTS), PARTS * BLOCK);
    assert_string_equal(calls, "pp");
    for (unsigned i = 0; i < PARTS; i++) {
        assert_int_equal(pread(f.fd, block, BLOCK, (off_t)i * BLOCK), BLOCK);
        assert_memory_equal(block, parts[i].iov_base, BLOCK);
    }
    forget_calls(EIO);
    assert_int_equal(db_pace_writev(f.fd, parts, PARTS), -1);
    assert_int_equal(errno, EIO);
    assert_string_equal(calls, "p");
    close_file(&f);
    free(bytes);
}

static void one_large_part_is_one_piece(void **state)
{
    uint8_t *bytes = calloc(2, DB_PACE_PIECE);
    struct iovec parts[2] = { { bytes, 2 * DB_PACE_PIECE - 1 }, { bytes, 1 } };
    struct file f;

    assert_non_null(bytes);
    open_file(&f);
    assert_int_equal(db_pace_writev(f.fd, parts, 2), 2 * DB_PACE_PIECE);
    assert_string_equal(calls, "p");
    assert_int_equal(db_pace_writev(f.fd, parts, 0), 0);
    close_file(&f);
    free(bytes);
}

static void who_is_in_a_hurry_waits_for_no_piece(void **state)
{
    bool hurry = true;
    struct file f;

    open_file(&f);
    db_pace_set_hurry(&hurry);
    for (unsigned i = 0; i < 4 * DB_PACE_PIECE / BLOCK; i++) {
        hurry = i < 2 * DB_PACE_PIECE / BLOCK;
        assert_int_equal(db_pace_pwrite(f.fd, block, BLOCK, 0), BLOCK);
    }
    assert_string_equal(calls, "pp");
    forget_calls(0);
    hurry = true;
    db_pace_set_hurry(NULL);
    while (pieces() == 0)
        assert_int_equal(db_pace_pwrite(f.fd, block, BLOCK, 0), BLOCK);
    close_file(&f);
}

static const struct {
    const char *label;
    int error;
    bool fails;
} answers[] = {
    { "the disk", EIO, true },          { "no room", ENOSPC, true },            { "a quota", EDQUOT, true },
    { "an old kernel", ENOSYS, false }, { "a file system without", EINVAL, false }, { "a pipe", ESPIPE, false },
    { "a filter of calls", EPERM, false }, { "a signal", EINTR, false },
};

static void faults_are_told_and_missing_calls_are_not(void **state)
{
    struct file f;

    open_file(&f);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        forget_calls(answers[i].error);
        ssize_t last = BLOCK;
        for (unsigned n = 0; n < DB_PACE_PIECE / BLOCK; n++) {
            CHECK_CASE(last == BLOCK, answers[i].label);
            errno = 0;
            last = db_pace_pwrite(f.fd, block, BLOCK, 0);
        }
        CHECK_CASE(last == (answers[i].fails ? -1 : BLOCK), answers[i].label);
        CHECK_CASE(errno == (answers[i].fails ? answers[i].error : 0), answers[i].label);
        CHECK_CASE(pieces() == 1, answers[i].label);
    }
    close_file(&f);
}

static void a_failed_write_is_told_and_not_counted(void **state)
{
    struct iovec part = { block, BLOCK };

    forget_calls(0);
    for (unsigned i = 0; i < 2 * DB_PACE_PIECE / BLOCK; i++) {
        assert_int_equal(db_pace_pwrite(-1, block, BLOCK, 0), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(db_pace_writev(-1, &part, 1), -1);
        assert_int_equal(errno, EBADF);
    }
    assert_string_equal(calls, "");
}

/* ---- LMDB calls them ---- */

enum { LARGE_VALUES = 3 * DB_PACE_PIECE / BLOCK };

/* Three pieces and a bit: large values, and many small ones on pages that are not side by side. */
static enum varve_status commit_much(struct db_fixture *f, uint8_t content)
{
    struct db_txn *txn = db_fixture_write(f);
    char key[16];

    memset(block, content, BLOCK);
    for (unsigned i = 0; i < LARGE_VALUES; i++) {
        snprintf(key, sizeof(key), "large-%04u", i);
        assert_int_equal(db_put(txn, DB_STREAMS, db_text(key), (struct db_bytes){ block, BLOCK }), VARVE_OK);
        snprintf(key, sizeof(key), "small-%04u", i);
        assert_int_equal(db_put(txn, DB_TYPES, db_text(key), (struct db_bytes){ block, 1000 }), VARVE_OK);
    }
    return db_commit(txn, NULL);
}

static void all_values_are(struct db_fixture *f, uint8_t content)
{
    struct db_txn *txn = db_fixture_read(f);
    enum varve_status status = VARVE_OK;
    struct db_bytes value;
    char key[16];

    for (unsigned i = 0; i < LARGE_VALUES; i++) {
        snprintf(key, sizeof(key), "large-%04u", i);
        assert_true(db_get(txn, DB_STREAMS, db_text(key), &value, &status));
        assert_int_equal(value.size, BLOCK);
        assert_int_equal(((const uint8_t *)value.data)[BLOCK - 1], content);
        snprintf(key, sizeof(key), "small-%04u", i);
        assert_true(db_get(txn, DB_TYPES, db_text(key), &value, &status));
        assert_int_equal(((const uint8_t *)value.data)[999], content);
    }
    db_abort(txn);
}

static void a_commit_goes_out_in_pieces_and_is_synced_after_them(void **state)
{
    struct db_fixture f;

    db_fixture_open(&f);
    for (uint8_t round = 1; round <= 3; round++) {
        forget_calls(round == 3 ? ENOSYS : 0);
        assert_int_equal(commit_much(&f, round), VARVE_OK);
        assert_in_range(pieces(), 3, 5);
        assert_int_equal(call_count, pieces() + 1);
        assert_int_equal(calls[call_count - 1], 's');
        db_fixture_reopen(&f);
        all_values_are(&f, round);
    }
    db_fixture_close(&f);
}

static void a_commit_in_a_hurry_is_synced_all_the_same(void **state)
{
    struct db_fixture f;

    db_fixture_open(&f);
    db_set_hurry(f.db, true);
    forget_calls(0);
    assert_int_equal(commit_much(&f, 1), VARVE_OK);
    assert_string_equal(calls, "s");
    db_set_hurry(f.db, false);
    assert_int_equal(commit_much(&f, 2), VARVE_OK);
    assert_in_range(pieces(), 3, 6);
    db_fixture_reopen(&f);
    all_values_are(&f, 2);
    db_fixture_close(&f);
}

static void a_piece_that_fails_fails_the_commit(void **state)
{
    struct db_fixture f;

    db_fixture_open(&f);
    forget_calls(0);
    assert_int_equal(commit_much(&f, 1), VARVE_OK);
    forget_calls(EIO);
    assert_int_equal(commit_much(&f, 2), VARVE_IO);
    assert_string_equal(calls, "p"); /* Neither synced nor, therefore, made the newest. */
    forget_calls(ENOSPC);
    assert_int_equal(commit_much(&f, 2), VARVE_DISK_FULL);
    forget_calls(0);
    db_fixture_reopen(&f);
    all_values_are(&f, 1);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_is_begun_when_it_is_written),
        cmocka_unit_test(parts_count_too),
        cmocka_unit_test(many_parts_make_several_pieces),
        cmocka_unit_test(one_large_part_is_one_piece),
        cmocka_unit_test(who_is_in_a_hurry_waits_for_no_piece),
        cmocka_unit_test(faults_are_told_and_missing_calls_are_not),
        cmocka_unit_test(a_failed_write_is_told_and_not_counted),
        cmocka_unit_test(a_commit_goes_out_in_pieces_and_is_synced_after_them),
        cmocka_unit_test(a_commit_in_a_hurry_is_synced_all_the_same),
        cmocka_unit_test(a_piece_that_fails_fails_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
