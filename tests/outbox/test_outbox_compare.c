/* test_outbox_compare.c - topics held against a log, both written as a line of text. */
#include "config_text.h"
#include "server/outbox/outbox_compare.h"
#include "support/check.h"
#include "support/random.h"

#include <stdlib.h>

/* A log is a letter for each event: that of its stream, capital when no route takes the event. Records are positions
 * with letters behind them: r replay, v another value, k another key, w in the wrong partition, t in another topic. "0"
 * is no event. They come partition by partition, each in the order written. */
enum { PARTITIONS = 2 };
struct fake {
    const char *log;
    size_t size;
    const char *retried, *aside; /* letters of streams; positions as in `records` */
    struct varve_event slots[2];
    char names[2][8], value[24];
    int32_t counts[2];
};
struct found_counts {
    unsigned missing, duplicates, disordered, foreign, above, wrong, different;
};

static bool is_listed(const char *list, uint64_t position)
{
    for (char *end; list != NULL && *list != '\0'; list = end) {
        if (strtoull(list, &end, 10) == position)
            return true;
        if (end == list)
            return false;
    }
    return false;
}

static bool event_at(void *user, uint64_t position, int slot, struct varve_event *ret)
{
    struct fake *fake = user;

    if (position == 0 || position > fake->size)
        return false;
    char letter = fake->log[position - 1];
    snprintf(fake->names[slot], sizeof(fake->names[slot]), "p-%c", letter | 0x20);
    struct varve_event event = { .position = position, .stream = varve_view_str(fake->names[slot]),
                                 .type = varve_view_str(letter < 'a' ? "drop" : "t"), .id = { .bytes = { 1 } } };
    for (uint64_t i = 1; i < position; i++)
        event.version += (fake->log[i - 1] | 0x20) == (letter | 0x20);
    *ret = event;
    return true;
}

static bool event_after(void *user, const struct varve_event *event, struct varve_event *ret)
{
    struct fake *fake = user;
    char letter = event->stream.data[2];

    for (uint64_t position = event->position + 1; position <= fake->size; position++)
        if ((fake->log[position - 1] | 0x20) == letter)
            return event_at(fake, position, 1, ret);
    return false;
}

static bool value_of(void *user, const struct varve_event *event, const struct outbox_routing *routing,
                     struct varve_view *ret)
{
    struct fake *fake = user;

    snprintf(fake->value, sizeof(fake->value), "value %u", (unsigned)event->position);
    *ret = varve_view_str(fake->value);
    return true;
}

static size_t partitions_of(void *user, const char *topic, int32_t ret[OUTBOX_COMPARE_COUNTS])
{
    struct fake *fake = user;
    size_t count = 0;

    for (int i = 0; i < 2 && strcmp(topic, "varve.p") == 0; i++)
        if (fake->counts[i] != 0)
            ret[count++] = fake->counts[i];
    return count;
}

static bool was_retried(void *user, const struct varve_event *event)
{
    return is_listed(((struct fake *)user)->retried, event->position);
}

static bool is_aside(void *user, const struct varve_event *event)
{
    return is_listed(((struct fake *)user)->aside, event->position);
}

static bool feed(struct outbox_compare *compare, struct fake *fake, uint64_t position, const char *marks,
                 int32_t partition, int64_t offset)
{
    struct varve_event event = { .stream = varve_view_str("p-x") };
    struct outbox_routing routing;
    struct varve_view value;

    event_at(fake, position, 0, &event);
    value_of(fake, &event, &routing, &value);
    bool w = strchr(marks, 'w') != NULL;
    struct outbox_seen seen = {
        .topic = strchr(marks, 't') ? "varve.q" : "varve.p", .offset = offset, .position = position,
        .partition = (outbox_kafka_partition_of(event.stream, PARTITIONS) + w) % PARTITIONS,
        .key = strchr(marks, 'k') ? varve_view_str("other") : event.stream,
        .value = strchr(marks, 'v') ? varve_view_of(NULL, 0) : value, .is_replay = strchr(marks, 'r') != NULL,
    };
    return seen.partition != partition || outbox_compare_record(compare, &seen);
}

static struct outbox_verification compare(struct fake *fake, const char *records, uint64_t checkpoint, const char *more)
{
    const struct outbox_compare_source source = {
        .user = fake, .event_at = event_at, .event_after = event_after, .value_of = value_of,
        .partitions_of = partitions_of, .was_retried = was_retried, .is_aside = is_aside,
    };
    char lines[300];
    snprintf(lines, sizeof(lines), "route = type=drop -> drop\n%s", more);
    struct outbox_configs configs = config_lines(lines);
    struct outbox_compare *made = outbox_compare_create(configs.all[0], &source, fake->size, checkpoint);
    struct outbox_verification found;
    struct varve_event event;

    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        int64_t offset = 0;
        for (const char *at = records; *at != '\0';) {
            char *end, marks[8] = "";
            uint64_t position = strtoull(at, &end, 10);
            sscanf(end, "%7[a-z]", marks);
            assert_true(feed(made, fake, position, marks, partition, offset++));
            at = end + strlen(marks);
            at += strspn(at, " ");
        }
    }
    for (uint64_t i = outbox_compare_from(made); i <= checkpoint; i++)
        if (event_at(fake, i, 0, &event))
            outbox_compare_expect(made, &event);
    outbox_compare_finish(made, checkpoint, &found);
    outbox_compare_free(made);
    outbox_configs_end(&configs);
    return found;
}

static const struct {
    const char *label, *log, *records, *retried, *aside;
    uint64_t checkpoint;
    struct found_counts figures;
} cases[] = {
    { "nothing at all", "", "", "", "", 0, { 0 } },
    { "all as it should be", "abcabc", "1 2 3 4 5 6", "", "", 6, { 0 } },
    { "what no route takes is not there", "aBcAbc", "1 3 5 6", "", "", 6, { 0 } },
    { "not all is published yet", "abcabc", "1 2 3", "", "", 3, { 0 } },
    { "only the ends", "aaaaaa", "4 5 6", "", "", 6, { 0 } },
    { "one is missing", "aaaaaa", "1 2 4 5 6", "", "", 6, { .missing = 1 } },
    { "the last are missing", "aaaaaa", "1 2 3", "", "", 6, { .missing = 3 } },
    { "nothing is known of an empty partition", "aaaa", "", "", "", 4, { 0 } },
    { "one is a dead letter", "abab", "2 4", "", "1 3", 4, { 0 } },
    { "one is a dead letter, another is missing", "aaaaa", "1 3 5", "", "2", 5, { .missing = 1 } },
    { "twice", "aaa", "1 2 2 3", "", "", 3, { .duplicates = 1 } },
    { "all twice", "aaa", "1 2 3 1 2 3", "", "", 3, { .duplicates = 3 } },
    { "a replay", "aaa", "1 2 3 1r 2r 3r", "", "", 3, { 0 } },
    { "a replay proves nothing", "aaa", "1 2r 3", "", "", 3, { .missing = 1 } },
    { "a replay of long ago comes first", "aaaa", "1r 4", "", "", 4, { 0 } },
    { "two of a stream in the wrong order", "aaa", "2 1 3", "", "", 3, { .disordered = 1 } },
    { "over what is not sent", "aAa", "3 1", "", "", 3, { .disordered = 1 } },
    { "a dead letter that was delivered", "abab", "2 4 1 3", "1 3", "", 4, { 0 } },
    { "a skipped one that was delivered", "aaaa", "1 3 4 2", "2", "", 4, { 0 } },
    { "its delivery is the first that is read", "aaaaaa", "2 5 6", "2", "", 6, { 0 } },
    { "no event", "a", "1 0", "", "", 1, { .foreign = 1 } },
    { "an event of another log", "a", "1 7", "", "", 1, { .foreign = 1 } },
    { "an event that no route takes", "aA", "1 2", "", "", 2, { .foreign = 1 } },
    { "an event in another topic", "aa", "1 2t", "", "", 1, { .foreign = 1 } },
    { "above the checkpoint", "aaaa", "1 2 3 4", "", "", 2, { .above = 2 } },
    { "in the wrong partition", "aaa", "1w 2 3", "", "", 3, { .wrong = 1 } },
    { "another value", "aaa", "1 2v 3", "", "", 3, { .different = 1 } },
    { "another key", "aaa", "1 2k 3", "", "", 3, { .different = 1 } },
    { "a replay with another value", "aaa", "1 2 3 2rv", "", "", 3, { .different = 1 } },
    { "much at once", "aaaaaa", "1 3 2 2 0 5v", "", "", 4,
      { .missing = 1, .duplicates = 1, .disordered = 1, .foreign = 1, .above = 1, .different = 1 } },
};

static void check_figures(const struct outbox_verification *found, const struct found_counts *wanted, const char *label)
{
    unsigned all = wanted->missing + wanted->duplicates + wanted->disordered + wanted->foreign + wanted->above +
                   wanted->wrong + wanted->different;

    CHECK_CASE(found->missing == wanted->missing, label);
    CHECK_CASE(found->duplicates == wanted->duplicates, label);
    CHECK_CASE(found->disordered == wanted->disordered, label);
    CHECK_CASE(found->foreign == wanted->foreign, label);
    CHECK_CASE(found->above_checkpoint == wanted->above, label);
    CHECK_CASE(found->wrong_partition == wanted->wrong, label);
    CHECK_CASE(found->different == wanted->different, label);
    CHECK_CASE((found->finding[0] != '\0') == (all > 0), label);
}

static void what_is_wrong_is_found_and_nothing_else(void **unused)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake fake = { .log = cases[i].log, .size = strlen(cases[i].log), .retried = cases[i].retried,
                             .aside = cases[i].aside, .counts = { PARTITIONS } };
        struct outbox_verification found = compare(&fake, cases[i].records, cases[i].checkpoint, "");
        check_figures(&found, &cases[i].figures, cases[i].label);
        CHECK_CASE(found.checkpoint == cases[i].checkpoint, cases[i].label);
    }
}

static void the_first_finding_is_told(void **unused)
{
    struct fake fake = { .log = "aaa", .size = 3, .counts = { PARTITIONS } };
    struct outbox_verification found = compare(&fake, "1 3", 3, "");

    assert_string_equal(found.finding, "event 2 is not in varve.p, though the checkpoint says 3");
    assert_int_equal(found.records, 2);
    assert_int_equal(found.events, 2);
    assert_int_equal(found.first_position, 1);
    assert_int_equal(found.last_position, 3);
}

/* Where a key belonged when the topic had another number of partitions, it may still be. */
static void partitions_may_have_been_added(void **unused)
{
    struct fake fake = { .log = "abcdefgh", .size = 8, .counts = { 7, PARTITIONS } };
    struct outbox_verification found = compare(&fake, "1 2 3 4 5 6 7 8", 8, "");
    const struct found_counts none = { 0 };

    check_figures(&found, &none, "a count of now and one of before");
    fake.counts[1] = 0;
    found = compare(&fake, "1 2 3 4 5 6 7 8", 8, "");
    assert_true(found.wrong_partition > 0);
    fake.counts[0] = 0; /* Nobody knows: nothing is claimed. */
    found = compare(&fake, "1 2 3 4 5 6 8", 8, "");
    check_figures(&found, &none, "no count is known");
}

/* Two outboxes with priorities of their own send to the same topics. */
static void events_of_another_lane_are_not_foreign(void **unused)
{
    struct fake fake = { .log = "aaa", .size = 3, .counts = { PARTITIONS } };
    struct outbox_verification found = compare(&fake, "1 2 3", 3, "priority = high\n");
    const struct found_counts none = { 0 };

    check_figures(&found, &none, "another lane");
    assert_int_equal(found.events, 0);
    assert_int_equal(found.records, 3);
}

/* Any log, published in order: agrees. One record taken away or doubled: found. */
static void chance_finds_no_false_alarm(void **unused)
{
    uint64_t random = 5;

    for (int round = 0; round < 200; round++) {
        char log[81] = "", records[400] = "";
        size_t size = 10 + random_next(&random) % 70, spoilt = random_next(&random) % size, used = 0;
        int how = (int)(random_next(&random) % 3);
        for (size_t i = 0; i < size; i++)
            log[i] = (char)((random_next(&random) % 5 ? 'a' : 'A') + random_next(&random) % 6);
        log[0] = log[spoilt] = log[size - 1] = 'a';
        for (size_t i = 0; i < size; i++)
            if (log[i] >= 'a' && (how != 1 || i != spoilt || i == 0))
                used += (size_t)snprintf(records + used, sizeof(records) - used,
                                         how == 2 && i == spoilt ? "%zu %zu " : "%zu ", i + 1, i + 1);
        struct fake fake = { .log = log, .size = size, .counts = { PARTITIONS } };
        struct outbox_verification found = compare(&fake, records, size, "");
        const struct found_counts wanted = { .missing = how == 1 && spoilt != 0, .duplicates = how == 2 };
        check_figures(&found, &wanted, records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_found_and_nothing_else), cmocka_unit_test(the_first_finding_is_told),
        cmocka_unit_test(partitions_may_have_been_added), cmocka_unit_test(events_of_another_lane_are_not_foreign),
        cmocka_unit_test(chance_finds_no_false_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
