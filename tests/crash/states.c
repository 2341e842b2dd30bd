/* states.c - see states.h. */
#include "tests/crash/states.h"

#include "tests/crash/common.h"
#include "tests/support/random.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- what is under way ------------------------------------------------------------------------------------------- */

static void add_choice(struct states *states, size_t *room, struct state_choice choice)
{
    states->choices = grown(states->choices, states->count, room, sizeof(*states->choices));
    states->choices[states->count++] = choice;
}

/* The sector's bytes as they were before write `index`, whatever of the writes before it arrives last. */
static const uint8_t *bytes_before(const struct image_object *file, size_t index)
{
    static const uint8_t nothing[IMAGE_SECTOR];
    uint64_t at = (uint64_t)file->writes[index].sector * IMAGE_SECTOR;

    for (size_t i = index; i-- > 0;)
        if (file->writes[i].sector == file->writes[index].sector)
            return file->writes[i].bytes;
    return at + IMAGE_SECTOR <= file->lasting.room ? file->lasting.bytes + at : nothing;
}

static bool is_named(const struct image_names *names, uint32_t object)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].object == object)
            return true;
    return false;
}

/* Can any state have it? Not when its name is gone for certain. */
static bool is_reachable(const struct image *image, uint32_t object)
{
    for (size_t i = 0; i < image->object_count; i++) {
        const struct image_object *directory = &image->objects[i];
        if (is_named(&directory->lasting_names, object) || is_named(&directory->names_now, object))
            return true;
        for (size_t j = 0; j < directory->rename_count; j++)
            if (directory->renames[j].object == object)
                return true;
    }
    return object == 0;
}

/* A write that changes nothing gives no choice. */
static void add_sectors(struct states *states, size_t *room, uint32_t object)
{
    const struct image_object *file = &states->image->objects[object];

    if (file->write_count == 0 || !is_reachable(states->image, object))
        return;
    for (size_t i = 0; i < file->write_count; i++)
        if (memcmp(file->writes[i].bytes, bytes_before(file, i), IMAGE_SECTOR) != 0)
            add_choice(states, room, (struct state_choice){ object, CHOICE_SECTOR, (uint32_t)i, 2 });
}

static int by_sequence(const void *left, const void *right, void *context)
{
    const struct state_choice *a = left, *b = right;
    const struct image *image = context;
    uint64_t x = image->objects[a->object].writes[a->write].sequence;
    uint64_t y = image->objects[b->object].writes[b->write].sequence;

    if (x != y)
        return x < y ? -1 : 1;
    return a->write < b->write ? -1 : a->write > b->write;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

void states_init(struct states *states, const struct image *image, uint64_t random, uint64_t seed)
{
    size_t room = 0;

    *states = (struct states){ .image = image, .combinations = 1, .random = random, .seed = seed };
    for (uint32_t i = 0; i < image->object_count; i++)
        add_sectors(states, &room, i);
    states->sectors = states->count;
    if (states->count > 0)
        qsort_r(states->choices, states->count, sizeof(*states->choices), by_sequence, (void *)(uintptr_t)image);
    for (uint32_t i = 0; i < image->object_count; i++) {
        const struct image_object *object = &image->objects[i];
        if (object->resize_count > 0 && is_reachable(image, i))
            add_choice(states, &room, (struct state_choice){ i, CHOICE_SIZE, 0, (uint32_t)object->resize_count + 1 });
        if (object->rename_count > 0)
            add_choice(states, &room, (struct state_choice){ i, CHOICE_NAMES, 0, (uint32_t)object->rename_count + 1 });
    }
    states->ordered = 2 + 3 * (uint64_t)states->sectors;
    for (size_t i = 0; i < states->count; i++) {
        states->combinations = multiply(states->combinations, states->choices[i].choices);
        if (i >= states->sectors)
            states->ordered += 2 * (uint64_t)states->choices[i].choices;
    }
}

void states_free(struct states *states)
{
    free(states->choices);
}

bool states_exhaustive(const struct states *states)
{
    return states->sectors <= STATES_EXHAUSTIVE_BITS && states->combinations <= STATES_EXHAUSTIVE_MOST;
}

uint64_t states_total(const struct states *states)
{
    return states_exhaustive(states) ? states->combinations : states->ordered + states->random;
}

/* ---- the index-th ------------------------------------------------------------------------------------------------ */

static void set_all(const struct states *states, size_t from, size_t to, bool present, uint32_t *outcomes)
{
    for (size_t i = from; i < to; i++)
        outcomes[i] = present ? states->choices[i].choices - 1 : 0;
}

static void get_combination(const struct states *states, uint64_t index, uint32_t *outcomes)
{
    for (size_t i = 0; i < states->count; i++) {
        outcomes[i] = (uint32_t)(index % states->choices[i].choices);
        index /= states->choices[i].choices;
    }
}

static void get_ordered(const struct states *states, uint64_t index, uint32_t *outcomes)
{
    set_all(states, 0, states->count, index != 0, outcomes);
    if (index < 2)
        return;
    index -= 2;
    if (index < 3 * (uint64_t)states->sectors) {
        size_t sector = (size_t)(index / 3);
        if (index % 3 == 0) /* Missing alone. */
            outcomes[sector] = 0;
        else                /* Present alone; or all up to it. */
            set_all(states, 0, states->sectors, false, outcomes);
        if (index % 3 == 1)
            outcomes[sector] = 1;
        else if (index % 3 == 2)
            set_all(states, 0, sector + 1, true, outcomes);
        return;
    }
    index -= 3 * (uint64_t)states->sectors;
    for (size_t i = states->sectors; i < states->count; i++) { /* Each stage of names or size, all else or no sector. */
        if (index < 2 * (uint64_t)states->choices[i].choices) {
            if (index % 2 == 1)
                set_all(states, 0, states->sectors, false, outcomes);
            outcomes[i] = (uint32_t)(index / 2);
            return;
        }
        index -= 2 * (uint64_t)states->choices[i].choices;
    }
}

static void get_random(const struct states *states, uint64_t index, uint32_t *outcomes)
{
    uint64_t random = states->seed + index * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t density = 1 + random_below(&random, 9); /* Tenths of the sectors that arrive. */

    random_next(&random);
    for (size_t i = 0; i < states->count; i++) {
        uint32_t choices = states->choices[i].choices;
        if (i < states->sectors)
            outcomes[i] = random_below(&random, 10) < density;
        else
            outcomes[i] = random_below(&random, 2) == 0 ? choices - 1 : (uint32_t)random_below(&random, choices);
    }
}

void states_get(const struct states *states, uint64_t index, uint32_t *ret_outcomes)
{
    if (states_exhaustive(states))
        get_combination(states, index, ret_outcomes);
    else if (index < states->ordered)
        get_ordered(states, index, ret_outcomes);
    else
        get_random(states, index - states->ordered, ret_outcomes);
}

/* ---- made real --------------------------------------------------------------------------------------------------- */

typedef void (*visit_file)(void *user, const char *path, const struct image_bytes *bytes);

static const struct state_choice *choice_of(const struct states *states, uint32_t object, int kind, size_t *ret_index)
{
    for (size_t i = states->sectors; i < states->count; i++)
        if (states->choices[i].object == object && (int)states->choices[i].kind == kind) {
            *ret_index = i;
            return &states->choices[i];
        }
    return NULL;
}

static uint64_t size_of(const struct states *states, const uint32_t *outcomes, uint32_t object)
{
    const struct image_object *file = &states->image->objects[object];
    size_t index;

    if (choice_of(states, object, CHOICE_SIZE, &index) == NULL || outcomes[index] == 0)
        return file->lasting.size;
    return file->resizes[outcomes[index] - 1].size;
}

/* The file's bytes in this state; room is reused from call to call. */
static void make_file(const struct states *states, const uint32_t *outcomes, uint32_t object, struct image_bytes *file)
{
    const struct image_object *from = &states->image->objects[object];

    file->size = size_of(states, outcomes, object);
    if (file->size > file->room) {
        file->room = file->size;
        file->bytes = must_grow(file->bytes, file->room);
    }
    uint64_t known = file->size < from->lasting.size ? file->size : from->lasting.size;
    if (known > 0)
        memcpy(file->bytes, from->lasting.bytes, known);
    if (file->size > known)
        memset(file->bytes + known, 0, file->size - known);
    for (size_t i = 0; i < states->sectors; i++) {
        const struct state_choice *choice = &states->choices[i];
        if (choice->object != object || outcomes[i] == 0)
            continue;
        const struct image_write *write = &from->writes[choice->write];
        uint64_t at = (uint64_t)write->sector * IMAGE_SECTOR;
        if (at < file->size)
            memcpy(file->bytes + at, write->bytes, file->size - at < IMAGE_SECTOR ? file->size - at : IMAGE_SECTOR);
    }
}

static void make_names(const struct states *states, const uint32_t *outcomes, uint32_t object,
                       struct image_names *ret_names)
{
    const struct image_object *directory = &states->image->objects[object];
    size_t index;

    *ret_names = (struct image_names){ 0 };
    for (size_t i = 0; i < directory->lasting_names.count; i++) {
        ret_names->items = grown(ret_names->items, ret_names->count, &ret_names->room, sizeof(*ret_names->items));
        ret_names->items[ret_names->count++] = directory->lasting_names.items[i];
    }
    if (choice_of(states, object, CHOICE_NAMES, &index) != NULL)
        for (uint32_t i = 0; i < outcomes[index]; i++)
            image_rename_in(ret_names, &directory->renames[i]);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct image_name *)left)->name, ((const struct image_name *)right)->name);
}

/* Every file and directory (bytes NULL) of the state, sorted, directories before what is in them. */
static void each_file(const struct states *states, const uint32_t *outcomes, uint32_t directory, const char *prefix,
                      struct image_bytes *file, visit_file visit, void *user)
{
    struct image_names names;

    make_names(states, outcomes, directory, &names);
    if (names.count > 0)
        qsort(names.items, names.count, sizeof(*names.items), by_name);
    for (size_t i = 0; i < names.count; i++) {
        char path[160];
        uint32_t object = names.items[i].object;
        snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] == '\0' ? "" : "/", names.items[i].name);
        if (states->image->objects[object].directory) {
            visit(user, path, NULL);
            each_file(states, outcomes, object, path, file, visit, user);
            continue;
        }
        make_file(states, outcomes, object, file);
        visit(user, path, file);
    }
    free(names.items);
}

static void hash_file(void *user, const char *path, const struct image_bytes *bytes)
{
    uint64_t *hash = user;

    *hash = XXH3_64bits_withSeed(path, strlen(path), *hash);
    if (bytes != NULL) {
        *hash ^= bytes->size;
        if (bytes->size > 0)
            *hash = XXH3_64bits_withSeed(bytes->bytes, bytes->size, *hash);
    }
}

uint64_t states_hash(const struct states *states, const uint32_t *outcomes)
{
    static struct image_bytes file;
    uint64_t hash = 0;

    each_file(states, outcomes, 0, "", &file, hash_file, &hash);
    return hash;
}

struct writing {
    const char *path;
    char names[64][160]; /* of the state, to know what else is in the directory */
    size_t count;
};

static void write_file(void *user, const char *path, const struct image_bytes *bytes)
{
    struct writing *writing = user;
    char whole[512];

    if (writing->count == 64)
        die("more files than a state may have");
    snprintf(writing->names[writing->count++], sizeof(writing->names[0]), "%s", path);
    snprintf(whole, sizeof(whole), "%s/%s", writing->path, path);
    if (bytes == NULL) {
        mkdir(whole, 0700);
        return;
    }
    int fd = open(whole, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* Its pages are kept for the next state. */
    if (fd < 0 || pwrite(fd, bytes->bytes, bytes->size, 0) != (ssize_t)bytes->size ||
        ftruncate(fd, (off_t)bytes->size) != 0)
        die("cannot write %s", whole);
    close(fd);
}

static bool is_written(const struct writing *writing, const char *path)
{
    for (size_t i = 0; i < writing->count; i++)
        if (strcmp(writing->names[i], path) == 0)
            return true;
    return false;
}

static void remove_others(const struct writing *writing, const char *below)
{
    char whole[1024], path[512];

    snprintf(whole, sizeof(whole), "%s/%s", writing->path, below);
    DIR *directory = opendir(whole);
    if (directory == NULL)
        return;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name);
        snprintf(whole, sizeof(whole), "%s/%s", writing->path, path);
        if (entry->d_type == DT_DIR)
            remove_others(writing, path);
        if (!is_written(writing, path) && remove(whole) != 0)
            die("cannot remove %s", whole);
    }
    closedir(directory);
}

void states_write(const struct states *states, const uint32_t *outcomes, const char *path)
{
    static struct image_bytes file;
    static struct writing writing;

    writing.path = path;
    writing.count = 0;
    mkdir(path, 0700);
    each_file(states, outcomes, 0, "", &file, write_file, &writing);
    remove_others(&writing, "");
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct image *image, uint32_t object)
{
    for (size_t i = 0; i < image->object_count; i++)
        for (size_t j = 0; j < image->objects[i].names_now.count; j++)
            if (image->objects[i].names_now.items[j].object == object)
                return image->objects[i].names_now.items[j].name;
    return object == 0 ? "the directory" : "a file without a name";
}

void states_print(const struct states *states, const uint32_t *outcomes)
{
    for (size_t i = 0; i < states->count; i++) {
        const struct state_choice *choice = &states->choices[i];
        const struct image_object *object = &states->image->objects[choice->object];
        if (choice->kind == CHOICE_SECTOR)
            printf("    %s: sector %u (operation %llu): %s\n", name_of(states->image, choice->object),
                   object->writes[choice->write].sector,
                   (unsigned long long)object->writes[choice->write].sequence,
                   outcomes[i] == 1 ? "on the disk" : "lost");
        else
            printf("    %s: %s: stage %u of %u\n", name_of(states->image, choice->object),
                   choice->kind == CHOICE_SIZE ? "size" : "names", outcomes[i], choice->choices - 1);
    }
}
