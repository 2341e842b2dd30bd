/* image.h - what is on the disk for certain and what is merely under way, after the first operations of a trace.
 *
 * The model of a disk: a sync of a file makes all of it last that was written before the sync began, its size included.
 * Of what was written since, any set of 512-byte sectors may have reached the disk, whatever the order; the size may be
 * any it had since. A write to a descriptor opened with O_DSYNC lasts once it has returned. Names (creations, renames,
 * removals) last once their directory was synced; before that, the first so many of a directory's changes may have. */
#ifndef TESTS_CRASH_IMAGE_H
#define TESTS_CRASH_IMAGE_H

#include "tests/crash/trace.h"

#define IMAGE_SECTOR 512u
#define IMAGE_FDS 1024u

struct image_write { /* one sector, as it was in memory after the write */
    uint64_t sequence;
    uint32_t sector;
    uint8_t bytes[IMAGE_SECTOR];
};

struct image_resize {
    uint64_t sequence, size;
};

struct image_bytes {
    uint8_t *bytes;
    uint64_t size, room;
};

struct image_name {
    char name[64];
    uint32_t object;
};

struct image_names {
    struct image_name *items;
    size_t count, room;
};

struct image_rename { /* a change of names; `from` empty: a creation of `to`; `to` empty: a removal */
    uint64_t sequence;
    char from[64], to[64];
    uint32_t object; /* of a creation */
};

struct image_object {
    bool directory;
    /* a file */
    struct image_bytes lasting, now;
    struct image_write *writes;
    size_t write_count, write_room;
    struct image_resize *resizes;
    size_t resize_count, resize_room;
    /* a directory */
    struct image_names lasting_names, names_now;
    struct image_rename *renames;
    size_t rename_count, rename_room;
};

struct image {
    struct image_object *objects; /* 0 is the directory itself */
    size_t object_count, object_room;
    struct {
        bool open, dsync;
        uint32_t object;
        uint64_t sync_began;
    } fds[IMAGE_FDS];
    uint64_t sequence;
    uint32_t in_flight; /* object whose newest write lasts when it returns; 0 = none */
};

void image_init(struct image *image);
void image_free(struct image *image);

/* Take in the next operation. A write that lasts when it returns is under way after this, until image_land(). */
void image_apply(struct image *image, const struct trace_entry *entry);
bool image_in_flight(const struct image *image);
void image_land(struct image *image);

/* Apply one change of names, for a state that has it. */
void image_rename_in(struct image_names *names, const struct image_rename *change);

#endif
