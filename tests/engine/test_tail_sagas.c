/* test_tail_sagas.c - the sagas of a layer: rows newest and published, listed and counted when published, in memory
 * that is used over and over. */
#include "engine/tail_sagas.h"
#include "support/check.h"

#define LIST_SEED 7

struct fixture {
    struct tail_arena arena;
    struct skip_list list;
    struct saga_counts counts;
    struct layer_saga saga;
};

static void init(struct fixture *f, const struct saga_row *before)
{
    memset(f, 0, sizeof(*f));
    skip_list_init(&f->list, LIST_SEED);
    assert_true(saga_counts_reserve(&f->counts, varve_view_str("order")));
    assert_true(layer_saga_init(&f->saga, &f->arena, varve_view_str("order"), varve_view_str("1"), before));
}

static void end(struct fixture *f)
{
    tail_arena_free(&f->arena);
    saga_counts_free(&f->counts);
}

static struct saga_row row_of(unsigned status, uint64_t position, int64_t deadline_us)
{
    struct saga_row row;

    saga_row_init(&row);
    row.status = status;
    row.version = 0;
    row.position = position;
    row.deadline_us = deadline_us;
    return row;
}

static bool set(struct fixture *f, struct saga_row row)
{
    if (!layer_saga_reserve(&f->saga, &f->arena, &f->list, &row))
        return false;
    f->saga.newest = row;
    return true;
}

/* The positions of all nodes, by change then by deadline: "C2 D2". */
static const char *nodes(const struct fixture *f)
{
    static char text[256];
    size_t used = 0;

    text[0] = '\0';
    for (const struct skip_node *node = f->list.first[0]; node != NULL; node = skip_list_next(node)) {
        struct saga_key key;
        assert_true(saga_key_decode(node->key, node->key_size, &key));
        assert_ptr_equal(node->value, &f->saga);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c%llu", used == 0 ? "" : " ", node->key[0],
                                 (unsigned long long)key.position);
    }
    return text;
}

static void what_is_published_is_listed(void **ignored)
{
    struct fixture f;

    init(&f, NULL);
    assert_int_equal(f.saga.published.status, SAGA_NONE);
    assert_true(set(&f, row_of(VARVE_SAGA_RUNNING, 1, 500)));
    assert_string_equal(nodes(&f), "");
    layer_saga_publish(&f.saga, &f.list, &f.counts);
    assert_string_equal(nodes(&f), "C1 D1");
    assert_true(set(&f, row_of(VARVE_SAGA_RUNNING, 2, 600)));
    assert_true(set(&f, row_of(VARVE_SAGA_TIMED_OUT, 3, VARVE_TIME_NONE)));
    assert_string_equal(nodes(&f), "C1 D1");
    layer_saga_publish(&f.saga, &f.list, &f.counts);
    assert_string_equal(nodes(&f), "C3");
    assert_int_equal(f.counts.types[0]->by_status[VARVE_SAGA_TIMED_OUT], 1);
    assert_int_equal(f.counts.types[0]->by_status[VARVE_SAGA_RUNNING], 0);
    assert_true(set(&f, row_of(VARVE_SAGA_RUNNING, 4, 700)));
    layer_saga_publish(&f.saga, &f.list, &f.counts);
    assert_string_equal(nodes(&f), "C4 D4");
    assert_true(set(&f, row_of(SAGA_ARCHIVED, 5, VARVE_TIME_NONE)));
    layer_saga_publish(&f.saga, &f.list, &f.counts);
    assert_string_equal(nodes(&f), "");
    assert_int_equal(f.counts.types[0]->by_status[VARVE_SAGA_RUNNING], 0);
    end(&f);
}

static void memory_is_used_over_and_over(void **ignored)
{
    struct fixture f;
    uint64_t position = 0;

    init(&f, NULL);
    for (int warm = 0; warm < 2; warm++) {
        uint64_t before = f.arena.bytes;
        for (int i = 0; i < 20000; i++) {
            assert_true(set(&f, row_of(VARVE_SAGA_RUNNING, ++position, i % 3 == 0 ? VARVE_TIME_NONE : i)));
            if (i % 5 == 0)
                assert_true(set(&f, row_of(VARVE_SAGA_TIMED_OUT, ++position, VARVE_TIME_NONE)));
            layer_saga_publish(&f.saga, &f.list, &f.counts);
        }
        assert_true(f.arena.bytes <= before + TAIL_ARENA_BLOCK_BYTES); /* The first block of all. */
        assert_true(warm == 0 || f.arena.bytes == before);
    }
    end(&f);
}

static void what_was_before_is_copied(void **ignored)
{
    char step[] = "reserve", error[] = "\"no\"";
    struct saga_row before = row_of(VARVE_SAGA_COMPENSATING, 9, VARVE_TIME_NONE);
    struct fixture f;

    before.step = varve_view_str(step);
    before.error_json = varve_view_str(error);
    init(&f, &before);
    memset(step, '#', sizeof(step));
    memset(error, '#', sizeof(error));
    assert_true(varve_view_equal(f.saga.newest.step, varve_view_str("reserve")));
    assert_true(varve_view_equal(f.saga.published.error_json, varve_view_str("\"no\"")));
    assert_int_equal(f.saga.published.position, 9);
    assert_string_equal(nodes(&f), ""); /* An older source lists it. */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_is_listed),
        cmocka_unit_test(memory_is_used_over_and_over),
        cmocka_unit_test(what_was_before_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
