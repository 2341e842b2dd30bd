/* test_group_transact.c - events that are acked by a transaction: held until its outcome is known, then finished or
 * back. The test is the transaction: it writes what belongs into its frame, or does not. */
#include "group_client.h"

#include "server/group.h"
#include "server/group_transact.h"
#include "varve/transact.h"

struct setup {
    struct fixture *f;
    struct client *c;
    struct worker *w;
    struct varve_conflict conflicts[16];
    size_t refused;
    struct varve_error error;
};

/* It does not want the effects of what it delivers. */
static void make_group(struct client *c)
{
    static const struct varve_view types[] = { { "tested", 6 } };
    static const struct varve_filter filter = { .types = types, .type_count = 1 };
    struct varve_group_settings settings = group_test_settings();

    settings.filter = &filter;
    group_make(c, "g", &settings);
}

/* So many events of the stream a, then so many of b. */
static struct setup begin(size_t of_a, size_t of_b)
{
    struct setup s = { .f = fixture_open("") };

    s.c = client_open(s.f);
    client_append(s.c, "a", of_a);
    if (of_b > 0)
        client_append(s.c, "b", of_b);
    make_group(s.c);
    s.w = worker_join(s.f, "g", "one", 0);
    return s;
}

static void end(struct setup *s)
{
    client_close(s->c);
    if (s->w != NULL)
        worker_free(s->w);
    fixture_close(s->f);
}

static struct group *group_of(struct fixture *f)
{
    return groups_find(f->server.groups, varve_view_str("g"));
}

static struct session *session_of(struct fixture *f, const struct worker *w)
{
    return consumer_session(consumer_find(group_of(f), w->epoch));
}

/* NULL: refused, and s->error says why. */
static struct group_hold *hold(struct setup *s, const uint64_t *positions, size_t count)
{
    const struct varve_group_ack ack = { .group = varve_view_str("g"), .epoch = s->w->epoch, .positions = positions,
                                         .count = count };
    struct group_hold *ret = NULL;

    if (group_hold_begin(session_of(s->f, s->w), &ack, s->conflicts, &s->refused, &ret, &s->error) == VARVE_OK)
        assert_int_equal(s->refused, 0);
    return ret;
}

static struct group_hold *hold_one(struct setup *s, uint64_t position)
{
    return hold(s, &position, 1);
}

/* The transaction's frame: an effect, and what belongs to the hold. `expected` of the effect's stream. */
static struct varve_append *transact(struct fixture *f, const struct group_hold *hold, int64_t expected,
                                     struct varve_uuid effect_id)
{
    const struct varve_append_stream effects[] = { { varve_view_str("effect"), expected } };
    const struct varve_event effect = { .type = varve_view_str("handled"), .id = effect_id, .time_us = VARVE_TIME_NONE,
                                        .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM };
    const struct varve_append_request appends = { effects, 1, &effect, NULL, 1 };
    struct group_hold_event parts[GROUP_HOLD_MAX_EVENTS];
    size_t count = group_hold_events(hold, parts);
    struct varve_append_stream streams[GROUP_HOLD_MAX_EVENTS];
    struct varve_event events[GROUP_HOLD_MAX_EVENTS];
    const uint32_t stream_of[GROUP_HOLD_MAX_EVENTS] = { 0, 1 };
    struct varve_append *append = NULL;

    for (size_t i = 0; i < count; i++) {
        streams[i] = (struct varve_append_stream){ parts[i].stream, VARVE_EXPECTED_ANY };
        events[i] = (struct varve_event){ .type = varve_view_str(parts[i].type), .time_us = VARVE_TIME_NONE,
                                          .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                          .data = parts[i].data, .id = parts[i].id };
    }
    const struct varve_transact whole = { .appends = appends, .system = { streams, count, events, stream_of, count } };
    assert_int_equal(varve_transact_create(f->store, &whole, &append, NULL), VARVE_OK);
    varve_append_wait(append, NULL);
    return append;
}

static const struct varve_append_result *results_of_hold(const struct varve_append *append)
{
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);

    return outcome->status == VARVE_OK ? &outcome->results[1] : NULL;
}

static struct varve_append *store(struct fixture *f, const struct group_hold *hold)
{
    struct varve_append *append = transact(f, hold, VARVE_EXPECTED_ANY, (struct varve_uuid){ { 0 } });

    assert_int_equal(varve_append_get_outcome(append)->status, VARVE_OK);
    return append;
}

static void store_and_end(struct fixture *f, struct group_hold *hold)
{
    struct varve_append *append = store(f, hold);

    group_hold_end(hold, results_of_hold(append));
    varve_append_free(append);
}

static bool nobody_is_there(void *user)
{
    return group_of(user)->joined_count == 0;
}

static void cut_off(struct setup *s)
{
    worker_free(s->w);
    s->w = NULL;
    fixture_wait(s->f, nobody_is_there, s->f);
}

/* ---- what becomes of it ---- */

static void what_is_stored_is_finished_and_remembered(void **state)
{
    struct setup s = begin(3, 0);

    assert_int_equal(worker_take(s.w).position, 1);
    store_and_end(s.f, hold_one(&s, 1));
    assert_int_equal(worker_take(s.w).position, 2); /* Its key goes on. */
    assert_int_equal(group_look(s.c, "g").acked, 1);
    assert_int_equal(figure_get(&s.f->server.figures.group_acks), 1);
    assert_int_equal(worker_ack(s.w, 1), VARVE_FENCED);
    wait_for_checkpoint(s.f, "g", 1);
    store_and_end(s.f, hold_one(&s, 2));
    cut_off(&s);
    client_close(s.c);
    fixture_restart(s.f);
    s.c = client_open(s.f);
    s.w = worker_join(s.f, "g", "two", 0);
    assert_int_equal(worker_take(s.w).position, 3);
    end(&s);
}

static void what_is_not_stored_stays_with_its_member(void **state)
{
    struct setup s = begin(2, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    struct varve_append *append = transact(s.f, held, 99, (struct varve_uuid){ { 0 } }); /* Not there. */
    assert_int_equal(varve_append_get_outcome(append)->status, VARVE_WRONG_EXPECTED_VERSION);
    group_hold_end(held, results_of_hold(append));
    varve_append_free(append);
    assert_int_equal(count_events(s.f, "$group-g", "$group.acked"), 0);
    assert_int_equal(group_look(s.c, "g").acked, 0);
    assert_true(worker_gets_nothing(s.w)); /* It has it. */
    group_hold_end(hold_one(&s, 1), NULL);
    assert_int_equal(worker_ack(s.w, 1), VARVE_OK);
    assert_int_equal(worker_take(s.w).position, 2);
    end(&s);
}

static void nothing_else_can_be_said_about_what_is_held(void **state)
{
    struct setup s = begin(2, 0);

    assert_int_equal(worker_take(s.w).position, 1);
    struct worker *other = worker_join(s.f, "g", "other", 0);
    struct group_hold *held = hold_one(&s, 1);
    assert_int_equal(worker_ack(s.w, 1), VARVE_FENCED);
    assert_int_equal(worker_nack(s.w, 1, VARVE_NACK_STOP, 0, "no"), VARVE_FENCED);
    assert_int_equal(worker_extend(s.w, 1, 1000), VARVE_FENCED);
    assert_null(hold_one(&s, 1)); /* Nor by another transaction. */
    assert_int_equal(s.error.status, VARVE_FENCED);
    assert_true(worker_gets_nothing(s.w)); /* 2 is of its key. */
    assert_true(worker_gets_nothing(other));
    worker_free(other);
    assert_int_equal(group_look(s.c, "g").checkpoint, 0);
    store_and_end(s.f, held);
    assert_int_equal(worker_take(s.w).position, 2);
    end(&s);
}

static void it_does_not_run_late(void **state)
{
    struct setup s = begin(1, 0);
    struct varve_group_request request = { .group = varve_view_str("g"), .settings = group_test_settings(),
                                           .has_settings = true };

    request.settings.ack_timeout_ms = 1000;
    assert_int_equal(group_ask(s.c, VARVE_OP_GROUP_UPDATE, &request, NULL), VARVE_OK);
    assert_int_equal(worker_nack(s.w, worker_take(s.w).position, VARVE_NACK_RETRY, 0, "again"), VARVE_OK);
    assert_int_equal(worker_take(s.w).attempt, 2);
    struct group_hold *held = hold_one(&s, 1);
    assert_true(group_state_next_due_ms(group_of(s.f)->state) == UINT64_MAX);
    group_hold_end(held, NULL);
    assert_true(group_state_next_due_ms(group_of(s.f)->state) <= group_now_ms(group_of(s.f)) + 1000);
    assert_int_equal(worker_take(s.w).attempt, 3); /* Now it did. */
    end(&s);
}

/* ---- its member leaves meanwhile ---- */

static void a_lost_members_event_waits_for_the_outcome_and_is_finished(void **state)
{
    struct setup s = begin(2, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    cut_off(&s);
    s.w = worker_join(s.f, "g", "two", 0);
    assert_true(worker_gets_nothing(s.w));
    store_and_end(s.f, held);
    assert_int_equal(worker_take(s.w).position, 2);
    end(&s);
}

static void a_lost_members_event_goes_to_others_when_nothing_was_stored(void **state)
{
    struct setup s = begin(2, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    cut_off(&s);
    s.w = worker_join(s.f, "g", "two", 0);
    assert_true(worker_gets_nothing(s.w));
    group_hold_end(held, NULL);
    struct delivered event = worker_take(s.w);
    assert_int_equal(event.position, 1);
    assert_int_equal(event.attempt, 2);
    end(&s);
}

static void a_name_that_is_taken_over_takes_nothing_that_is_held(void **state)
{
    struct setup s = begin(1, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    struct worker *heir = worker_try(s.f, "g", "one", 0, 1 << 20, true);
    worker_wait_end(s.w, VARVE_FENCED);
    assert_true(worker_gets_nothing(heir));
    group_hold_end(held, NULL);
    assert_int_equal(worker_take(heir).position, 1);
    worker_free(s.w);
    s.w = heir;
    end(&s);
}

static void a_stopped_groups_transactions_count(void **state)
{
    struct setup s = begin(1, 1);

    worker_take(s.w);
    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    assert_int_equal(worker_nack(s.w, 2, VARVE_NACK_STOP, 0, "poison"), VARVE_OK);
    worker_wait_end(s.w, VARVE_GROUP_STOPPED);
    store_and_end(s.f, held);
    assert_int_equal(group_look(s.c, "g").checkpoint, 1);
    end(&s);
}

/* ---- refusals ---- */

static void one_that_is_refused_leaves_the_others_alone(void **state)
{
    struct setup s = begin(1, 1);
    const uint64_t positions[] = { 1, 9, 2, 1 };

    worker_take(s.w);
    worker_take(s.w);
    assert_null(hold(&s, positions, 4));
    assert_int_equal(s.error.status, VARVE_NOT_DELIVERED); /* As the first of them. */
    assert_int_equal(s.refused, 2);
    assert_int_equal(s.conflicts[0].stream_index, 1);
    assert_int_equal(s.conflicts[0].part, VARVE_PART_ACK);
    assert_int_equal(s.conflicts[0].status, VARVE_NOT_DELIVERED);
    assert_int_equal(s.conflicts[1].stream_index, 3); /* Twice in one transaction. */
    assert_int_equal(s.conflicts[1].status, VARVE_FENCED);
    assert_int_equal(worker_ack(s.w, 1), VARVE_OK);
    assert_int_equal(worker_ack(s.w, 2), VARVE_OK);
    end(&s);
}

static void only_members_of_the_connection_may(void **state)
{
    struct setup s = begin(1, 0);
    struct worker *other = worker_join(s.f, "g", "other", 0);
    const uint64_t position = worker_take(s.w).position;
    struct varve_group_ack ack = { .group = varve_view_str("g"), .epoch = s.w->epoch, .positions = &position,
                                   .count = 1 };
    struct group_hold *held = NULL;

    assert_int_equal(group_hold_begin(session_of(s.f, other), &ack, s.conflicts, &s.refused, &held, &s.error),
                     VARVE_FENCED);
    assert_int_equal(s.refused, 0);
    ack.epoch = 12345;
    assert_int_equal(group_hold_begin(session_of(s.f, other), &ack, s.conflicts, &s.refused, &held, &s.error),
                     VARVE_FENCED);
    ack.group = varve_view_str("h");
    assert_int_equal(group_hold_begin(session_of(s.f, other), &ack, s.conflicts, &s.refused, &held, &s.error),
                     VARVE_GROUP_NOT_FOUND);
    worker_free(other);
    end(&s);
}

static void what_a_start_would_read_is_bounded(void **state)
{
    struct setup s = begin(1, 0);

    worker_take(s.w);
    group_of(s.f)->newest.acks += GROUP_MAX_UNPICTURED;
    assert_null(hold_one(&s, 1));
    assert_int_equal(s.error.status, VARVE_OVERLOADED);
    assert_true(s.error.retry_after_ms > 0);
    group_of(s.f)->pictured_acks++;
    group_hold_end(hold_one(&s, 1), NULL);
    end(&s);
}

/* ---- resets and deletions ---- */

static void change_later(struct setup *s, uint8_t opcode)
{
    const struct varve_group_request request = { .group = varve_view_str("g"), .after = 0 };

    varve_encode_group(&s->c->out, 5, opcode, &request);
    client_send(s->c);
    assert_true(client_hears_nothing(s->c)); /* It waits. */
}

static void a_reset_comes_after_what_is_held(void **state)
{
    struct setup s = begin(2, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    change_later(&s, VARVE_OP_GROUP_RESET);
    assert_null(hold_one(&s, 1));
    assert_int_equal(s.error.status, VARVE_NOT_READY);
    store_and_end(s.f, held);
    client_expect(s.c, VARVE_OP_GROUP_OK, 5);
    assert_int_equal(worker_take(s.w).position, 1); /* Before it in the log: of no account any more. */
    assert_null(hold_one(&s, 2));
    assert_int_equal(s.error.status, VARVE_FENCED);
    client_close(s.c);
    cut_off(&s);
    fixture_restart(s.f); /* Nor at a start. */
    s.c = client_open(s.f);
    s.w = worker_join(s.f, "g", "two", 0);
    assert_int_equal(worker_take(s.w).position, 1);
    end(&s);
}

/* Whoever makes the effect's id from the event's is told that it was handled: nothing would be stored, not the ack. */
static void what_was_handled_before_a_reset_is_refused_and_acked_alone(void **state)
{
    const struct varve_uuid id = { { 1, 2, 3 } };
    const struct varve_group_request request = { .group = varve_view_str("g"), .after = 0 };
    struct setup s = begin(1, 0);

    worker_take(s.w);
    for (int round = 0; round < 2; round++) {
        struct group_hold *held = hold_one(&s, 1);
        struct varve_append *append = transact(s.f, held, VARVE_EXPECTED_ANY, id);
        const struct varve_append_outcome *outcome = varve_append_get_outcome(append);

        assert_int_equal(outcome->status, round == 0 ? VARVE_OK : VARVE_WRONG_EXPECTED_VERSION);
        group_hold_end(held, results_of_hold(append));
        varve_append_free(append);
        if (round == 1)
            continue;
        assert_int_equal(group_ask(s.c, VARVE_OP_GROUP_RESET, &request, NULL), VARVE_OK);
        assert_int_equal(worker_take(s.w).position, 1);
    }
    assert_int_equal(worker_ack(s.w, 1), VARVE_OK);
    assert_int_equal(count_events(s.f, "effect", "handled"), 1);
    end(&s);
}

static void a_deletion_comes_after_what_is_held(void **state)
{
    struct setup s = begin(1, 0);

    worker_take(s.w);
    struct group_hold *held = hold_one(&s, 1);
    change_later(&s, VARVE_OP_GROUP_DELETE);
    group_hold_end(held, NULL);
    client_expect(s.c, VARVE_OP_GROUP_OK, 5);
    worker_wait_end(s.w, VARVE_GROUP_NOT_FOUND);
    make_group(s.c); /* And a new one of its name has everything before it. */
    worker_free(s.w);
    s.w = worker_join(s.f, "g", "one", 0);
    assert_int_equal(worker_take(s.w).position, 1);
    end(&s);
}

/* ---- replays ---- */

static void replays_of_parked_events_are_resolved_with_the_rest(void **state)
{
    struct setup s = begin(2, 0);

    for (int i = 0; i < 2; i++)
        assert_int_equal(worker_nack(s.w, worker_take(s.w).position, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    wait_for_events(s.f, "$parked-g", "$parked", 2);
    assert_int_equal(parked_ask(s.c, VARVE_OP_PARKED_REPLAY, "g", 1, 0), 1);
    assert_int_equal(worker_take(s.w).position, 1);
    client_append(s.c, "b", 1);
    uint64_t news = worker_take(s.w).position;
    struct group_hold *held = hold(&s, (const uint64_t[]){ 1, news }, 2);
    assert_int_equal(parked_refused(s.c, VARVE_OP_PARKED_DISCARD, "g", 1), VARVE_INVALID_ARGUMENT);
    store_and_end(s.f, held);
    assert_int_equal(group_look(s.c, "g").parked, 1);
    assert_int_equal(count_events(s.f, "$parked-g", "$parked.resolved"), 1);
    assert_int_equal(count_events(s.f, "$group-g", "$group.acked"), 1);
    assert_int_equal(parked_ask(s.c, VARVE_OP_PARKED_REPLAY, "g", 2, 0), 1);
    assert_int_equal(worker_take(s.w).position, 2);
    group_hold_end(hold_one(&s, 2), NULL); /* Refused: it is still with its member, and parked. */
    assert_int_equal(group_look(s.c, "g").parked, 1);
    store_and_end(s.f, hold_one(&s, 2));   /* A replay alone. */
    assert_int_equal(group_look(s.c, "g").parked, 0);
    cut_off(&s);
    client_close(s.c);
    fixture_restart(s.f);
    s.c = client_open(s.f);
    assert_int_equal(group_look(s.c, "g").parked, 0);
    s.w = worker_join(s.f, "g", "two", 0);
    assert_true(worker_gets_nothing(s.w));
    end(&s);
}

/* ---- pictures ---- */

static bool all_is_pictured(void *user)
{
    const struct group *group = user;

    return group->pictured_acks == group->newest.acks;
}

/* A picture that is written while a transaction is under way does not have it, and says so. */
static void pictures_say_which_transactions_they_have(void **state)
{
    struct setup s = begin(1, 1);

    client_append(s.c, "c", 1);
    worker_take(s.w);
    worker_take(s.w);
    uint64_t third = worker_take(s.w).position;
    struct group *group = group_of(s.f);
    struct group_hold *held = hold_one(&s, 1);
    uint64_t through = group_holds_mark(group).version;
    store_and_end(s.f, hold_one(&s, 2));
    assert_int_equal(group->newest.acks, 1);
    assert_int_equal(group_holds_mark(group).version, through);
    struct varve_append *append = store(s.f, held); /* In the log, and not heard of. */
    assert_int_equal(worker_ack(s.w, third), VARVE_OK); /* Answered when a picture is durable. */
    assert_int_equal(group->record.acked_through, through);
    assert_int_equal(group->pictured_acks, 0);
    group_hold_end(held, results_of_hold(append));
    varve_append_free(append);
    wait_for_checkpoint(s.f, "g", third);
    fixture_wait(s.f, all_is_pictured, group);
    assert_int_equal(group->pictured_acks, 2);
    assert_true(group->record.acked_through > through + 1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_finished_and_remembered),
        cmocka_unit_test(what_is_not_stored_stays_with_its_member),
        cmocka_unit_test(nothing_else_can_be_said_about_what_is_held),
        cmocka_unit_test(it_does_not_run_late),
        cmocka_unit_test(a_lost_members_event_waits_for_the_outcome_and_is_finished),
        cmocka_unit_test(a_lost_members_event_goes_to_others_when_nothing_was_stored),
        cmocka_unit_test(a_name_that_is_taken_over_takes_nothing_that_is_held),
        cmocka_unit_test(a_stopped_groups_transactions_count),
        cmocka_unit_test(one_that_is_refused_leaves_the_others_alone),
        cmocka_unit_test(only_members_of_the_connection_may),
        cmocka_unit_test(what_a_start_would_read_is_bounded),
        cmocka_unit_test(a_reset_comes_after_what_is_held),
        cmocka_unit_test(what_was_handled_before_a_reset_is_refused_and_acked_alone),
        cmocka_unit_test(a_deletion_comes_after_what_is_held),
        cmocka_unit_test(replays_of_parked_events_are_resolved_with_the_rest),
        cmocka_unit_test(pictures_say_which_transactions_they_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
