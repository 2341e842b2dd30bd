/* test_push_rules.c - the lists of [push]: what is wrong with them, and what they say of an event. */
#include <stdlib.h>

#include "support/check.h"

#include "server/http/push_rules.h"

static const char long_name[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static struct push_rules *rules_of(const struct push_config *config)
{
    struct push_rules *rules = NULL;
    struct varve_error error;

    if (push_rules_create(config, &rules, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    return rules;
}

static void lists_are_cut_at_blanks_and_commas(void **state)
{
    const struct push_config config = {
        .allow_types = "  offer.*, order.placed\tpayment.? ", .fields = "status,total,,customer.name",
        .uuid_fields = "", .required_fields = "user_id data.order.id metadata.tenant", .time_fields = " , ",
    };
    struct push_rules *rules = rules_of(&config);

    assert_int_equal(rules->allow_types.count, 3);
    assert_string_equal(rules->allow_types.items[0], "offer.*");
    assert_string_equal(rules->allow_types.items[1], "order.placed");
    assert_string_equal(rules->allow_types.items[2], "payment.?");
    assert_int_equal(rules->fields.count, 3);
    assert_string_equal(rules->fields.items[2], "customer.name");
    assert_int_equal(rules->required.count, 3);
    assert_string_equal(rules->required.items[0], "user_id");
    assert_int_equal(rules->uuids.count, 0);
    assert_int_equal(rules->times.count, 0);
    free(rules);
    rules = rules_of(&(struct push_config){ .max_clients = 1 });
    assert_true(push_rules_allow_type(rules, varve_view_str("anything")));
    assert_int_equal(push_rules_judge(rules, varve_view_str("{}")), PUSH_GOOD);
    free(rules);
}

static void wrong_lists_are_refused(void **state)
{
    const struct { const char *label; struct push_config config; const char *key, *says; } cases[] = {
        { "no member", { .required_fields = "order_id" }, "push.required_fields", "data.NAME" },
        { "nearly a member", { .uuid_fields = "corelation_id" }, "push.uuid_fields", "correlation_id?" },
        { "a member of what has none", { .time_fields = "time.year" }, "push.time_fields", "has no members" },
        { "two dots", { .required_fields = "data..x" }, "push.required_fields", "single dots" },
        { "a dot before", { .fields = ".x" }, "push.fields", "single dots" },
        { "a dot behind", { .fields = "x." }, "push.fields", "single dots" },
        { "a path where names of members of data stand", { .fields = "data.x" }, "push.fields", "write \"x\"" },
        { "metadata without a name", { .fields = "metadata." }, "push.fields", "single dots" },
        { "too long", { .allow_types = long_name }, "push.allow_types", "255" },
        { "no UTF-8", { .allow_types = "\xff" }, "push.allow_types", "UTF-8" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct push_rules *rules = NULL;
        struct varve_error error = { .status = VARVE_OK };

        CHECK_CASE(push_rules_create(&cases[i].config, &rules, &error) == VARVE_INVALID_ARGUMENT, cases[i].label);
        CHECK_CASE(rules == NULL, cases[i].label);
        CHECK_CASE(strcmp(error.field, cases[i].key) == 0, cases[i].label);
        CHECK_CASE(strstr(error.message, cases[i].says) != NULL, cases[i].label);
        CHECK_CASE(strncmp(error.message, cases[i].key, strlen(cases[i].key)) == 0, cases[i].label);
    }
}

static void lists_are_bounded(void **state)
{
    char text[2 * PUSH_LIST_MAX + sizeof("metadata.a")] = "";
    struct push_rules *rules = NULL;
    struct varve_error error;

    for (unsigned i = 0; i < PUSH_LIST_MAX; i++)
        strcat(text, "a ");
    rules = rules_of(&(struct push_config){ .fields = text });
    assert_int_equal(rules->fields.count, PUSH_LIST_MAX);
    free(rules);
    strcat(text, "metadata.a");
    assert_int_equal(push_rules_create(&(struct push_config){ .fields = text }, &rules, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "at most 64"));
}

static void members_of_metadata_are_a_list_of_their_own(void **state)
{
    struct push_rules *rules = rules_of(&(struct push_config){
        .fields = "metadata.tenant status metadata metadata.trace.id metadata_x", });

    assert_int_equal(rules->metadata.count, 2);
    assert_string_equal(rules->metadata.items[0], "tenant");
    assert_string_equal(rules->metadata.items[1], "trace.id");
    assert_int_equal(rules->fields.count, 3);
    assert_string_equal(rules->fields.items[0], "status");
    assert_string_equal(rules->fields.items[1], "metadata"); /* Of data, as every name without the prefix. */
    assert_string_equal(rules->fields.items[2], "metadata_x");
    free(rules);
    rules = rules_of(&(struct push_config){ .required_fields = "metadata.tenant" });
    assert_int_equal(rules->required.count, 1);
    assert_string_equal(rules->required.items[0], "metadata.tenant");
    free(rules);
}

static void types_match_patterns(void **state)
{
    struct push_rules *rules = rules_of(&(struct push_config){ .allow_types = "offer.* order.placed x?" });
    static const struct { const char *type; bool allowed; } cases[] = {
        { "offer.made", true }, { "offer.", true }, { "offer", false }, { "order.placed", true },
        { "order.placed.again", false }, { "xa", true }, { "x\xc3\xa9", true }, { "x", false }, { "xab", false },
        { "Offer.made", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(push_rules_allow_type(rules, varve_view_str(cases[i].type)) == cases[i].allowed, cases[i].type);
    free(rules);
}

#define ID "\"3f0c0d0e-0000-4000-8000-0123456789ab\""

static void events_are_judged(void **state)
{
    struct push_rules *rules = rules_of(&(struct push_config){
        .required_fields = "user_id data.order.id", .uuid_fields = "data.order.id correlation_id",
        .time_fields = "data.due data.from",
    });
    static const struct { const char *label, *event; enum push_verdict verdict; } cases[] = {
        { "all there", "{\"user_id\":\"u\",\"correlation_id\":" ID ",\"data\":{\"order\":{\"id\":" ID "},"
          "\"due\":\"2024-05-01T12:00:00Z\"}}", PUSH_GOOD },
        { "what is not required is not there", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "}}}", PUSH_GOOD },
        { "no user", "{\"data\":{\"order\":{\"id\":" ID "}}}", PUSH_MISSING_FIELD },
        { "no data", "{\"user_id\":\"u\"}", PUSH_MISSING_FIELD },
        { "data without members", "{\"user_id\":\"u\",\"data\":\"AAAA\"}", PUSH_MISSING_FIELD },
        { "null", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":null}}}", PUSH_MISSING_FIELD },
        { "empty is there", "{\"user_id\":\"\",\"data\":{\"order\":{\"id\":" ID "}}}", PUSH_GOOD },
        { "no UUID", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":\"17\"}}}", PUSH_BAD_ID },
        { "a number", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":17}}}", PUSH_BAD_ID },
        { "the nil UUID", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":"
          "\"00000000-0000-0000-0000-000000000000\"}}}", PUSH_BAD_ID },
        { "an escaped UUID", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":"
          "\"\\u0033f0c0d0e-0000-4000-8000-0123456789ab\"}}}", PUSH_GOOD },
        { "missing counts before bad", "{\"data\":{\"order\":{\"id\":17}}}", PUSH_MISSING_FIELD },
        { "no time", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "},\"due\":\"tomorrow\"}}", PUSH_BAD_TIME },
        { "no such day", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "},\"due\":\"2023-02-29T00:00:00Z\"}}",
          PUSH_BAD_TIME },
        { "a time as a number", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "},\"from\":1714564800}}",
          PUSH_BAD_TIME },
        { "a time with an offset", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "},"
          "\"from\":\"2024-05-01T12:00:00.5+02:00\"}}", PUSH_GOOD },
        { "a time that is null is not there", "{\"user_id\":\"u\",\"data\":{\"order\":{\"id\":" ID "},"
          "\"from\":null}}", PUSH_GOOD },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(push_rules_judge(rules, varve_view_str(cases[i].event)) == cases[i].verdict, cases[i].label);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_cut_at_blanks_and_commas), cmocka_unit_test(wrong_lists_are_refused),
        cmocka_unit_test(lists_are_bounded), cmocka_unit_test(types_match_patterns),
        cmocka_unit_test(events_are_judged), cmocka_unit_test(members_of_metadata_are_a_list_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
