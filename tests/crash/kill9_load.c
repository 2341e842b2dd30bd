/* kill9_load.c - see kill9_load.h. */
#include "crash/kill9_load.h"
#include "support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX 128

uint64_t load_seed;

void load_stream_name(unsigned writer, unsigned stream, char ret_name[24])
{
    snprintf(ret_name, 24, "writer%u-%u", writer, stream);
}

void load_make_event(unsigned writer, unsigned stream, uint32_t version, uint8_t data[LOAD_DATA_MAX],
                     struct varve_event *ret_event)
{
    static const char *const types[] = { "load.made", "load.changed", "load.ended" };
    uint64_t random = load_seed ^ ((uint64_t)writer << 56 | (uint64_t)stream << 48 | version);
    size_t size = random_below(&random, random_below(&random, 32) == 0 ? LOAD_DATA_MAX : 300);

    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t eight = random_next(&random);
        memcpy(data + at, &eight, size - at < sizeof(eight) ? size - at : sizeof(eight));
    }
    *ret_event = (struct varve_event){
        .type = varve_view_str(types[version % 3]),
        .id = { { 0x9e, (uint8_t)writer, (uint8_t)stream } },
        .time_us = (int64_t)version * 1000,
        .schema_version = version,
        .content_type = VARVE_CONTENT_OCTET_STREAM,
        .data = varve_view_of((const char *)data, size),
    };
    memcpy(&ret_event->id.bytes[4], &version, sizeof(version));
    memcpy(&ret_event->id.bytes[8], &load_seed, sizeof(load_seed));
}

bool load_init(struct writer writers[LOAD_WRITERS], const char *url)
{
    for (unsigned i = 0; i < LOAD_WRITERS; i++) {
        writers[i] = (struct writer){ .number = i, .url = url, .random = load_seed + i + 1 };
        writers[i].notes = calloc(LOAD_NOTES_MAX, sizeof(*writers[i].notes));
        if (writers[i].notes == NULL)
            return false;
    }
    return true;
}

void load_free(struct writer writers[LOAD_WRITERS])
{
    for (unsigned i = 0; i < LOAD_WRITERS; i++)
        free(writers[i].notes);
}

/* ---- one append -------------------------------------------------------------------------------------------------- */

static void note_fault(struct writer *writer, const struct note *note, const char *what, const char *detail)
{
    if (writer->fault[0] == '\0')
        snprintf(writer->fault, sizeof(writer->fault), "writer%u-%u@%u: %s %s", writer->number, note->stream[0],
                 note->first_version[0], what, detail);
}

static void make_note(struct writer *writer, struct note *note)
{
    *note = (struct note){ .writer = writer, .state = NOTE_UNKNOWN };
    note->stream[0] = (uint8_t)random_below(&writer->random, LOAD_STREAMS);
    note->events[0] = (uint8_t)(1 + random_below(&writer->random, LOAD_EVENTS_MAX / 2));
    if (random_below(&writer->random, 8) == 0) {
        note->stream[1] = (uint8_t)((note->stream[0] + 1) % LOAD_STREAMS);
        note->events[1] = (uint8_t)(1 + random_below(&writer->random, LOAD_EVENTS_MAX / 2));
    }
    for (unsigned part = 0; part < 2; part++)
        note->first_version[part] = writer->next_version[note->stream[part]];
}

/* The numbers an acknowledgement tells; false when they are not those of this append. */
static bool take_numbers(struct note *note, const struct varve_append_outcome *outcome, uint64_t positions[2])
{
    for (unsigned part = 0; part < 2 && note->events[part] > 0; part++) {
        const struct varve_append_result *result = &outcome->results[part];

        if (result->first_version != note->first_version[part] ||
            result->last_position - result->first_position != note->events[part] - 1u)
            return false;
        /* Answered from the past, the stream may have gone on since. */
        if (!outcome->replayed && result->last_version != note->first_version[part] + note->events[part] - 1)
            return false;
        positions[part] = result->first_position;
    }
    return true;
}

static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    struct note *note = user;
    struct writer *writer = note->writer;
    uint64_t positions[2] = { 0, 0 };

    if (outcome->status == VARVE_OK) {
        if (!take_numbers(note, outcome, positions))
            note_fault(writer, note, "was acknowledged with numbers of something else", "");
        else if (note->state == NOTE_ACKNOWLEDGED && memcmp(positions, note->first_position, sizeof(positions)) != 0)
            note_fault(writer, note, "was acknowledged again with other positions", "");
        else if (note->state == NOTE_ACKNOWLEDGED && !outcome->replayed)
            note_fault(writer, note, "was acknowledged before, and is now said to be new", "");
        else if (note->state == NOTE_UNSENT && outcome->replayed)
            note_fault(writer, note, "was stored although the client had not sent it", "");
        memcpy(note->first_position, positions, sizeof(positions));
        note->replayed = outcome->replayed;
        note->state = NOTE_ACKNOWLEDGED;
    } else if (outcome->status == VARVE_UNREACHABLE || outcome->status == VARVE_NOT_READY) {
        note->state = note->state == NOTE_UNKNOWN ? NOTE_UNSENT : note->state;
    } else if (outcome->status != VARVE_DISCONNECTED) {
        note_fault(writer, note, varve_status_name(outcome->status), outcome->error.message);
    }
}

static enum varve_status submit(struct varve_client *client, struct note *note, struct varve_error *error)
{
    struct writer *writer = note->writer;
    struct varve_append_stream streams[2];
    struct varve_event events[LOAD_EVENTS_MAX];
    uint32_t stream_of[LOAD_EVENTS_MAX];
    char names[2][24];
    size_t count = 0;

    for (unsigned part = 0; part < 2 && note->events[part] > 0; part++) {
        load_stream_name(writer->number, note->stream[part], names[part]);
        streams[part] = (struct varve_append_stream){ varve_view_str(names[part]),
                                                      (int64_t)note->first_version[part] - 1 };
        for (unsigned i = 0; i < note->events[part]; i++, count++) {
            load_make_event(writer->number, note->stream[part], note->first_version[part] + i, writer->data[count],
                            &events[count]);
            stream_of[count] = part;
        }
    }
    const struct varve_append_request request = { streams, note->events[1] > 0 ? 2 : 1, events, stream_of, count };
    return varve_client_submit(client, &request, on_done, note, error);
}

/* ---- a round ----------------------------------------------------------------------------------------------------- */

static struct varve_client *make_client(struct writer *writer)
{
    struct varve_client_options options;
    struct varve_client *client = NULL;
    struct varve_error error;

    varve_client_options_init(&options);
    options.max_in_flight = 1 + (uint32_t)random_below(&writer->random, WINDOW_MAX);
    options.reconnect_attempts = writer->persists ? 1000 : 0;
    options.reconnect_delay_ms = 1;
    if (varve_client_create(writer->url, &options, &client, &error) != VARVE_OK)
        snprintf(writer->fault, sizeof(writer->fault), "%.150s", error.message);
    return client;
}

static void *write_on(void *argument)
{
    struct writer *writer = argument;
    struct varve_client *client = make_client(writer);
    bool lost = client == NULL;

    while (!lost && !atomic_load(&writer->stop) && writer->note_count < LOAD_NOTES_MAX && writer->fault[0] == '\0') {
        struct note *note = &writer->notes[writer->note_count];

        make_note(writer, note);
        lost = submit(client, note, NULL) != VARVE_OK;
        if (lost)
            break;
        writer->note_count++;
        for (unsigned part = 0; part < 2; part++)
            writer->next_version[note->stream[part]] += note->events[part];
    }
    if (client != NULL)
        varve_client_drain(client, NULL); /* Each `done` was told. */
    varve_client_free(client);
    return NULL;
}

void load_begin(struct writer *writer, bool persists)
{
    writer->persists = persists;
    atomic_store(&writer->stop, false);
    if (pthread_create(&writer->thread, NULL, write_on, writer) != 0)
        abort();
}

void load_end(struct writer *writer)
{
    atomic_store(&writer->stop, true);
    pthread_join(writer->thread, NULL);
}

void load_settle(struct writer *writer, unsigned again, uint32_t *ret_found)
{
    writer->persists = true;
    struct varve_client *client = make_client(writer);
    struct varve_error error = { .message = "" };

    for (uint32_t i = 0; client != NULL && i < writer->note_count; i++)
        if (writer->notes[i].state != NOTE_ACKNOWLEDGED) {
            uint8_t before = writer->notes[i].state;

            if (submit(client, &writer->notes[i], &error) != VARVE_OK || varve_client_drain(client, &error) != VARVE_OK)
                note_fault(writer, &writer->notes[i], "cannot be settled:", error.message);
            *ret_found += before == NOTE_UNKNOWN && writer->notes[i].replayed;
        }
    for (unsigned i = 0; client != NULL && i < again && writer->note_count > 0; i++) {
        struct note *note = &writer->notes[random_below(&writer->random, writer->note_count)];

        if (submit(client, note, &error) != VARVE_OK)
            note_fault(writer, note, "cannot be repeated:", error.message);
    }
    if (client != NULL && varve_client_drain(client, &error) != VARVE_OK && writer->fault[0] == '\0')
        snprintf(writer->fault, sizeof(writer->fault), "repeating: %.150s", error.message);
    varve_client_free(client);
}
