/* test_outbox_docs.c - docs/outbox-routes.md shows what the code does: its examples, its configurations, its table. */
#include "config_text.h"
#include "message_check.h"
#include "support/check.h"

#include <stdlib.h>

#include "server/config_reference.h"

static char *page;

static int read_page(void **state)
{
    static const char path[] = "docs/outbox-routes.md";
    FILE *file = fopen(path, "r");
    size_t size;

    if (file == NULL) {
        print_error("%s: run this from the top of the tree\n", path);
        return 1;
    }
    page = calloc(1, 1 << 20);
    size = fread(page, 1, (1 << 20) - 1, file);
    return fclose(file) != 0 || size == 0;
}

static int free_page(void **state)
{
    free(page);
    message_end();
    return 0;
}

/* What stands between two texts; *at comes behind it. NULL: it is not there. */
static char *between(const char *begin, const char *end, const char **at)
{
    const char *from = strstr(*at, begin);
    const char *to = from != NULL ? strstr(from + strlen(begin), end) : NULL;

    if (to == NULL)
        return NULL;
    *at = to + strlen(end);
    return strndup(from + strlen(begin), (size_t)(to - from) - strlen(begin));
}

static void must_show(const char *what, const char *shown, const char *made)
{
    if (strcmp(shown, made) == 0)
        return;
    fprintf(stderr, "docs/outbox-routes.md must show as %s:\n%s", what, made); /* Too long for a message of cmocka's. */
    fail();
}

static void table_is_that_of_the_keys(void **state)
{
    const char *at = page;
    char *made = NULL;
    char *shown = between("<!-- keys: made by config_print_outbox_table() -->\n", "<!-- keys end -->", &at);
    size_t size;
    FILE *out = open_memstream(&made, &size);

    config_print_outbox_table(out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(shown);
    must_show("the table of keys", shown, made);
    free(shown);
    free(made);
}

static void configurations_are_good(void **state)
{
    const char *at = page;
    unsigned count = 0;

    for (char *text = between("```ini\n", "```\n", &at); text != NULL; text = between("```ini\n", "```\n", &at)) {
        char *secret = strstr(text, "rdkafka.sasl.password_file");

        if (secret != NULL)
            memset(secret, '#', strcspn(secret, "\n")); /* There is no such file here. */
        struct outbox_configs configs = config_text(text);
        assert_true(configs.count > 0);
        outbox_configs_end(&configs);
        free(text);
        count++;
    }
    assert_int_equal(count, 3);
}

static void messages_are_shown_as_they_are(void **state)
{
    static const char *const formats[] = { "raw", "cloudevents", "cloudevents_structured", "envelope" };

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct varve_event event = message_event();
        char mark[64], route[64], *made = NULL;
        const char *at = page;
        size_t size;
        FILE *out = open_memstream(&made, &size);

        snprintf(mark, sizeof(mark), "```text %s\n", formats[i]);
        snprintf(route, sizeof(route), "-> format=%s", formats[i]);
        struct outbox_message message = message_by(route, &event, NULL);
        fprintf(out, "topic: %s\nkey: %.*s\n", message.topic, (int)message.key.size, message.key.data);
        for (size_t j = 0; j < message.header_count; j++)
            fprintf(out, "%s: %.*s\n", message.headers[j].name, (int)message.headers[j].value.size,
                    message.headers[j].value.data);
        fprintf(out, "\n%.*s\n", (int)message.value.size, message.value.data);
        fclose(out);
        char *shown = between(mark, "```\n", &at);
        CHECK_CASE(shown != NULL, mark);
        must_show(formats[i], shown, made);
        free(shown);
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_that_of_the_keys), cmocka_unit_test(configurations_are_good),
        cmocka_unit_test(messages_are_shown_as_they_are),
    };

    return cmocka_run_group_tests(tests, read_page, free_page);
}
