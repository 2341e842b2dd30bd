/* test_outbox_config_parts.c - texts, lists and complaints of a draft. */
#include "support/check.h"

#include "server/outbox/outbox_config_parts.h"

static void complaints_say_where(void **state)
{
    struct varve_error error;
    struct outbox_place place = { .origin = "varve.ini:12", .key = "txn.gap", .error = &error };

    assert_false(outbox_place_wrong(&place, "expected %s", "a time"));
    assert_int_equal(error.status, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "varve.ini:12: txn.gap: expected a time");
    assert_string_equal(error.field, "txn.gap");
    place.origin = "varve.ini";
    place.key = NULL;
    assert_false(outbox_place_wrong(&place, "no"));
    assert_string_equal(error.message, "varve.ini: no");
    assert_false(outbox_place_no_memory(&place));
    assert_int_equal(error.status, VARVE_NO_MEMORY);
}

static void words_are_parted_by_commas_and_blanks(void **state)
{
    static const struct { const char *text; size_t count; const char *words[3]; } cases[] = {
        { "a", 1, { "a" } },
        { "a,b", 2, { "a", "b" } },
        { " a ,\tb c,,", 3, { "a", "b", "c" } },
        { "a,", 1, { "a" } },
        { ",", 0, { NULL } },
        { " \t", 0, { NULL } },
        { "", 0, { NULL } },
    };
    struct varve_error error;
    struct outbox_place place = { .origin = "f", .error = &error };
    struct outbox_draft draft = { .arena = outbox_arena_create(0) };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char **words;
        size_t count = 0;

        CHECK_CASE(outbox_draft_words(&draft, &place, cases[i].text, &words, &count) == (cases[i].count > 0),
                   cases[i].text);
        CHECK_CASE(count == cases[i].count, cases[i].text);
        for (size_t j = 0; j < count; j++)
            CHECK_CASE(strcmp(words[j], cases[i].words[j]) == 0, cases[i].text);
    }
    outbox_arena_free(draft.arena);
}

static void lists_grow(void **state)
{
    struct outbox_place place = { .origin = "f" };
    struct outbox_draft draft = { .arena = outbox_arena_create(0) };
    uint64_t *list = NULL;

    for (size_t count = 0; count < 100; count++) {
        list = outbox_draft_extend(&draft, &place, list, count, sizeof(*list));
        assert_non_null(list);
        list[count] = count * count;
    }
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(list[i], i * i);
    outbox_arena_free(draft.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complaints_say_where), cmocka_unit_test(words_are_parted_by_commas_and_blanks),
        cmocka_unit_test(lists_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
