/* test_saga_fold.c - the table of actions and statuses in full, and what a saga's events make of its row. */
#include <stdlib.h>

#include "engine/saga.h"
#include "support/check.h"
#include "support/records.h"
#include "varve/json.h"
#include "varve/record.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

static bool is_uuid(const struct varve_uuid *uuid, uint64_t number)
{
    struct varve_uuid other = test_uuid(number);

    return memcmp(uuid, &other, sizeof(other)) == 0;
}

#define ASSERT_VIEW(actual, text) assert_true(varve_view_equal((actual), varve_view_str(text)))

/* ---- the table of varve/saga.h, in other words ---- */

enum { NONE = SAGA_NONE, ARCHIVED = SAGA_ARCHIVED };

static const struct {
    enum varve_saga_action action;
    int from[4], to; /* from: up to the first -1 */
} moves[] = {
    { VARVE_SAGA_BEGIN, { NONE, -1 }, VARVE_SAGA_RUNNING },
    { VARVE_SAGA_STEP, { VARVE_SAGA_RUNNING, VARVE_SAGA_TIMED_OUT, -1 }, VARVE_SAGA_RUNNING },
    { VARVE_SAGA_STEP, { VARVE_SAGA_COMPENSATING, -1 }, VARVE_SAGA_COMPENSATING },
    { VARVE_SAGA_COMPENSATE, { VARVE_SAGA_RUNNING, VARVE_SAGA_COMPENSATING, VARVE_SAGA_TIMED_OUT, -1 },
      VARVE_SAGA_COMPENSATING },
    { VARVE_SAGA_COMPLETE, { VARVE_SAGA_RUNNING, VARVE_SAGA_TIMED_OUT, -1 }, VARVE_SAGA_COMPLETED },
    { VARVE_SAGA_FAIL, { VARVE_SAGA_RUNNING, VARVE_SAGA_COMPENSATING, VARVE_SAGA_TIMED_OUT, -1 }, VARVE_SAGA_FAILED },
    { VARVE_SAGA_ARCHIVE, { VARVE_SAGA_COMPLETED, VARVE_SAGA_FAILED, -1 }, ARCHIVED },
    { VARVE_SAGA_TIME_OUT, { VARVE_SAGA_RUNNING, VARVE_SAGA_COMPENSATING, -1 }, VARVE_SAGA_TIMED_OUT },
};

static int expected_next(unsigned status, enum varve_saga_action action)
{
    for (size_t i = 0; i < COUNT_OF(moves); i++)
        for (unsigned j = 0; moves[i].action == action && moves[i].from[j] >= 0; j++)
            if (moves[i].from[j] == (int)status)
                return moves[i].to;
    return -1;
}

static void every_action_in_every_status(void **ignored)
{
    for (unsigned status = 0; status <= SAGA_ARCHIVED; status++) {
        for (int action = 0; action < VARVE_SAGA_ACTIONS; action++) {
            int next = expected_next(status, (enum varve_saga_action)action);
            CHECK_CASE(saga_next_status(status, (enum varve_saga_action)action) == next,
                       varve_saga_action_name((enum varve_saga_action)action));
        }
        assert_int_equal(saga_next_status(status, VARVE_SAGA_ACTIONS), -1);
    }
    assert_int_equal(saga_next_status(SAGA_ARCHIVED + 1, VARVE_SAGA_STEP), -1);
}

/* With the right version, a wrong one and none: first whether there is such a saga, then whether it is the one that
 * the writer saw, and only then whether the action fits. */
static enum varve_status expected_may(const struct saga_row *row, enum varve_saga_action action, bool version_fits)
{
    if (action == VARVE_SAGA_BEGIN)
        return row->status == SAGA_NONE ? VARVE_OK : VARVE_SAGA_EXISTS;
    if (row->status >= VARVE_SAGA_STATUSES)
        return VARVE_SAGA_NOT_FOUND;
    if (!version_fits)
        return VARVE_SAGA_CONFLICT;
    if (action == VARVE_SAGA_TIME_OUT && row->deadline_us == VARVE_TIME_NONE)
        return VARVE_SAGA_FINISHED;
    return expected_next(row->status, action) < 0 ? VARVE_SAGA_FINISHED : VARVE_OK;
}

static void every_change_of_every_row(void **ignored)
{
    static const struct { int64_t expected; bool fits; } versions[] = {
        { 5, true }, { VARVE_EXPECTED_STREAM_EXISTS, true }, { 4, false }, { 6, false }, { 0, false },
    };

    for (unsigned status = 0; status <= SAGA_ARCHIVED; status++)
        for (int action = 0; action < VARVE_SAGA_ACTIONS; action++)
            for (unsigned v = 0; v < COUNT_OF(versions); v++)
                for (unsigned has_deadline = 0; has_deadline < 2; has_deadline++) {
                    struct saga_row row;

                    saga_row_init(&row);
                    row.status = status;
                    row.version = 5;
                    row.deadline_us = has_deadline ? 1000 : VARVE_TIME_NONE;
                    assert_int_equal(saga_may(&row, (enum varve_saga_action)action, versions[v].expected),
                                     expected_may(&row, (enum varve_saga_action)action, versions[v].fits));
                }
}

/* ---- folding ---- */

/* A saga whose events are at positions 10, 20, ... and recorded at 1000, 2000, ... */
struct life {
    struct saga_row row;
    uint64_t version; /* of the next event */
    uint8_t *records[16];
    uint32_t sizes[16];
};

static void life_begin(struct life *life)
{
    *life = (struct life){ .version = 0 };
    saga_row_init(&life->row);
}

static void life_end(struct life *life)
{
    for (unsigned i = 0; i < COUNT_OF(life->records); i++)
        free(life->records[i]);
}

static enum varve_status life_add(struct life *life, struct varve_event *event)
{
    uint64_t version = life->version++;

    event->stream = view("$saga-order-1");
    event->position = 10 * (version + 1);
    event->version = version;
    event->recorded_at_us = 1000 * (int64_t)(version + 1);
    event->id = test_uuid(event->position);
    life->records[version] = malloc(varve_record_size(event)); /* The row points into it. */
    life->sizes[version] = (uint32_t)varve_record_encode(event, life->records[version]);
    return saga_fold(&life->row, life->records[version], life->sizes[version]);
}

static enum varve_status life_change(struct life *life, struct varve_saga_change change)
{
    char metadata[SAGA_MAX_METADATA];
    struct varve_event event;

    change.type = view("order");
    change.id = view("1");
    change.deadline_us = change.deadline_us == 0 ? VARVE_TIME_NONE : change.deadline_us;
    assert_int_equal(varve_saga_change_check(&change, "change", NULL), VARVE_OK);
    saga_change_event(&change, metadata, &event);
    event.stream = view("$saga-order-1");
    assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
    return life_add(life, &event);
}

#define CHANGE(...) ((struct varve_saga_change){ __VA_ARGS__ })

static void from_beginning_to_archive(void **ignored)
{
    struct life life;
    const struct saga_row *row = &life.row;

    life_begin(&life);
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN, .step = view("reserve"), .has_state = true,
                                               .state = view("{\"a\":1}"), .deadline_us = 777,
                                               .correlation_id = test_uuid(99))), VARVE_OK);
    assert_true(row->status == VARVE_SAGA_RUNNING && row->version == 0 && row->position == 10);
    assert_true(row->started_at_us == 1000 && row->updated_at_us == 1000 && row->deadline_us == 777);
    assert_true(row->state_position == 10 && row->content_type == VARVE_CONTENT_JSON);
    assert_true(is_uuid(&row->correlation_id, 99));
    ASSERT_VIEW(row->step, "reserve");

    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_STEP, .step = view("charge"),
                                               .correlation_id = test_uuid(98))), VARVE_OK);
    assert_true(row->version == 1 && row->position == 20 && row->updated_at_us == 2000 && row->started_at_us == 1000);
    assert_true(row->deadline_us == VARVE_TIME_NONE && row->state_position == 10); /* Kept. */
    assert_true(is_uuid(&row->correlation_id, 99));
    ASSERT_VIEW(row->step, "charge");

    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_COMPLETE, .has_state = true, .state = view("x"),
                                               .content_type = VARVE_CONTENT_OCTET_STREAM)), VARVE_OK);
    assert_true(row->status == VARVE_SAGA_COMPLETED && row->completed_at_us == 3000 && row->state_position == 30);
    assert_true(row->content_type == VARVE_CONTENT_OCTET_STREAM && row->failed_at_us == VARVE_TIME_NONE);
    ASSERT_VIEW(row->step, "charge");

    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_ARCHIVE)), VARVE_OK);
    assert_true(row->status == SAGA_ARCHIVED && row->version == 3 && !saga_row_is_listed(row));
    life_end(&life);
}

static void error_text_is(const struct saga_row *row, const char *text)
{
    char error[VARVE_SAGA_MAX_ERROR];

    assert_int_equal(saga_error_text(row->error_json, error), strlen(text));
    assert_memory_equal(error, text, strlen(text));
}

static void through_a_deadline_and_compensation_to_failure(void **ignored)
{
    struct life life;
    const struct saga_row *row = &life.row;

    life_begin(&life);
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN, .deadline_us = -5)), VARVE_OK);
    assert_true(row->deadline_us == -5 && row->state_position == 0 && row->step.size == 0);
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_TIME_OUT)), VARVE_OK);
    assert_true(row->status == VARVE_SAGA_TIMED_OUT && row->deadline_us == VARVE_TIME_NONE);
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_COMPENSATE, .step = view("release"),
                                               .error = view("said \"no\"\n\\ \x01\xc3\xa4"), .deadline_us = 9)),
                     VARVE_OK);
    assert_true(row->status == VARVE_SAGA_COMPENSATING && row->deadline_us == 9);
    error_text_is(row, "said \"no\"\n\\ \x01\xc3\xa4");
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_STEP, .step = view("refund"))), VARVE_OK);
    assert_int_equal(row->status, VARVE_SAGA_COMPENSATING);
    error_text_is(row, "said \"no\"\n\\ \x01\xc3\xa4"); /* What it is compensated for stays. */
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_FAIL, .error = view("out of stock"))), VARVE_OK);
    assert_true(row->status == VARVE_SAGA_FAILED && row->failed_at_us == 5000);
    error_text_is(row, "out of stock");
    ASSERT_VIEW(row->step, "refund");
    life_end(&life);
}

static void running_again_has_no_error(void **ignored)
{
    struct life life;

    life_begin(&life);
    life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN));
    life_change(&life, CHANGE(.action = VARVE_SAGA_COMPENSATE, .step = view("a"), .error = view("e"),
                              .deadline_us = 1));
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_TIME_OUT)), VARVE_OK);
    error_text_is(&life.row, "e");
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_STEP, .step = view("b"))), VARVE_OK);
    assert_int_equal(life.row.status, VARVE_SAGA_RUNNING);
    assert_int_equal(life.row.error_json.size, 0);
    life_end(&life);
}

static void the_longest_of_everything(void **ignored)
{
    char step[VARVE_SAGA_MAX_STEP], error[VARVE_SAGA_MAX_ERROR], again[VARVE_SAGA_MAX_ERROR];
    struct life life;

    memset(step, 's', sizeof(step));
    memset(error, 1, sizeof(error)); /* Each becomes six bytes of JSON. */
    life_begin(&life);
    life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN));
    assert_int_equal(life_change(&life, CHANGE(.action = VARVE_SAGA_COMPENSATE, .deadline_us = VARVE_TIME_MIN,
                                               .step = varve_view_of(step, sizeof(step)),
                                               .error = varve_view_of(error, sizeof(error)))), VARVE_OK);
    assert_int_equal(life.row.step.size, sizeof(step));
    assert_int_equal(life.row.error_json.size, SAGA_MAX_ERROR_JSON);
    assert_int_equal(saga_error_text(life.row.error_json, again), sizeof(error));
    assert_memory_equal(again, error, sizeof(error));
    assert_true(life.row.deadline_us == VARVE_TIME_MIN);
    life_end(&life);
}

static void the_event_as_people_see_it(void **ignored)
{
    char metadata[SAGA_MAX_METADATA];
    struct varve_event event;
    struct varve_saga_change change = CHANGE(.action = VARVE_SAGA_COMPENSATE, .step = view("release"),
                                             .error = view("\"\n"), .deadline_us = 12, .has_state = true,
                                             .state = view("{}"), .event_id = test_uuid(1),
                                             .correlation_id = test_uuid(2), .causation_id = test_uuid(3));

    saga_change_event(&change, metadata, &event);
    ASSERT_VIEW(event.type, "$saga.compensating");
    ASSERT_VIEW(event.metadata,
                "{\"step\":\"release\",\"deadline_us\":12,\"error\":\"\\\"\\u000a\",\"state\":\"new\"}");
    ASSERT_VIEW(event.data, "{}");
    assert_int_equal(event.content_type, VARVE_CONTENT_JSON);
    assert_memory_equal(&event.id, &change.event_id, sizeof(event.id));
    assert_memory_equal(&event.correlation_id, &change.correlation_id, sizeof(event.id));
    assert_memory_equal(&event.causation_id, &change.causation_id, sizeof(event.id));

    change = CHANGE(.action = VARVE_SAGA_COMPLETE, .deadline_us = VARVE_TIME_NONE);
    saga_change_event(&change, metadata, &event);
    ASSERT_VIEW(event.metadata, "{\"state\":\"kept\"}");
    assert_int_equal(event.data.size, 0);
    assert_int_equal(event.content_type, VARVE_CONTENT_OCTET_STREAM);
}

static void types_stand_for_actions(void **ignored)
{
    static const char *const types[VARVE_SAGA_ACTIONS] = {
        "$saga.started", "$saga.stepped", "$saga.compensating", "$saga.completed", "$saga.failed", "$saga.archived",
        "$saga.timed_out",
    };

    for (int action = 0; action < VARVE_SAGA_ACTIONS; action++)
        assert_int_equal(saga_action_of(view(types[action])), action);
    assert_int_equal(saga_action_of(view("$saga.")), -1);
    assert_int_equal(saga_action_of(view("order.placed")), -1);
}

/* ---- what cannot be folded ---- */

static void expect_corrupt(struct life *life, struct varve_event event, const char *label)
{
    struct saga_row before = life->row;

    CHECK_CASE(life_add(life, &event) == VARVE_CORRUPT, label);
    CHECK_CASE(memcmp(&before, &life->row, sizeof(before)) == 0, label);
    free(life->records[--life->version]);
    life->records[life->version] = NULL;
}

static struct varve_event event_of(const char *type, const char *metadata)
{
    return (struct varve_event){ .type = view(type), .metadata = view(metadata), .time_us = VARVE_TIME_NONE };
}

static void what_cannot_be_understood(void **ignored)
{
    static const char *const metadata[] = {
        NULL, "", "[]", "1", "{", "{\"state\":\"gone\"}", "{\"state\":1}", "{\"step\":1}", "{\"step\":\"a\\u0041\"}",
        "{\"deadline_us\":null}", "{\"deadline_us\":1.5}", "{\"deadline_us\":\"1\"}",
        "{\"deadline_us\":9223372036854775808}", "{\"error\":null}", "{\"error\":[1]}", "{\"state\":\"new\"} x",
    };
    static const char *const out_of_turn[] = { "$saga.started", "$saga.archived" };
    char long_step[256], long_error[SAGA_MAX_ERROR_JSON + 64];
    struct life life;

    life_begin(&life);
    expect_corrupt(&life, event_of("$saga.stepped", "{\"state\":\"kept\"}"), "a step of nothing");
    life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN, .step = view("first")));
    for (unsigned i = 0; i < COUNT_OF(metadata); i++)
        expect_corrupt(&life, event_of("$saga.stepped", metadata[i]), metadata[i] == NULL ? "none" : metadata[i]);
    for (unsigned i = 0; i < COUNT_OF(out_of_turn); i++)
        expect_corrupt(&life, event_of(out_of_turn[i], "{\"state\":\"kept\"}"), out_of_turn[i]);
    snprintf(long_step, sizeof(long_step), "{\"step\":\"%0*d\"}", VARVE_SAGA_MAX_STEP + 1, 0);
    expect_corrupt(&life, event_of("$saga.stepped", long_step), "a long step");
    snprintf(long_error, sizeof(long_error), "{\"error\":\"%0*d\"}", SAGA_MAX_ERROR_JSON - 1, 0);
    expect_corrupt(&life, event_of("$saga.failed", long_error), "a long error");

    life.version = 0;
    uint8_t *first = life.records[0];
    expect_corrupt(&life, event_of("$saga.stepped", "{\"state\":\"kept\"}"), "a version that was folded already");
    life.records[0] = first;
    first[life.sizes[0] / 2] ^= 1;
    saga_row_init(&life.row);
    assert_int_equal(saga_fold(&life.row, first, life.sizes[0]), VARVE_CORRUPT);
    assert_int_equal(life.row.status, SAGA_NONE);
    life_end(&life);
}

static void what_others_may_have_written(void **ignored)
{
    struct life life;
    struct varve_event other = event_of("note", NULL);
    struct varve_event later = event_of("$saga.stepped", "{\"step\":\"b\", \"worker\":{\"n\":1}, \"state\":\"kept\"}");

    life_begin(&life);
    life_change(&life, CHANGE(.action = VARVE_SAGA_BEGIN, .step = view("a"), .deadline_us = 7));
    assert_int_equal(life_add(&life, &other), VARVE_OK);
    assert_true(life.row.version == 1 && life.row.position == 20 && life.row.updated_at_us == 2000);
    assert_true(life.row.status == VARVE_SAGA_RUNNING && life.row.deadline_us == 7 && life.row.started_at_us == 1000);
    ASSERT_VIEW(life.row.step, "a");
    assert_int_equal(life_add(&life, &later), VARVE_OK); /* A member of a later version changes nothing. */
    ASSERT_VIEW(life.row.step, "b");
    life_end(&life);
}

static void errors_as_text(void **ignored)
{
    static const struct { const char *json, *text; } cases[] = {
        { "", "" }, { "\"\"", "" }, { "\"a\"", "a" }, { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u0041\\u001F\\u00e4\\ud83c\\udf31\"", "A\x1f???" },
        { "\"\\u12\"", "?12" }, { "\"\\uzzzz.\"", "?." }, { "\"\\", "" }, { "\"\\q\"", "?" }, /* not JSON */
    };
    char text[VARVE_SAGA_MAX_ERROR], endless[2 * VARVE_SAGA_MAX_ERROR];

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        size_t size = saga_error_text(view(cases[i].json), text);
        CHECK_CASE(size == strlen(cases[i].text) && memcmp(text, cases[i].text, size) == 0, cases[i].json);
    }
    memset(endless, '"', sizeof(endless));
    assert_int_equal(saga_error_text(varve_view_of(endless, sizeof(endless)), text), VARVE_SAGA_MAX_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_in_every_status),
        cmocka_unit_test(every_change_of_every_row),
        cmocka_unit_test(from_beginning_to_archive),
        cmocka_unit_test(through_a_deadline_and_compensation_to_failure),
        cmocka_unit_test(running_again_has_no_error),
        cmocka_unit_test(the_longest_of_everything),
        cmocka_unit_test(the_event_as_people_see_it),
        cmocka_unit_test(types_stand_for_actions),
        cmocka_unit_test(what_cannot_be_understood),
        cmocka_unit_test(what_others_may_have_written),
        cmocka_unit_test(errors_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
