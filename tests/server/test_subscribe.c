/* test_subscribe.c - subscriptions: what is told, when, and what ends them. */
#include "subscriber.h"

#include <stdlib.h>

#include "server/dispatch.h"
#include "server/follow.h"
#include "server/handlers.h"

enum { CREDIT = 1 << 20 };

struct setting {
    struct fixture *f;
    struct client *writer, *reader;
};

static struct setting open_setting(const char *line)
{
    struct fixture *f = fixture_open(line);

    return (struct setting){ .f = f, .writer = client_open(f), .reader = client_open(f) };
}

static void close_setting(struct setting *s)
{
    client_close(s->writer);
    client_close(s->reader);
    while (s->f->server.session_count > 0 || !follow_is_idle(&s->f->server))
        fixture_turn(s->f);
    assert_int_equal(figure_get(&s->f->server.figures.subscriptions), 0);
    assert_int_equal(figure_get(&s->f->server.figures.followers), 0);
    assert_int_equal(s->f->server.budget.used_bytes, 0);
    fixture_close(s->f);
}

static struct varve_filter of_stream(struct varve_view *ret_name, const char *stream)
{
    *ret_name = varve_view_str(stream);
    return (struct varve_filter){ .streams = ret_name, .stream_count = 1 };
}

/* Many events, in few appends. */
static void append_many(struct client *writer, const char *stream, size_t count)
{
    for (size_t done = 0; done < count; done += 1000)
        client_append(writer, stream, count - done < 1000 ? count - done : 1000);
}

static void an_empty_log_is_caught_up_at_once(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    subscribe(&s, t.reader, 3, NULL, 0, CREDIT);
    assert_int_equal(subscriber_take(&s), VARVE_OP_CAUGHT_UP);
    assert_int_equal(s.position, 0);
    client_append(t.writer, "a", 1);
    subscriber_take_events(&s, 1);
    assert_int_equal(s.position, 1);
    close_setting(&t);
}

static void a_missing_stream_is_caught_up_and_may_come_later(void **state)
{
    struct setting t = open_setting("");
    struct varve_view name;
    struct varve_filter filter = of_stream(&name, "later");
    struct subscriber s;

    client_append(t.writer, "a", 5);
    subscribe(&s, t.reader, 3, &filter, 0, CREDIT);
    assert_int_equal(subscriber_take(&s), VARVE_OP_CAUGHT_UP);
    assert_int_equal(s.position, 5);
    client_append(t.writer, "later", 2);
    subscriber_take_events(&s, 2);
    assert_int_equal(s.position, 7);
    close_setting(&t);
}

/* So far back that the index of streams is asked, which knows none of this name. */
static void a_missing_stream_in_a_long_log(void **state)
{
    struct setting t = open_setting("");
    struct varve_view name;
    struct varve_filter filter = of_stream(&name, "later");
    struct subscriber s;

    append_many(t.writer, "a", 30000);
    subscribe(&s, t.reader, 3, &filter, 0, CREDIT);
    subscriber_take_caught_up(&s, 1);
    assert_int_equal(s.position, 30000);
    client_append(t.writer, "later", 2);
    subscriber_take_events(&s, 2);
    close_setting(&t);
}

static void history_first_and_then_what_comes(void **state)
{
    static const uint64_t afters[] = { 0, 1, 2999, 3000, VARVE_AFTER_END };
    struct setting t = open_setting("");
    struct subscriber s[COUNT_OF(afters)];

    append_many(t.writer, "a", 3000);
    for (size_t i = 0; i < COUNT_OF(afters); i++) {
        uint64_t after = afters[i] == VARVE_AFTER_END ? 3000 : afters[i];

        subscribe(&s[i], client_open(t.f), 3, NULL, afters[i], CREDIT);
        subscriber_take_caught_up(&s[i], 1);
        assert_int_equal(s[i].events, 3000 - after);
        assert_int_equal(s[i].position, 3000);
    }
    append_many(t.writer, "b", 2500);
    for (size_t i = 0; i < COUNT_OF(afters); i++) {
        uint64_t after = afters[i] == VARVE_AFTER_END ? 3000 : afters[i];

        subscriber_take_events(&s[i], 5500 - after);
        assert_int_equal(s[i].last_event, 5500);
        client_close(s[i].client);
    }
    close_setting(&t);
}

static void one_stream_of_many(void **state)
{
    static const size_t sizes[] = { 3, 30000 }; /* Looked for among all, or through the index. */

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct setting t = open_setting("");
        struct varve_view name;
        struct varve_filter filter = of_stream(&name, "wanted");
        struct subscriber all, half;

        for (int j = 0; j < 4; j++) {
            client_append(t.writer, "wanted", 100);
            append_many(t.writer, "other", sizes[i]);
        }
        subscribe(&all, t.reader, 3, &filter, 0, CREDIT);
        subscriber_take_caught_up(&all, 1);
        assert_int_equal(all.events, 400);
        subscribe(&half, t.reader, 4, &filter, 2 * (100 + sizes[i]), CREDIT);
        subscriber_take_caught_up(&half, 1);
        assert_int_equal(half.events, 200);
        close_setting(&t);
    }
}

static void a_sparse_filter_advances(void **state)
{
    struct setting t = open_setting("");
    struct varve_view names[2] = { varve_view_str("never"), varve_view_str("nor this") };
    struct varve_filter filter = { .streams = names, .stream_count = 2 }; /* Two: no index, all is looked at. */
    struct subscriber s;

    subscribe(&s, t.reader, 3, &filter, 0, CREDIT);
    subscriber_take_caught_up(&s, 1);
    client_append(t.writer, "a", 7);
    assert_true(client_hears_nothing(t.reader));
    subscribe_tick_all(&t.f->server); /* A second has passed. */
    assert_int_equal(subscriber_take(&s), VARVE_OP_CHECKPOINT);
    assert_int_equal(s.position, 7);
    subscribe_tick_all(&t.f->server); /* Another, without events: there is nothing to tell. */
    assert_true(client_hears_nothing(t.reader));
    append_many(t.writer, "a", 1000);
    assert_int_equal(subscriber_take(&s), VARVE_OP_CHECKPOINT);
    assert_int_equal(s.position, 1007);
    close_setting(&t);
}

static void a_checkpoint_past_the_end_is_refused(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    client_append(t.writer, "a", 5);
    subscriber_encode(t.reader, 3, NULL, 6, CREDIT, 0);
    client_send(t.reader);
    struct varve_wire_error error = client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.error.field, "after");
    subscribe(&s, t.reader, 3, NULL, 5, CREDIT);
    assert_int_equal(subscriber_take(&s), VARVE_OP_CAUGHT_UP);
    close_setting(&t);
}

static void without_credit_nothing_is_sent(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    append_many(t.writer, "a", 10000);
    subscribe(&s, t.reader, 3, NULL, 0, 1);
    subscriber_take(&s);
    uint64_t got = s.events;
    assert_true(got < 10000); /* One batch: no larger than a batch is. */
    assert_true(client_hears_nothing(t.reader));
    assert_int_equal(figure_get(&t.f->server.figures.followers), 0); /* And it holds nothing. */
    subscriber_credit(&s, (uint32_t)(-s.credit)); /* It has 0 now. */
    assert_true(client_hears_nothing(t.reader));
    while (s.events < 10000) {
        subscriber_credit(&s, 100000);
        while (s.credit > 0 && s.events < 10000)
            subscriber_take(&s);
    }
    close_setting(&t);
}

static void batches_as_small_as_wanted(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s = { .client = t.reader, .id = 3, .credit = CREDIT };

    append_many(t.writer, "a", 1000);
    subscriber_encode(t.reader, 3, NULL, 0, CREDIT, 1);
    client_send(t.reader);
    client_expect(t.reader, VARVE_OP_SUBSCRIBED, 3);
    subscriber_take_events(&s, 1000);
    assert_int_equal(s.batches, 1000);
    client_append(t.writer, "a", 50);
    subscriber_take_events(&s, 1050);
    assert_int_equal(s.batches, 1050);
    close_setting(&t);
}

static void too_much_credit_ends_it(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    subscriber_encode(t.reader, 3, NULL, 0, SERVER_MAX_CREDIT_BYTES + 1, 0);
    client_send(t.reader);
    struct varve_wire_error error = client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.error.field, "credit_bytes");
    subscribe(&s, t.reader, 3, NULL, 0, SERVER_MAX_CREDIT_BYTES);
    subscriber_take_caught_up(&s, 1);
    subscriber_credit(&s, 1);
    client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    client_append(t.writer, "a", 1);
    assert_true(client_hears_nothing(t.reader));
    subscribe(&s, t.reader, 3, NULL, 0, 1); /* Its id is free again. */
    varve_encode_credit(&t.reader->out, 3, 0);
    client_send(t.reader);
    subscriber_take_caught_up(&s, 1);
    client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    close_setting(&t);
}

static void cancelling_ends_it(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    append_many(t.writer, "a", 5000);
    subscribe(&s, t.reader, 3, NULL, VARVE_AFTER_END, CREDIT);
    subscriber_take_caught_up(&s, 1);
    varve_encode_cancel(&t.reader->out, 3);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_CANCELLED);
    subscriber_encode(t.reader, 4, NULL, 0, CREDIT, 0);
    varve_encode_cancel(&t.reader->out, 4); /* With the first batch under way. */
    client_send(t.reader);
    client_expect(t.reader, VARVE_OP_SUBSCRIBED, 4);
    client_receive_error(t.reader, 4, VARVE_CANCELLED);
    client_append(t.writer, "a", 1);
    assert_true(client_hears_nothing(t.reader));
    close_setting(&t);
}

static void an_id_names_one(void **state)
{
    struct setting t = open_setting("");
    struct varve_read_request read = { .credit_bytes = 1, .batch_bytes = 1 };
    struct subscriber s;

    client_append(t.writer, "a", 10);
    subscribe(&s, t.reader, 3, NULL, VARVE_AFTER_END, CREDIT);
    subscriber_take_caught_up(&s, 1);
    subscriber_encode(t.reader, 3, NULL, 0, CREDIT, 0);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    varve_read_init(&read.read);
    varve_encode_read(&t.reader->out, 3, &read);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    client_append(t.writer, "a", 1); /* It was not disturbed. */
    subscriber_take_events(&s, 1);
    close_setting(&t);
}

static void bad_filters_are_refused(void **state)
{
    struct setting t = open_setting("");
    struct varve_view names[2] = { varve_view_str("order-1"), varve_view_str("payment") };
    struct varve_filter never = { .streams = &names[0], .stream_count = 1, .categories = &names[1],
                                  .category_count = 1 };

    subscriber_encode(t.reader, 3, &never, 0, CREDIT, 0);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_INVALID_ARGUMENT);
    close_setting(&t);
}

static void who_falls_behind_is_told_and_caught_up_again(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    subscribe(&s, t.reader, 3, NULL, 0, 1);
    subscriber_take_caught_up(&s, 1);
    client_append(t.writer, "a", 1);
    subscriber_take_events(&s, 1); /* The credit is used up. */
    append_many(t.writer, "a", 10000);
    subscribe_tick_all(&t.f->server);
    assert_true(client_hears_nothing(t.reader)); /* 10,000 are not too many, */
    client_append(t.writer, "a", 1);
    subscribe_tick_all(&t.f->server);
    assert_int_equal(subscriber_take(&s), VARVE_OP_FELL_BEHIND); /* but one more. */
    subscribe_tick_all(&t.f->server);
    assert_true(client_hears_nothing(t.reader));
    subscriber_credit(&s, 16 << 20);
    subscriber_take_caught_up(&s, 2);
    assert_int_equal(s.events, 10002);
    close_setting(&t);
}

static void a_stopping_server_ends_them(void **state)
{
    struct setting t = open_setting("");
    struct varve_error why;
    struct subscriber s;

    subscribe(&s, t.reader, 3, NULL, 0, CREDIT);
    subscriber_take_caught_up(&s, 1);
    t.f->server.stopping = true;
    dispatch_stopping_error(&why);
    session_stop_all(&t.f->server, &why);
    client_receive_error(t.reader, 3, VARVE_NOT_READY);
    client_expect_closed(t.reader);
    close_setting(&t);
}

static void a_peer_that_sends_no_more_has_ended_them(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    subscribe(&s, t.reader, 3, NULL, 0, CREDIT);
    subscriber_take_caught_up(&s, 1);
    client_shut(t.reader);
    client_expect_closed(t.reader);
    close_setting(&t);
}

static void so_many_on_one_connection(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    for (uint32_t i = 0; i < SERVER_MAX_SUBSCRIPTIONS; i++) {
        subscribe(&s, t.reader, 10 + i, NULL, 0, CREDIT);
        subscriber_take_caught_up(&s, 1);
    }
    subscriber_encode(t.reader, 3, NULL, 0, CREDIT, 0);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_OVERLOADED);
    varve_encode_cancel(&t.reader->out, 17);
    client_send(t.reader); /* They are not counted as requests: the client is still heard. */
    client_receive_error(t.reader, 17, VARVE_CANCELLED);
    subscribe(&s, t.reader, 17, NULL, 0, CREDIT);
    close_setting(&t);
}

/* Take one frame for each of the subscribers of one connection, in whichever order they come. */
static void take_one_each(struct client *c, struct subscriber *all, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct varve_frame frame = client_receive(c);

        assert_in_range(frame.request_id, 1, count);
        subscriber_check(&all[frame.request_id - 1], &frame);
    }
}

static void a_thousand_with_equal_filters_share(void **state)
{
    enum { COUNT = 1000, ROUNDS = 5 };
    struct setting t = open_setting("");
    struct subscriber *all = calloc(COUNT, sizeof(*all));

    for (uint32_t i = 0; i < COUNT; i++) {
        subscribe(&all[i], t.reader, i + 1, NULL, 0, CREDIT);
        subscriber_take_caught_up(&all[i], 1);
    }
    assert_int_equal(figure_get(&t.f->server.figures.followers), 1);
    for (int round = 0; round < ROUNDS; round++) {
        client_append(t.writer, "a", 3);
        take_one_each(t.reader, all, COUNT);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(all[i].events, 3 * ROUNDS);
    assert_int_equal(figure_get(&t.f->server.figures.follower_reads_inline), ROUNDS);
    assert_int_equal(figure_get(&t.f->server.figures.follower_batches_shared), ROUNDS);
    assert_int_equal(figure_get(&t.f->server.figures.subscription_events), 3 * ROUNDS * COUNT);
    free(all);
    close_setting(&t);
}

static void a_thousand_with_different_filters(void **state)
{
    enum { COUNT = 1000 };
    struct setting t = open_setting("");
    struct subscriber *all = calloc(COUNT, sizeof(*all));
    char text[32];
    struct varve_view name;

    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "s-%u", i + 1);
        struct varve_filter filter = of_stream(&name, text);
        subscribe(&all[i], t.reader, i + 1, &filter, 0, CREDIT);
        subscriber_take_caught_up(&all[i], 1);
    }
    assert_int_equal(figure_get(&t.f->server.figures.followers), COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "s-%u", i + 1);
        client_encode_append(t.writer, 7, text, VARVE_EXPECTED_ANY, 1, 10);
    }
    client_send(t.writer);
    for (uint32_t i = 0; i < COUNT; i++)
        client_expect(t.writer, VARVE_OP_APPEND_OK, 7);
    for (uint32_t i = 0; i < COUNT;) {
        struct varve_frame frame = client_receive(t.reader);

        subscriber_check(&all[frame.request_id - 1], &frame);
        i += frame.opcode == VARVE_OP_EVENTS;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_true(all[i].events == 1);
    free(all);
    close_setting(&t);
}

static void a_slow_reader_costs_bounded_memory(void **state)
{
    struct setting t = open_setting("--max-output 64KiB");
    struct subscriber s;

    subscribe(&s, t.reader, 3, NULL, 0, 60 << 20);
    for (int i = 0; i < 300; i++) { /* 30 MB: neither the socket's buffers nor we may hold it all. */
        client_encode_append(t.writer, 7, "a", VARVE_EXPECTED_ANY, 10, 10000);
        client_send(t.writer);
        client_expect(t.writer, VARVE_OP_APPEND_OK, 7);
        assert_true(t.f->server.budget.used_bytes < 1 << 20);
    }
    for (int i = 0; i < 100; i++)
        fixture_turn(t.f);
    assert_true(t.f->server.budget.used_bytes < 1 << 20);
    assert_int_equal(figure_get(&t.f->server.figures.followers), 0); /* It waits for its peer, not for the log. */
    subscriber_take_events(&s, 3000);
    close_setting(&t);
}

static void without_budget_it_is_refused_and_with_little_it_waits(void **state)
{
    struct setting t = open_setting("");
    struct subscriber s;

    subscribe(&s, t.reader, 4, NULL, 0, CREDIT);
    subscriber_take_caught_up(&s, 1);
    uint64_t hog = t.f->server.budget.limit_bytes - t.f->server.budget.used_bytes;
    budget_force(&t.f->server.budget, hog);
    subscriber_encode(t.reader, 3, NULL, 0, CREDIT, 0);
    client_send(t.reader);
    client_receive_error(t.reader, 3, VARVE_OVERLOADED);
    budget_give(&t.f->server.budget, 100000); /* Enough for an append. */
    client_append(t.writer, "a", 1);
    subscriber_take_events(&s, 1);
    budget_give(&t.f->server.budget, hog - 100000);
    close_setting(&t);
}

static void hidden_events_are_not_shown(void **state)
{
    struct setting t = open_setting("");
    struct varve_stream_change change = { .kind = VARVE_STREAM_TOMBSTONE, .stream = varve_view_str("gone"),
                                          .expected = VARVE_EXPECTED_ANY };
    struct varve_view name;
    struct varve_filter filter = of_stream(&name, "gone");
    struct subscriber all, one;

    append_many(t.writer, "gone", 20100);
    client_append(t.writer, "a", 100);
    varve_encode_stream_change(&t.writer->out, 7, &change);
    client_send(t.writer);
    client_expect(t.writer, VARVE_OP_STREAM_CHANGE_OK, 7);
    subscribe(&all, t.reader, 3, NULL, 0, CREDIT);
    subscriber_take_caught_up(&all, 1);
    assert_int_equal(all.events, 100);
    subscribe(&one, t.reader, 4, &filter, 0, CREDIT);
    subscriber_take_caught_up(&one, 1);
    assert_int_equal(one.events, 0);
    assert_int_equal(one.position, 20201); /* The change is a system event, which nobody asked for. */
    close_setting(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_is_caught_up_at_once),
        cmocka_unit_test(a_missing_stream_is_caught_up_and_may_come_later),
        cmocka_unit_test(a_missing_stream_in_a_long_log), cmocka_unit_test(history_first_and_then_what_comes),
        cmocka_unit_test(one_stream_of_many), cmocka_unit_test(a_sparse_filter_advances),
        cmocka_unit_test(a_checkpoint_past_the_end_is_refused), cmocka_unit_test(without_credit_nothing_is_sent),
        cmocka_unit_test(batches_as_small_as_wanted), cmocka_unit_test(too_much_credit_ends_it),
        cmocka_unit_test(cancelling_ends_it), cmocka_unit_test(an_id_names_one),
        cmocka_unit_test(bad_filters_are_refused), cmocka_unit_test(who_falls_behind_is_told_and_caught_up_again),
        cmocka_unit_test(a_stopping_server_ends_them), cmocka_unit_test(a_peer_that_sends_no_more_has_ended_them),
        cmocka_unit_test(so_many_on_one_connection), cmocka_unit_test(a_thousand_with_equal_filters_share),
        cmocka_unit_test(a_thousand_with_different_filters), cmocka_unit_test(a_slow_reader_costs_bounded_memory),
        cmocka_unit_test(without_budget_it_is_refused_and_with_little_it_waits),
        cmocka_unit_test(hidden_events_are_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
