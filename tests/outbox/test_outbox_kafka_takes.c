/* test_outbox_kafka_takes.c - properties that librdkafka knows, and values that it takes. */
#include "support/check.h"

#include "server/outbox/outbox_kafka.h"

static void names_and_values_are_told_apart(void **state)
{
    static const struct { const char *name, *value; bool taken, known; } cases[] = {
        { "socket.timeout.ms", "1000", true, true }, { "socket.timeout.ms", "soon", false, true },
        { "sasl.password", "hunter2", true, true },  { "sasl.pasword", "hunter2", false, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool known;

        CHECK_CASE(outbox_kafka_takes(cases[i].name, cases[i].value, &known) == cases[i].taken, cases[i].name);
        CHECK_CASE(known == cases[i].known, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names_and_values_are_told_apart) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
