/* test_config_keys.c - is the table in order, and are keys found by all their names? */
#include "config_lines.h"
#include "support/check.h"

#include "server/config_value.h"

static void the_table_is_in_order(void **state)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char expected[CONFIG_EXPECTED_BYTES];
        struct config config = { .directory = NULL };

        CHECK_CASE(key->name[strspn(key->name, "abcdefghijklmnopqrstuvwxyz_.")] == 0, key->name);
        CHECK_CASE(strchr(key->name, '.') != NULL && strchr(key->name, '.') == strrchr(key->name, '.'), key->name);
        CHECK_CASE(strstr(key->name, "__") == NULL, key->name); /* Parts section and key in the environment. */
        CHECK_CASE(config_value_set(&config, key, key->otherwise, expected), key->name);
        CHECK_CASE(key->width == 1 || key->width == 4 || key->width == 8 || key->kind == CONFIG_ADDRESSES, key->name);
        CHECK_CASE((!config_value_is_number(key) && key->kind != CONFIG_INDEXES) || key->width >= 4, key->name);
        CHECK_CASE(key->width == 8 || !config_value_is_number(key) || key->max <= UINT32_MAX, key->name);
        CHECK_CASE(key->help[strlen(key->help) - 1] != '.', key->name);
        for (size_t j = 0; j < i; j++) {
            CHECK_CASE(strcmp(config_keys[j].name, key->name) != 0, key->name);
            CHECK_CASE(key->flag == NULL || config_keys[j].flag == NULL || strcmp(config_keys[j].flag, key->flag) != 0,
                       key->name);
        }
    }
}

static void keys_stand_in_the_order_of_their_sections(void **state)
{
    size_t section = 0;

    for (size_t i = 0; i < config_key_count; i++) {
        size_t size = config_section_size(config_keys[i].name);
        const struct config_section *found = config_section_find(config_keys[i].name, size);

        CHECK_CASE(found != NULL, config_keys[i].name);
        CHECK_CASE((size_t)(found - config_sections) - section <= 1, config_keys[i].name);
        section = (size_t)(found - config_sections);
    }
    assert_int_equal(section, config_section_count - 1);
    assert_null(config_section_find("outbox", 6));
}

static void defaults_of_the_store_are_the_engines(void **state)
{
    struct varve_options options;
    struct config config;

    varve_options_init(&options);
    config_line_good("", "", &config);
#define SAME(field) assert_true(config.store.field == options.field)
    SAME(create), SAME(indexes), SAME(segment_size_bytes), SAME(max_event_bytes), SAME(max_append_bytes);
    SAME(max_append_events), SAME(queue_size_bytes), SAME(group_size_bytes), SAME(settle_size_bytes);
    SAME(settle_events), SAME(settle_idle_ms), SAME(recent_ids), SAME(disk_reserve_bytes), SAME(map_size_bytes);
    SAME(os);
#undef SAME
    config_end(&config);
}

static void keys_are_found_whatever_their_spelling(void **state)
{
    static const struct { const char *section, *name, *key; } cases[] = {
        { "http", "max_body", "http.max_body" }, { "HTTP", "MAX_BODY", "http.max_body" },
        { "http", "max-body", "http.max_body" }, { "http", "max.body", "http.max_body" },
        { "http", "maxbody", NULL }, { "htt", "max_body", NULL }, { "", "max_body", NULL }, { "http", "", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct config_key *key = config_key_find(cases[i].section, strlen(cases[i].section), cases[i].name,
                                                       strlen(cases[i].name));

        CHECK_CASE((key == NULL) == (cases[i].key == NULL), cases[i].name);
        CHECK_CASE(key == NULL || strcmp(key->name, cases[i].key) == 0, cases[i].name);
    }
    assert_string_equal(config_key_of_flag("readers", 7)->name, "server.readers");
    assert_null(config_key_of_flag("reader", 6));
}

static void the_nearest_is_offered(void **state)
{
    static const struct { const char *name, *nearest, *hint; } cases[] = {
        { "http.max_bdy", "http.max_body", "; did you mean --http.max_body?" },
        { "log.max_output", "server.max_output", "; did you mean --server.max_output?" },
        { "htpp.listen", "http.listen", "; did you mean --http-listen?" },
        { "quite.other", NULL, " (see varved --help)" },
        { "max-conections", NULL, "; did you mean --max-connections?" },
        { "help-confg", NULL, "; did you mean --help-config?" },
        { "", NULL, " (see varved --help)" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *nearest = config_key_nearest(cases[i].name);
        char room[CONFIG_HINT_BYTES];

        CHECK_CASE((nearest == NULL) == (cases[i].nearest == NULL), cases[i].name);
        CHECK_CASE(nearest == NULL || strcmp(nearest, cases[i].nearest) == 0, cases[i].name);
        CHECK_CASE(strcmp(config_flag_hint(cases[i].name, room), cases[i].hint) == 0, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_in_order), cmocka_unit_test(keys_stand_in_the_order_of_their_sections),
        cmocka_unit_test(defaults_of_the_store_are_the_engines),
        cmocka_unit_test(keys_are_found_whatever_their_spelling), cmocka_unit_test(the_nearest_is_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
