/* test_snapshot_file.c - bits of snapshots.mdb turned over, before it is opened and while it is in use: what is then
 * said is true or nothing, writing goes on, and nothing crashes. */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/effort.h"
#include "support/random.h"

enum { STREAMS = 120, VERSIONS = 40 };

struct image {
    uint8_t *bytes;
    size_t size;
};

static struct image image_take(const char *path)
{
    struct image image;
    struct stat info;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    image.size = (size_t)info.st_size;
    image.bytes = malloc(image.size);
    assert_non_null(image.bytes);
    assert_int_equal(read(fd, image.bytes, image.size), image.size);
    close(fd);
    return image;
}

static void image_put_back(const struct image *image, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->bytes, image->size), image->size);
    close(fd);
}

static void flip(const char *path, size_t bit)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

static void put_many(struct fixture *fixture, struct model *model, unsigned count, uint64_t *random)
{
    for (unsigned i = 0; i < count; i++) {
        struct model_snapshot item = random_item(random, STREAMS, VERSIONS, 6000);

        fixture_put(fixture, model, &item, 8);
    }
}

/* Half of the bits anywhere, half of them where LMDB's tree is: the meta pages, branches, leaves. */
static size_t choose_bit(const struct image *image, uint64_t *random)
{
    size_t page = random_below(random, image->size / 4096);
    unsigned tries = 0;

    if (random_below(random, 2) == 0)
        return random_below(random, image->size * 8);
    while ((image->bytes[page * 4096 + 10] & 0x0b) == 0 && tries++ < 1000)
        page = random_below(random, image->size / 4096);
    /* The headers and the offsets more often than the rest. */
    return page * 4096 * 8 + random_below(random, random_below(random, 3) == 0 ? 4096 * 8 : 256 * 8);
}

static void model_copy(struct model *to, const struct model *from)
{
    to->count = from->count;
    to->items = malloc((from->count + 1) * sizeof(*to->items));
    assert_non_null(to->items);
    memcpy(to->items, from->items, from->count * sizeof(*to->items));
}

/* Go on after the damage: nothing wrong is read, and what is put now can be read now. */
static void go_on(struct fixture *fixture, const struct model *before, uint64_t *random)
{
    struct model model;

    fixture->lossy = true;
    model_copy(&model, before);
    if (random_below(random, 2) == 0)
        check_no_lies(fixture, &model, STREAMS);
    for (unsigned i = 0; i < 12; i++) {
        struct model_snapshot item = random_item(random, STREAMS, VERSIONS, 6000);

        fixture_put(fixture, &model, &item, 1 + (uint32_t)random_below(random, 8));
        item = random_item(random, STREAMS, VERSIONS, 1);
        assert_int_equal(varve_snapshots_delete(fixture->cache, varve_view_str(item.stream), 0, item.version, NULL,
                                                NULL), VARVE_OK);
        model_delete(&model, item.stream, 0, item.version);
    }
    check_no_lies(fixture, &model, STREAMS);
    fixture_reopen(fixture);
    check_no_lies(fixture, &model, STREAMS);
    model_free(&model);
}

static void turn_bits_over(bool in_use)
{
    uint64_t random = test_seed((uint64_t)getpid());
    struct fixture fixture;
    struct model model = { .items = NULL };
    unsigned told = 0;

    fixture_open(&fixture);
    put_many(&fixture, &model, 1500, &random);
    fixture_reopen(&fixture);
    varve_snapshots_close(fixture.cache);
    fixture.cache = NULL;
    struct image image = image_take(fixture.path);
    for (unsigned i = 0; i < TEST_EFFORT(250); i++) {
        size_t bit = choose_bit(&image, &random);

        image_put_back(&image, fixture.path);
        fixture.told = 0;
        if (!in_use)
            flip(fixture.path, bit);
        fixture_reopen(&fixture);
        if (in_use)
            flip(fixture.path, bit);
        go_on(&fixture, &model, &random);
        told += fixture.told > 0;
        varve_snapshots_close(fixture.cache);
        fixture.cache = NULL;
    }
    print_message("told of damage %u times\n", told);
    assert_true(told > 0);
    free(image.bytes);
    model_free(&model);
    fixture_close(&fixture);
}

static void bits_turned_over_before_opening_never_lie(void **state)
{
    turn_bits_over(false);
}

static void bits_turned_over_in_use_never_lie(void **state)
{
    turn_bits_over(true);
}

static void lost_ends_and_garbage_are_misses(void **state)
{
    uint64_t random = 5;
    struct fixture fixture;
    struct model model = { .items = NULL };

    fixture_open(&fixture);
    put_many(&fixture, &model, 200, &random);
    varve_snapshots_close(fixture.cache);
    fixture.cache = NULL;
    struct image image = image_take(fixture.path);
    for (size_t size = 0; size < image.size; size += 1 + random_below(&random, image.size / 8)) {
        image_put_back(&(struct image){ image.bytes, size }, fixture.path);
        fixture_reopen(&fixture);
        go_on(&fixture, &model, &random);
        varve_snapshots_close(fixture.cache);
        fixture.cache = NULL;
    }
    memset(image.bytes, 0x5a, image.size);
    image_put_back(&image, fixture.path);
    fixture.told = 0;
    fixture_reopen(&fixture);
    assert_int_equal(fixture.told, 1);
    go_on(&fixture, &model, &random);
    free(image.bytes);
    model_free(&model);
    fixture_close(&fixture);
}

/* Its name alone is gone, and with it all that is put there: a folder in its place cannot be replaced by a file. */
static void what_cannot_be_made_anew_is_said(void **state)
{
    uint64_t random = 6;
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct model_snapshot item = random_item(&random, STREAMS, VERSIONS, 100);
    struct varve_error error;
    char *data;
    struct varve_snapshot snapshot = model_snapshot_of(&item, &data);

    fixture_open(&fixture);
    assert_int_equal(unlink(fixture.path), 0);
    assert_int_equal(mkdir(fixture.path, 0700), 0);
    assert_int_equal(varve_snapshots_put(fixture.cache, &snapshot, 0, NULL, NULL, &error), VARVE_IO);
    assert_int_equal(check_no_lies(&fixture, &model, STREAMS), 0); /* All are misses now, and no more than that. */
    assert_int_equal(rmdir(fixture.path), 0);
    fixture_put(&fixture, &model, &item, 0);
    assert_int_equal(check_no_lies(&fixture, &model, STREAMS), 0);
    free(data);
    model_free(&model);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_turned_over_before_opening_never_lie),
        cmocka_unit_test(bits_turned_over_in_use_never_lie),
        cmocka_unit_test(lost_ends_and_garbage_are_misses),
        cmocka_unit_test(what_cannot_be_made_anew_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
