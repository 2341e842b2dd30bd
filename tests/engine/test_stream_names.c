/* test_stream_names.c - names come sorted by bytes, each once, whether they lie in the tail, the store or both. */
#include "engine/stream_names.h"
#include "support/check.h"
#include "support/random.h"
#include "support/store_fixture.h"

#include <stdlib.h>

/* The names as text with a space between. */
static const char *collect(struct store_fixture *f, const char *prefix, const char *after, size_t limit, bool system)
{
    static char text[4096];
    struct stream_names names = { .prefix = varve_view_str(prefix), .after = varve_view_str(after),
                                  .include_system = system };
    size_t used = 0;

    assert_int_equal(stream_names_collect(&names, f->store, limit, &f->error), VARVE_OK);
    assert_true(names.count <= limit);
    text[0] = '\0';
    for (size_t i = 0; i < names.count; i++) {
        struct varve_view name = stream_names_at(&names, i);
        used += (size_t)snprintf(text + used, sizeof(text) - used, i == 0 ? "%.*s" : " %.*s", (int)name.size,
                                 name.data);
    }
    stream_names_free(&names);
    return text;
}

static void append_all(struct store_fixture *f, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s:any=.", names[i]);
        assert_true(strncmp(fixture_append(f, text), "ok", 2) == 0);
    }
}

static void pages_of_names(void **ignored)
{
    static const char *const first[] = { "b-1", "a", "a-2", "c", "z\xc3\xa9" },
                            *const second[] = { "a-1", "b-1", "a-10", "c", "!" };
    static const struct { const char *prefix, *after; size_t limit; bool system; const char *names; } cases[] = {
        { "", "", 100, false, "! a a-1 a-10 a-2 b-1 c z\xc3\xa9" },
        { "", "", 100, true, "! $$a-1 $$b-1 a a-1 a-10 a-2 b-1 c z\xc3\xa9" },
        { "", "", 1, false, "!" },
        { "", "", 2, true, "! $$a-1" },
        { "", "!", 3, false, "a a-1 a-10" },
        { "", "!", 3, true, "$$a-1 $$b-1 a" },
        { "", "a", 2, false, "a-1 a-10" },
        { "", "a-1", 2, false, "a-10 a-2" },
        { "", "a-11", 2, false, "a-2 b-1" },
        { "", "c", 5, false, "z\xc3\xa9" },
        { "", "z\xc3\xa9", 5, true, "" },
        { "", "$$a-1", 2, true, "$$b-1 a" },
        { "", "$$a-1", 2, false, "a a-1" },
        { "", "#", 2, false, "a a-1" },
        { "a", "", 100, false, "a a-1 a-10 a-2" },
        { "a-", "", 100, true, "a-1 a-10 a-2" },
        { "a-1", "", 100, false, "a-1 a-10" },
        { "a-1", "a-1", 100, false, "a-10" },
        { "a", "b", 100, false, "" },
        { "b", "a", 100, false, "b-1" },
        { "$", "", 100, true, "$$a-1 $$b-1" },
        { "$", "", 100, false, "" },
        { "$$b", "", 100, true, "$$b-1" },
        { "x", "", 100, true, "" },
    };

    for (int place = 0; place < 6; place++) { /* all in the tail; some settled; all; opened again; some, all frozen */
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        append_all(&f, first, COUNT_OF(first));
        fixture_change(&f, VARVE_STREAM_DELETE, "b-1", 0); /* The deleted are listed too. */
        if (place > 0 && place < 4)
            fixture_settle(&f);
        if (place == 4)
            fixture_freeze(&f);
        append_all(&f, second, COUNT_OF(second));
        fixture_change(&f, VARVE_STREAM_TRUNCATE, "a-1", 0);
        if (place == 2 || place == 3)
            fixture_settle(&f);
        if (place == 3)
            fixture_reopen(&f);
        if (place == 5)
            fixture_freeze(&f);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            const char *names = collect(&f, cases[i].prefix, cases[i].after, cases[i].limit, cases[i].system);
            if (strcmp(names, cases[i].names) != 0)
                fail_msg("place %d, prefix \"%s\", after \"%s\": gives \"%s\", should give \"%s\"", place,
                         cases[i].prefix, cases[i].after, names, cases[i].names);
        }
        if (place > 3)
            fixture_thaw(&f);
        fixture_free(&f);
    }
}

/* The same names in the store, the frozen layer and the active one: each page is whole all the same. */
static void names_that_lie_everywhere(void **ignored)
{
    static const char *const names[] = { "f", "b", "d", "a", "g", "c", "e", "h" };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    append_all(&f, names, COUNT_OF(names));
    fixture_settle(&f);
    append_all(&f, names, COUNT_OF(names));
    fixture_freeze(&f);
    append_all(&f, names, COUNT_OF(names));
    for (size_t limit = 1; limit <= 8; limit++) {
        char wanted[] = "a b c d e f g h";
        wanted[2 * limit - 1] = '\0';
        assert_string_equal(collect(&f, "", "", limit, false), wanted);
    }
    assert_string_equal(collect(&f, "", "c", 3, true), "d e f");
    fixture_thaw(&f);
    fixture_free(&f);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Many names, some touched in several layers; any page is what sorting them all gives. */
static void many_names(void **ignored)
{
    enum { NAMES = 900 };
    static char names[NAMES][24];
    struct store_fixture f;
    uint64_t seed = 5;

    fixture_init(&f);
    f.options.settle_events = 300;
    fixture_open(&f);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof(names[i]), "%llx-%u", (unsigned long long)random_below(&seed, 4096), i);
        append_all(&f, (const char *const[]){ names[i] }, 1);
        append_all(&f, (const char *const[]){ names[random_below(&seed, i + 1)] }, 1);
    }
    qsort(names, NAMES, sizeof(names[0]), compare_text);
    for (int round = 0; round < 60; round++) {
        size_t at = random_below(&seed, NAMES), limit = 1 + random_below(&seed, 70);
        char wanted[4096] = "";
        for (size_t i = at + 1, used = 0; i < NAMES && i <= at + limit; i++)
            used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, used == 0 ? "%s" : " %s", names[i]);
        assert_string_equal(collect(&f, "", names[at], limit, round % 2), wanted);
        if (round == 40)
            fixture_settle(&f);
    }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_names),
        cmocka_unit_test(names_that_lie_everywhere),
        cmocka_unit_test(many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
