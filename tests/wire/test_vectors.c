/* test_vectors.c - runs the vectors of docs/protocol-vectors, both ways, and holds the dumps of docs/protocol.md
 * against them. The vectors were written by a program that shares no code with this one. */
#include "server/wire/arena.h"
#include "wire_meaning.h"
#include "varve/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The arena holds at most this much of a body, and a grain for each of its arrays. */
#define ARENA_FACTOR 16u
#define ARENA_ROOM 64u

/* docs/ stands beside build/, in which this program lies. */
static void docs_path(const char *name, char *path, size_t room)
{
    char self[2048];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(size > 0);
    self[size] = '\0';
    for (char *cut = strrchr(self, '/'); cut != NULL; cut = strrchr(self, '/')) {
        *cut = '\0';
        snprintf(path, room, "%s/docs/%s", self, name);
        if (access(path, R_OK) == 0)
            return;
    }
    fail_msg("no docs/%s above this program", name);
}

static json_t *load(const char *family)
{
    char name[128], path[4096];
    json_error_t error;

    snprintf(name, sizeof(name), "protocol-vectors/%s.json", family);
    docs_path(name, path, sizeof(path));
    json_t *vectors = json_load_file(path, 0, &error);

    if (vectors == NULL)
        fail_msg("%s: %s", path, error.text);
    return vectors;
}

static const char *text_of(const json_t *vector, const char *key)
{
    return json_string_value(json_object_get(vector, key));
}

static uint8_t opcode_of(const char *name)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        if (strcmp(varve_opcode_name((uint8_t)opcode), name) == 0)
            return (uint8_t)opcode;
    }
    fail_msg("no opcode is named %s", name);
    return 0;
}

/* The frame's header must be good and say what the vector says; gives the body. */
static struct varve_view body_of(const json_t *vector, struct varve_view bytes)
{
    struct varve_frame frame;

    assert_true(bytes.size >= VARVE_WIRE_HEADER);
    assert_int_equal(varve_frame_decode((const uint8_t *)bytes.data, VARVE_WIRE_MAX_FRAME, &frame, NULL), VARVE_OK);
    assert_int_equal(frame.version, VARVE_WIRE_VERSION);
    assert_int_equal(frame.opcode, opcode_of(text_of(vector, "message")));
    assert_int_equal(frame.request_id, json_integer_value(json_object_get(vector, "request_id")));
    assert_int_equal(frame.length, bytes.size - VARVE_WIRE_HEADER);
    return varve_view_of(bytes.data + VARVE_WIRE_HEADER, frame.length);
}

static bool means(const json_t *vector, const json_t *meaning)
{
    const json_t *expected = json_object_get(vector, "meaning");

    if (json_equal(meaning, expected))
        return true;
    print_error("%s: decoded as\n%s\n", text_of(vector, "name"), json_dumps(meaning, JSON_SORT_KEYS));
    return false;
}

static bool encodes(const json_t *vector, uint8_t opcode, struct varve_view bytes)
{
    struct varve_wire_buffer out = { 0 };
    uint32_t request_id = (uint32_t)json_integer_value(json_object_get(vector, "request_id"));
    bool same = meaning_encode(&out, request_id, opcode, json_object_get(vector, "meaning")) && !out.failed &&
                out.size == bytes.size && memcmp(out.bytes, bytes.data, out.size) == 0;

    varve_wire_buffer_free(&out);
    if (!same)
        print_error("%s: not encoded to the bytes of the vector\n", text_of(vector, "name"));
    return same;
}

static bool is_understood(const json_t *vector, struct varve_view bytes, struct varve_wire_arena *arena)
{
    uint8_t opcode = opcode_of(text_of(vector, "message"));
    struct varve_error error = { 0 };
    json_t *meaning = NULL;
    enum varve_status status = meaning_decode(opcode, body_of(vector, bytes), arena, &meaning, &error);

    if (status != VARVE_OK) {
        print_error("%s: %s: %s\n", text_of(vector, "name"), varve_status_name(status), error.message);
        return false;
    }

    bool fine = means(vector, meaning);

    json_decref(meaning);
    if (!json_is_false(json_object_get(vector, "encodes")))
        fine &= encodes(vector, opcode, bytes);
    return fine;
}

/* What the store says about the content of an append that could be decoded. */
static enum varve_status check_append(struct varve_view body, struct varve_wire_arena *arena,
                                      struct varve_error *error)
{
    struct varve_append_request append;
    enum varve_status status = varve_decode_append(body, arena, &append, error);

    assert_int_equal(status, VARVE_OK);
    assert_int_equal(append.stream_count, 1);
    status = varve_check_stream_name(append.streams[0].stream, false, "stream", error);
    for (size_t i = 0; i < append.event_count && status == VARVE_OK; i++)
        status = varve_check_event(&append.events[i], i, error);
    return status;
}

static enum varve_status check_sagas(struct varve_view body, struct varve_wire_arena *arena,
                                     struct varve_error *error)
{
    struct varve_transact_request transact;
    enum varve_status status = varve_decode_transact(body, arena, &transact, error);
    char field[32];

    assert_int_equal(status, VARVE_OK);
    for (size_t i = 0; i < transact.saga_count && status == VARVE_OK; i++) {
        snprintf(field, sizeof(field), "sagas[%zu]", i);
        status = varve_saga_change_check(&transact.sagas[i], field, error);
    }
    return status;
}

static enum varve_status refusal(const json_t *vector, struct varve_view bytes, struct varve_wire_arena *arena,
                                 struct varve_error *error)
{
    const char *checked = text_of(vector, "checked");
    struct varve_frame frame;
    json_t *meaning = NULL;

    if (strcmp(checked, "frame") == 0)
        return varve_frame_decode((const uint8_t *)bytes.data, VARVE_WIRE_MAX_FRAME, &frame, error);

    struct varve_view body = body_of(vector, bytes);

    if (strcmp(checked, "content") == 0)
        return opcode_of(text_of(vector, "message")) == VARVE_OP_TRANSACT ? check_sagas(body, arena, error)
                                                                          : check_append(body, arena, error);

    varve_wire_arena_reset(arena);

    enum varve_status status = meaning_decode(opcode_of(text_of(vector, "message")), body, arena, &meaning, error);

    json_decref(meaning);
    if (arena_taken(arena) > ARENA_FACTOR * body.size + ARENA_ROOM)
        fail_msg("%s: %zu bytes taken for a body of %zu", text_of(vector, "name"), arena_taken(arena), body.size);
    return status;
}

static bool is_refused(const json_t *vector, struct varve_view bytes, struct varve_wire_arena *arena)
{
    struct varve_error error = { 0 };
    enum varve_status status = refusal(vector, bytes, arena, &error);
    const char *field = text_of(vector, "field");

    if (strcmp(varve_status_name(status), text_of(vector, "error")) == 0 &&
        strcmp(error.field, field == NULL ? "" : field) == 0 && error.message[0] != '\0')
        return true;
    print_error("%s: %s field \"%s\" (%s), expected %s field \"%s\"\n", text_of(vector, "name"),
                varve_status_name(status), error.field, error.message, text_of(vector, "error"),
                field == NULL ? "" : field);
    return false;
}

/* Bytes of exactly their size, so that a sanitizer sees a read past them. */
static struct varve_view exact_bytes(const char *hex)
{
    struct varve_view bytes = meaning_bytes(hex);
    char *copy = malloc(bytes.size == 0 ? 1 : bytes.size);

    assert_non_null(copy);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return varve_view_of(copy, bytes.size);
}

static void run_family(const char *family)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    json_t *vectors = load(family), *vector;
    size_t i, failed = 0;

    assert_true(json_array_size(vectors) > 0);
    json_array_foreach(vectors, i, vector) {
        struct varve_view bytes = exact_bytes(text_of(vector, "hex"));
        bool fine = json_is_true(json_object_get(vector, "valid")) ? is_understood(vector, bytes, arena)
                                                                   : is_refused(vector, bytes, arena);

        failed += !fine;
        free((void *)bytes.data);
        meaning_forget();
    }
    json_decref(vectors);
    varve_wire_arena_free(arena);
    assert_int_equal(failed, 0);
}

#define FAMILY(name) \
    static void vectors_of_##name(void **state) \
    { \
        run_family(#name); \
    }
FAMILY(frames)
FAMILY(hello)
FAMILY(ping)
FAMILY(append)
FAMILY(read)
FAMILY(streams)
FAMILY(find)
FAMILY(stats)
FAMILY(error)
FAMILY(subscribe)
FAMILY(group)
FAMILY(parked)
FAMILY(transact)
FAMILY(saga)
FAMILY(snapshot)
FAMILY(load)
FAMILY(outbox)

static void run_record(const json_t *vector)
{
    struct varve_view bytes = exact_bytes(text_of(vector, "hex"));
    struct varve_event event;
    enum varve_status status = varve_record_decode(bytes.data, bytes.size, &event);

    if (json_is_true(json_object_get(vector, "valid"))) {
        assert_int_equal(status, VARVE_OK);

        json_t *meaning = meaning_of_record(&event);
        struct varve_event from = meaning_to_record(json_object_get(vector, "meaning"));
        uint8_t *made = malloc(varve_record_size(&from));

        assert_true(means(vector, meaning));
        assert_int_equal(varve_record_encode(&from, made), bytes.size);
        assert_memory_equal(made, bytes.data, bytes.size);
        free(made);
        json_decref(meaning);
    } else {
        assert_int_equal(status, VARVE_CORRUPT);
    }
    free((void *)bytes.data);
}

static void vectors_of_records(void **state)
{
    json_t *vectors = load("records"), *vector;
    size_t i;

    json_array_foreach(vectors, i, vector)
        run_record(vector);
    json_decref(vectors);
    meaning_forget();
}

/* ---- the document's dumps ---- */

static char *read_document(void)
{
    char path[4096];

    docs_path("protocol.md", path, sizeof(path));
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* The hex digits of a dump's lines, which end at their '|'. */
static void dump_digits(const char *at, const char *end, char *digits, size_t room)
{
    size_t size = 0;
    bool in_text = false;

    for (; at < end && size + 1 < room; at++) {
        if (*at == '|' || *at == '\n')
            in_text = *at == '|';
        else if (!in_text && *at != ' ')
            digits[size++] = *at;
    }
    digits[size] = '\0';
}

static const json_t *find_vector(const json_t *vectors, const char *name)
{
    const json_t *vector;
    size_t i;

    json_array_foreach(vectors, i, vector) {
        if (strcmp(text_of(vector, "name"), name) == 0)
            return vector;
    }
    fail_msg("no vector is named %s", name);
    return NULL;
}

/* A dump begins with a line "```dump FAMILY/NAME": the bytes below it are those of that vector. */
static void dumps_of_the_document(void **state)
{
    char *document = read_document(), family[64], name[64], digits[8192];
    unsigned dumps = 0;

    for (char *at = strstr(document, "```dump "); at != NULL; at = strstr(at + 3, "```dump ")) {
        assert_int_equal(sscanf(at, "```dump %63[^/]/%63[^\n]", family, name), 2);

        char *lines = strchr(at, '\n') + 1, *end = strstr(lines, "```");

        assert_non_null(end);
        dump_digits(lines, end, digits, sizeof(digits));

        json_t *vectors = load(family);

        assert_string_equal(digits, text_of(find_vector(vectors, name), "hex"));
        json_decref(vectors);
        dumps++;
        at = end;
    }
    assert_true(dumps >= 8);
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_frames),  cmocka_unit_test(vectors_of_hello),
        cmocka_unit_test(vectors_of_ping),    cmocka_unit_test(vectors_of_append),
        cmocka_unit_test(vectors_of_read),    cmocka_unit_test(vectors_of_streams),
        cmocka_unit_test(vectors_of_find),    cmocka_unit_test(vectors_of_stats),
        cmocka_unit_test(vectors_of_error),   cmocka_unit_test(vectors_of_subscribe),
        cmocka_unit_test(vectors_of_group),   cmocka_unit_test(vectors_of_parked),
        cmocka_unit_test(vectors_of_transact), cmocka_unit_test(vectors_of_saga),
        cmocka_unit_test(vectors_of_snapshot), cmocka_unit_test(vectors_of_load),
        cmocka_unit_test(vectors_of_outbox),
        cmocka_unit_test(vectors_of_records), cmocka_unit_test(dumps_of_the_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
