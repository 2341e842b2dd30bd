/* test_outbox_nearest.c - near names are offered, far ones are not. */
#include "support/check.h"

#include "server/outbox/outbox_nearest.h"

static const char *const names[] = { "mode", "brokers", "txn.max_events", "txn.max_bytes", "txn.gap", "poison.policy" };

static void a_misspelt_name_finds_its_way(void **state)
{
    static const struct { const char *word, *name; } cases[] = {
        { "brokers", "brokers" },
        { "broker", "brokers" },
        { "borkers", "brokers" },
        { "txn.max_event", "txn.max_events" },
        { "txn_max_bytes", "txn.max_bytes" },
        { "max_bytes", NULL }, /* four more, of nine: above a third */
        { "poison_policy", "poison.policy" },
        { "mod", "mode" },
        { "colour", NULL },
        { "lanes", NULL },
        { "", NULL },
        { "a.very.long.name.that.is.longer.than.any.of.ours.could.be", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outbox_nearest nearest = outbox_nearest_to(cases[i].word);

        for (size_t j = 0; j < COUNT_OF(names); j++)
            outbox_nearest_offer(&nearest, names[j]);
        if (cases[i].name == NULL)
            CHECK_CASE(nearest.name == NULL, cases[i].word);
        else
            CHECK_CASE(nearest.name != NULL && strcmp(nearest.name, cases[i].name) == 0, cases[i].word);
    }
}

static void of_equals_the_first_stays(void **state)
{
    struct outbox_nearest nearest = outbox_nearest_to("bat");

    outbox_nearest_offer(&nearest, "cat");
    outbox_nearest_offer(&nearest, "rat");
    assert_string_equal(nearest.name, "cat");
    assert_int_equal(nearest.distance, 1);
    outbox_nearest_offer(&nearest, "bat");
    assert_string_equal(nearest.name, "bat");
    assert_int_equal(nearest.distance, 0);
}

static void the_hint_is_a_question(void **state)
{
    struct outbox_nearest nearest = outbox_nearest_to("mod");
    char room[OUTBOX_NEAREST_HINT];

    assert_string_equal(outbox_nearest_hint(&nearest, room), "");
    outbox_nearest_offer(&nearest, "mode");
    assert_string_equal(outbox_nearest_hint(&nearest, room), "; did you mean mode?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_name_finds_its_way), cmocka_unit_test(of_equals_the_first_stays),
        cmocka_unit_test(the_hint_is_a_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
