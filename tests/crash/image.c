/* image.c - see image.h. */
#include "tests/crash/image.h"

#include "tests/crash/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void image_init(struct image *image)
{
    memset(image, 0, sizeof(*image));
    image->objects = grown(NULL, 0, &image->object_room, sizeof(*image->objects));
    memset(&image->objects[0], 0, sizeof(image->objects[0]));
    image->objects[0].directory = true;
    image->object_count = 1;
}

void image_free(struct image *image)
{
    for (size_t i = 0; i < image->object_count; i++) {
        struct image_object *object = &image->objects[i];
        free(object->lasting.bytes);
        free(object->now.bytes);
        free(object->writes);
        free(object->resizes);
        free(object->lasting_names.items);
        free(object->names_now.items);
        free(object->renames);
    }
    free(image->objects);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static struct image_name *find_name(const struct image_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].name, name) == 0)
            return &names->items[i];
    return NULL;
}

static void remove_name(struct image_names *names, const char *name)
{
    struct image_name *found = find_name(names, name);

    if (found != NULL)
        *found = names->items[--names->count];
}

static void add_name(struct image_names *names, const char *name, uint32_t object)
{
    names->items = grown(names->items, names->count, &names->room, sizeof(*names->items));
    snprintf(names->items[names->count].name, sizeof(names->items->name), "%s", name);
    names->items[names->count++].object = object;
}

void image_rename_in(struct image_names *names, const struct image_rename *change)
{
    uint32_t object = change->object;

    if (change->from[0] != '\0') {
        const struct image_name *from = find_name(names, change->from);
        if (from == NULL)
            return;
        object = from->object;
        remove_name(names, change->from);
    }
    if (change->to[0] != '\0') {
        remove_name(names, change->to);
        add_name(names, change->to, object);
    }
}

/* The directory of a path, and the rest of it. */
static uint32_t directory_of(const struct image *image, const char *path, const char **ret_name)
{
    const char *slash = strchr(path, '/');
    char first[64];

    if (slash == NULL) {
        *ret_name = path;
        return 0;
    }
    snprintf(first, sizeof(first), "%.*s", (int)(slash - path), path);
    const struct image_name *found = find_name(&image->objects[0].names_now, first);
    if (found == NULL || strchr(slash + 1, '/') != NULL)
        die("the trace names %s, which cannot be", path);
    *ret_name = slash + 1;
    return found->object;
}

static void change_names(struct image *image, const char *path, const char *to, uint32_t object)
{
    const char *name, *name_to;
    uint32_t directory = directory_of(image, path, &name);
    struct image_rename change = { .sequence = image->sequence, .object = object };

    if (object != 0)
        snprintf(change.to, sizeof(change.to), "%s", name);
    else
        snprintf(change.from, sizeof(change.from), "%s", name);
    if (to != NULL) {
        if (directory_of(image, to, &name_to) != directory)
            die("a rename across directories: %s", path);
        snprintf(change.to, sizeof(change.to), "%s", name_to);
    }
    struct image_object *parent = &image->objects[directory];
    parent->renames = grown(parent->renames, parent->rename_count, &parent->rename_room, sizeof(*parent->renames));
    parent->renames[parent->rename_count++] = change;
    image_rename_in(&parent->names_now, &change);
}

static uint32_t create(struct image *image, const char *path, bool directory)
{
    image->objects = grown(image->objects, image->object_count, &image->object_room, sizeof(*image->objects));
    uint32_t object = (uint32_t)image->object_count++;
    memset(&image->objects[object], 0, sizeof(image->objects[object]));
    image->objects[object].directory = directory;
    change_names(image, path, NULL, object);
    return object;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* The size; new bytes are zero. Room is in whole sectors, zero behind the size. */
static void resize(struct image_bytes *bytes, uint64_t size)
{
    uint64_t needed = (size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;

    if (needed > bytes->room) {
        uint64_t room = 2 * bytes->room > needed ? 2 * bytes->room : needed;
        bytes->bytes = must_grow(bytes->bytes, room);
        memset(bytes->bytes + bytes->room, 0, room - bytes->room);
        bytes->room = room;
    }
    if (size < bytes->size)
        memset(bytes->bytes + size, 0, bytes->size - size);
    bytes->size = size;
}

static void note_size(struct image *image, struct image_object *file, uint64_t size)
{
    file->resizes = grown(file->resizes, file->resize_count, &file->resize_room, sizeof(*file->resizes));
    file->resizes[file->resize_count++] = (struct image_resize){ image->sequence, size };
    resize(&file->now, size);
}

static void note_write(struct image *image, struct image_object *file, const struct trace_entry *entry)
{
    uint64_t end = entry->op.offset + entry->op.data_bytes;

    if (entry->op.data_bytes == 0)
        return;
    if (end > file->now.size)
        note_size(image, file, end);
    memcpy(file->now.bytes + entry->op.offset, entry->data, entry->op.data_bytes);
    for (uint64_t sector = entry->op.offset / IMAGE_SECTOR; sector * IMAGE_SECTOR < end; sector++) {
        file->writes = grown(file->writes, file->write_count, &file->write_room, sizeof(*file->writes));
        struct image_write *write = &file->writes[file->write_count++];
        write->sequence = image->sequence;
        write->sector = (uint32_t)sector;
        memcpy(write->bytes, file->now.bytes + sector * IMAGE_SECTOR, IMAGE_SECTOR);
    }
}

static void settle_sector(struct image_object *file, const struct image_write *write)
{
    uint64_t end = ((uint64_t)write->sector + 1) * IMAGE_SECTOR;

    if (end > file->lasting.room) {
        uint64_t size = file->lasting.size;
        resize(&file->lasting, end);
        file->lasting.size = size;
    }
    memcpy(file->lasting.bytes + end - IMAGE_SECTOR, write->bytes, IMAGE_SECTOR);
}

/* What was noted in [from, before) lasts from here on. */
static void settle_file(struct image_object *file, uint64_t from, uint64_t before)
{
    size_t kept = 0;

    for (size_t i = 0; i < file->resize_count; i++) {
        if (file->resizes[i].sequence >= from && file->resizes[i].sequence < before)
            resize(&file->lasting, file->resizes[i].size);
        else
            file->resizes[kept++] = file->resizes[i];
    }
    file->resize_count = kept;
    kept = 0;
    for (size_t i = 0; i < file->write_count; i++) {
        if (file->writes[i].sequence >= from && file->writes[i].sequence < before)
            settle_sector(file, &file->writes[i]);
        else
            file->writes[kept++] = file->writes[i];
    }
    file->write_count = kept;
}

static void settle_names(struct image_object *directory, uint64_t before)
{
    size_t done = 0;

    while (done < directory->rename_count && directory->renames[done].sequence < before)
        image_rename_in(&directory->lasting_names, &directory->renames[done++]);
    memmove(directory->renames, directory->renames + done,
            (directory->rename_count - done) * sizeof(*directory->renames));
    directory->rename_count -= done;
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static uint32_t object_at(const struct image *image, const char *path)
{
    const char *name;

    if (path[0] == '\0')
        return 0;
    uint32_t directory = directory_of(image, path, &name);
    const struct image_name *found = find_name(&image->objects[directory].names_now, name);
    if (found == NULL)
        die("the trace opens %s, which is not there", path);
    return found->object;
}

static void apply_open(struct image *image, const struct trace_entry *entry)
{
    uint32_t object = (entry->op.flags & TRACE_CREATED) != 0 ? create(image, entry->path, false)
                                                             : object_at(image, entry->path);

    if (entry->op.fd < 0 || (unsigned)entry->op.fd >= IMAGE_FDS)
        die("the trace has a descriptor %d", entry->op.fd);
    if ((entry->op.flags & TRACE_TRUNCATED) != 0)
        note_size(image, &image->objects[object], 0);
    image->fds[entry->op.fd].open = true;
    image->fds[entry->op.fd].dsync = (entry->op.flags & TRACE_DSYNC) != 0;
    image->fds[entry->op.fd].object = object;
}

static struct image_object *object_of_fd(struct image *image, const struct trace_entry *entry)
{
    if (entry->op.fd < 0 || (unsigned)entry->op.fd >= IMAGE_FDS || !image->fds[entry->op.fd].open)
        die("the trace uses descriptor %d, which is not open", entry->op.fd);
    return &image->objects[image->fds[entry->op.fd].object];
}

static void apply_to_fd(struct image *image, const struct trace_entry *entry)
{
    struct image_object *object = object_of_fd(image, entry);
    uint64_t began = image->fds[entry->op.fd].sync_began;

    switch (entry->op.kind) {
    case TRACE_WRITE:
        note_write(image, object, entry);
        if (image->fds[entry->op.fd].dsync && (entry->op.flags & TRACE_DIED) == 0)
            image->in_flight = image->fds[entry->op.fd].object;
        break;
    case TRACE_SIZE:
        note_size(image, object, entry->op.offset);
        break;
    case TRACE_SYNC_BEGIN:
        image->fds[entry->op.fd].sync_began = image->sequence;
        break;
    default:
        if (object->directory)
            settle_names(object, began);
        else
            settle_file(object, 0, began);
    }
}

void image_apply(struct image *image, const struct trace_entry *entry)
{
    image->sequence++;
    switch (entry->op.kind) {
    case TRACE_SESSION:
        for (unsigned i = 0; i < IMAGE_FDS; i++)
            image->fds[i].open = false;
        break;
    case TRACE_OPEN:
        apply_open(image, entry);
        break;
    case TRACE_MKDIR:
        create(image, entry->path, true);
        break;
    case TRACE_RENAME:
        change_names(image, entry->path, (const char *)entry->data, 0);
        break;
    case TRACE_UNLINK:
        change_names(image, entry->path, NULL, 0);
        break;
    case TRACE_MARK:
        break;
    default:
        apply_to_fd(image, entry);
    }
}

bool image_in_flight(const struct image *image)
{
    return image->in_flight != 0;
}

void image_land(struct image *image)
{
    settle_file(&image->objects[image->in_flight], image->sequence, image->sequence + 1);
    image->in_flight = 0;
}
