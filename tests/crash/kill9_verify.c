/* kill9_verify.c - see kill9_verify.h. */
#include "crash/kill9_verify.h"
#include "varve/uuid.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify {
    struct writer *writers;
    uint32_t versions[LOAD_WRITERS][LOAD_STREAMS];   /* seen so far = the next that must come */
    uint64_t *positions[LOAD_WRITERS][LOAD_STREAMS]; /* where each acknowledged version must stand; 0 = no matter */
    uint64_t position;
    struct sagas_scan sagas;
    char *fault;
    size_t room;
};

static bool offend(struct verify *verify, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool offend(struct verify *verify, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(verify->fault, verify->room, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- what was promised ------------------------------------------------------------------------------------------- */

static bool collect_promises(struct verify *verify)
{
    for (unsigned w = 0; w < LOAD_WRITERS; w++) {
        struct writer *writer = &verify->writers[w];

        for (unsigned s = 0; s < LOAD_STREAMS; s++) {
            verify->positions[w][s] = calloc(writer->next_version[s] + 1u, sizeof(uint64_t));
            if (verify->positions[w][s] == NULL)
                return offend(verify, "no memory to verify with");
        }
        for (uint32_t i = 0; i < writer->note_count; i++) {
            const struct note *note = &writer->notes[i];

            for (unsigned part = 0; part < 2 && note->state == NOTE_ACKNOWLEDGED; part++)
                for (unsigned n = 0; n < note->events[part]; n++)
                    verify->positions[w][note->stream[part]][note->first_version[part] + n] =
                        note->first_position[part] + n;
        }
    }
    return true;
}

static void drop_promises(struct verify *verify)
{
    for (unsigned w = 0; w < LOAD_WRITERS; w++)
        for (unsigned s = 0; s < LOAD_STREAMS; s++)
            free(verify->positions[w][s]);
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool same(const struct varve_event *a, const struct varve_event *b)
{
    return varve_view_equal(a->type, b->type) && varve_uuid_equal(&a->id, &b->id) && a->time_us == b->time_us &&
           a->schema_version == b->schema_version && a->content_type == b->content_type &&
           varve_view_equal(a->data, b->data);
}

static bool check_event(struct verify *verify, const struct varve_event *event)
{
    uint8_t data[LOAD_DATA_MAX];
    struct varve_event made;
    unsigned w = event->id.bytes[1], s = event->id.bytes[2];
    char name[24];

    if (event->position != ++verify->position)
        return offend(verify, "position %" PRIu64 " came where %" PRIu64 " was due", event->position, verify->position);
    if (!sagas_scan_take(&verify->sagas, event))
        return false;
    if (sagas_scan_owns(event))
        return true;
    if (w >= LOAD_WRITERS || s >= LOAD_STREAMS)
        return offend(verify, "position %" PRIu64 " holds an event nobody wrote", event->position);
    load_stream_name(w, s, name);
    if (!varve_view_equal(event->stream, varve_view_str(name)) || event->version != verify->versions[w][s]++)
        return offend(verify, "position %" PRIu64 " holds %.*s@%" PRIu64 ", not %s@%u", event->position,
                      (int)event->stream.size, event->stream.data, event->version, name, verify->versions[w][s] - 1);
    if (event->version >= verify->writers[w].next_version[s])
        return offend(verify, "%s@%" PRIu64 " was never written", name, event->version);
    load_make_event(w, s, (uint32_t)event->version, data, &made);
    if (!same(event, &made))
        return offend(verify, "%s@%" PRIu64 " is not what was written", name, event->version);
    uint64_t promised = verify->positions[w][s][event->version];
    if (promised != 0 && promised != event->position)
        return offend(verify, "%s@%" PRIu64 " is at position %" PRIu64 ", acknowledged at %" PRIu64, name,
                      event->version, event->position, promised);
    return true;
}

static bool read_all(struct verify *verify, struct varve_client *client)
{
    const struct varve_event *event = NULL;
    struct varve_error error;
    struct varve_read read;
    bool sound = true;

    varve_read_init(&read);
    read.include_system = true;
    enum varve_status status = varve_client_read_open(client, &read, &error);
    while (status == VARVE_OK && sound) {
        status = varve_client_read_next(client, &event, &error);
        if (status != VARVE_OK || event == NULL)
            break;
        sound = check_event(verify, event);
    }
    varve_client_read_close(client);
    return status == VARVE_OK ? sound : offend(verify, "reading: %s: %s", varve_status_name(status), error.message);
}

/* Nothing acknowledged lies behind what was found. */
static bool check_ends(struct verify *verify, bool complete)
{
    for (unsigned w = 0; w < LOAD_WRITERS; w++)
        for (unsigned s = 0; s < LOAD_STREAMS; s++) {
            uint32_t written = verify->writers[w].next_version[s];

            for (uint32_t v = verify->versions[w][s]; v < written; v++)
                if (complete || verify->positions[w][s][v] != 0)
                    return offend(verify, "writer%u-%u@%u, acknowledged at position %" PRIu64 ", is gone", w, s, v,
                                  verify->positions[w][s][v]);
        }
    return true;
}

/* ---- the same by other ways -------------------------------------------------------------------------------------- */

static bool check_stream_backwards(struct verify *verify, struct varve_client *client, unsigned w, unsigned s)
{
    const struct varve_event *event = NULL;
    uint32_t left = verify->versions[w][s];
    struct varve_error error;
    struct varve_read read;
    char name[24];

    if (left == 0)
        return true;
    load_stream_name(w, s, name);
    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(name);
    read.backwards = true;
    enum varve_status status = varve_client_read_open(client, &read, &error);
    while (status == VARVE_OK && left > 0) {
        status = varve_client_read_next(client, &event, &error);
        if (status == VARVE_OK && (event == NULL || event->version != --left))
            break;
    }
    if (status == VARVE_OK && left == 0)
        status = varve_client_read_next(client, &event, &error);
    varve_client_read_close(client);
    if (status != VARVE_OK)
        return offend(verify, "reading %s backwards: %s", name, error.message);
    return left == 0 && event == NULL ? true : offend(verify, "%s read backwards goes wrong near @%u", name, left);
}

/* The index of ids agrees with the log. */
static bool check_find(struct verify *verify, struct varve_client *client, unsigned w, unsigned s)
{
    uint8_t data[LOAD_DATA_MAX];
    struct varve_event first, last, none;
    struct varve_error error;
    uint32_t count = verify->versions[w][s];
    uint64_t found[3];

    if (count == 0)
        return true;
    load_make_event(w, s, 0, data, &first);
    load_make_event(w, s, count - 1, data, &last);
    load_make_event(w, s, verify->writers[w].next_version[s], data, &none);
    const struct varve_uuid ids[] = { first.id, last.id, none.id };
    if (varve_client_find(client, ids, 3, found, &error) != VARVE_OK)
        return offend(verify, "find: %s", error.message);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t promised = verify->positions[w][s][i == 0 ? 0 : count - 1];

        if (found[i] == 0 || (promised != 0 && found[i] != promised))
            return offend(verify, "writer%u-%u: an id is found at position %" PRIu64 ", not %" PRIu64, w, s, found[i],
                          promised);
    }
    return found[2] == 0 ? true : offend(verify, "writer%u-%u: an id that was never written is found", w, s);
}

bool verify_served(struct varve_client *client, struct writer writers[LOAD_WRITERS], const struct saga_worker *worker,
                   bool complete, char *fault, size_t room, uint64_t *ret_events)
{
    struct verify verify = { .writers = writers, .fault = fault, .room = room };
    bool sound = sagas_scan_begin(&verify.sagas, worker, fault, room) && collect_promises(&verify) &&
                 (!complete || sagas_wait_for_timers(client, fault, room)) && read_all(&verify, client) &&
                 check_ends(&verify, complete) && sagas_scan_check(&verify.sagas, client, complete);

    for (unsigned w = 0; w < LOAD_WRITERS && sound; w++)
        for (unsigned s = 0; s < LOAD_STREAMS && sound; s++)
            sound = check_find(&verify, client, w, s) &&
                    (s != 0 || check_stream_backwards(&verify, client, w, s));
    *ret_events = verify.position;
    sagas_scan_end(&verify.sagas);
    drop_promises(&verify);
    return sound;
}
