/* fuzz_journal.c - two journal files made of whatever the input says: frames, half frames, seals, noise. No scan reads
 * where it may not, what it takes is without gaps, and a check finds something exactly when opening refuses. */
#include "engine/journal_frame.h"
#include "engine/journal_scan.h"
#include "engine/journal_segment.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILES 2u
#define BLOCKS 6u
#define FILE_BYTES (BLOCKS * JOURNAL_BLOCK)
#define SEED 3u

static uint8_t files[FILES][FILE_BYTES];

/* ---- a disk in memory: a descriptor is a file's index ------------------------------------------------------------ */

static int memory_open(void *self, const char *path, int flags, int mode)
{
    int file = path[strlen(path) - 1] - '1';

    MUST((flags & (O_CREAT | O_TRUNC)) == 0 && (flags & O_ACCMODE) == O_RDONLY);
    return file >= 0 && file < (int)FILES ? file : -ENOENT;
}

static int memory_close(void *self, int fd)
{
    return 0;
}

static ssize_t memory_pread(void *self, int fd, void *bytes, size_t size, uint64_t offset)
{
    if (offset >= FILE_BYTES)
        return 0;
    size_t left = FILE_BYTES - (size_t)offset;
    size_t got = size < left ? size : left;
    memcpy(bytes, files[fd] + offset, got);
    return (ssize_t)got;
}

static const struct varve_os memory = { .open = memory_open, .close = memory_close, .pread = memory_pread };

/* The names come from a real directory. */
static char directory[] = "/tmp/varve-fuzz-XXXXXX";

static void name_of(unsigned number, char ret_name[64])
{
    snprintf(ret_name, 64, "%s/%08u", directory, number);
}

static void remove_names(void)
{
    char name[64];

    for (unsigned i = 1; i <= FILES; i++) {
        name_of(i, name);
        unlink(name);
    }
    rmdir(directory);
}

static void make_names(void)
{
    char name[64];

    MUST(mkdtemp(directory) != NULL);
    for (unsigned i = 1; i <= FILES; i++) {
        name_of(i, name);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        MUST(fd >= 0);
        close(fd);
    }
    atexit(remove_names);
}

/* ---- files out of the input -------------------------------------------------------------------------------------- */

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t take(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

/* What a sound writer would say in the next frame's header. */
struct writer {
    uint64_t position, last_hash;
};

static uint64_t put_frame(uint8_t *at, uint64_t room, struct input *input, struct writer *writer, uint64_t segment)
{
    struct frame_header header = { .segment = segment, .first_position = writer->position,
                                   .prev_hash = writer->last_hash };
    uint8_t count = take(input) % 4, twist = take(input);
    uint8_t *body = at + FRAME_HEADER_BYTES;

    header.seal = count == 0;
    for (; header.count < count; header.count++) {
        uint32_t size = (uint32_t)take(input) * 8;
        if (FRAME_HEADER_BYTES + header.body_bytes + 4 + size > room)
            break;
        memcpy(body + header.body_bytes, &size, 4);
        header.body_bytes += 4 + size;
    }
    if (twist == 1)
        header.prev_hash++;
    if (twist == 2)
        header.first_position += take(input);
    if (twist == 3)
        header.segment++;
    if (twist == 4)
        header.count = take(input);
    if (twist == 5)
        memset(body, take(input), header.body_bytes < 8 ? header.body_bytes : 8);
    uint64_t hash = frame_finish(at, &header, SEED);
    if (twist == 6)
        at[take(input)] ^= take(input);
    if (!header.seal && (twist < 4 || twist > 6)) {
        writer->position = header.first_position + header.count;
        writer->last_hash = hash;
    }
    return frame_file_bytes(header.body_bytes);
}

static void put_header(unsigned file, struct input *input)
{
    uint8_t *block = files[file];
    uint32_t format = 1, size = FILE_BYTES;
    uint64_t number = file + 1;

    memcpy(block, "varvejnl", 8);
    memcpy(block + 16, &format, 4);
    memcpy(block + 20, &size, 4);
    memcpy(block + 24, &number, 8);
    uint8_t twist = take(input);
    if (twist > 250)
        block[16 + take(input) % 32] ^= take(input);
    uint64_t checksum = segment_checksum(block);
    memcpy(block + 8, &checksum, 8);
    if (twist == 250)
        block[take(input)] ^= take(input);
}

static void make_files(struct input *input)
{
    struct writer writer = { .position = 1 };

    memset(files, 0, sizeof(files));
    for (unsigned file = 0; file < FILES; file++) {
        put_header(file, input);
        for (uint64_t at = JOURNAL_BLOCK; at < FILE_BYTES && input->left > 0;) {
            uint8_t kind = take(input);
            if (kind == 255)
                break;
            if (kind < 200)
                at += put_frame(files[file] + at, FILE_BYTES - at, input, &writer, file + 1);
            else {
                memset(files[file] + at, take(input), JOURNAL_BLOCK);
                at += JOURNAL_BLOCK;
            }
        }
    }
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

struct seen {
    uint64_t records, bytes, damages;
};

static enum varve_status on_record(void *user, const uint8_t *record, uint32_t size)
{
    struct seen *seen = user;

    seen->records++;
    for (uint32_t i = 0; i < size; i++) /* Touch each byte: all of it must be there. */
        seen->bytes += record[i];
    return VARVE_OK;
}

static bool on_damage(void *user, enum varve_status status, const char *where, const char *what)
{
    struct seen *seen = user;

    seen->damages++;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool made;
    struct input input = { bytes, size };
    const struct journal_options options = { .directory = directory, .os = &memory, .seed = SEED,
                                             .segment_size_bytes = FILE_BYTES };
    struct seen opened = { 0 }, checked = { 0 };
    struct scan_request request = { .options = &options, .settled_position = take(&input) % 8, .visit = on_record,
                                    .user = &opened };
    struct scan_result result;
    struct varve_error error = { 0 };

    if (!made)
        make_names();
    made = true;
    make_files(&input);
    enum varve_status status = scan_journal(&request, &result, &error);
    if (status == VARVE_OK) {
        MUST(opened.records == result.next_position - 1 - request.settled_position);
        MUST(result.offset <= FILE_BYTES && result.offset % JOURNAL_BLOCK == 0 && result.current < FILES);
        scan_result_free(&result);
    } else
        MUST((status == VARVE_CORRUPT || status == VARVE_NEWER_FORMAT) && error.message[0] != '\0');

    request.damage = on_damage;
    request.user = &checked;
    MUST(scan_journal(&request, &result, &error) == VARVE_OK);
    scan_result_free(&result);
    MUST((checked.damages == 0) == (status == VARVE_OK));
    return 0;
}
