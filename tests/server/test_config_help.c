/* test_config_help.c - what is printed for people names every key. */
#include "support/check.h"

#include <stdlib.h>

#include "server/config_help.h"
#include "server/config_keys.h"

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        CHECK_CASE(strcspn(at, "\n") <= 120, at);
    return text;
}

static void help_has_every_option(void **state)
{
    char *text = printed(config_print_help), option[64];

    for (size_t i = 1; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        snprintf(option, sizeof(option), "\n  --%s %s", key->flag != NULL ? key->flag : key->name, key->values);
        CHECK_CASE(strstr(text, option) != NULL, key->name);
    }
    assert_non_null(strstr(text, "examples:"));
    assert_non_null(strstr(text, "\n  --kafka-mock "));
    assert_null(strstr(text, "default none"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(help_has_every_option) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
