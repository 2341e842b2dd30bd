/* test_outbox_route_split.c - which routes keep a stream together, and which may part it. */
#include "config_text.h"
#include "support/check.h"

#include "server/outbox/outbox_route.h"

static void routes_that_keep_streams_together(void **state)
{
    static const char *const lines[] = {
        "",
        "route = -> topic=all\n",
        "route = -> topic={category} key=category\n",
        "route = category=payment -> topic=pay\n",
        "route = category=payment -> topic=pay\nroute = category=loan,lo* -> topic=loans\n",
        "route = type=*.internal -> drop\n",
        "route = class=realtime -> drop\n",
        "route = type=payment.* -> topic=varve.{category} format=cloudevents\n",
        "route = class=integration -> topic=out.{class}\nroute = class=domain -> drop\n",
        "route = -> topic=all\nroute = type=x -> topic=never.{type}\n",
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct outbox_configs configs = config_lines(lines[i]);
        char why[300] = "";

        CHECK_CASE(!outbox_routes_split_streams(configs.all[0], why, sizeof(why)), lines[i]);
        CHECK_CASE(why[0] == 0, why);
        outbox_configs_end(&configs);
    }
}

static void routes_that_may_part_them(void **state)
{
    static const struct { const char *lines, *why; } cases[] = {
        { "route = -> topic=v.{type}\n", "topic=v.{type} depends on the type" },
        { "route = -> topic={source}\n", "depends on the source" },
        { "route = -> topic=v.{class}\n", "depends on the class" },
        { "route = type=payment.* -> topic=pay\n", "topic=pay and topic=varve.{category} can both" },
        { "route = meta.tenant=acme -> topic=acme\n", "can both get events of one stream" },
        { "route = class=integration -> topic=out\n", "topic=out and topic=varve.{category}" },
        { "route = class=realtime -> topic=live\n", "topic=live and topic=varve.{category}" },
        { "route = category=a* type=x -> topic=x\nroute = category=ab -> topic=y\nroute = class=any -> drop\n",
          "topic=x and topic=y" },
        { "route = -> key=correlation_id\n", "key=correlation_id to topic=varve.{category}" },
        { "route = -> key=event_id\n", "several partitions" },
        { "route = type=x -> key=category\n", "topic=varve.{category} and topic=varve.{category}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outbox_configs configs = config_lines(cases[i].lines);
        char why[300] = "";

        CHECK_CASE(outbox_routes_split_streams(configs.all[0], why, sizeof(why)), cases[i].lines);
        CHECK_CASE(strstr(why, cases[i].why) != NULL, why);
        outbox_configs_end(&configs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_that_keep_streams_together), cmocka_unit_test(routes_that_may_part_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
