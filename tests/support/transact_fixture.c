/* transact_fixture.c - see transact_fixture.h. */
#include "support/transact_fixture.h"

#include "support/check.h"
#include "support/records.h"

#include <ctype.h>
#include <stdlib.h>

enum { TEXTS = 8, TEXT_SIZE = 32768 };

/* ---- texts ---- */

/* One of a few that are used in turns. */
static char *next_text(void)
{
    static __thread char texts[TEXTS][TEXT_SIZE];
    static __thread unsigned turn;
    char *text = texts[turn++ % TEXTS];

    text[0] = '\0';
    return text;
}

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *text, const char *format, ...)
{
    size_t size = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    int more = vsnprintf(text + size, TEXT_SIZE - size, format, arguments);
    va_end(arguments);
    assert_in_range(more, 0, TEXT_SIZE - size - 1);
}

static void add_version(char *text, int64_t version)
{
    static const char *const words[] = { "none", "any", "exists" };

    if (version < 0)
        add(text, "%s", words[-1 - version]);
    else
        add(text, "%lld", (long long)version);
}

/* ---- parsing ---- */

static int64_t parse_expected(const char *text)
{
    if (strcmp(text, "any") == 0)
        return VARVE_EXPECTED_ANY;
    if (strcmp(text, "none") == 0)
        return VARVE_EXPECTED_NO_STREAM;
    if (strcmp(text, "exists") == 0)
        return VARVE_EXPECTED_STREAM_EXISTS;
    assert_true(isdigit((unsigned char)text[0]));
    return atoll(text);
}

static struct varve_uuid id_of(char letter)
{
    return letter == '.' ? (struct varve_uuid){ { 0 } } : test_uuid((uint64_t)tolower((unsigned char)letter));
}

static void parse_stream(struct transact_parsed *parsed, char *item)
{
    bool system = item[0] == '$';
    struct varve_append_request *part = system ? &parsed->transact.system : &parsed->transact.appends;
    char *letters = strchr(item, '='), *expected = strchr(item, ':');
    size_t index = part->stream_count++;

    assert_true(expected != NULL && index < TRANSACT_ITEMS);
    *expected++ = '\0';
    if (letters != NULL)
        *letters++ = '\0';
    snprintf(parsed->names[system ? VARVE_PART_SYSTEM : VARVE_PART_STREAM][index], TRANSACT_TEXT, "%s", item);
    parsed->streams[system][index] = (struct varve_append_stream){ varve_view_str(item), parse_expected(expected) };
    for (; letters != NULL && *letters != '\0'; letters++) {
        size_t i = part->event_count++;
        char *data = parsed->data[parsed->data_count++];
        assert_in_range(i, 0, TRANSACT_EVENTS - 1);
        snprintf(data, sizeof(parsed->data[0]), "{\"letter\":\"%c\"}", *letters);
        parsed->events[system][i] = (struct varve_event){ .type = varve_view_str("tested"), .id = id_of(*letters),
            .time_us = VARVE_TIME_NONE, .schema_version = 1, .data = varve_view_str(data) };
        parsed->stream_of[system][i] = (uint32_t)index;
    }
}

static enum varve_saga_action parse_action(const char *word)
{
    for (int action = 0; action < VARVE_SAGA_ACTIONS; action++)
        if (strcmp(varve_saga_action_name((enum varve_saga_action)action), word) == 0)
            return (enum varve_saga_action)action;
    fail_msg("no action is called \"%s\"", word);
    return VARVE_SAGA_BEGIN;
}

static void set_field(struct varve_saga_change *change, char mark, const char *value)
{
    if (mark == ':')
        change->expected = parse_expected(value);
    else if (mark == '/')
        change->step = varve_view_str(value);
    else if (mark == '!')
        change->deadline_us = atoll(value);
    else if (mark == '#')
        change->event_id = id_of(value[0]);
    else if (mark == '^')
        change->error = varve_view_str(value);
    else {
        change->has_state = true;
        change->state = varve_view_str(value);
        change->content_type = VARVE_CONTENT_OCTET_STREAM;
    }
}

static void parse_saga(struct transact_parsed *parsed, char *item)
{
    size_t index = parsed->transact.saga_count++;
    struct varve_saga_change *change = &parsed->sagas[index];
    char *colon = strchr(item, ':'), *hyphen = strchr(item, '-'), *at = colon + 1;

    assert_true(colon != NULL && hyphen != NULL && hyphen < colon && index < TRANSACT_ITEMS);
    *colon = '\0';
    snprintf(parsed->names[VARVE_PART_SAGA][index], TRANSACT_TEXT, "%s", item);
    *hyphen = '\0';
    *change = (struct varve_saga_change){ .type = varve_view_str(item + 1), .id = varve_view_str(hyphen + 1),
                                          .expected = VARVE_EXPECTED_STREAM_EXISTS, .deadline_us = VARVE_TIME_NONE };
    size_t size = strcspn(at, ":/=!#^");
    char mark = at[size];
    at[size] = '\0';
    change->action = parse_action(at);
    while (mark != '\0') {
        at += size + 1;
        size = strcspn(at, ":/=!#^");
        char next = at[size];
        at[size] = '\0';
        set_field(change, mark, at);
        mark = next;
    }
}

struct transact_parsed *transact_parse(const char *text)
{
    struct transact_parsed *parsed = calloc(1, sizeof(*parsed));
    char *rest = NULL;

    assert_non_null(parsed);
    assert_in_range(strlen(text), 0, sizeof(parsed->text) - 1);
    snprintf(parsed->text, sizeof(parsed->text), "%s", text);
    for (char *item = strtok_r(parsed->text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        if (item[0] == '*')
            parse_saga(parsed, item);
        else
            parse_stream(parsed, item);
    }
    for (int system = 0; system < 2; system++) {
        struct varve_append_request *part = system ? &parsed->transact.system : &parsed->transact.appends;
        part->streams = parsed->streams[system];
        part->events = parsed->events[system];
        part->stream_of = parsed->stream_of[system];
    }
    parsed->transact.sagas = parsed->sagas;
    return parsed;
}

/* ---- outcomes ---- */

static const char *name_of(const struct transact_parsed *parsed, size_t index)
{
    size_t streams = parsed->transact.appends.stream_count, sagas = parsed->transact.saga_count;

    return index < streams ? parsed->names[VARVE_PART_STREAM][index]
           : index < streams + sagas ? parsed->names[VARVE_PART_SAGA][index - streams]
                                     : parsed->names[VARVE_PART_SYSTEM][index - streams - sagas];
}

static void add_results(char *text, const struct varve_append_outcome *outcome, const struct transact_parsed *parsed)
{
    add(text, outcome->replayed ? "again" : "ok");
    for (size_t i = 0; i < outcome->stream_count; i++) {
        const struct varve_append_result *result = &outcome->results[i];
        add(text, " %s@", name_of(parsed, i));
        if (result->first_position == 0)
            add_version(text, result->last_version);
        else
            add(text, "%lld-%lld/%llu-%llu", (long long)result->first_version, (long long)result->last_version,
                (unsigned long long)result->first_position, (unsigned long long)result->last_position);
    }
}

static const char *describe(const struct varve_append_outcome *outcome, const struct transact_parsed *parsed)
{
    char *text = next_text();

    if (outcome->status == VARVE_OK) {
        add_results(text, outcome, parsed);
        return text;
    }
    assert_int_equal(outcome->error.status, outcome->status);
    if (outcome->conflict_count == 0)
        return varve_status_name(outcome->status);
    assert_int_equal(outcome->conflicts[0].status, outcome->status);
    for (size_t i = 0; i < outcome->conflict_count; i++) {
        const struct varve_conflict *conflict = &outcome->conflicts[i];
        add(text, "%s%s %s ", i == 0 ? "no: " : ", ", parsed->names[conflict->part][conflict->stream_index],
            varve_status_name(conflict->status));
        add_version(text, conflict->expected);
        add(text, "/");
        add_version(text, conflict->actual);
    }
    return text;
}

struct varve_append *transact_make(struct store_fixture *f, const char *text)
{
    struct transact_parsed *parsed = transact_parse(text);
    struct varve_append *append = NULL;

    if (varve_transact_create(f->store, &parsed->transact, &append, &f->error) != VARVE_OK)
        fail_msg("cannot make the transaction \"%s\": %s", text, f->error.message);
    free(parsed);
    return append;
}

const char *transact_outcome(const struct varve_append *append, const char *text)
{
    struct transact_parsed *parsed = transact_parse(text);
    const char *described = describe(varve_append_get_outcome(append), parsed);

    free(parsed);
    return described;
}

const char *transact(struct store_fixture *f, const char *text)
{
    struct transact_parsed *parsed = transact_parse(text);
    struct varve_append *append = NULL;
    const char *described;
    enum varve_status status = varve_transact_create(f->store, &parsed->transact, &append, &f->error);

    if (status != VARVE_OK) {
        free(parsed);
        return varve_status_name(status);
    }
    status = varve_append_wait(append, &f->error);
    described = status == varve_append_get_outcome(append)->status ? describe(varve_append_get_outcome(append), parsed)
                                                                   : varve_status_name(status);
    varve_append_free(append);
    free(parsed);
    return described;
}

/* ---- sagas ---- */

const char *saga_text(struct store_fixture *f, const char *type, const char *id)
{
    struct varve_saga *saga;
    char *text = next_text();
    enum varve_status status = varve_saga_get(f->store, varve_view_str(type), varve_view_str(id), &saga, &f->error);

    if (status != VARVE_OK)
        return varve_status_name(status);
    assert_true(varve_view_equal(saga->type, varve_view_str(type)) && varve_view_equal(saga->id, varve_view_str(id)));
    add(text, "%s %.*s v%lld @%llu", varve_saga_status_name(saga->status), (int)saga->step.size, saga->step.data,
        (long long)saga->version, (unsigned long long)saga->position);
    if (saga->has_state)
        add(text, " =%.*s", (int)saga->state.size, saga->state.data);
    if (saga->deadline_us != VARVE_TIME_NONE)
        add(text, " !%lld", (long long)saga->deadline_us);
    if (saga->error.size > 0)
        add(text, " ^%.*s", (int)saga->error.size, saga->error.data);
    free(saga);
    return text;
}

const char *saga_list_text(struct store_fixture *f, const struct varve_saga_query *query)
{
    struct varve_saga_query page = *query;
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    char *text = next_text();
    bool end = false;

    while (!end) {
        struct varve_saga_list *list;
        enum varve_status status = varve_saga_list(f->store, &page, &list, &f->error);
        if (status != VARVE_OK)
            return varve_status_name(status);
        assert_in_range(list->count, 0, query->limit);
        for (size_t i = 0; i < list->count; i++)
            add(text, "%s%.*s-%.*s@%llu", text[0] == '\0' ? "" : " ", (int)list->sagas[i].type.size,
                list->sagas[i].type.data, (int)list->sagas[i].id.size, list->sagas[i].id.data,
                (unsigned long long)list->sagas[i].position);
        end = list->end;
        if (!end) {
            assert_in_range(list->next_size, 1, sizeof(after));
            memcpy(after, list->next, list->next_size);
            page.after = varve_view_of((const char *)after, list->next_size);
        }
        free(list);
    }
    return text;
}

const char *saga_counts_text(struct store_fixture *f)
{
    struct varve_saga_counts *counts;
    char *text = next_text();

    assert_int_equal(varve_saga_counts(f->store, &counts, &f->error), VARVE_OK);
    for (size_t i = 0; i < counts->count; i++) {
        add(text, "%s%.*s", i == 0 ? "" : " ", (int)counts->types[i].type.size, counts->types[i].type.data);
        for (int k = 0; k < VARVE_SAGA_STATUSES; k++)
            add(text, "%c%llu", k == 0 ? ' ' : ',', (unsigned long long)counts->types[i].by_status[k]);
    }
    free(counts);
    return text;
}
