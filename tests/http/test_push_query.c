/* test_push_query.c - parameters: what they become, and what is said of those that are wrong. */
#include "support/check.h"

#include "server/http/push_query.h"

#define P(member, text) .member = { text, sizeof(text) - 1 }

static struct push_ask *ask_of(const struct push_parameters *parameters)
{
    struct push_ask *ask = NULL;
    struct varve_error error;

    if (push_ask_create(parameters, &ask, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    return ask;
}

static bool is(struct varve_view a, const char *b)
{
    return varve_view_equal(a, varve_view_str(b));
}

static void nothing_asks_for_all_that_comes(void **state)
{
    struct push_ask *ask = ask_of(&(struct push_parameters){ .after = { NULL, 0 } });

    assert_true(ask->from_end);
    assert_true(ask->types.count == 0 && ask->user_id.data == NULL);
    assert_true(ask->filter->category_count + ask->filter->type_count + ask->filter->stream_count == 0);
    assert_false(ask->filter->include_system);
    push_ask_free(ask);
    push_ask_free(NULL);
}

static void places(void **state)
{
    static const struct { const char *after, *last; bool from_end; uint64_t position; } cases[] = {
        { "start", NULL, false, 0 }, { "end", NULL, true, 0 }, { NULL, NULL, true, 0 }, { "0", NULL, false, 0 },
        { "17", NULL, false, 17 }, { "18446744073709551615", NULL, false, UINT64_MAX }, { "017", NULL, false, 17 },
        { "5", "9", false, 9 }, { NULL, "9", false, 9 }, { "end", "9", false, 9 }, { "5", "", false, 5 },
        { NULL, "", true, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct push_ask *ask = ask_of(&(struct push_parameters){ .after = varve_view_str(cases[i].after),
                                                                 .last_event_id = varve_view_str(cases[i].last) });

        assert_int_equal(ask->from_end, cases[i].from_end);
        if (!cases[i].from_end)
            assert_int_equal(ask->after, cases[i].position);
        push_ask_free(ask);
    }
}

static void exact_types_are_the_followers(void **state)
{
    struct push_ask *ask = ask_of(&(struct push_parameters){ P(type, "b.c,a.b"), P(category, "order,payment"),
                                                             P(class_, "integration,realtime"), P(prefix, "order-1"),
                                                             P(named, "true") });

    assert_int_equal(ask->types.count, 0);
    assert_int_equal(ask->filter->type_count, 2);
    assert_true(is(ask->filter->types[0], "a.b") && is(ask->filter->types[1], "b.c"));
    assert_int_equal(ask->filter->category_count, 2);
    assert_true(is(ask->filter->prefixes[0], "order-1"));
    assert_int_equal(ask->filter->classes, 6);
    assert_false(ask->unnamed);
    push_ask_free(ask);
}

static void patterns_and_users_are_our_own(void **state)
{
    struct push_ask *ask = ask_of(&(struct push_parameters){ P(type, "offer.*,order.placed"), P(user, "u 1"),
                                                             P(stream, "offer-7"), P(named, "false") });

    assert_int_equal(ask->filter->type_count, 0);
    assert_int_equal(ask->types.count, 2);
    assert_string_equal(ask->types.items[0], "offer.*");
    assert_string_equal(ask->types.items[1], "order.placed");
    assert_true(is(ask->user_id, "u 1"));
    assert_true(is(ask->filter->streams[0], "offer-7"));
    assert_true(ask->unnamed);
    push_ask_free(ask);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct { const char *label; struct push_parameters parameters; const char *field, *says; } cases[] = {
        { "a word", { P(after, "yesterday") }, "after", "expected a position, start or end" },
        { "nothing", { P(after, "") }, "after", "expected a position, start or end" },
        { "a sign", { P(after, "-1") }, "after", "expected a position" },
        { "a blank", { P(after, " 1") }, "after", "expected a position" },
        { "too large", { P(after, "18446744073709551616") }, "after", "expected a position" },
        { "a last id of another server", { P(last_event_id, "a7"), P(after, "7") }, "Last-Event-ID",
          "expected the position of an event" },
        { "an unknown class", { P(class_, "domain,urgent") }, "class", "expected domain, integration or realtime" },
        { "no class", { P(class_, "") }, "class", "one is empty" },
        { "no type", { P(type, "") }, "type", "one is empty" },
        { "a comma too many", { P(type, "a,,b") }, "type", "one is empty" },
        { "a comma behind", { P(category, "a,") }, "category", "one is empty" },
        { "control characters", { P(type, "a\nb*") }, "type", "control characters" },
        { "no UTF-8", { P(user, "\xff") }, "user", "UTF-8" },
        { "no user", { P(user, "") }, "user", "1 to 255 bytes" },
        { "a stream for a category", { P(category, "order-1") }, "category", "before the first '-'" },
        { "no stream", { P(stream, "") }, "stream", "1 to 480 bytes" },
        { "a system stream", { P(stream, "$group-a") }, "stream", "not pushed" },
        { "a prefix of those", { P(prefix, "$") }, "prefix", "not pushed" },
        { "a category of those", { P(category, "$group") }, "", "can never match" },
        { "neither yes nor no", { P(named, "") }, "named", "expected true or false" },
        { "a contradiction", { P(stream, "order-1"), P(category, "payment") }, "", "can never match" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct push_ask *ask = NULL;
        struct varve_error error = { .status = VARVE_OK };

        CHECK_CASE(push_ask_create(&cases[i].parameters, &ask, &error) == VARVE_INVALID_ARGUMENT, cases[i].label);
        CHECK_CASE(ask == NULL, cases[i].label);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].label);
        if (strstr(error.message, cases[i].says) == NULL)
            print_error("%s\n", error.message);
        CHECK_CASE(strstr(error.message, cases[i].says) != NULL, cases[i].label);
        CHECK_CASE(push_ask_create(&cases[i].parameters, &ask, NULL) == VARVE_INVALID_ARGUMENT, cases[i].label);
    }
}

static void lists_are_bounded(void **state)
{
    char text[2 * PUSH_LIST_MAX + 2] = "a";
    struct push_ask *ask = NULL;
    struct varve_error error;

    for (unsigned i = 1; i < PUSH_LIST_MAX; i++)
        strcat(text, ",a");
    ask = ask_of(&(struct push_parameters){ .type = varve_view_str(text) });
    assert_int_equal(ask->filter->type_count, 1); /* All the same. */
    push_ask_free(ask);
    strcat(text, ",");
    strcat(text, "a");
    assert_int_equal(push_ask_create(&(struct push_parameters){ .category = varve_view_str(text) }, &ask, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "category");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asks_for_all_that_comes), cmocka_unit_test(places),
        cmocka_unit_test(exact_types_are_the_followers), cmocka_unit_test(patterns_and_users_are_our_own),
        cmocka_unit_test(what_is_wrong_is_said), cmocka_unit_test(lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
