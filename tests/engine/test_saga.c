/* test_saga.c - the names of sagas, the words about them, and which changes have the right shape. */
#include <stdlib.h>

#include "engine/saga.h"
#include "support/check.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

/* ---- words ---- */

static void every_status_and_action_has_a_word(void **ignored)
{
    static const char *const statuses[] = { "running", "compensating", "timed_out", "completed", "failed" };
    static const char *const actions[] = { "begin", "step", "compensate", "complete", "fail", "archive", "time_out" };
    enum varve_saga_status status;

    for (unsigned i = 0; i < COUNT_OF(statuses); i++) {
        assert_string_equal(varve_saga_status_name((enum varve_saga_status)i), statuses[i]);
        assert_true(varve_saga_status_parse(view(statuses[i]), &status));
        assert_int_equal(status, i);
    }
    for (unsigned i = 0; i < COUNT_OF(actions); i++)
        assert_string_equal(varve_saga_action_name((enum varve_saga_action)i), actions[i]);
    assert_null(varve_saga_status_name(VARVE_SAGA_STATUSES));
    assert_null(varve_saga_action_name(VARVE_SAGA_ACTIONS));
    assert_false(varve_saga_status_parse(view("runnin"), &status));
    assert_false(varve_saga_status_parse(view(""), &status));
}

static void a_query_asks_for_all(void **ignored)
{
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    assert_int_equal(query.order, VARVE_SAGA_BY_CHANGE);
    assert_int_equal(query.statuses, 0);
    assert_int_equal(query.type.size + query.step.size + query.after.size, 0);
    assert_true(query.updated_before_us == VARVE_TIME_NONE && query.deadline_before_us == VARVE_TIME_NONE);
    assert_int_equal(query.limit, 100);
    assert_false(query.include_state);
}

/* ---- names ---- */

static void a_stream_is_taken_apart(void **ignored)
{
    static const struct { const char *stream, *type, *id; } cases[] = {
        { "$saga-order-1", "order", "1" },
        { "$saga-order-a-b-c", "order", "a-b-c" },
        { "$saga-Loan.v2_x--", "Loan.v2_x", "-" },
        { "$saga-o-\xc3\xa4 b", "o", "\xc3\xa4 b" },
        { "$saga-order", NULL, NULL },
        { "$saga-order-", NULL, NULL },
        { "$saga--1", NULL, NULL },
        { "$saga-", NULL, NULL },
        { "$saga", NULL, NULL },
        { "$sagas-order-1", NULL, NULL },
        { "$saga-or der-1", NULL, NULL },
        { "$saga-order-a\nb", NULL, NULL },
        { "$saga-order-\xff", NULL, NULL },
        { "$$saga-order-1", NULL, NULL },
        { "saga-order-1", NULL, NULL },
        { "", NULL, NULL },
    };

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view type = { NULL, 0 }, id = { NULL, 0 };
        bool is_one = saga_split(view(cases[i].stream), &type, &id);
        char name[VARVE_SAGA_MAX_NAME];

        CHECK_CASE(is_one == (cases[i].type != NULL), cases[i].stream);
        if (!is_one)
            continue;
        CHECK_CASE(varve_view_equal(type, view(cases[i].type)), cases[i].stream);
        CHECK_CASE(varve_view_equal(id, view(cases[i].id)), cases[i].stream);
        CHECK_CASE(varve_view_equal(varve_saga_stream(type, id, name), view(cases[i].stream)), cases[i].stream);
    }
}

static void the_longest_names_fit(void **ignored)
{
    char type_text[VARVE_SAGA_MAX_TYPE + 1], id_text[VARVE_SAGA_MAX_ID + 1], name[VARVE_SAGA_MAX_NAME];
    struct varve_view type = { type_text, VARVE_SAGA_MAX_TYPE }, id = { id_text, VARVE_SAGA_MAX_ID }, stream;
    struct varve_view type_again, id_again;

    memset(type_text, 't', sizeof(type_text));
    memset(id_text, 'i', sizeof(id_text));
    assert_int_equal(varve_check_saga_type(type, "type", NULL), VARVE_OK);
    assert_int_equal(varve_check_saga_id(id, "id", NULL), VARVE_OK);
    stream = varve_saga_stream(type, id, name);
    assert_int_equal(stream.size, VARVE_SAGA_MAX_NAME);
    assert_true(saga_split(stream, &type_again, &id_again));
    assert_true(varve_view_equal(type, type_again) && varve_view_equal(id, id_again));
    assert_int_equal(varve_check_stream_name(stream, true, "stream", NULL), VARVE_OK);

    type.size++;
    id.size++;
    assert_int_equal(varve_check_saga_type(type, "type", NULL), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_check_saga_id(id, "id", NULL), VARVE_INVALID_ARGUMENT);
}

/* ---- changes ---- */

static struct varve_saga_change change_of(enum varve_saga_action action)
{
    bool steps = action == VARVE_SAGA_BEGIN || action == VARVE_SAGA_STEP || action == VARVE_SAGA_COMPENSATE;

    return (struct varve_saga_change){ .action = action, .type = view("order"), .id = view("1"), .expected = 0,
                                       .step = view(steps ? "reserve" : ""), .deadline_us = VARVE_TIME_NONE };
}

enum { STEP = 1, STATE = 2, DEADLINE = 4, ERROR = 8 };

/* Each field with each action: where it has no meaning it is refused, so that nothing said is passed over. */
static void what_each_action_may_say(void **ignored)
{
    static const struct { enum varve_saga_action action; unsigned may; } cases[] = {
        { VARVE_SAGA_BEGIN, STEP | STATE | DEADLINE },
        { VARVE_SAGA_STEP, STEP | STATE | DEADLINE },
        { VARVE_SAGA_COMPENSATE, STEP | STATE | DEADLINE | ERROR },
        { VARVE_SAGA_COMPLETE, STATE },
        { VARVE_SAGA_FAIL, STATE | ERROR },
        { VARVE_SAGA_ARCHIVE, 0 },
        { VARVE_SAGA_TIME_OUT, 0 },
    };
    static const char *const fields[] = { "s.step", "s.state", "s.deadline", "s.error" };

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        const char *label = varve_saga_action_name(cases[i].action);
        struct varve_saga_change plain = change_of(cases[i].action);

        CHECK_CASE(varve_saga_change_check(&plain, "s", NULL) == VARVE_OK, label);
        for (unsigned bit = 0; bit < COUNT_OF(fields); bit++) {
            struct varve_saga_change change = plain;
            struct varve_error error;
            enum varve_status status;

            change.step = 1u << bit == STEP ? view("pay") : change.step;
            change.has_state = 1u << bit == STATE;
            change.state = view(change.has_state ? "{}" : "");
            change.deadline_us = 1u << bit == DEADLINE ? 5 : VARVE_TIME_NONE;
            change.error = view(1u << bit == ERROR ? "no" : "");
            status = varve_saga_change_check(&change, "s", &error);
            CHECK_CASE(status == ((cases[i].may & 1u << bit) != 0 ? VARVE_OK : VARVE_INVALID_ARGUMENT), label);
            CHECK_CASE(status == VARVE_OK || strcmp(error.field, fields[bit]) == 0, label);
        }
    }
}

static void expect_refusal(const struct varve_saga_change *change, const char *field)
{
    struct varve_error error = { .status = VARVE_OK };

    CHECK_CASE(varve_saga_change_check(change, "sagas[3]", &error) == VARVE_INVALID_ARGUMENT, field);
    CHECK_CASE(strcmp(error.field, field) == 0, field);
    assert_int_equal(varve_saga_change_check(change, "sagas[3]", NULL), VARVE_INVALID_ARGUMENT);
}

#define REFUSED(start, field_name, ...)                     \
    do {                                                    \
        struct varve_saga_change change = change_of(start); \
        __VA_ARGS__;                                        \
        expect_refusal(&change, "sagas[3]." field_name);    \
    } while (0)

static char long_text[2000];

static struct varve_view letters(size_t size)
{
    memset(long_text, 'x', sizeof(long_text));
    return varve_view_of(long_text, size);
}

static void each_field_has_its_rules(void **ignored)
{
    REFUSED(VARVE_SAGA_STEP, "action", change.action = VARVE_SAGA_ACTIONS);
    REFUSED(VARVE_SAGA_STEP, "type", change.type = view(""));
    REFUSED(VARVE_SAGA_STEP, "type", change.type = view("a-b"));
    REFUSED(VARVE_SAGA_STEP, "type", change.type = view("\xc3\xa4"));
    REFUSED(VARVE_SAGA_STEP, "id", change.id = view(""));
    REFUSED(VARVE_SAGA_STEP, "id", change.id = view("a\tb"));
    REFUSED(VARVE_SAGA_STEP, "id", change.id = letters(VARVE_SAGA_MAX_ID + 1));
    REFUSED(VARVE_SAGA_STEP, "expected", change.expected = VARVE_EXPECTED_ANY);
    REFUSED(VARVE_SAGA_STEP, "expected", change.expected = VARVE_EXPECTED_NO_STREAM);
    REFUSED(VARVE_SAGA_STEP, "expected", change.expected = INT64_MIN);
    REFUSED(VARVE_SAGA_STEP, "step", change.step = view(""));
    REFUSED(VARVE_SAGA_COMPENSATE, "step", change.step = view(""));
    REFUSED(VARVE_SAGA_BEGIN, "step", change.step = view("a\"b"));
    REFUSED(VARVE_SAGA_BEGIN, "step", change.step = view("a\\b"));
    REFUSED(VARVE_SAGA_BEGIN, "step", change.step = view("a\nb"));
    REFUSED(VARVE_SAGA_BEGIN, "step", change.step = view("\xff"));
    REFUSED(VARVE_SAGA_BEGIN, "step", change.step = letters(VARVE_SAGA_MAX_STEP + 1));
    REFUSED(VARVE_SAGA_BEGIN, "state", change.has_state = true; change.state = view("{"));
    REFUSED(VARVE_SAGA_BEGIN, "state", change.has_state = true; change.state = view("\xc1");
            change.content_type = VARVE_CONTENT_MSGPACK);
    REFUSED(VARVE_SAGA_BEGIN, "content_type", change.has_state = true; change.content_type = 3);
    REFUSED(VARVE_SAGA_BEGIN, "deadline", change.deadline_us = VARVE_TIME_MAX + 1);
    REFUSED(VARVE_SAGA_BEGIN, "deadline", change.deadline_us = VARVE_TIME_MIN - 1);
    REFUSED(VARVE_SAGA_FAIL, "error", change.error = letters(VARVE_SAGA_MAX_ERROR + 1));
    REFUSED(VARVE_SAGA_FAIL, "error", change.error = view("\xc3"));
}

static void what_is_allowed_at_the_edges(void **ignored)
{
    struct varve_saga_change change = change_of(VARVE_SAGA_COMPENSATE);

    change.expected = VARVE_EXPECTED_STREAM_EXISTS;
    change.step = letters(VARVE_SAGA_MAX_STEP);
    change.error = letters(VARVE_SAGA_MAX_ERROR);
    change.deadline_us = VARVE_TIME_MAX;
    change.has_state = true; /* An empty one. */
    assert_int_equal(varve_saga_change_check(&change, "s", NULL), VARVE_OK);
    change.error = view("line 1\nline 2\t\x01 \xf0\x9f\x8c\xb1");
    change.content_type = VARVE_CONTENT_MSGPACK;
    change.state = view("\x80");
    assert_int_equal(varve_saga_change_check(&change, "s", NULL), VARVE_OK);

    change = change_of(VARVE_SAGA_BEGIN);
    change.step = view("");
    change.expected = VARVE_EXPECTED_ANY; /* Not looked at. */
    assert_int_equal(varve_saga_change_check(&change, "s", NULL), VARVE_OK);
}

static void a_state_has_a_limit_of_its_own(void **ignored)
{
    struct varve_saga_change change = change_of(VARVE_SAGA_STEP);
    struct varve_error error;
    char *state = calloc(1, VARVE_SAGA_MAX_STATE + 1);

    change.has_state = true;
    change.content_type = VARVE_CONTENT_OCTET_STREAM;
    change.state = varve_view_of(state, VARVE_SAGA_MAX_STATE);
    assert_int_equal(varve_saga_change_check(&change, "s", &error), VARVE_OK);
    change.state.size++;
    assert_int_equal(varve_saga_change_check(&change, "s", &error), VARVE_EVENT_TOO_LARGE);
    assert_int_equal(error.limit, VARVE_SAGA_MAX_STATE);
    free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_and_action_has_a_word),
        cmocka_unit_test(a_query_asks_for_all),
        cmocka_unit_test(a_stream_is_taken_apart),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(what_each_action_may_say),
        cmocka_unit_test(each_field_has_its_rules),
        cmocka_unit_test(what_is_allowed_at_the_edges),
        cmocka_unit_test(a_state_has_a_limit_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
