/* test_outbox_topic.c - which names Kafka allows, and what templates make of events. */
#include "support/check.h"

#include "server/outbox/outbox_topic.h"

static char long_name[OUTBOX_MAX_TOPIC + 2];

static int fill_long_name(void **state)
{
    memset(long_name, 'a', sizeof(long_name) - 1);
    return 0;
}

static void names_are_what_kafka_allows(void **state)
{
    static const struct { const char *name; bool good; } cases[] = {
        { "varve.payment", true }, { "a", true }, { "A-Z_0.9", true }, { "...", true }, { "_x", true },
        { "", false }, { ".", false }, { "..", false }, { "a b", false }, { "a/b", false }, { "k\xc3\xa4se", false },
        { "__consumer_offsets", false }, { "__", false }, { "a{b}", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(outbox_topic_is_allowed(varve_view_str(cases[i].name)) == cases[i].good, cases[i].name);
    assert_true(outbox_topic_is_allowed(varve_view_of(long_name, OUTBOX_MAX_TOPIC)));
    assert_false(outbox_topic_is_allowed(varve_view_of(long_name, OUTBOX_MAX_TOPIC + 1)));
}

static void templates_are_checked_when_they_are_read(void **state)
{
    static const struct { const char *text, *why; } cases[] = {
        { "varve.{category}", NULL }, { "{type}", NULL }, { "{source}.{class}-{category}_{type}", NULL },
        { "payments", NULL },
        { "varve.{colour}", "variables are" }, { "varve.{category", "variables are" }, { "{}", "variables are" },
        { "a}", "Kafka allows" }, { "a b", "Kafka allows" }, { "a/{type}", "Kafka allows" },
        { "..", "\"..\"" }, { "__x", "Kafka's own" }, { "__{type}", "Kafka's own" }, { "", "1 to 249" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why;

        CHECK_CASE(outbox_topic_check_template(cases[i].text, &why) == (cases[i].why == NULL), cases[i].text);
        CHECK_CASE(cases[i].why == NULL || strstr(why, cases[i].why) != NULL, cases[i].text);
    }
    const char *why;
    assert_false(outbox_topic_check_template(long_name, &why));
}

static void templates_know_their_variables(void **state)
{
    assert_true(outbox_topic_depends_on("a.{type}", "type"));
    assert_true(outbox_topic_depends_on("{category}.{type}", "type"));
    assert_false(outbox_topic_depends_on("{category}.type", "type"));
    assert_false(outbox_topic_depends_on("types", "type"));
}

static void events_fill_templates(void **state)
{
    static const struct { const char *text, *stream, *type, *source, *topic, *why; } cases[] = {
        { "varve.{category}", "payment-17", "t", NULL, "varve.payment", NULL },
        { "varve.{category}", "settings", "t", NULL, "varve.settings", NULL },
        { "{type}", "a-1", "payment.captured.ok", NULL, "payment.captured.ok", NULL },
        { "{class}.{source}.{category}", "loan-1", "t", "desk", "integration.desk.loan", NULL },
        { "plain", "a-1", "t", NULL, "plain", NULL },
        { "{source}", "a-1", "t", NULL, NULL, "has no source" },
        { "varve.{category}", "-1", "t", NULL, NULL, "has no category" },
        { "varve.{category}", "k\xc3\xa4se-1", "t", NULL, NULL, "the category \"k\xc3\xa4se\" cannot" },
        { "varve.{type}", "a-1", "order placed", NULL, NULL, "the type \"order placed\" cannot" },
        { "{category}", "__consumer_offsets-1", "t", NULL, NULL, "Kafka's own" },
        { "{category}", "..-1", "t", NULL, NULL, "Kafka's own" },
        { "_{category}", "_x-1", "t", NULL, NULL, "Kafka's own" },
        { "a{category}", "..-1", "t", NULL, "a..", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = {
            .stream = varve_view_str(cases[i].stream), .type = varve_view_str(cases[i].type),
            .source = varve_view_str(cases[i].source), .class_ = VARVE_CLASS_INTEGRATION,
        };
        char topic[OUTBOX_MAX_TOPIC + 1], why[200] = "";
        bool good = outbox_topic_expand(cases[i].text, &event, topic, why, sizeof(why));
        CHECK_CASE(good == (cases[i].topic != NULL), cases[i].text);
        CHECK_CASE(!good || strcmp(topic, cases[i].topic) == 0, cases[i].text);
        CHECK_CASE(good || strstr(why, cases[i].why) != NULL, why);
        CHECK_CASE(!good || outbox_topic_is_allowed(varve_view_str(topic)), topic);
    }
}

static void long_names_are_told(void **state)
{
    struct varve_event event = { .stream = varve_view_of(long_name, 248), .type = varve_view_str("ab") };
    char topic[OUTBOX_MAX_TOPIC + 1], why[200];

    assert_true(outbox_topic_expand("v{category}", &event, topic, why, sizeof(why)));
    assert_int_equal(strlen(topic), OUTBOX_MAX_TOPIC);
    assert_false(outbox_topic_expand("v.{category}", &event, topic, why, sizeof(why)));
    assert_string_equal(why, "the topic v.{category} comes out longer than 249 characters");
    assert_false(outbox_topic_expand("{category}{type}", &event, topic, why, sizeof(why)));
    event.stream.size = 249;
    assert_false(outbox_topic_expand("{category}!", &event, topic, why, 3)); /* A short room is not overrun. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_what_kafka_allows), cmocka_unit_test(templates_are_checked_when_they_are_read),
        cmocka_unit_test(templates_know_their_variables), cmocka_unit_test(events_fill_templates),
        cmocka_unit_test(long_names_are_told),
    };

    return cmocka_run_group_tests(tests, fill_long_name, NULL);
}
