/* test_outbox_config_route.c - routes as they are written, and what is wrong with some. */
#include "config_text.h"
#include "support/check.h"

static void the_example_is_understood(void **state)
{
    struct outbox_configs configs = config_lines(
        "route = class=integration category=payment,re* type=payment.* meta.tenant=acme* meta.vip=true ->"
        " topic=pay.{type} key=correlation_id format=cloudevents tombstone=on_empty\n"
        "route = type=*.internal -> drop\n");
    const struct outbox_route *route = &configs.all[0]->routes[0];

    assert_int_equal(configs.all[0]->route_count, 2);
    assert_int_equal(route->classes, 1u << VARVE_CLASS_INTEGRATION);
    assert_int_equal(route->category_count, 2);
    assert_string_equal(route->categories[1], "re*");
    assert_int_equal(route->type_count, 1);
    assert_string_equal(route->types[0], "payment.*");
    assert_int_equal(route->meta_count, 2);
    assert_string_equal(route->metas[0].name, "tenant");
    assert_string_equal(route->metas[0].glob, "acme*");
    assert_string_equal(route->metas[1].name, "vip");
    assert_false(route->drop);
    assert_string_equal(route->topic, "pay.{type}");
    assert_int_equal(route->key, OUTBOX_KEY_CORRELATION_ID);
    assert_int_equal(route->format, OUTBOX_FORMAT_CLOUDEVENTS);
    assert_int_equal(route->tombstone, OUTBOX_TOMBSTONE_ON_EMPTY);
    assert_true(configs.all[0]->routes[1].drop);
    assert_string_equal(configs.all[0]->routes[1].types[0], "*.internal");
    outbox_configs_end(&configs);
}

static void what_is_not_said_has_its_default(void **state)
{
    struct outbox_configs configs = config_lines("route = -> key=stream\nroute = class=any -> drop\n"
                                                 "route=class=domain,realtime\t->\tformat=envelope\n"
                                                 "route = -> tombstone=type:*.deleted\n");
    const struct outbox_route *routes = configs.all[0]->routes;

    assert_int_equal(routes[0].classes, (1u << VARVE_CLASS_DOMAIN) | (1u << VARVE_CLASS_INTEGRATION));
    assert_null(routes[0].categories);
    assert_null(routes[0].types);
    assert_string_equal(routes[0].topic, "varve.{category}");
    assert_int_equal(routes[0].key, OUTBOX_KEY_STREAM);
    assert_int_equal(routes[0].format, OUTBOX_FORMAT_RAW);
    assert_int_equal(routes[0].tombstone, OUTBOX_TOMBSTONE_NEVER);
    assert_int_equal(routes[1].classes, 7);
    assert_int_equal(routes[2].classes, (1u << VARVE_CLASS_DOMAIN) | (1u << VARVE_CLASS_REALTIME));
    assert_int_equal(routes[2].format, OUTBOX_FORMAT_ENVELOPE);
    assert_int_equal(routes[3].tombstone, OUTBOX_TOMBSTONE_ON_TYPE);
    assert_string_equal(routes[3].tombstone_type, "*.deleted");
    outbox_configs_end(&configs);
}

static void mistakes_are_told(void **state)
{
    static const struct { const char *line, *part; } cases[] = {
        { "route = class=integration", "expected CONDITION=... -> topic=... or -> drop" },
        { "route = class=integration ->", "expected CONDITION=... -> topic=... or -> drop" },
        { "route = ->", "expected CONDITION" },
        { "route = clas=domain -> drop", "clas: expected class=, category=, type=, meta.NAME= before ->, and what to "
                                         "do behind it; did you mean class?" },
        { "route = drop", "drop: expected class=" },
        { "route = topic=x -> drop", "topic: expected class=" },
        { "route = -> class=domain", "class: expected drop, or topic=, key=, format=, tombstone= behind ->" },
        { "route = -> tpoic=x", "did you mean topic?" },
        { "route = -> topic=", "topic= has no value" },
        { "route = -> =x", "=x: expected drop" },
        { "route = -> drop ->", "->: expected drop" },
        { "route = -> drop topic=x", "drop stands alone" },
        { "route = type=a type=b -> drop", "type= is there twice" },
        { "route = class=intergation -> drop", "class=intergation: expected one of domain, integration, realtime, any; "
                                               "did you mean integration?" },
        { "route = class=, -> drop", "names parted by commas" },
        { "route = -> key=strem", "key=strem: expected one of stream, correlation_id, user_id, category, type, "
                                  "event_id; did you mean stream?" },
        { "route = -> format=json", "expected one of raw, cloudevents, cloudevents_structured, envelope" },
        { "route = -> tombstone=yes", "expected one of never, on_empty, type:GLOB" },
        { "route = -> tombstone=type:", "expected one of never" },
        { "route = -> topic=a/b", "topic=a/b is no name of a topic: Kafka allows" },
        { "route = -> topic={tenant}", "variables are {category}" },
        { "route = meta.=x -> drop", "expected meta.NAME=GLOB" },
        { "route = meta.x= -> drop", "meta.x= has no value" },
        { "route =", "route: has no value" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_complains(cases[i].line, cases[i].part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_understood), cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
