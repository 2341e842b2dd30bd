/* test_format.c - a directory is taken for what it is: a store, an empty place, an unfinished making, or foreign. */
#include "engine/format.h"
#include "support/check.h"
#include "support/fault_os.h"
#include "support/temp_dir.h"
#include "varve/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

struct fixture {
    char path[TEMP_DIR_PATH];
    const struct varve_os *os;
    struct format format;
    struct varve_error error;
};

static void setup(struct fixture *f)
{
    temp_dir_make(f->path);
    f->os = varve_os_default();
    f->error = (struct varve_error){ 0 };
}

static void file_path(const struct fixture *f, const char *name, char ret[TEMP_DIR_PATH + 64])
{
    snprintf(ret, TEMP_DIR_PATH + 64, "%s/%s", f->path, name);
}

static void write_file(const struct fixture *f, const char *name, const char *text, size_t size)
{
    char file[TEMP_DIR_PATH + 64];

    file_path(f, name, file);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static size_t read_file(const struct fixture *f, const char *name, char *text, size_t room)
{
    char file[TEMP_DIR_PATH + 64];

    file_path(f, name, file);
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t size = read(fd, text, room);
    assert_true(size >= 0);
    close(fd);
    return (size_t)size;
}

static bool exists(const struct fixture *f, const char *name)
{
    char file[TEMP_DIR_PATH + 64];

    file_path(f, name, file);
    return access(file, F_OK) == 0;
}

static enum varve_status look(struct fixture *f, enum format_verdict *verdict)
{
    return format_look(f->path, f->os, verdict, &f->format, &f->error);
}

static void make_store(struct fixture *f)
{
    setup(f);
    assert_int_equal(format_begin(f->path, f->os, 5, &f->format, &f->error), VARVE_OK);
    assert_int_equal(format_finish(f->path, f->os, &f->error), VARVE_OK);
}

static void made_and_looked_at(void **ignored)
{
    struct fixture f;
    enum format_verdict verdict;

    make_store(&f);
    struct format made = f.format;
    memset(&f.format, 0, sizeof(f.format));
    assert_int_equal(look(&f, &verdict), VARVE_OK);
    assert_int_equal(verdict, FORMAT_STORE);
    assert_true(varve_uuid_equal(&made.database_id, &f.format.database_id));
    assert_false(varve_uuid_is_nil(&made.database_id));
    assert_int_equal(made.created_at_us, f.format.created_at_us);
    assert_int_equal(made.hash_seed, f.format.hash_seed);
    assert_int_equal(f.format.indexes, 5);
    assert_false(exists(&f, "format.new"));
    temp_dir_remove(f.path);
}

/* What lies in the directory, and what it is taken for. */
static void directories_are_taken_for_what_they_are(void **ignored)
{
    static const struct {
        const char *label, *file, *text;
        enum varve_status status;
        enum format_verdict verdict;
    } cases[] = {
        { "empty", NULL, NULL, VARVE_OK, FORMAT_EMPTY },
        { "only a lock", "lock", "1\n", VARVE_OK, FORMAT_EMPTY },
        { "a fresh file system", "lost+found", "", VARVE_OK, FORMAT_EMPTY },
        { "somebody's file", "thesis.txt", "all my work", VARVE_NOT_A_STORE, 0 },
        { "somebody's hidden file", ".profile", "x", VARVE_NOT_A_STORE, 0 },
        { "a store without its format", "store.mdb", "x", VARVE_NOT_A_STORE, 0 },
        { "an unfinished making", "format.new", "half", VARVE_OK, FORMAT_UNFINISHED },
        { "an empty format", "format", "", VARVE_NOT_A_STORE, 0 },
        { "somebody's format", "format", "PDF 1.4\n", VARVE_NOT_A_STORE, 0 },
        { "of a newer varve", "format", "varve store\nformat 3\nnew things\n", VARVE_NEWER_FORMAT, 0 },
        { "of a far newer varve", "format", "varve store\nformat 4711\n", VARVE_NEWER_FORMAT, 0 },
        { "cut", "format", "varve store\nformat 1\n", VARVE_CORRUPT, 0 },
        { "cut, of the older", "format", "varve store\nformat 2\n", VARVE_CORRUPT, 0 },
        { "no number", "format", "varve store\nformat x\n", VARVE_NOT_A_STORE, 0 },
        { "before the first", "format", "varve store\nformat 0\n", VARVE_CORRUPT, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        enum format_verdict verdict;
        setup(&f);
        if (cases[i].file != NULL)
            write_file(&f, cases[i].file, cases[i].text, strlen(cases[i].text));
        enum varve_status status = look(&f, &verdict);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(status != VARVE_OK || verdict == cases[i].verdict, cases[i].label);
        CHECK_CASE(status == VARVE_OK || strstr(f.error.message, f.path) != NULL, cases[i].label);
        temp_dir_remove(f.path);
    }
}

static void not_a_directory(void **ignored)
{
    struct fixture f;
    enum format_verdict verdict;

    setup(&f);
    write_file(&f, "file", "x", 1);
    strcat(f.path, "/file");
    assert_int_equal(look(&f, &verdict), VARVE_NOT_A_STORE);
    strcpy(strrchr(f.path, '/'), "/absent");
    assert_int_equal(look(&f, &verdict), VARVE_OK);
    assert_int_equal(verdict, FORMAT_EMPTY);
    assert_int_equal(format_make_directory(f.path, varve_os_default(), &f.error), VARVE_OK);
    /* It may be there already. */
    assert_int_equal(format_make_directory(f.path, varve_os_default(), &f.error), VARVE_OK);
    strcat(f.path, "/not/there");
    assert_int_equal(format_make_directory(f.path, varve_os_default(), &f.error), VARVE_IO);
    strcpy(strstr(f.path, "/absent"), "");
    temp_dir_remove(f.path);
}

/* Every single bit of the file counts. */
static void no_flipped_bit_is_overlooked(void **ignored)
{
    struct fixture f;
    char text[1024];

    make_store(&f);
    size_t size = read_file(&f, "format", text, sizeof(text));
    assert_in_range(size, 100, 500);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        enum format_verdict verdict;
        text[bit / 8] ^= (char)(1 << bit % 8);
        write_file(&f, "format", text, size);
        enum varve_status status = look(&f, &verdict);
        if (status != VARVE_CORRUPT && status != VARVE_NOT_A_STORE && status != VARVE_NEWER_FORMAT)
            fail_msg("bit %zu turned over gives %s", bit, varve_status_name(status));
        text[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        enum format_verdict verdict;
        write_file(&f, "format", text, cut);
        assert_true(look(&f, &verdict) != VARVE_OK);
    }
    temp_dir_remove(f.path);
}

static void what_follows_the_checksum_is_damage(void **ignored)
{
    struct fixture f;
    enum format_verdict verdict;
    char text[1024];

    make_store(&f);
    size_t size = read_file(&f, "format", text, sizeof(text));
    strcpy(text + size, "x\n");
    write_file(&f, "format", text, size + 2);
    assert_int_equal(look(&f, &verdict), VARVE_CORRUPT);
    temp_dir_remove(f.path);
}

static void rewrite_as_version(struct fixture *f, char version)
{
    char text[1024];
    size_t size = read_file(f, "format", text, sizeof(text)), covered = size - strlen("checksum 0123456789abcdef\n");

    text[strlen("varve store\nformat ")] = version;
    snprintf(text + covered, sizeof(text) - covered, "checksum %016" PRIx64 "\n", XXH3_64bits(text, covered));
    write_file(f, "format", text, size);
}

static void an_older_format_is_read_and_renewed(void **ignored)
{
    enum format_verdict verdict;
    struct format older;
    struct fixture f;

    make_store(&f);
    assert_int_equal(f.format.version, FORMAT_VERSION);
    rewrite_as_version(&f, '0'); /* There never was such a one. */
    assert_int_equal(look(&f, &verdict), VARVE_CORRUPT);
    rewrite_as_version(&f, '1');
    assert_int_equal(look(&f, &verdict), VARVE_OK);
    assert_int_equal(f.format.version, 1);
    older = f.format;
    assert_int_equal(format_renew(f.path, f.os, &f.format, &f.error), VARVE_OK);
    for (int i = 0; i < 2; i++) { /* As told, and as read. */
        assert_int_equal(f.format.version, 2);
        assert_true(varve_uuid_equal(&older.database_id, &f.format.database_id));
        assert_true(older.hash_seed == f.format.hash_seed && older.created_at_us == f.format.created_at_us);
        assert_int_equal(older.indexes, f.format.indexes);
        f.format = (struct format){ 0 };
        assert_int_equal(look(&f, &verdict), VARVE_OK);
    }
    assert_false(exists(&f, "format.new"));
    temp_dir_remove(f.path);
}

/* Interrupted at each call it is a store of the one format or of the other. */
static void a_renewal_may_be_interrupted_anywhere(void **ignored)
{
    struct fixture f;
    struct fault_os fault;
    bool fired = true;

    for (unsigned nth = 1; fired; nth++) {
        enum format_verdict verdict;
        make_store(&f);
        rewrite_as_version(&f, '1');
        assert_int_equal(look(&f, &verdict), VARVE_OK);
        fault_os_init(&fault);
        fault_os_arm(&fault, nth, EIO, true);
        enum varve_status status = format_renew(f.path, &fault.os, &f.format, &f.error);
        fired = atomic_load(&fault.fired);
        assert_int_equal(status, fired ? VARVE_IO : VARVE_OK);
        assert_int_equal(f.format.version, fired ? 1 : 2);
        assert_int_equal(look(&f, &verdict), VARVE_OK);
        assert_int_equal(verdict, FORMAT_STORE);
        assert_int_equal(format_renew(f.path, f.os, &f.format, &f.error), VARVE_OK);
        assert_int_equal(look(&f, &verdict), VARVE_OK);
        assert_int_equal(f.format.version, 2);
        temp_dir_remove(f.path);
    }
}

/* Interrupted at each call, a making leaves nothing that is taken for a store, and can be begun again. */
static void a_making_may_be_interrupted_anywhere(void **ignored)
{
    struct fixture f;
    struct fault_os fault;
    bool fired = true;
    unsigned nth;

    for (nth = 1; fired; nth++) {
        enum format_verdict verdict;
        setup(&f);
        fault_os_init(&fault);
        f.os = &fault.os;
        fault_os_arm(&fault, nth, EIO, true);
        enum varve_status status = format_begin(f.path, f.os, 15, &f.format, &f.error);
        if (status == VARVE_OK)
            status = format_finish(f.path, f.os, &f.error);
        fired = atomic_load(&fault.fired);
        assert_int_equal(status, fired ? VARVE_IO : VARVE_OK);
        f.os = varve_os_default();
        assert_int_equal(look(&f, &verdict), VARVE_OK);
        if (verdict != FORMAT_STORE) { /* It is when only the last sync of the directory failed. */
            assert_int_equal(format_begin(f.path, f.os, 15, &f.format, &f.error), VARVE_OK);
            assert_int_equal(format_finish(f.path, f.os, &f.error), VARVE_OK);
            assert_int_equal(look(&f, &verdict), VARVE_OK);
        }
        assert_int_equal(verdict, FORMAT_STORE);
        temp_dir_remove(f.path);
    }
    assert_true(nth > 5);
}

static void leftovers_of_a_making_are_removed(void **ignored)
{
    struct fixture f;
    char journal[TEMP_DIR_PATH + 64];

    setup(&f);
    file_path(&f, "journal", journal);
    assert_int_equal(mkdir(journal, 0777), 0);
    write_file(&f, "format.new", "half", 4);
    write_file(&f, "store.mdb", "x", 1);
    write_file(&f, "store.mdb-lock", "x", 1);
    write_file(&f, "journal/00000001", "x", 1);
    assert_int_equal(format_begin(f.path, f.os, 15, &f.format, &f.error), VARVE_OK);
    assert_false(exists(&f, "store.mdb"));
    assert_false(exists(&f, "store.mdb-lock"));
    assert_false(exists(&f, "journal/00000001"));
    assert_true(exists(&f, "format.new"));
    temp_dir_remove(f.path);
}

static void a_disk_that_is_full_says_so(void **ignored)
{
    static const struct { const char *label; int error; enum varve_status status; } cases[] = {
        { "full", ENOSPC, VARVE_DISK_FULL },      { "quota used up", EDQUOT, VARVE_DISK_FULL },
        { "read-only", EROFS, VARVE_READ_ONLY },  { "no memory", ENOMEM, VARVE_NO_MEMORY },
        { "broken", EIO, VARVE_IO },              { "forbidden", EACCES, VARVE_IO },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        struct fault_os fault;
        setup(&f);
        fault_os_init(&fault);
        fault_os_arm(&fault, 2, cases[i].error, false);
        enum varve_status status = format_begin(f.path, &fault.os, 15, &f.format, &f.error);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(strstr(f.error.message, f.path) != NULL, cases[i].label);
        temp_dir_remove(f.path);
    }
}

static void one_owner_at_a_time(void **ignored)
{
    struct fixture f;
    char expected[64];
    int fd = -1, second = -1, status = 0;

    setup(&f);
    assert_int_equal(format_lock(f.path, &fd, &f.error), VARVE_OK);
    assert_int_equal(format_lock(f.path, &second, &f.error), VARVE_LOCKED); /* In this process, */
    assert_int_equal(second, -1);
    snprintf(expected, sizeof(expected), "pid %ld", (long)getpid());
    assert_non_null(strstr(f.error.message, expected));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* and in another. */
        close(fd); /* The lock is the parent's all the same: it shares the open file. */
        _exit(format_lock(f.path, &second, &f.error) == VARVE_LOCKED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    format_unlock(fd);
    assert_int_equal(format_lock(f.path, &fd, &f.error), VARVE_OK);
    format_unlock(fd);
    format_unlock(-1);
    temp_dir_remove(f.path);
}

static void the_lock_goes_with_its_process(void **ignored)
{
    struct fixture f;
    int fd = -1, status = 0, ready[2];
    char byte;

    setup(&f);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (format_lock(f.path, &fd, &f.error) != VARVE_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(format_lock(f.path, &fd, &f.error), VARVE_LOCKED);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(format_lock(f.path, &fd, &f.error), VARVE_OK);
    format_unlock(fd);
    close(ready[0]);
    close(ready[1]);
    temp_dir_remove(f.path);
}

static void a_disk_that_cannot_be_written(void **ignored)
{
    struct fixture f;
    int fd;

    make_store(&f);
    if (mount(f.path, f.path, NULL, MS_BIND, NULL) != 0) {
        temp_dir_remove(f.path);
        print_message("skipped: cannot mount (%s)\n", strerror(errno));
        skip();
    }
    int remounted = mount(NULL, f.path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
    enum varve_status locked = format_lock(f.path, &fd, &f.error);
    struct format format;
    enum varve_status begun = format_begin(f.path, f.os, 15, &format, &f.error);
    enum format_verdict verdict;
    enum varve_status looked = look(&f, &verdict);
    assert_int_equal(umount(f.path), 0);
    temp_dir_remove(f.path);
    assert_int_equal(remounted, 0);
    assert_int_equal(locked, VARVE_READ_ONLY);
    assert_int_equal(begun, VARVE_READ_ONLY);
    assert_int_equal(looked, VARVE_OK);
}

static void paths_may_be_too_long(void **ignored)
{
    char path[FORMAT_MAX_PATH + 16];
    struct varve_error error;
    struct format format;
    int fd;

    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    path[FORMAT_MAX_PATH - 2] = '\0';
    assert_int_equal(format_lock(path, &fd, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "path");
    assert_true(format_begin(path, varve_os_default(), 15, &format, &error) != VARVE_OK);
    assert_int_equal(format_finish(path, varve_os_default(), &error), VARVE_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_and_looked_at),
        cmocka_unit_test(directories_are_taken_for_what_they_are),
        cmocka_unit_test(not_a_directory),
        cmocka_unit_test(no_flipped_bit_is_overlooked),
        cmocka_unit_test(what_follows_the_checksum_is_damage),
        cmocka_unit_test(an_older_format_is_read_and_renewed),
        cmocka_unit_test(a_renewal_may_be_interrupted_anywhere),
        cmocka_unit_test(a_making_may_be_interrupted_anywhere),
        cmocka_unit_test(leftovers_of_a_making_are_removed),
        cmocka_unit_test(a_disk_that_is_full_says_so),
        cmocka_unit_test(one_owner_at_a_time),
        cmocka_unit_test(the_lock_goes_with_its_process),
        cmocka_unit_test(a_disk_that_cannot_be_written),
        cmocka_unit_test(paths_may_be_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
