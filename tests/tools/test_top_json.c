/* test_top_json.c - samples as JSON. */
#include <jansson.h>

#include "support/check.h"
#include "tools/varve/top_json.h"

static json_t *parse(struct text *text)
{
    json_t *object = json_loadb(text->bytes, text->size, 0, NULL);

    assert_non_null(object);
    text_free(text);
    return object;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void a_sample_has_everything(void **state)
{
    struct top_group groups[] = { { .name = "mails \"x\"", .lag_events = 3, .parked = 1, .stopped = true } };
    double acked[] = { 2.5 };
    struct top_rates rates = { .known = true, .acked = acked, .published = { 4 } };
    struct top_sample sample = { .version = "1.2", .has_health = true, .live = true, .reason = "disk: full",
                                 .groups = groups, .group_count = 1, .outbox_count = 1 };
    struct text text = { 0 };

    rates.all[TOP_EVENTS] = 1000.25;
    sample.values[TOP_last_position] = 4711;
    sample.has[TOP_last_position] = true;
    sample.outboxes[0] = (struct top_outbox){ .name = "kafka", .phase = "RUN", .breaker = "CLOSED", .lag_us = 7 };
    top_format_sample(&text, 1700000000000000, &sample, &rates);
    json_t *object = parse(&text);
    const json_t *group = json_array_get(json_object_get(object, "groups"), 0);
    const json_t *outbox = json_array_get(json_object_get(object, "outboxes"), 0);
    assert_string_equal(json_string_value(json_object_get(object, "time")), "2023-11-14T22:13:20.000000Z");
    assert_true(json_is_false(json_object_get(object, "ready")));
    assert_string_equal(json_string_value(json_object_get(object, "reason")), "disk: full");
    assert_float_equal(number(object, "events_per_s"), 1000.25, 0.001);
    assert_float_equal(number(object, "last_position"), 4711, 0);
    assert_null(json_object_get(object, "requests")); /* The server did not say. */
    assert_string_equal(json_string_value(json_object_get(group, "name")), "mails \"x\"");
    assert_true(json_is_true(json_object_get(group, "stopped")));
    assert_float_equal(number(group, "acked_per_s"), 2.5, 0);
    assert_float_equal(number(outbox, "published_per_s"), 4, 0);
    assert_string_equal(json_string_value(json_object_get(outbox, "breaker")), "CLOSED");
    json_decref(object);
}

static void what_is_not_known_is_null(void **state)
{
    struct top_rates rates = { .known = false };
    struct top_sample sample = { .version = "1.2" };
    struct text text = { 0 };

    top_format_sample(&text, 0, &sample, &rates);
    json_t *object = parse(&text);
    assert_true(json_is_null(json_object_get(object, "events_per_s")));
    assert_null(json_object_get(object, "ready"));
    assert_int_equal(json_array_size(json_object_get(object, "groups")), 0);
    json_decref(object);
}

static void nobody_answered(void **state)
{
    struct varve_error why;
    struct text text = { 0 };

    varve_fail(&why, VARVE_UNREACHABLE, NULL, "nobody is there");
    top_format_away(&text, 0, &why);
    json_t *object = parse(&text);
    assert_string_equal(json_string_value(json_object_get(object, "error")), "UNREACHABLE");
    assert_string_equal(json_string_value(json_object_get(object, "message")), "nobody is there");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_has_everything),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(nobody_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
