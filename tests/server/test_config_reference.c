/* test_config_reference.c - what is printed for people names every key, and docs/configuration.md and the file that is
 * installed are what is printed. After a change of the table, `test_config_reference --write` writes both anew. */
#include "support/check.h"

#include <stdlib.h>

#include "server/config_file.h"
#include "server/config_reference.h"
#include "server/outbox/outbox_config_keys.h"

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    if (file == NULL)
        fail_msg("%s: run this from the top of the tree", path);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void the_keys_are_told(void **state)
{
    char *text = printed(config_print_keys), line[128];
    struct outbox_key_row row;

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        snprintf(line, sizeof(line), "\n  %s = %s   (default %s%s)\n", strchr(key->name, '.') + 1, key->values,
                 key->otherwise, key->is_reloadable ? "; SIGHUP" : "");
        CHECK_CASE(strstr(text, line) != NULL, key->name);
    }
    for (size_t i = 0; outbox_keys_row(i, &row); i++) {
        snprintf(line, sizeof(line), "\n  %s = %s", row.name, row.values);
        CHECK_CASE(strstr(text, line) != NULL, row.name);
    }
    assert_non_null(strstr(text, "\n  rdkafka.NAME = VALUE\n"));
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        CHECK_CASE(strcspn(at, "\n") <= 120, at);
    free(text);
}

/* Every line of it, comments taken off, is good. */
static void the_example_is_a_configuration(void **state)
{
    char *text = printed(config_print_example);
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;

    for (char *at = text; at != NULL; at = strstr(at, "\n#"))
        if (*++at == '#' && at[1] != ' ')
            *at = ' ';
    assert_true(config_settings_begin(&settings, &complaints));
    config_file_parse(&settings, "example", varve_view_str(text), false);
    if (complaints.count > 0)
        fail_msg("%s\n%s", complaints.lines[0], text);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_setting *setting = config_settings_find(&settings, &config_keys[i]);

        CHECK_CASE(setting != NULL, config_keys[i].name);
        CHECK_CASE(i == 0 || strcmp(setting->text, config_keys[i].otherwise) == 0, config_keys[i].name);
    }
    config_settings_end(&settings);
    free(text);
}

static bool writes; /* instead of looking */

/* Between two texts of the file there must stand what is made; both "": it is the whole file. */
static void must_show(const char *path, const char *begin, const char *end, const char *made)
{
    char *page = read_file(path), *from = strstr(page, begin);
    char *to = from != NULL && *end != 0 ? strstr(from, end) : page + strlen(page);

    assert_non_null(from);
    assert_non_null(to);
    from += strlen(begin);
    bool same = (size_t)(to - from) == strlen(made) && memcmp(from, made, strlen(made)) == 0;
    if (!same && !writes)
        fail_msg("%s is stale: run test_config_reference --write", path);
    if (!same) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_true(fprintf(file, "%.*s%s%s", (int)(from - page), page, made, to) > 0);
        assert_int_equal(fclose(file), 0);
    }
    free(page);
}

static void the_manual_shows_the_table(void **state)
{
    char *made = printed(config_print_table);

    must_show("docs/configuration.md", "<!-- keys: made by config_print_table() -->\n\n", "<!-- keys end -->", made);
    free(made);
}

static void the_installed_file_is_the_example(void **state)
{
    char *made = printed(config_print_example);

    must_show("tools/systemd/varved.ini", "", "", made);
    free(made);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_are_told), cmocka_unit_test(the_example_is_a_configuration),
        cmocka_unit_test(the_manual_shows_the_table), cmocka_unit_test(the_installed_file_is_the_example),
    };

    writes = argc > 1 && strcmp(argv[1], "--write") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
