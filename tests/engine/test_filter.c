/* test_filter.c - filters: what is refused, that order does not matter, and that the quick answer is the naive one. */
#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"
#include "support/records.h"
#include "support/sample_event.h"
#include "varve/filter.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <stdlib.h>

/* A filter written as text, in words: "s=NAME", "c=CATEGORY", "t=TYPE", "p=PREFIX", "class=NUMBER", "id=NUMBER",
 * "system". */
struct written {
    struct varve_filter filter;
    struct varve_view lists[4][8];
    char text[200];
};

static void take_word(struct written *w, const char *word)
{
    static const char kinds[] = "sctp";
    struct varve_filter *f = &w->filter;
    size_t *counts[] = { &f->stream_count, &f->category_count, &f->type_count, &f->prefix_count };
    const char *kind = strchr(kinds, word[0]);

    if (strncmp(word, "class=", 6) == 0)
        f->classes = (unsigned)strtoul(word + 6, NULL, 10);
    else if (strncmp(word, "id=", 3) == 0)
        f->correlation_id = test_uuid(strtoull(word + 3, NULL, 10));
    else if (strcmp(word, "system") == 0)
        f->include_system = true;
    else if (kind != NULL && word[1] == '=')
        w->lists[kind - kinds][(*counts[kind - kinds])++] = varve_view_str(word + 2);
    else
        fail_msg("no word: %s", word);
}

static const struct varve_filter *write_filter(struct written *w, const char *text)
{
    char *rest = w->text;

    memset(w, 0, sizeof(*w));
    assert_true(strlen(text) < sizeof(w->text));
    memcpy(w->text, text, strlen(text) + 1);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        take_word(w, word);
    w->filter.streams = w->lists[0];
    w->filter.categories = w->lists[1];
    w->filter.types = w->lists[2];
    w->filter.prefixes = w->lists[3];
    return &w->filter;
}

static struct varve_filter *make(const char *text)
{
    struct written w;
    struct varve_error error = { 0 };
    const struct varve_filter *filter = write_filter(&w, text);

    if (varve_filter_check(filter, &error) != VARVE_OK)
        fail_msg("\"%s\": %s", text, error.message);
    struct varve_filter *copy = varve_filter_copy(filter);
    assert_non_null(copy);
    memset(&w, 'x', sizeof(w)); /* Nothing of it is referred to. */
    return copy;
}

/* ---- shape ---- */

static void what_can_match_is_accepted(void **state)
{
    static const char *const cases[] = {
        "", "system", "s=order-1", "s=$group-a", "s=$$order-1", "s=order-1 c=order", "s=order-1 c=user c=order",
        "s=order-1 p=or", "s=order-1 p=order-1", "s=user-1 s=order-1 c=order p=ord", "c=order", "c=order p=o",
        "c=order p=order", "c=order p=order-", "c=order p=order-1", "c=order p=user- p=order-1", "c=$group system",
        "p=$group- system", "p=$ p=order-", "c=$$order c=order", "s=$group-a c=$group", "s=$group-a p=$group-",
        "t=a t=b", "t=$odd", "class=7", "class=1", "id=1", "s=a s=a", "s=- p=-", "p=-", "s=a c=a t=a p=a class=4 id=1",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        free(make(cases[i]));
}

static void what_is_wrong_is_named(void **state)
{
    static const struct { const char *text, *field; } cases[] = {
        { "s=", "filter.streams[0]" },
        { "s=a s=", "filter.streams[1]" },
        { "s=a\nb", "filter.streams[0]" },
        { "c=", "filter.categories[0]" },
        { "c=a c=b c=order-1", "filter.categories[2]" },
        { "t=a t=b t=\x01", "filter.types[2]" },
        { "t=", "filter.types[0]" },
        { "p=", "filter.prefixes[0]" },
        { "p=\xff", "filter.prefixes[0]" },
        { "class=8", "filter.classes" },
        { "class=9", "filter.classes" },
        { "s=order-1 c=payment", "filter" },
        { "s=order-1 p=user", "filter" },
        { "s=order-1 p=order-12", "filter" },
        { "s=order-1 s=user-1 c=order p=user", "filter" },
        { "c=order p=user", "filter" },
        { "c=order p=orders", "filter" },
        { "c=order p=orders-", "filter" },
        { "c=order p=or-", "filter" },
        { "c=order c=user p=a p=b", "filter" },
        { "p=$group-", "filter" },
        { "p=$", "filter" },
        { "c=$group", "filter" },
        { "c=$$order c=order p=$", "filter" },
        { "s=$group-a c=$parked", "filter" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct written w;
        struct varve_error error = { 0 };
        const struct varve_filter *filter = write_filter(&w, cases[i].text);
        CHECK_CASE(varve_filter_check(filter, &error) == VARVE_INVALID_ARGUMENT, cases[i].text);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].text);
        CHECK_CASE(strncmp(error.message, error.field, strlen(error.field)) == 0, cases[i].text);
        assert_int_equal(varve_filter_check(filter, NULL), VARVE_INVALID_ARGUMENT);
    }
}

static void bounds_hold(void **state)
{
    static char names[VARVE_FILTER_MAX_ITEMS + 1][130];
    struct varve_view items[VARVE_FILTER_MAX_ITEMS + 1];
    struct varve_filter filter = { .types = items, .type_count = VARVE_FILTER_MAX_ITEMS };
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(items); i++) {
        memset(names[i], 'x', sizeof(names[i]));
        items[i] = varve_view_of(names[i], VARVE_FILTER_MAX_BYTES / VARVE_FILTER_MAX_ITEMS);
    }
    assert_int_equal(varve_filter_check(&filter, &error), VARVE_OK);
    items[3].size++;
    assert_int_equal(varve_filter_check(&filter, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filter");
    items[3].size--;
    filter.type_count++;
    assert_int_equal(varve_filter_check(&filter, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filter.types");
    filter = (struct varve_filter){ .prefix_count = 1 };
    assert_int_equal(varve_filter_check(&filter, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filter.prefixes");
}

static void names_may_be_as_long_as_streams_names(void **state)
{
    char name[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    struct varve_view item = varve_view_of(name, VARVE_MAX_STREAM_NAME);
    struct varve_filter filter = { .streams = &item, .stream_count = 1 };

    memset(name, 'n', sizeof(name));
    assert_int_equal(varve_filter_check(&filter, NULL), VARVE_OK);
    item.size++;
    assert_int_equal(varve_filter_check(&filter, NULL), VARVE_INVALID_ARGUMENT);
    name[0] = '$';
    item.size = VARVE_MAX_SYSTEM_STREAM_NAME;
    assert_int_equal(varve_filter_check(&filter, NULL), VARVE_OK);
    item.size++;
    assert_int_equal(varve_filter_check(&filter, NULL), VARVE_INVALID_ARGUMENT);
}

/* ---- normal form ---- */

static void order_and_doubles_do_not_matter(void **state)
{
    static const struct { const char *a, *b; bool equal; } cases[] = {
        { "", "", true },
        { "s=a s=b", "s=b s=a", true },
        { "s=a s=b s=a", "s=b s=a s=b", true },
        { "c=a t=x p=a", "p=a c=a t=x", true },
        { "t=ab t=a", "t=a t=ab", true },
        { "class=7", "", true },
        { "class=3", "", false },
        { "t=ab", "t=a", false },
        { "t=a", "t=a t=b", false },
        { "t=a", "p=a", false },
        { "id=1", "id=2", false },
        { "id=1", "", false },
        { "system", "", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_filter *a = make(cases[i].a), *b = make(cases[i].b);
        CHECK_CASE(varve_filter_equal(a, b) == cases[i].equal, cases[i].a);
        CHECK_CASE(varve_filter_equal(b, a) == cases[i].equal, cases[i].a);
        CHECK_CASE(varve_filter_equal(a, a), cases[i].a);
        struct varve_filter *again = varve_filter_copy(a);
        CHECK_CASE(varve_filter_equal(a, again), cases[i].a);
        free(a);
        free(b);
        free(again);
    }
}

static void lists_come_out_sorted(void **state)
{
    struct varve_filter *filter = make("t=b t=\xc3\xa4 t=a t=ab t=a");

    assert_int_equal(filter->type_count, 4);
    assert_true(varve_view_equal(filter->types[0], varve_view_str("a")));
    assert_true(varve_view_equal(filter->types[1], varve_view_str("ab")));
    assert_true(varve_view_equal(filter->types[2], varve_view_str("b")));
    assert_true(varve_view_equal(filter->types[3], varve_view_str("\xc3\xa4")));
    free(filter);
}

/* ---- matching ---- */

static bool matches(const struct varve_filter *filter, const char *stream, const char *type, uint64_t correlation,
                    enum varve_class class_)
{
    struct varve_event event = sample_event_full();
    size_t size;

    event.stream = varve_view_str(stream);
    event.type = varve_view_str(type);
    event.class_ = class_;
    event.correlation_id = correlation == 0 ? (struct varve_uuid){ { 0 } } : test_uuid(correlation);
    uint8_t *record = sample_event_encode(&event, &size);
    bool matched = varve_filter_matches(filter, record, (uint32_t)size);
    free(record);
    return matched;
}

static void events_are_told_apart(void **state)
{
    static const struct {
        const char *filter, *stream, *type;
        uint64_t correlation;
        enum varve_class class_;
        bool matches;
    } cases[] = {
        { "", "order-1", "t", 0, 0, true },
        { "", "$$order-1", "$metadata", 0, 0, false },
        { "system", "$group-a", "$group.created", 0, 0, true },
        { "s=$group-a", "$group-a", "t", 0, 0, true },
        { "s=$group-a", "$group-b", "t", 0, 0, false },
        { "s=order-1 s=order-3", "order-2", "t", 0, 0, false },
        { "s=order-1 s=order-3", "order-3", "t", 0, 0, true },
        { "s=order-1", "order-10", "t", 0, 0, false },
        { "c=order", "order-1-2", "t", 0, 0, true },
        { "c=order", "order", "t", 0, 0, true },
        { "c=order", "orders-1", "t", 0, 0, false },
        { "c=$group system", "$group-1", "t", 0, 0, true },
        { "c=$group c=order", "$group-1", "t", 0, 0, false },
        { "p=order", "orders-1", "t", 0, 0, true },
        { "p=order-1", "order-", "t", 0, 0, false },
        { "p=a p=ab p=abc", "abd", "t", 0, 0, true },
        { "p=a p=abcd p=abc", "abb", "t", 0, 0, true },
        { "p=ab p=abcd p=b", "ac", "t", 0, 0, false },
        { "p=b p=c", "a", "t", 0, 0, false },
        { "t=a t=c", "s", "c", 0, 0, true },
        { "t=a t=c", "s", "b", 0, 0, false },
        { "t=a c=s", "u-1", "a", 0, 0, false },
        { "class=1", "s", "t", 0, VARVE_CLASS_DOMAIN, true },
        { "class=5", "s", "t", 0, VARVE_CLASS_REALTIME, true },
        { "class=5", "s", "t", 0, VARVE_CLASS_INTEGRATION, false },
        { "id=1", "s", "t", 1, 0, true },
        { "id=1", "s", "t", 2, 0, false },
        { "id=1", "s", "t", 0, 0, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_filter *filter = make(cases[i].filter);
        CHECK_CASE(matches(filter, cases[i].stream, cases[i].type, cases[i].correlation, cases[i].class_) ==
                   cases[i].matches, cases[i].filter);
        free(filter);
    }
}

/* What filter.h says, word by word. */
static bool naive_list(const struct varve_view *items, size_t count, struct varve_view text, bool prefix)
{
    bool found = count == 0;

    for (size_t i = 0; i < count; i++)
        found |= prefix ? text.size >= items[i].size && memcmp(text.data, items[i].data, items[i].size) == 0
                        : varve_view_equal(items[i], text);
    return found;
}

static bool naive_matches(const struct varve_filter *f, const struct varve_event *event)
{
    return (f->include_system || f->stream_count > 0 || event->stream.data[0] != '$') &&
           naive_list(f->streams, f->stream_count, event->stream, false) &&
           naive_list(f->categories, f->category_count, varve_category(event->stream), false) &&
           naive_list(f->types, f->type_count, event->type, false) &&
           naive_list(f->prefixes, f->prefix_count, event->stream, true) &&
           (f->classes == 0 || (f->classes & 1u << event->class_) != 0) &&
           (varve_uuid_is_nil(&f->correlation_id) || varve_uuid_equal(&f->correlation_id, &event->correlation_id));
}

/* Of few letters, so that names are often equal or prefixes of each other. */
static struct varve_view random_name(uint64_t *seed, char *room, size_t most)
{
    static const char letters[] = "ab-$\x7e";
    size_t size = 1 + random_below(seed, most);

    for (size_t i = 0; i < size; i++)
        room[i] = letters[random_below(seed, random_below(seed, 4) == 0 ? 5 : 3)];
    return varve_view_of(room, size);
}

enum { ROOM = 12, MOST_ITEMS = 20 };

static void random_list(uint64_t *seed, char (*room)[ROOM], struct varve_view *items, size_t *ret_count)
{
    *ret_count = random_below(seed, 2) == 0 ? 0 : 1 + random_below(seed, random_below(seed, 2) == 0 ? 2 : MOST_ITEMS);
    for (size_t i = 0; i < *ret_count; i++)
        items[i] = random_name(seed, room[i], 4);
}

static void random_event(uint64_t *seed, char *stream, char *type, struct varve_event *ret_event)
{
    static const int64_t times[] = { VARVE_TIME_NONE, 0, -1, -33, -200, -40000, -3000000000, 127, 128, 300, 70000,
                                     VARVE_TIME_MAX, VARVE_TIME_MIN };
    static const uint32_t versions[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX };

    *ret_event = random_below(seed, 2) == 0 ? sample_event_full() : sample_event_bare();
    ret_event->stream = random_name(seed, stream, 6);
    ret_event->type = random_name(seed, type, 4);
    ret_event->class_ = (enum varve_class)random_below(seed, 3);
    ret_event->time_us = times[random_below(seed, COUNT_OF(times))];
    ret_event->schema_version = versions[random_below(seed, COUNT_OF(versions))];
    uint64_t correlation = random_below(seed, 3);
    ret_event->correlation_id = correlation == 0 ? (struct varve_uuid){ { 0 } } : test_uuid(correlation);
}

static void the_quick_answer_is_the_naive_one(void **state)
{
    uint64_t seed = test_seed(20261121), matched = 0, asked = 0;

    for (unsigned round = 0; round < TEST_EFFORT(20000); round++) {
        char rooms[4][MOST_ITEMS][ROOM];
        struct varve_view items[4][MOST_ITEMS];
        struct varve_filter filter = { .streams = items[0], .categories = items[1], .types = items[2],
                                       .prefixes = items[3], .classes = (unsigned)random_below(&seed, 8),
                                       .include_system = random_below(&seed, 2) == 0 };
        random_list(&seed, rooms[0], items[0], &filter.stream_count);
        random_list(&seed, rooms[1], items[1], &filter.category_count);
        random_list(&seed, rooms[2], items[2], &filter.type_count);
        random_list(&seed, rooms[3], items[3], &filter.prefix_count);
        if (random_below(&seed, 4) == 0)
            filter.correlation_id = test_uuid(1 + random_below(&seed, 2));
        struct varve_error error = { 0 };
        bool contradicts = varve_filter_check(&filter, &error) != VARVE_OK && strcmp(error.field, "filter") == 0;
        struct varve_filter *copy = varve_filter_copy(&filter);
        assert_non_null(copy);
        for (unsigned i = 0; i < 20; i++) {
            char stream[ROOM], type[ROOM];
            struct varve_event event;
            size_t size;
            random_event(&seed, stream, type, &event);
            uint8_t *record = sample_event_encode(&event, &size);
            bool expected = naive_matches(&filter, &event);
            assert_int_equal(varve_filter_matches(copy, record, (uint32_t)size), expected);
            assert_false(contradicts && expected);
            matched += expected;
            asked++;
            free(record);
        }
        free(copy);
    }
    assert_true(matched > asked / 100 && matched < asked / 2);
}

/* ---- reading ---- */

static void the_narrowest_read_is_chosen(void **state)
{
    static const struct {
        const char *filter;
        unsigned indexes;
        enum varve_read_kind kind;
        const char *name;
    } cases[] = {
        { "", VARVE_INDEX_ALL, VARVE_READ_ALL, NULL },
        { "p=a class=1", VARVE_INDEX_ALL, VARVE_READ_ALL, NULL },
        { "s=a-1", 0, VARVE_READ_STREAM, "a-1" },
        { "s=a-1 s=a-2", VARVE_INDEX_ALL, VARVE_READ_ALL, NULL },
        { "s=a-1 s=a-2 c=a", VARVE_INDEX_ALL, VARVE_READ_CATEGORY, "a" },
        { "s=a-1 c=a t=t id=1", VARVE_INDEX_ALL, VARVE_READ_STREAM, "a-1" },
        { "c=a t=t id=1", VARVE_INDEX_ALL, VARVE_READ_CORRELATION, NULL },
        { "c=a t=t id=1", VARVE_INDEX_ALL & ~VARVE_INDEX_CORRELATION, VARVE_READ_TYPE, "t" },
        { "c=a t=t id=1", VARVE_INDEX_CATEGORY, VARVE_READ_CATEGORY, "a" },
        { "c=a t=t id=1", VARVE_INDEX_ID, VARVE_READ_ALL, NULL },
        { "c=a t=t t=u", VARVE_INDEX_ALL, VARVE_READ_CATEGORY, "a" },
        { "c=a c=b t=t t=u", VARVE_INDEX_ALL, VARVE_READ_ALL, NULL },
        { "s=a-1 s=a-1", VARVE_INDEX_ALL, VARVE_READ_STREAM, "a-1" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_filter *filter = make(cases[i].filter);
        struct varve_uuid correlation_id = test_uuid(1);
        struct varve_read read;
        memset(&read, 'x', sizeof(read));
        varve_filter_choose_read(filter, cases[i].indexes, &read);
        CHECK_CASE(read.kind == cases[i].kind, cases[i].filter);
        CHECK_CASE(read.from == VARVE_FROM_EDGE && read.include_system && !read.backwards, cases[i].filter);
        CHECK_CASE(read.limit == 0 && read.since_us == VARVE_TIME_NONE && read.until_us == VARVE_TIME_NONE,
                   cases[i].filter);
        CHECK_CASE(varve_view_equal(read.name, varve_view_str(cases[i].name)), cases[i].filter);
        if (read.kind == VARVE_READ_CORRELATION)
            assert_true(varve_uuid_equal(&read.correlation_id, &correlation_id));
        free(filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_match_is_accepted),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(names_may_be_as_long_as_streams_names),
        cmocka_unit_test(order_and_doubles_do_not_matter),
        cmocka_unit_test(lists_come_out_sorted),
        cmocka_unit_test(events_are_told_apart),
        cmocka_unit_test(the_quick_answer_is_the_naive_one),
        cmocka_unit_test(the_narrowest_read_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
