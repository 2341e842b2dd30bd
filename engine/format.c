/* format.c - see format.h. */
#include "format.h"

#include "varve/uuid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_TEXT = 1024 };

static enum varve_status fail_errno(struct varve_error *error, int number, const char *doing, const char *path)
{
    enum varve_status status = VARVE_IO;

    if (number == EROFS)
        status = VARVE_READ_ONLY;
    else if (number == ENOSPC || number == EDQUOT)
        status = VARVE_DISK_FULL;
    else if (number == ENOMEM)
        status = VARVE_NO_MEMORY;
    return varve_fail(error, status, NULL, "%s %s: %s", doing, path, strerror(number));
}

static enum varve_status join(const char *path, const char *name, char ret_path[FORMAT_MAX_PATH],
                              struct varve_error *error)
{
    int size = snprintf(ret_path, FORMAT_MAX_PATH, "%s/%s", path, name);

    if (size < 0 || size >= FORMAT_MAX_PATH)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "path: longer than %d bytes", FORMAT_MAX_PATH);
    return VARVE_OK;
}

/* ---- text ---- */

static size_t compose(const struct format *format, char text[MAX_TEXT])
{
    char id[VARVE_UUID_TEXT];

    varve_uuid_format(&format->database_id, id);
    int size = snprintf(text, MAX_TEXT,
                        "varve store\nformat %d\ndatabase_id %s\ncreated_at_us %" PRId64 "\nhash_seed %016" PRIx64
                        "\nindexes %u\n",
                        format->version, id, format->created_at_us, format->hash_seed, format->indexes);
    uint64_t checksum = XXH3_64bits(text, (size_t)size);
    return (size_t)size + (size_t)snprintf(text + size, MAX_TEXT - (size_t)size, "checksum %016" PRIx64 "\n", checksum);
}

static enum varve_status parse(const char *path, const char *text, struct format *ret_format,
                               struct varve_error *error)
{
    struct format format;
    char id[VARVE_UUID_TEXT] = "", again[MAX_TEXT];

    if (sscanf(text, "varve store\nformat %d\n", &format.version) != 1)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s/format: is not a varve format file", path);
    if (format.version > FORMAT_VERSION)
        return varve_fail(error, VARVE_NEWER_FORMAT, NULL, "%s: has format %d, this varve knows up to %d", path,
                          format.version, FORMAT_VERSION);
    int fields = sscanf(text,
                        "varve store\nformat %*d\ndatabase_id %36s\ncreated_at_us %" SCNd64 "\nhash_seed %" SCNx64
                        "\nindexes %u\n",
                        id, &format.created_at_us, &format.hash_seed, &format.indexes);
    /* What was written is known to the byte: composing it again is the strictest check. */
    if (fields != 4 || format.version < FORMAT_FIRST || !varve_uuid_parse(varve_view_str(id), &format.database_id) ||
        strlen(text) != compose(&format, again) || strcmp(text, again) != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s/format: damaged (its checksum does not fit)", path);
    *ret_format = format;
    return VARVE_OK;
}

/* ---- looking ---- */

struct contents {
    bool format, unfinished, other;
};

static enum varve_status list(const char *path, struct contents *ret, struct varve_error *error)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    *ret = (struct contents){ 0 };
    if (directory == NULL && errno == ENOENT)
        return VARVE_OK;
    if (directory == NULL && errno == ENOTDIR)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s: is not a directory", path);
    if (directory == NULL)
        return fail_errno(error, errno, "cannot read directory", path);
    while ((entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, "format") == 0)
            ret->format = true;
        else if (strcmp(name, "format.new") == 0)
            ret->unfinished = true;
        else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lock") != 0 &&
                 strcmp(name, "lost+found") != 0)
            ret->other = true;
    }
    closedir(directory);
    return VARVE_OK;
}

static enum varve_status read_format(const char *path, const struct varve_os *os, struct format *ret_format,
                                     struct varve_error *error)
{
    char file[FORMAT_MAX_PATH], text[MAX_TEXT];
    enum varve_status status = join(path, "format", file, error);

    if (status != VARVE_OK)
        return status;
    int fd = os->open(os->self, file, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fail_errno(error, -fd, "cannot open", file);
    ssize_t size = os->pread(os->self, fd, text, sizeof(text) - 1, 0);
    os->close(os->self, fd);
    if (size < 0)
        return fail_errno(error, (int)-size, "cannot read", file);
    text[size] = '\0';
    return parse(path, text, ret_format, error);
}

enum varve_status format_look(const char *path, const struct varve_os *os, enum format_verdict *ret_verdict,
                              struct format *ret_format, struct varve_error *error)
{
    struct contents contents;
    enum varve_status status = list(path, &contents, error);

    if (status != VARVE_OK)
        return status;
    if (contents.format) {
        *ret_verdict = FORMAT_STORE;
        return read_format(path, os, ret_format, error);
    }
    if (contents.other && !contents.unfinished)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL,
                          "%s: holds files but no `format`: not a varve store, and not empty", path);
    *ret_verdict = contents.unfinished ? FORMAT_UNFINISHED : FORMAT_EMPTY;
    return VARVE_OK;
}

/* ---- making ---- */

/* The new directory's own name must last too: else a power loss could take a whole store away. */
static enum varve_status sync_parent(const char *path, const struct varve_os *os, struct varve_error *error)
{
    char parent[FORMAT_MAX_PATH];
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    snprintf(parent, sizeof(parent), "%.*s", size == 0 ? 1 : (int)size, size == 0 ? "." : path);
    int result = os->sync_directory(os->self, parent);
    return result == 0 ? VARVE_OK : fail_errno(error, -result, "cannot sync directory", parent);
}

enum varve_status format_make_directory(const char *path, const struct varve_os *os, struct varve_error *error)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return fail_errno(error, errno, "cannot make directory", path);
    return sync_parent(path, os, error);
}

static enum varve_status write_new(const char *path, const struct varve_os *os, const struct format *format,
                                   struct varve_error *error)
{
    char file[FORMAT_MAX_PATH], text[MAX_TEXT];
    size_t size = compose(format, text);
    enum varve_status status = join(path, "format.new", file, error);

    if (status != VARVE_OK)
        return status;
    int fd = os->open(os->self, file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_errno(error, -fd, "cannot create", file);
    int result = os->pwrite(os->self, fd, text, size, 0);
    if (result == 0)
        result = os->fdatasync(os->self, fd);
    os->close(os->self, fd);
    if (result == 0)
        result = os->sync_directory(os->self, path);
    return result == 0 ? VARVE_OK : fail_errno(error, -result, "cannot write", file);
}

/* What an interrupted making may have left. It never held an event: `format` comes last. */
static enum varve_status remove_leftovers(const char *path, struct varve_error *error)
{
    char file[FORMAT_MAX_PATH], journal[FORMAT_MAX_PATH - 64];
    struct dirent *entry;

    snprintf(file, sizeof(file), "%s/store.mdb", path);
    unlink(file);
    snprintf(file, sizeof(file), "%s/store.mdb-lock", path);
    unlink(file);
    snprintf(journal, sizeof(journal), "%s/journal", path);
    DIR *directory = opendir(journal);
    if (directory == NULL)
        return errno == ENOENT ? VARVE_OK : fail_errno(error, errno, "cannot read directory", journal);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0) {
            int number = errno;
            closedir(directory);
            return fail_errno(error, number, "cannot remove a file of", journal);
        }
    }
    closedir(directory);
    return VARVE_OK;
}

enum varve_status format_begin(const char *path, const struct varve_os *os, unsigned indexes,
                               struct format *ret_format, struct varve_error *error)
{
    struct format format = { .version = FORMAT_VERSION, .created_at_us = os->now_us(os->self), .indexes = indexes };
    uint8_t random_bytes[18];
    enum varve_status status = remove_leftovers(path, error);

    if (status != VARVE_OK)
        return status;
    int result = os->random_bytes(os->self, random_bytes, sizeof(random_bytes));
    if (result != 0)
        return fail_errno(error, -result, "cannot get random bytes for", path);
    varve_uuid_v7(format.created_at_us, random_bytes, &format.database_id);
    memcpy(&format.hash_seed, random_bytes + 10, sizeof(format.hash_seed));
    status = write_new(path, os, &format, error);
    if (status == VARVE_OK)
        *ret_format = format;
    return status;
}

enum varve_status format_finish(const char *path, const struct varve_os *os, struct varve_error *error)
{
    char from[FORMAT_MAX_PATH], to[FORMAT_MAX_PATH];
    enum varve_status status = join(path, "format.new", from, error);

    if (status == VARVE_OK)
        status = join(path, "format", to, error);
    if (status != VARVE_OK)
        return status;
    int result = os->rename(os->self, from, to);
    if (result == 0)
        result = os->sync_directory(os->self, path);
    return result == 0 ? VARVE_OK : fail_errno(error, -result, "cannot finish", to);
}

enum varve_status format_renew(const char *path, const struct varve_os *os, struct format *format,
                               struct varve_error *error)
{
    struct format renewed = *format;
    enum varve_status status;

    renewed.version = FORMAT_VERSION;
    status = write_new(path, os, &renewed, error);
    if (status == VARVE_OK)
        status = format_finish(path, os, error);
    if (status == VARVE_OK)
        *format = renewed;
    return status;
}

/* ---- owning ---- */

static enum varve_status fail_locked(const char *path, int fd, struct varve_error *error)
{
    char owner[32] = "";
    ssize_t size = pread(fd, owner, sizeof(owner) - 1, 0);

    close(fd);
    if (size > 0)
        owner[strcspn(owner, "\n")] = '\0';
    return varve_fail(error, VARVE_LOCKED, NULL, "%s: is in use by another process%s%s", path,
                      size > 0 ? ", pid " : "", size > 0 ? owner : "");
}

enum varve_status format_lock(const char *path, int *ret_fd, struct varve_error *error)
{
    char file[FORMAT_MAX_PATH];
    enum varve_status status = join(path, "lock", file, error);

    if (status != VARVE_OK)
        return status;
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_errno(error, errno, "cannot open", file);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return fail_locked(path, fd, error);
        int number = errno;
        close(fd);
        return fail_errno(error, number, "cannot lock", file);
    }
    /* Who owns it is for people only; a failure to say so harms nothing. */
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        errno = 0;
    *ret_fd = fd;
    return VARVE_OK;
}

void format_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}
