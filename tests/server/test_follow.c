/* test_follow.c - followers: who shares one, when it reads, and when it ends. */
#include "follow_probe.h"
#include "support/figure_named.h"

static void append_many(struct client *c, const char *stream, size_t count)
{
    for (size_t done = 0; done < count; done += 1000)
        client_append(c, stream, count - done < 1000 ? count - done : 1000);
}

static void nothing_comes_from_within_a_join(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 5);
    struct probe *p = probe_create(f, NULL, 0);
    probe_join(p);
    assert_int_equal(p->batches, 0);
    probe_take(p, 1);
    assert_true(p->count == 5 && p->position == 5 && p->at_end);
    assert_int_equal(figure_named(&f->server.figures, "followers"), 0); /* It did not join again. */
    probe_free(p);
    client_close(c);
    fixture_close(f);
}

static void at_the_end_it_waits_for_growth(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *p = probe_create(f, NULL, 0);

    p->stays = true;
    probe_join(p);
    assert_true(client_hears_nothing(c));
    assert_int_equal(p->batches, 0);
    for (unsigned i = 1; i <= 20; i++) {
        client_append(c, "a", 2);
        probe_take(p, i);
        assert_true(p->count == 2 * i && p->at_end);
    }
    assert_int_equal(figure_named(&f->server.figures, "follower_reads_inline"), 20);
    assert_int_equal(figure_named(&f->server.figures, "follower_reads"), 0);
    probe_free(p);
    client_close(c);
    fixture_close(f);
}

static void equal_filters_at_one_place_share(void **state)
{
    struct varve_view names[2] = { varve_view_str("a"), varve_view_str("b") };
    struct varve_view turned[2] = { names[1], names[0] };
    const struct varve_filter one = { .streams = names, .stream_count = 2 };
    const struct varve_filter same = { .streams = turned, .stream_count = 2 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *p = probe_create(f, &one, 0), *q = probe_create(f, &same, 0), *other = probe_create(f, NULL, 0);

    append_many(c, "a", 2000);
    probe_join(p);
    probe_join(q);
    probe_join(other);
    assert_ptr_equal(p->member.follower, q->member.follower);
    assert_ptr_not_equal(p->member.follower, other->member.follower);
    probe_take(p, 1);
    probe_take(q, 1);
    probe_take(other, 1);
    assert_int_equal(figure_named(&f->server.figures, "follower_reads"), 2);
    assert_int_equal(figure_named(&f->server.figures, "follower_batches_shared"), 1);
    assert_int_equal(p->count, q->count);
    q->position = 1000; /* Another place, another follower. */
    probe_join(p);
    probe_join(q);
    assert_ptr_not_equal(p->member.follower, q->member.follower);
    probe_free(p);
    probe_free(q);
    probe_free(other);
    client_close(c);
    fixture_close(f);
}

static void sizes_of_batches_are_not_mixed(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *p = probe_create(f, NULL, 0), *q = probe_create(f, NULL, 0);

    client_append(c, "a", 100);
    q->member.batch_bytes = 1;
    probe_join(p);
    probe_join(q);
    probe_take(p, 1);
    probe_take(q, 1);
    assert_true(p->count == 100 && q->count == 1);
    assert_true(p->at_end && !q->at_end);
    probe_free(p);
    probe_free(q);
    client_close(c);
    fixture_close(f);
}

static void one_who_leaves_gets_nothing(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *idle = probe_create(f, NULL, 0), *ready = probe_create(f, NULL, 0), *away = probe_create(f, NULL, 0);

    probe_join(idle);
    follow_leave(&idle->member);
    follow_leave(&idle->member); /* Nothing, the second time. */
    append_many(c, "a", 3000);
    probe_join(ready);
    follow_leave(&ready->member);
    assert_int_equal(figure_named(&f->server.figures, "followers"), 0);
    probe_join(away);
    while (figure_named(&f->server.figures, "follower_reads") == 0)
        fixture_turn(f);
    follow_leave(&away->member);
    while (!follow_is_idle(&f->server))
        fixture_turn(f);
    assert_int_equal(idle->batches + ready->batches + away->batches, 0);
    assert_int_equal(figure_named(&f->server.figures, "followers"), 0);
    probe_free(idle);
    probe_free(ready);
    probe_free(away);
    client_close(c);
    fixture_close(f);
}

/* The follower is with a reader thread, its only member leaves, and another joins before the thread is done. */
static void one_who_joins_a_forsaken_follower_is_served(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *first = probe_create(f, NULL, 0), *second = probe_create(f, NULL, 0);

    append_many(c, "a", 20000);
    probe_join(first);
    while (figure_named(&f->server.figures, "follower_reads") == 0)
        fixture_turn(f);
    follow_leave(&first->member);
    probe_take_to_end(second);
    assert_int_equal(second->count, 20000);
    assert_int_equal(first->batches, 0);
    probe_free(first);
    probe_free(second);
    client_close(c);
    fixture_close(f);
}

struct leaver {
    struct probe *neighbour;
    void (*deliver)(struct follow_member *member, const struct follow_batch *batch);
};
static struct leaver leaver;

static void deliver_and_end_the_neighbour(struct follow_member *member, const struct follow_batch *batch)
{
    follow_leave(&leaver.neighbour->member);
    leaver.deliver(member, batch);
}

static void one_may_end_another_while_both_are_served(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *p = probe_create(f, NULL, 0), *q = probe_create(f, NULL, 0);

    p->stays = true;
    leaver = (struct leaver){ .neighbour = q, .deliver = p->member.deliver };
    p->member.deliver = deliver_and_end_the_neighbour;
    probe_join(q);
    probe_join(p); /* The last to come is served first. */
    client_append(c, "a", 3);
    probe_take(p, 1);
    assert_int_equal(q->batches, 0);
    client_append(c, "a", 3);
    probe_take(p, 2);
    probe_free(p);
    probe_free(q);
    client_close(c);
    fixture_close(f);
}

/* As many as there are reader threads are read for at a time; the rest waits, and all get everything. */
static void many_places_share_few_threads(void **state)
{
    enum { COUNT = 40, EVENTS = 6000 };
    struct fixture *f = fixture_open("--readers 2");
    struct client *c = client_open(f);
    struct probe *all[COUNT];

    append_many(c, "a", EVENTS);
    for (unsigned i = 0; i < COUNT; i++) {
        all[i] = probe_create(f, NULL, i);
        all[i]->stays = true;
        probe_join(all[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        probe_take_to_end(all[i]);
        assert_int_equal(all[i]->count, EVENTS - i);
    }
    for (unsigned i = 0; i < COUNT; i++)
        probe_free(all[i]);
    client_close(c);
    fixture_close(f);
}

static void without_budget_it_waits(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct probe *p = probe_create(f, NULL, 0), *late = probe_create(f, NULL, 2);
    struct varve_error error;

    client_append(c, "a", 5);
    probe_join(p);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;
    budget_force(&f->server.budget, hog);
    assert_int_equal(follow_join(&f->server, &late->member, late->filter, 2, &error), VARVE_OVERLOADED);
    assert_true(client_hears_nothing(c));
    assert_int_equal(p->batches, 0);
    budget_give(&f->server.budget, hog);
    probe_take(p, 1);
    probe_free(p);
    probe_free(late);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_comes_from_within_a_join), cmocka_unit_test(at_the_end_it_waits_for_growth),
        cmocka_unit_test(equal_filters_at_one_place_share), cmocka_unit_test(sizes_of_batches_are_not_mixed),
        cmocka_unit_test(one_who_leaves_gets_nothing), cmocka_unit_test(one_who_joins_a_forsaken_follower_is_served),
        cmocka_unit_test(one_may_end_another_while_both_are_served), cmocka_unit_test(many_places_share_few_threads),
        cmocka_unit_test(without_budget_it_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
