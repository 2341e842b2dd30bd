/* memory_fixture.c - see memory_fixture.h. */
#include "memory_fixture.h"

#include "server/outbox/outbox_memory_parts.h"
#include "support/check.h"

#include <inttypes.h>
#include <stdlib.h>

void memory_open(struct memory_fixture *f)
{
    if (outbox_memory_open(&f->memory, f->store.store, MEMORY_NAME, &f->error) != VARVE_OK)
        fail_msg("cannot open the memory: %s", f->error.message);
}

void memory_reopen(struct memory_fixture *f)
{
    outbox_memory_close(&f->memory);
    memory_open(f);
}

void memory_crash(struct memory_fixture *f)
{
    struct store_fixture copy;

    outbox_memory_close(&f->memory);
    fault_os_arm(&f->store.fault, 0, 0, false);
    fixture_copy(&f->store, &copy);
    varve_store_close(f->store.store); /* It may be broken. */
    f->store.store = NULL;
    fixture_free(&f->store);
    f->store = copy;
    f->store.options.os = &f->store.fault.os;
    f->store.fault.os.self = &f->store;
    fixture_open(&f->store);
    memory_open(f);
}

int memory_setup(void **state)
{
    struct memory_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    fixture_init(&f->store);
    fixture_open(&f->store);
    memory_open(f);
    *state = f;
    return 0;
}

int memory_teardown(void **state)
{
    struct memory_fixture *f = *state;

    outbox_memory_close(&f->memory);
    fixture_free(&f->store);
    free(f);
    return 0;
}

/* ---- the picture ---- */

static void draw_letter(FILE *out, const struct outbox_dead *dead, const struct varve_dead_letter *letter)
{
    uint64_t *positions = calloc(letter->waiting, sizeof(*positions));
    size_t count;

    assert_non_null(positions);
    count = outbox_dead_waiting(dead, letter->stream, positions, letter->waiting);
    assert_true(count == letter->waiting && positions[0] == letter->position);
    fprintf(out, "%.*s %s version %" PRId64 " attempts %u code '%.*s' error '%.*s' first %" PRId64 " last %" PRId64 ":",
            (int)letter->stream.size, letter->stream.data, letter->skipped ? "skipped" : "parked",
            (int64_t)letter->version, letter->retry_count, (int)letter->error_code.size, letter->error_code.data,
            (int)letter->last_error.size, letter->last_error.data, letter->first_attempt_us, letter->last_attempt_us);
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %" PRIu64, positions[i]);
    fprintf(out, "\n");
    free(positions);
}

static void draw_dead(FILE *out, const struct outbox_dead *dead)
{
    struct varve_dead_letter *letters;
    struct outbox_dead_counts counts;
    size_t count;
    bool end;

    outbox_dead_count(dead, &counts);
    fprintf(out, "dead %" PRIu64 " positions %" PRIu64 " first %" PRIu64 " fold from %" PRId64 "\n", counts.streams,
            counts.positions, counts.first_position, (int64_t)counts.fold_from);
    assert_int_equal(outbox_dead_list(dead, varve_view_of("", 0), SIZE_MAX, &letters, &count, &end), VARVE_OK);
    assert_true(end && count == counts.streams);
    for (size_t i = 0; i < count; i++)
        draw_letter(out, dead, &letters[i]);
    free(letters);
}

char *memory_picture(const struct outbox_memory *memory)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fprintf(out, "position %" PRIu64 " generation %" PRIu64 "%s next version %" PRIu64 "\n", memory->position,
            memory->generation, memory->paused ? " paused" : "", memory->next_version);
    fprintf(out, "replays %" PRIu64, memory->replays);
    if (memory->replay.number != 0)
        fprintf(out, ", under way %" PRIu64 ": %" PRIu64 "-%" PRIu64 " '%s' '%s' since version %" PRIu64,
                memory->replay.number, memory->replay.from, memory->replay.until, memory->replay.stream,
                memory->replay.type, memory->replay_at);
    fprintf(out, "\ntopics at %" PRId64 ":", (int64_t)memory->topics_at);
    for (size_t i = 0; i < memory->topics->count; i++)
        if (memory->topics->all[i].partitions != 0)
            fprintf(out, " %s=%d", memory->topics->all[i].name, (int)memory->topics->all[i].partitions);
    fprintf(out, "\n");
    draw_dead(out, memory->dead);
    assert_int_equal(fclose(out), 0);
    return text;
}

void memory_check_reopened(struct memory_fixture *f)
{
    char *before = memory_picture(&f->memory), *after;

    memory_reopen(f);
    after = memory_picture(&f->memory);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* ---- doing ---- */

struct varve_dead_letter memory_letter(const char *stream, uint64_t position)
{
    return (struct varve_dead_letter){
        .stream = varve_view_str(stream), .position = position, .version = position / 10, .waiting = 1,
        .retry_count = 3, .error_code = varve_view_str("MSG_SIZE_TOO_LARGE"),
        .last_error = varve_view_str("Broker: Message size too large"), .first_attempt_us = (int64_t)position * 1000,
        .last_attempt_us = (int64_t)position * 1000 + 7,
    };
}

void memory_park(struct memory_fixture *f, const char *stream, uint64_t position, ...)
{
    struct varve_dead_letter letter = memory_letter(stream, position);
    struct outbox_waiting waiting[100];
    size_t count = 0;
    uint64_t next;
    va_list arguments;

    va_start(arguments, position);
    while ((next = va_arg(arguments, uint64_t)) != 0)
        waiting[count++] = (struct outbox_waiting){ letter.stream, next };
    va_end(arguments);
    assert_int_equal(outbox_memory_park(&f->memory, &letter, 1, waiting, count, &f->error), VARVE_OK);
}

const char *memory_waiting(const struct outbox_memory *memory, const char *stream)
{
    static char text[4096];
    uint64_t positions[200];
    size_t count = outbox_dead_waiting(memory->dead, varve_view_str(stream), positions, COUNT_OF(positions)), size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%" PRIu64, i == 0 ? "" : " ", positions[i]);
    return text;
}

void memory_write(struct memory_fixture *f, const char *stream, const char *type, const char *data)
{
    const struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_ANY };
    const struct varve_event event = { .type = varve_view_str(type), .data = varve_view_str(data),
                                       .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_OCTET_STREAM };
    const struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = &event,
                                                  .event_count = 1 };
    struct varve_append *append = NULL;

    assert_int_equal(varve_append_create_system(f->store.store, &request, &append, &f->error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f->error), VARVE_OK);
    varve_append_free(append);
}
