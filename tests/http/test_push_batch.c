/* test_push_batch.c - who shares a batch, who finds it, and whose is taken when memory is short. */
#include "push_probe.h"

#include <stdlib.h>

static const struct probe_event three[] = { { .type = "a" }, { .type = "b" }, { .type = "c" } };

static struct push_client *client_at(struct fixture *f, const char *category, uint64_t position)
{
    struct push_parameters parameters = { .category = varve_view_str(category), .after = varve_view_str("start") };
    struct push_ask *ask = NULL;

    assert_int_equal(push_ask_create(&parameters, &ask, NULL), VARVE_OK);
    return push_client_create(f->server.push, ask, position);
}

static struct push_batch *batch_at(struct push_client *client, uint64_t after)
{
    struct follow_batch from = probe_batch(after, three, 3);
    struct push_batch *batch = push_batch_of(client->push, client->channel, after, &from);

    probe_batch_end(&from);
    return batch;
}

static void equal_filters_share_a_channel(void **state)
{
    struct fixture *f = fixture_open("");
    uint64_t before = f->server.budget.used_bytes;
    struct push_client *a = client_at(f, "x,y", 0), *b = client_at(f, "y,x", 5), *c = client_at(f, "x", 0);

    assert_ptr_equal(a->channel, b->channel);
    assert_ptr_not_equal(a->channel, c->channel);
    push_client_free(a);
    assert_int_equal(b->channel->clients, 1);
    push_client_free(b);
    push_client_free(c);
    assert_null(f->server.push->channels);
    assert_int_equal(f->server.budget.used_bytes, before);
    fixture_close(f);
}

static void one_frame_is_one_batch(void **state)
{
    struct fixture *f = fixture_open("");
    struct push_client *c = client_at(f, NULL, 10);
    struct follow_batch from = probe_batch(10, three, 3);
    struct push_batch *batch = push_batch_of(f->server.push, c->channel, 10, &from);

    assert_ptr_equal(push_batch_of(f->server.push, c->channel, 10, &from), batch);
    struct push_batch *other = batch_at(c, 13);
    assert_ptr_not_equal(other, batch);
    probe_batch_end(&from);
    push_client_free(c); /* The channel goes, and with it what nobody holds. */
    assert_null(f->server.push->batches);
    assert_int_equal(f->server.push->held_bytes, 0);
    fixture_close(f);
}

static void a_place_within_a_batch_finds_it(void **state)
{
    struct fixture *f = fixture_open("");
    struct push_client *c = client_at(f, NULL, 0), *other = client_at(f, "x", 0);
    struct push_batch *first = batch_at(c, 10), *second = batch_at(c, 20);

    assert_null(push_channel_find(c->channel, 9));
    assert_ptr_equal(push_channel_find(c->channel, 10), first);
    assert_ptr_equal(push_channel_find(c->channel, 12), first);
    assert_null(push_channel_find(c->channel, 13));
    assert_ptr_equal(push_channel_find(c->channel, 20), second);
    assert_null(push_channel_find(other->channel, 10));
    push_client_free(c);
    push_client_free(other);
    fixture_close(f);
}

static void what_nobody_holds_goes_after_a_while(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;
    struct push_client *c = client_at(f, NULL, 10);
    struct push_batch *batch = batch_at(c, 10);

    batch_at(c, 20);
    push_batch_hold(batch, c);
    push_batches_drop_unused(push, 0);
    assert_non_null(push_channel_find(c->channel, 20)); /* It was used not long ago. */
    push_batches_drop_unused(push, push_now_ms(push) + 1);
    assert_null(push_channel_find(c->channel, 20));
    assert_ptr_equal(push_channel_find(c->channel, 10), batch);
    push_batch_release(c);
    push_batches_drop_unused(push, push_now_ms(push) + 1);
    assert_null(push->batches);
    push_batch_release(c); /* Nothing, the second time. */
    push_client_free(c);
    fixture_close(f);
}

static void hidden_batches_serve_those_who_hold_them(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;
    struct push_client *c = client_at(f, NULL, 10);

    batch_at(c, 20);
    push_batch_hold(batch_at(c, 10), c);
    push_batches_hide(push);
    assert_null(push_channel_find(c->channel, 10));
    assert_int_equal(c->batch->count, 3);
    assert_ptr_equal(push->batches, push->least_used);
    push_batch_release(c);
    assert_null(push->batches);
    push_client_free(c);
    fixture_close(f);
}

static void the_one_used_least_is_taken_from_its_holders(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;
    struct push_client *a = client_at(f, NULL, 11), *b = client_at(f, NULL, 10), *c = client_at(f, NULL, 20);
    struct push_batch *old = batch_at(a, 10), *recent = batch_at(a, 20);
    uint64_t before = f->server.budget.used_bytes;

    push_batch_hold(old, a);
    push_batch_hold(old, b);
    push_batch_hold(recent, c);
    b->at = 2; /* It has sent the first two. */
    push->limit_bytes = push->held_bytes;
    push_batches_make_room(push);
    assert_ptr_equal(a->batch, old);
    push->limit_bytes--;
    push_batches_make_room(push);
    assert_true(a->batch == NULL && b->batch == NULL && c->batch == recent);
    assert_true(a->position == 11 && b->position == 12);
    assert_true(f->server.budget.used_bytes < before);
    push->limit_bytes = 0;
    push_batches_make_room(push);
    assert_ptr_equal(c->batch, recent); /* The last one stays: somebody must go on. */
    push_client_free(a);
    push_client_free(b);
    push_client_free(c);
    assert_int_equal(push->held_bytes, 0);
    fixture_close(f);
}

static void use_decides_the_order(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;
    struct push_client *c = client_at(f, NULL, 0);
    struct push_batch *first = batch_at(c, 10), *second = batch_at(c, 20), *third = batch_at(c, 30);

    assert_ptr_equal(push->least_used, first);
    push_batch_use(push, first);
    assert_true(push->batches == first && push->least_used == second);
    push_batch_use(push, third);
    push_batch_use(push, third);
    assert_true(push->batches == third && push->least_used == second);
    push->limit_bytes = push->held_bytes - 1;
    push_batches_make_room(push);
    assert_true(push->least_used == first && push_channel_find(c->channel, 20) == NULL);
    push_client_free(c);
    fixture_close(f);
}

static void text_is_charged(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;
    struct push_client *c = client_at(f, NULL, 10);
    struct push_batch *batch = batch_at(c, 10);
    uint64_t before = f->server.budget.used_bytes, held = push->held_bytes;

    assert_true(push_text_render(push, batch, &batch->events[0]));
    push_batch_use(push, batch);
    assert_int_equal(f->server.budget.used_bytes - before, batch->text.capacity);
    assert_int_equal(push->held_bytes - held, batch->text.capacity);
    push_client_free(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_filters_share_a_channel), cmocka_unit_test(one_frame_is_one_batch),
        cmocka_unit_test(a_place_within_a_batch_finds_it), cmocka_unit_test(what_nobody_holds_goes_after_a_while),
        cmocka_unit_test(hidden_batches_serve_those_who_hold_them),
        cmocka_unit_test(the_one_used_least_is_taken_from_its_holders), cmocka_unit_test(use_decides_the_order),
        cmocka_unit_test(text_is_charged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
