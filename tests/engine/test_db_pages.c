/* test_db_pages.c - files that are not quite store.mdb are refused before LMDB believes them. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/db_pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_byte(const char *path, off_t at, uint8_t byte)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static uint8_t get_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDONLY);
    uint8_t byte = 0;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    close(fd);
    return byte;
}

static enum varve_status try_open(struct db_fixture *f, struct varve_error *error)
{
    enum varve_status status = db_open(f->path, varve_os_default(), DB_FIXTURE_MAP, false, &f->db, error);

    if (status == VARVE_OK) {
        db_close(f->db);
        f->db = NULL;
    }
    return status;
}

static const struct {
    const char *label;
    off_t at;
    uint8_t flip;
    const char *says;
} damages[] = {
    { "magic of page 0", 16, 0x01, "meta page 0: its magic" },
    { "version of page 0", 20, 0x02, "meta page 0: it is of another version" },
    { "page number", 4096, 0x04, "meta page 1: its page header" },
    { "page flags", 10, 0x10, "meta page 0: its page header" },
    { "page size", 16 + 24 + 1, 0x20, "meta page 0: its page size" },
    { "flags, a fixed address", 16 + 24 + 4, 0x01, "meta page 0: its flags" },
    { "flags of the catalogue", 4096 + 16 + 72 + 4, 0x04, "meta page 1: its flags" },
    { "root of the catalogue", 4096 + 16 + 72 + 44, 0x80, "meta page 1: its page numbers" },
    { "depth of the catalogue", 4096 + 16 + 72 + 7, 0x01, "meta page 1: its page numbers" },
    { "transaction, even in the odd page", 4096 + 16 + 128, 0x03, "meta page 1: its transaction" },
    { "transaction, back to the first", 4096 + 16 + 128, 0x01, "do not follow each other" },
    { "transaction, far ahead", 4096 + 16 + 128 + 2, 0x10, "do not follow each other" },
    { "last page, far ahead", 4096 + 16 + 120 + 3, 0x01, "ends long before its last page" },
};

static void damaged_meta_pages_are_refused(void **state)
{
    struct db_fixture f;
    struct varve_error error;

    db_fixture_open(&f);
    db_close(f.db);
    f.db = NULL;
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        uint8_t was = get_byte(f.path, damages[i].at);

        put_byte(f.path, damages[i].at, was ^ damages[i].flip);
        CHECK_CASE(try_open(&f, &error) == VARVE_CORRUPT, damages[i].label);
        CHECK_CASE(strstr(error.message, damages[i].says) != NULL, error.message);
        put_byte(f.path, damages[i].at, was);
    }
    assert_int_equal(try_open(&f, &error), VARVE_OK);
    db_fixture_close(&f);
}

static void garbage_is_no_store(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 4096, 8191, 8192, 100000 };
    uint64_t seed = 20;
    struct db_fixture f;
    struct varve_error error;

    db_fixture_open(&f);
    db_close(f.db);
    f.db = NULL;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int fd = open(f.path, O_WRONLY | O_TRUNC);

        for (size_t at = 0; at < sizes[i]; at++) {
            uint8_t byte = (uint8_t)random_next(&seed);
            assert_int_equal(write(fd, &byte, 1), 1);
        }
        close(fd);
        assert_int_equal(try_open(&f, &error), VARVE_CORRUPT);
        assert_int_equal(db_open(f.path, varve_os_default(), DB_FIXTURE_MAP, true, &f.db, &error), VARVE_CORRUPT);
    }
    db_fixture_close(&f);
}

/* LMDB need not write pages that a transaction took and gave back, so a sound file may lack its end. */
static void a_missing_end_is_made_good(void **state)
{
    const off_t last_page_at = 4096 + 16 + 120; /* in meta page 1: of the first transaction */
    struct db_fixture f;
    struct varve_error error;
    struct stat after;

    db_fixture_open(&f);
    db_close(f.db);
    f.db = NULL;
    uint8_t last_page = get_byte(f.path, last_page_at);
    put_byte(f.path, last_page_at, last_page + 2);
    assert_int_equal(try_open(&f, &error), VARVE_OK);
    assert_int_equal(stat(f.path, &after), 0);
    assert_int_equal(after.st_size, (last_page + 3) * 4096);
    db_fixture_close(&f);
}

static void a_lost_end_is_found(void **state)
{
    struct db_fixture f;
    struct varve_error error;
    void *room;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_reserve(txn, DB_TYPES, db_text("k"), 1 << 20, &room), VARVE_OK);
    memset(room, 1, 1 << 20);
    db_fixture_commit(txn);
    db_close(f.db);
    f.db = NULL;
    assert_int_equal(truncate(f.path, 16384), 0);
    assert_int_equal(try_open(&f, &error), VARVE_CORRUPT);
    db_fixture_close(&f);
}

/* An os table that counts, to see that opening makes the meta pages durable. */
static unsigned writes_seen, syncs_seen;
static int count_pwrite(void *self, int fd, const void *bytes, size_t size, uint64_t offset)
{
    writes_seen += offset == 0 && size == 8192;
    return varve_os_default()->pwrite(varve_os_default()->self, fd, bytes, size, offset);
}
static int count_fdatasync(void *self, int fd)
{
    syncs_seen += writes_seen;
    return varve_os_default()->fdatasync(varve_os_default()->self, fd);
}
static int refuse_fdatasync(void *self, int fd)
{
    return -5;
}

static void opening_makes_the_meta_pages_durable(void **state)
{
    struct varve_os os = *varve_os_default();
    struct db_fixture f;
    struct varve_error error;

    db_fixture_open(&f);
    db_close(f.db);
    f.db = NULL;
    os.pwrite = count_pwrite;
    os.fdatasync = count_fdatasync;
    writes_seen = syncs_seen = 0;
    assert_int_equal(db_open(f.path, &os, DB_FIXTURE_MAP, false, &f.db, &error), VARVE_OK);
    assert_int_equal(writes_seen, 1);
    assert_int_equal(syncs_seen, 1);
    db_close(f.db);
    f.db = NULL;
    os.fdatasync = refuse_fdatasync;
    assert_int_equal(db_open(f.path, &os, DB_FIXTURE_MAP, false, &f.db, &error), VARVE_IO);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_meta_pages_are_refused),
        cmocka_unit_test(garbage_is_no_store),
        cmocka_unit_test(a_missing_end_is_made_good),
        cmocka_unit_test(a_lost_end_is_found),
        cmocka_unit_test(opening_makes_the_meta_pages_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
