/* journal_segment.c - the files of the journal: their names, their headers, how one comes to be. */
#include "journal_segment.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SEGMENT_FORMAT 1
#define NUMBER_DIGITS 8
#define MAX_DIGITS 19
#define TEMPORARY "next.tmp"
#define ZERO_SLICE (1u << 20)
#define SLICES_PER_SYNC 4u

/* magic 8, checksum 8 of all that follows, format 4, size 4, number 8, database id 16, zeros. */
enum { AT_CHECKSUM = 8, AT_FORMAT = 16, AT_SIZE = 20, AT_NUMBER = 24, AT_DATABASE = 32 };
static const uint8_t magic[8] = { 'v', 'a', 'r', 'v', 'e', 'j', 'n', 'l' };

static uint8_t zeros[ZERO_SLICE] __attribute__((aligned(JOURNAL_BLOCK))); /* never written to */

void segment_place(uint64_t number, uint64_t offset, char ret_place[SEGMENT_PLACE_BYTES])
{
    snprintf(ret_place, SEGMENT_PLACE_BYTES, "journal/%0*" PRIu64 " offset %" PRIu64, NUMBER_DIGITS, number, offset);
}

static enum varve_status status_of(int os_result)
{
    switch (-os_result) {
    case ENOSPC:
    case EDQUOT:
        return VARVE_DISK_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return VARVE_READ_ONLY;
    case ENOMEM:
        return VARVE_NO_MEMORY;
    default:
        return VARVE_IO;
    }
}

enum varve_status segment_fail(struct varve_error *error, int os_result, const char *doing, uint64_t number)
{
    return varve_fail(error, status_of(os_result), NULL, "journal/%0*" PRIu64 ": cannot %s: %s", NUMBER_DIGITS, number,
                      doing, strerror(-os_result));
}

static enum varve_status directory_fail(struct varve_error *error, int os_result, const char *doing, const char *path)
{
    return varve_fail(error, status_of(os_result), NULL, "cannot %s %s: %s", doing, path, strerror(-os_result));
}

static bool segment_path(const struct journal_options *options, uint64_t number, char ret_path[PATH_MAX])
{
    int size = snprintf(ret_path, PATH_MAX, "%s/%0*" PRIu64, options->directory, NUMBER_DIGITS, number);
    return size > 0 && size < PATH_MAX;
}

static bool temporary_path(const struct journal_options *options, char ret_path[PATH_MAX])
{
    int size = snprintf(ret_path, PATH_MAX, "%s/" TEMPORARY, options->directory);
    return size > 0 && size < PATH_MAX;
}

/* Exactly as segment_path() writes it, so that one number has one name. */
static bool parse_number(const char *name, uint64_t *ret_number)
{
    size_t digits = strspn(name, "0123456789");

    if (name[digits] != '\0' || digits < NUMBER_DIGITS || digits > MAX_DIGITS)
        return false;
    if (digits > NUMBER_DIGITS && name[0] == '0')
        return false;
    *ret_number = strtoull(name, NULL, 10);
    return *ret_number > 0;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static enum varve_status collect_numbers(DIR *directory, uint64_t **numbers, size_t *count, struct varve_error *error)
{
    size_t room = 0;

    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        uint64_t number;
        if (!parse_number(entry->d_name, &number))
            continue;
        if (*count == room) {
            room = room == 0 ? 16 : 2 * room;
            uint64_t *grown = realloc(*numbers, room * sizeof(*grown));
            if (grown == NULL)
                return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of %zu journal files", room);
            *numbers = grown;
        }
        (*numbers)[(*count)++] = number;
    }
    return VARVE_OK;
}

enum varve_status segment_list(const struct journal_options *options, uint64_t **ret_numbers, size_t *ret_count,
                               struct varve_error *error)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    DIR *directory = opendir(options->directory);

    if (directory == NULL && errno == ENOENT)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s is missing", options->directory);
    if (directory == NULL)
        return directory_fail(error, -errno, "list", options->directory);

    enum varve_status status = collect_numbers(directory, &numbers, &count, error);
    closedir(directory);
    if (status != VARVE_OK) {
        free(numbers);
        return status;
    }
    if (count > 0)
        qsort(numbers, count, sizeof(*numbers), compare_numbers);
    *ret_numbers = numbers;
    *ret_count = count;
    return VARVE_OK;
}

enum varve_status segment_make_directory(const struct journal_options *options, struct varve_error *error)
{
    char parent[PATH_MAX];

    if (mkdir(options->directory, 0777) < 0 && errno != EEXIST)
        return directory_fail(error, -errno, "make", options->directory);
    if (snprintf(parent, sizeof(parent), "%s/..", options->directory) >= (int)sizeof(parent))
        return directory_fail(error, -ENAMETOOLONG, "make", options->directory);
    int result = options->os->sync_directory(options->os->self, parent);
    return result < 0 ? directory_fail(error, result, "sync", parent) : VARVE_OK;
}

enum varve_status segment_open(const struct journal_options *options, uint64_t number, bool read_only, int *ret_fd,
                               struct varve_error *error)
{
    char path[PATH_MAX];

    if (!segment_path(options, number, path))
        return segment_fail(error, -ENAMETOOLONG, "open", number);
    int fd = options->os->open(options->os->self, path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC, 0);
    if (fd < 0)
        return segment_fail(error, fd, "open", number);
    *ret_fd = fd;
    return VARVE_OK;
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

/* Not seeded: whether a file belongs to another store can then be told from damage. */
uint64_t segment_checksum(const uint8_t block[JOURNAL_BLOCK])
{
    return XXH3_64bits(block + AT_FORMAT, JOURNAL_BLOCK - AT_FORMAT);
}

static void write_header(const struct journal_options *options, uint64_t number, uint8_t block[JOURNAL_BLOCK])
{
    memset(block, 0, JOURNAL_BLOCK);
    memcpy(block, magic, sizeof(magic));
    put32(block + AT_FORMAT, SEGMENT_FORMAT);
    put32(block + AT_SIZE, options->segment_size_bytes);
    put64(block + AT_NUMBER, number);
    memcpy(block + AT_DATABASE, options->database_id.bytes, sizeof(options->database_id.bytes));
    put64(block + AT_CHECKSUM, segment_checksum(block));
}

enum varve_status segment_parse_header(const struct journal_options *options, uint64_t number,
                                       const uint8_t block[JOURNAL_BLOCK], uint32_t *ret_size,
                                       struct varve_error *error)
{
    if (memcmp(block, magic, sizeof(magic)) != 0 || get64(block + AT_CHECKSUM) != segment_checksum(block))
        return varve_fail(error, VARVE_CORRUPT, NULL, "the file's header is damaged");
    if (get32(block + AT_FORMAT) > SEGMENT_FORMAT)
        return varve_fail(error, VARVE_NEWER_FORMAT, NULL, "journal format %" PRIu32 ", this varve knows %d",
                          get32(block + AT_FORMAT), SEGMENT_FORMAT);
    if (memcmp(block + AT_DATABASE, options->database_id.bytes, sizeof(options->database_id.bytes)) != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the file belongs to another store");
    if (get64(block + AT_NUMBER) != number)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the file was written as number %" PRIu64,
                          get64(block + AT_NUMBER));

    uint32_t size = get32(block + AT_SIZE);
    if (size < 2 * JOURNAL_BLOCK || size % JOURNAL_BLOCK != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%" PRIu32 " is no size of a segment", size);
    *ret_size = size;
    return VARVE_OK;
}

static enum varve_status check_room(const struct journal_options *options, uint64_t number, struct varve_error *error)
{
    int64_t free_bytes = options->os->free_bytes(options->os->self, options->directory);

    if (free_bytes < 0)
        return segment_fail(error, (int)free_bytes, "ask for the free space before making", number);
    uint64_t wanted = options->disk_reserve_bytes + options->segment_size_bytes;
    if ((uint64_t)free_bytes < wanted)
        return varve_fail(error, VARVE_DISK_FULL, NULL,
                          "%" PRIi64 " bytes are free, a new journal file and the reserve need %" PRIu64, free_bytes,
                          wanted);
    return VARVE_OK;
}

/* Synced every few slices: one sync of 64 MiB held up the commits meanwhile for 130-200 ms, these 3-13 ms. */
static int write_zeros(const struct journal_options *options, int fd)
{
    const struct varve_os *os = options->os;
    int result = 0;

    for (uint64_t slice = 0; slice * ZERO_SLICE < options->segment_size_bytes && result >= 0; slice++) {
        uint64_t at = slice * ZERO_SLICE, left = options->segment_size_bytes - at;
        result = os->pwrite(os->self, fd, zeros, left < ZERO_SLICE ? left : ZERO_SLICE, at);
        if (result >= 0 && slice % SLICES_PER_SYNC == SLICES_PER_SYNC - 1)
            result = os->fdatasync(os->self, fd);
    }
    return result;
}

/* All that belongs into the file while it has no number, on disk. */
static enum varve_status fill(const struct journal_options *options, uint64_t number, bool retired, int fd,
                              struct varve_error *error)
{
    uint8_t header[JOURNAL_BLOCK] __attribute__((aligned(JOURNAL_BLOCK)));
    int result = retired ? 0 : write_zeros(options, fd);

    write_header(options, number, header);
    if (result >= 0)
        result = options->os->pwrite(options->os->self, fd, header, sizeof(header), 0);
    if (result < 0)
        return segment_fail(error, result, "fill", number);
    result = options->os->fdatasync(options->os->self, fd);
    return result < 0 ? segment_fail(error, result, "sync", number) : VARVE_OK;
}

static enum varve_status give_number(const struct journal_options *options, uint64_t number, const char *temporary,
                                     struct varve_error *error)
{
    char path[PATH_MAX];

    if (!segment_path(options, number, path))
        return segment_fail(error, -ENAMETOOLONG, "rename", number);
    int result = options->os->rename(options->os->self, temporary, path);
    if (result < 0)
        return segment_fail(error, result, "rename", number);
    result = options->os->sync_directory(options->os->self, options->directory);
    return result < 0 ? segment_fail(error, result, "sync the directory of", number) : VARVE_OK;
}

enum varve_status segment_make(const struct journal_options *options, uint64_t number, bool retired, int *ret_fd,
                               struct varve_error *error)
{
    char temporary[PATH_MAX];
    enum varve_status status = retired ? VARVE_OK : check_room(options, number, error);

    if (status != VARVE_OK)
        return status;
    if (!temporary_path(options, temporary))
        return segment_fail(error, -ENAMETOOLONG, "make", number);
    int fd = options->os->open(options->os->self, temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return segment_fail(error, fd, "make", number);

    status = fill(options, number, retired, fd, error);
    if (status == VARVE_OK)
        status = give_number(options, number, temporary, error);
    if (status != VARVE_OK) {
        options->os->close(options->os->self, fd);
        return status;
    }
    *ret_fd = fd;
    return VARVE_OK;
}

enum varve_status segment_retire(const struct journal_options *options, uint64_t number, struct varve_error *error)
{
    char path[PATH_MAX], temporary[PATH_MAX];

    if (!segment_path(options, number, path) || !temporary_path(options, temporary))
        return segment_fail(error, -ENAMETOOLONG, "retire", number);
    int result = options->os->rename(options->os->self, path, temporary);
    if (result < 0)
        return segment_fail(error, result, "retire", number);
    /* Only then may its header change: a scan must never meet the new header under the old name. */
    result = options->os->sync_directory(options->os->self, options->directory);
    return result < 0 ? segment_fail(error, result, "sync the directory of", number) : VARVE_OK;
}
