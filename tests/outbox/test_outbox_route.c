/* test_outbox_route.c - which events go where, with which key, and which do not go at all. */
#include "config_text.h"
#include "support/check.h"

#include "server/outbox/outbox_route.h"
#include "varve/uuid.h"

struct sent {
    const char *stream, *type, *metadata, *data;
    enum varve_class class_;
};

static struct varve_event event_of(const struct sent *sent)
{
    return (struct varve_event){
        .stream = varve_view_str(sent->stream), .type = varve_view_str(sent->type), .class_ = sent->class_,
        .metadata = varve_view_str(sent->metadata), .data = varve_view_str(sent->data), .time_us = VARVE_TIME_NONE,
        .id = { { 1 } },
    };
}

/* "topic", "-reason", or "!" and why. */
static void check(const struct outbox_configs *configs, const struct sent *sent, const char *expected)
{
    struct varve_event event = event_of(sent);
    struct outbox_routing routing;
    char found[300];

    switch (outbox_route(configs->all[0], &event, &routing)) {
    case OUTBOX_SEND:
        snprintf(found, sizeof(found), "%s", routing.topic);
        break;
    case OUTBOX_FILTERED:
        snprintf(found, sizeof(found), "-%s", outbox_filter_reason_name(routing.reason));
        break;
    case OUTBOX_UNROUTABLE:
        snprintf(found, sizeof(found), "!%s", routing.why);
        break;
    }
    if (strcmp(found, expected) != 0)
        fail_msg("%s %s %s: %s, expected %s", sent->stream, sent->type, sent->metadata, found, expected);
}

static void all_but_realtime_goes_by_its_category(void **state)
{
    static const struct { struct sent sent; const char *expected; } cases[] = {
        { { "payment-1", "payment.captured", NULL, NULL, VARVE_CLASS_DOMAIN }, "varve.payment" },
        { { "payment-1", "payment.captured", NULL, NULL, VARVE_CLASS_INTEGRATION }, "varve.payment" },
        { { "payment-1", "payment.seen", NULL, NULL, VARVE_CLASS_REALTIME }, "-no_route" },
        { { "settings", "changed", NULL, NULL, VARVE_CLASS_DOMAIN }, "varve.settings" },
        { { "$outbox-kafka", "$outbox.published", NULL, NULL, VARVE_CLASS_DOMAIN }, "-system" },
        { { "$$payment-1", "$metadata", NULL, NULL, VARVE_CLASS_DOMAIN }, "-system" },
        { { "a b-1", "x", NULL, NULL, VARVE_CLASS_DOMAIN },
          "!the category \"a b\" cannot be part of the topic varve.{category}: only letters, digits, '.', '_', '-'" },
        { { "-1", "x", NULL, NULL, VARVE_CLASS_DOMAIN },
          "!the event has no category, which the topic varve.{category} asks for" },
    };
    struct outbox_configs configs = config_lines("");

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(&configs, &cases[i].sent, cases[i].expected);
    outbox_configs_end(&configs);
}

static void the_first_route_that_matches_counts(void **state)
{
    static const struct { struct sent sent; const char *expected; } cases[] = {
        { { "payment-1", "payment.captured", NULL, NULL, VARVE_CLASS_INTEGRATION }, "pay.payment.captured" },
        { { "payment-1", "payment.captured", NULL, NULL, VARVE_CLASS_DOMAIN }, "varve.payment" },
        { { "loan-1", "loan.fee.internal", NULL, NULL, VARVE_CLASS_DOMAIN }, "-dropped" },
        { { "payment-1", "payment.internal", NULL, NULL, VARVE_CLASS_INTEGRATION }, "pay.payment.internal" },
        { { "loan-1", "loan.given", "{\"tenant\":\"acme-eu\",\"vip\":true}", NULL, VARVE_CLASS_DOMAIN }, "acme" },
        { { "loan-1", "loan.given", "{\"tenant\":\"acme-eu\",\"vip\":0}", NULL, VARVE_CLASS_DOMAIN }, "varve.loan" },
        { { "loan-1", "loan.given", "{\"tenant\":\"other\",\"vip\":true}", NULL, VARVE_CLASS_DOMAIN }, "varve.loan" },
        { { "loan-1", "loan.given", "[]", NULL, VARVE_CLASS_DOMAIN }, "varve.loan" },
        { { "loan-1", "loan.given", NULL, NULL, VARVE_CLASS_DOMAIN }, "varve.loan" },
        { { "screen-1", "moved", NULL, NULL, VARVE_CLASS_REALTIME }, "live" },
        { { "window-1", "moved", NULL, NULL, VARVE_CLASS_REALTIME }, "-no_route" },
    };
    struct outbox_configs configs = config_lines(
        "route = class=integration category=payment,refund type=payment.* -> topic=pay.{type}\n"
        "route = type=*.internal,*.private -> drop\n"
        "route = meta.tenant=acme* meta.vip=true -> topic=acme\n"
        "route = class=realtime category=screen -> topic=live\n");

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(&configs, &cases[i].sent, cases[i].expected);
    outbox_configs_end(&configs);
}

static void filters_have_reasons(void **state)
{
    static const struct { struct sent sent; const char *expected; } cases[] = {
        { { "pay-1", "pay.done", "{\"t\":{\"id\":7}}", "{\"amount\":0}", VARVE_CLASS_DOMAIN }, "varve.pay" },
        { { "pay-1", "other", "{\"t\":{\"id\":7}}", "{\"amount\":0}", VARVE_CLASS_DOMAIN }, "-type_not_allowed" },
        { { "pay-1", "pay.done", "{\"t\":{\"id\":7}}", "{\"amount\":null}", VARVE_CLASS_DOMAIN }, "-field_missing" },
        { { "pay-1", "pay.done", "{\"t\":{\"id\":7}}", "{}", VARVE_CLASS_DOMAIN }, "-field_missing" },
        { { "pay-1", "pay.done", "{\"t\":{}}", "{\"amount\":0}", VARVE_CLASS_DOMAIN }, "-field_missing" },
        { { "pay-1", "pay.done", NULL, "{\"amount\":0}", VARVE_CLASS_DOMAIN }, "-field_missing" },
        { { "pay-1", "pay.done", "{\"t\":{\"id\":7}}", NULL, VARVE_CLASS_DOMAIN }, "-field_missing" },
        { { "$x", "pay.done", NULL, NULL, VARVE_CLASS_DOMAIN }, "-system" },
        { { "pay-1", "pay.done", NULL, NULL, VARVE_CLASS_REALTIME }, "-no_route" },
    };
    struct outbox_configs configs = config_lines("allow_types = pay.*\nrequired_fields = data.amount, metadata.t.id\n");

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(&configs, &cases[i].sent, cases[i].expected);
    outbox_configs_end(&configs);
}

static void fields_of_the_event_can_be_required(void **state)
{
    static const char *const fields[] = { "correlation_id", "causation_id", "user_id", "source", "time", "data",
                                          "metadata" };
    const struct varve_event whole = {
        .stream = varve_view_str("a-1"), .type = varve_view_str("t"), .correlation_id = { { 1 } },
        .causation_id = { { 2 } }, .user_id = varve_view_str("ann"), .source = varve_view_str("shop"), .time_us = 0,
        .data = varve_view_str("x"), .metadata = varve_view_str("{}"), .content_type = VARVE_CONTENT_OCTET_STREAM,
    };
    struct outbox_routing routing;

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct varve_event lacking = whole;
        char line[64];

        snprintf(line, sizeof(line), "required_fields = %s\n", fields[i]);
        struct outbox_configs configs = config_lines(line);
        CHECK_CASE(outbox_route(configs.all[0], &whole, &routing) == OUTBOX_SEND, fields[i]);
        if (i < 2)
            *(i == 0 ? &lacking.correlation_id : &lacking.causation_id) = (struct varve_uuid){ { 0 } };
        else if (i == 4)
            lacking.time_us = VARVE_TIME_NONE;
        else
            *(i == 2 ? &lacking.user_id : i == 3 ? &lacking.source : i == 5 ? &lacking.data : &lacking.metadata) =
                (struct varve_view){ NULL, 0 };
        CHECK_CASE(outbox_route(configs.all[0], &lacking, &routing) == OUTBOX_FILTERED, fields[i]);
        CHECK_CASE(routing.reason == OUTBOX_FILTER_FIELD_MISSING, fields[i]);
        outbox_configs_end(&configs);
    }
    struct outbox_configs configs = config_lines("required_fields = data.x\n"); /* Bytes have no members. */
    assert_int_equal(outbox_route(configs.all[0], &whole, &routing), OUTBOX_FILTERED);
    outbox_configs_end(&configs);
}

static void lanes_take_their_priority(void **state)
{
    static const struct { const char *metadata, *priority; } events[] = {
        { "{\"priority\":\"critical\"}", "critical" }, { "{\"priority\":\"high\"}", "high" },
        { "{\"priority\":\"normal\"}", "normal" }, { "{\"priority\":\"low\"}", "low" },
        { "{\"priority\":\"urgent\"}", "normal" }, { "{\"priority\":7}", "normal" }, { "{}", "normal" },
        { NULL, "normal" }, { "[1]", "normal" },
    };
    static const char *const lanes[] = { "critical", "high", "normal", "low" };

    for (size_t lane = 0; lane < COUNT_OF(lanes); lane++) {
        char line[64];

        snprintf(line, sizeof(line), "priority = %s\n", lanes[lane]);
        struct outbox_configs configs = config_lines(line);
        for (size_t i = 0; i < COUNT_OF(events); i++)
            check(&configs, &(struct sent){ "a-1", "t", events[i].metadata, NULL, VARVE_CLASS_DOMAIN },
                  strcmp(lanes[lane], events[i].priority) == 0 ? "varve.a" : "-other_priority");
        outbox_configs_end(&configs);
    }
}

static void keys_are_what_the_route_says(void **state)
{
    static const struct { const char *key, *full, *bare; } cases[] = {
        { "stream", "loan-17", "loan-17" },
        { "correlation_id", "02000000-0000-0000-0000-000000000000", "loan-17" },
        { "user_id", "ann", "loan-17" },
        { "category", "loan", "loan" },
        { "type", "given", "given" },
        { "event_id", "01000000-0000-0000-0000-000000000000", "01000000-0000-0000-0000-000000000000" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = event_of(&(struct sent){ "loan-17", "given", NULL, NULL, VARVE_CLASS_DOMAIN });
        struct outbox_routing routing;
        char line[64];

        snprintf(line, sizeof(line), "route = -> key=%s\n", cases[i].key);
        struct outbox_configs configs = config_lines(line);
        assert_int_equal(outbox_route(configs.all[0], &event, &routing), OUTBOX_SEND);
        CHECK_CASE(varve_view_equal(routing.key, varve_view_str(cases[i].bare)), cases[i].key);
        event.correlation_id.bytes[0] = 2;
        event.user_id = varve_view_str("ann");
        assert_int_equal(outbox_route(configs.all[0], &event, &routing), OUTBOX_SEND);
        CHECK_CASE(varve_view_equal(routing.key, varve_view_str(cases[i].full)), cases[i].key);
        outbox_configs_end(&configs);
    }
}

static void reasons_have_names(void **state)
{
    for (unsigned i = 0; i < OUTBOX_FILTER_REASONS; i++)
        assert_non_null(outbox_filter_reason_name((enum outbox_filter_reason)i));
    assert_null(outbox_filter_reason_name(OUTBOX_FILTER_REASONS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_realtime_goes_by_its_category), cmocka_unit_test(the_first_route_that_matches_counts),
        cmocka_unit_test(filters_have_reasons), cmocka_unit_test(fields_of_the_event_can_be_required),
        cmocka_unit_test(lanes_take_their_priority), cmocka_unit_test(keys_are_what_the_route_says),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
