/* store_fixture.c - see store_fixture.h. */
#include "support/store_fixture.h"

#include "support/check.h"
#include "support/records.h"
#include "varve/record.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXTS = 8, TEXT_SIZE = 32768, MAX_STREAMS = 64, MAX_EVENTS = 512, NAME_ROOM = 512 };

/* ---- the os ---- */

/* LMDB's syncs as well: what dies here is a process at most, never the machine. A test may bring its own. */
__attribute__((weak)) int fdatasync(int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static int64_t fixture_now_us(void *self)
{
    const struct store_fixture *f = self;
    int64_t now_us = atomic_load(&f->now_us);

    return now_us != 0 ? now_us : varve_os_default()->now_us(varve_os_default()->self);
}

static int fixture_random_bytes(void *self, void *bytes, size_t size)
{
    const struct store_fixture *f = self;
    int error = atomic_load(&f->random_error);

    return error != 0 ? -error : varve_os_default()->random_bytes(varve_os_default()->self, bytes, size);
}

/* ---- life ---- */

static void init_os(struct store_fixture *f)
{
    fault_os_init(&f->fault);
    f->fault.os.now_us = fixture_now_us;
    f->fault.os.random_bytes = fixture_random_bytes;
    atomic_init(&f->now_us, 0);
    atomic_init(&f->random_error, 0);
    f->options.os = &f->fault.os;
}

void fixture_init(struct store_fixture *f)
{
    memset(f, 0, sizeof(*f));
    varve_options_init(&f->options);
    f->options.segment_size_bytes = 256u << 10;
    f->options.max_event_bytes = 64u << 10;
    f->options.max_append_bytes = 128u << 10;
    f->options.max_append_events = 1024;
    f->options.group_size_bytes = 64u << 10;
    f->options.queue_size_bytes = 1u << 20;
    f->options.settle_size_bytes = 1u << 20;
    f->options.settle_events = 10000;
    f->options.settle_idle_ms = 0;
    f->options.recent_ids = 1000;
    f->options.disk_reserve_bytes = 1u << 20;
    f->options.map_size_bytes = 256u << 20;
    init_os(f);
    temp_dir_make(f->parent);
    snprintf(f->path, sizeof(f->path), "%s/store", f->parent);
}

enum varve_status fixture_try_open(struct store_fixture *f)
{
    assert_null(f->store);
    return varve_store_open(f->path, &f->options, &f->store, &f->error);
}

void fixture_open(struct store_fixture *f)
{
    if (fixture_try_open(f) != VARVE_OK)
        fail_msg("cannot open the store: %s", f->error.message);
}

void fixture_close(struct store_fixture *f)
{
    struct varve_store *store = f->store;

    f->store = NULL;
    assert_int_equal(varve_store_close(store), VARVE_OK);
}

void fixture_reopen(struct store_fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

void fixture_settle(struct store_fixture *f)
{
    assert_int_equal(varve_store_settle(f->store), VARVE_OK);
    assert_int_equal(fixture_stats(f).tail_events, 0);
}

void fixture_freeze(struct store_fixture *f)
{
    atomic_store(&f->fault.free_bytes, 4 << 20); /* The settler asks for 16 MiB. */
    enum varve_status status = varve_store_settle(f->store);
    assert_true(status == VARVE_DISK_FULL || fixture_stats(f).tail_events == 0); /* Settled just before, maybe. */
}

void fixture_thaw(struct store_fixture *f)
{
    atomic_store(&f->fault.free_bytes, -1);
    while (varve_store_settle(f->store) == VARVE_DISK_FULL)
        usleep(1000);
    fixture_settle(f);
}

void fixture_free(struct store_fixture *f)
{
    if (f->store != NULL)
        fixture_close(f);
    temp_dir_remove(f->parent);
}

static void copy_file(const char *from, const char *to)
{
    static const char zeros[4096];
    char bytes[4096];
    ssize_t size;
    off_t offset = 0;
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (in < 0 || out < 0)
        fail_msg("cannot copy %s to %s: %s", from, to, strerror(errno));
    while ((size = read(in, bytes, sizeof(bytes))) > 0) {
        if (memcmp(bytes, zeros, (size_t)size) != 0)
            assert_int_equal(pwrite(out, bytes, (size_t)size, offset), size);
        offset += size;
    }
    assert_int_equal(size, 0);
    assert_int_equal(ftruncate(out, offset), 0);
    close(in);
    close(out);
}

static void copy_directory(const char *from, const char *to)
{
    DIR *directory = opendir(from);
    struct dirent *entry;

    assert_non_null(directory);
    assert_int_equal(mkdir(to, 0777), 0);
    while ((entry = readdir(directory)) != NULL) {
        char source[TEMP_DIR_PATH + 512], target[TEMP_DIR_PATH + 512];
        struct stat status;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "store.mdb-lock") == 0)
            continue;
        snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
        snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
        assert_int_equal(stat(source, &status), 0);
        if (S_ISDIR(status.st_mode))
            copy_directory(source, target);
        else
            copy_file(source, target);
    }
    closedir(directory);
}

void fixture_copy(struct store_fixture *f, struct store_fixture *ret_copy)
{
    memset(ret_copy, 0, sizeof(*ret_copy));
    ret_copy->options = f->options;
    init_os(ret_copy);
    atomic_store(&ret_copy->now_us, atomic_load(&f->now_us));
    temp_dir_make(ret_copy->parent);
    snprintf(ret_copy->path, sizeof(ret_copy->path), "%s/store", ret_copy->parent);
    fault_os_hold(&f->fault); /* The journal's thread may be about to give an old segment a new number. */
    copy_directory(f->path, ret_copy->path);
    fault_os_release(&f->fault);
}

void fixture_crash(struct store_fixture *f)
{
    struct store_fixture copy;

    fixture_copy(f, &copy);
    fixture_free(f);
    *f = copy;
    f->options.os = &f->fault.os; /* Not that of the copy any more. */
    f->fault.os.self = f;
    fixture_open(f);
}

/* ---- texts ---- */

struct text {
    char *bytes;
    size_t size;
};

/* One of a few that are used in turns, so that two can be held at a time. */
static struct text next_text(void)
{
    static __thread char texts[TEXTS][TEXT_SIZE];
    static __thread unsigned turn;
    struct text text = { texts[turn++ % TEXTS], 0 };

    text.bytes[0] = '\0';
    return text;
}

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(text->bytes + text->size, TEXT_SIZE - text->size, format, arguments);
    va_end(arguments);
    assert_in_range(size, 0, TEXT_SIZE - text->size - 1);
    text->size += (size_t)size;
}

static void add_version(struct text *text, int64_t version)
{
    static const char *const words[] = { "none", "any", "exists" };

    if (version < 0)
        add(text, "%s", words[-1 - version]);
    else
        add(text, "%lld", (long long)version);
}

/* ---- appends ---- */

struct parsed {
    char names[MAX_STREAMS][NAME_ROOM];
    struct varve_append_stream streams[MAX_STREAMS];
    struct varve_event events[MAX_EVENTS];
    char data[MAX_EVENTS][24];
    uint32_t stream_of[MAX_EVENTS];
    size_t stream_count, event_count;
};

static int64_t parse_expected(const char *text, size_t size)
{
    if (size == 3 && memcmp(text, "any", 3) == 0)
        return VARVE_EXPECTED_ANY;
    if (size == 4 && memcmp(text, "none", 4) == 0)
        return VARVE_EXPECTED_NO_STREAM;
    if (size == 6 && memcmp(text, "exists", 6) == 0)
        return VARVE_EXPECTED_STREAM_EXISTS;
    assert_true(size > 0 && isdigit((unsigned char)text[0]));
    return atoll(text);
}

static void add_event(struct parsed *parsed, char letter)
{
    size_t i = parsed->event_count++;
    struct varve_event *event = &parsed->events[i];

    assert_in_range(i, 0, MAX_EVENTS - 1);
    *event = (struct varve_event){ .type = varve_view_str("tested"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                   .content_type = VARVE_CONTENT_JSON };
    if (letter != '.')
        event->id = test_uuid((uint64_t)tolower((unsigned char)letter));
    event->data = varve_view_of(parsed->data[i], (size_t)snprintf(parsed->data[i], sizeof(parsed->data[i]),
                                                                  "{\"letter\":\"%c\"}", letter));
    parsed->stream_of[i] = (uint32_t)(parsed->stream_count - 1);
}

static void parse(const char *text, struct parsed *parsed)
{
    parsed->stream_count = parsed->event_count = 0;
    for (const char *at = text; *at != '\0'; at += *at == ' ') {
        size_t i = parsed->stream_count++, name = strcspn(at, ":"), expected = strcspn(at + name + 1, "= ");
        assert_in_range(i, 0, MAX_STREAMS - 1);
        assert_in_range(name, 1, NAME_ROOM - 1);
        memcpy(parsed->names[i], at, name);
        parsed->names[i][name] = '\0';
        parsed->streams[i] = (struct varve_append_stream){ varve_view_of(parsed->names[i], name),
                                                           parse_expected(at + name + 1, expected) };
        at += name + 1 + expected;
        if (*at == '=')
            for (at++; *at != '\0' && *at != ' '; at++)
                add_event(parsed, *at);
    }
}

static struct varve_append_request request_of(const struct parsed *parsed)
{
    return (struct varve_append_request){ parsed->streams, parsed->stream_count, parsed->events, parsed->stream_of,
                                          parsed->event_count };
}

static void add_results(struct text *text, const struct varve_append_outcome *outcome, const struct parsed *parsed)
{
    add(text, outcome->replayed ? "again" : "ok");
    for (size_t i = 0; i < outcome->stream_count; i++) {
        const struct varve_append_result *result = &outcome->results[i];
        add(text, " %s@", parsed->names[i]);
        if (result->first_position == 0) {
            assert_true(result->first_version == -1 && result->last_position == 0);
            add_version(text, result->last_version);
        } else {
            add(text, "%lld-%lld/%llu-%llu", (long long)result->first_version, (long long)result->last_version,
                (unsigned long long)result->first_position, (unsigned long long)result->last_position);
        }
    }
}

static const char *describe(const struct varve_append_outcome *outcome, const struct parsed *parsed)
{
    struct text text = next_text();

    if (outcome->status == VARVE_OK) {
        add_results(&text, outcome, parsed);
        return text.bytes;
    }
    assert_int_equal(outcome->error.status, outcome->status);
    assert_int_equal(outcome->stream_count, 0);
    if (outcome->conflict_count == 0) {
        add(&text, "%s", varve_status_name(outcome->status));
        return text.bytes;
    }
    assert_int_equal(outcome->conflicts[0].status, outcome->status);
    assert_non_null(strstr(outcome->error.message, parsed->names[outcome->conflicts[0].stream_index]));
    for (size_t i = 0; i < outcome->conflict_count; i++) {
        const struct varve_conflict *conflict = &outcome->conflicts[i];
        add(&text, "%s%s %s ", i == 0 ? "no: " : ", ", parsed->names[conflict->stream_index],
            varve_status_name(conflict->status));
        add_version(&text, conflict->expected);
        add(&text, "/");
        add_version(&text, conflict->actual);
    }
    return text.bytes;
}

struct varve_append *fixture_make(struct store_fixture *f, const char *text)
{
    struct parsed *parsed = malloc(sizeof(*parsed));
    struct varve_append *append = NULL;

    assert_non_null(parsed);
    parse(text, parsed);
    struct varve_append_request request = request_of(parsed);
    if (varve_append_create(f->store, &request, &append, &f->error) != VARVE_OK)
        fail_msg("cannot make the append \"%s\": %s", text, f->error.message);
    free(parsed);
    return append;
}

const char *fixture_outcome(const struct varve_append *append, const char *text)
{
    struct parsed *parsed = malloc(sizeof(*parsed));

    assert_non_null(parsed);
    parse(text, parsed);
    const char *described = describe(varve_append_get_outcome(append), parsed);
    free(parsed);
    return described;
}

const char *fixture_append(struct store_fixture *f, const char *text)
{
    struct parsed *parsed = malloc(sizeof(*parsed));
    struct varve_append *append = NULL;
    const char *described;

    assert_non_null(parsed);
    parse(text, parsed);
    struct varve_append_request request = request_of(parsed);
    enum varve_status status = varve_append_create(f->store, &request, &append, &f->error);
    if (status != VARVE_OK) {
        free(parsed);
        return varve_status_name(status);
    }
    status = varve_append_wait(append, &f->error);
    if (status == varve_append_get_outcome(append)->status)
        described = describe(varve_append_get_outcome(append), parsed);
    else
        described = varve_status_name(status); /* It was not even queued. */
    varve_append_free(append);
    free(parsed);
    return described;
}

void fixture_fill(struct store_fixture *f, const char *stream, unsigned count, unsigned each, size_t size)
{
    struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_ANY };
    struct varve_event *events = calloc(each, sizeof(*events));
    char *data = calloc(1, size + 1);

    assert_true(events != NULL && data != NULL);
    memset(data, 'd', size);
    for (unsigned i = 0; i < each; i++)
        events[i] = (struct varve_event){ .type = varve_view_str("filling"), .time_us = VARVE_TIME_NONE,
                                          .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { data, size } };
    for (unsigned done = 0; done < count; done += each) {
        struct varve_append_request request = { &target, 1, events, NULL, count - done < each ? count - done : each };
        struct varve_append *append = NULL;
        if (varve_append_create(f->store, &request, &append, &f->error) != VARVE_OK ||
            varve_append_wait(append, &f->error) != VARVE_OK)
            fail_msg("cannot fill the store: %s", f->error.message);
        varve_append_free(append);
    }
    free(events);
    free(data);
}

/* ---- changes ---- */

const char *fixture_try_change(struct store_fixture *f, const struct varve_stream_change *change)
{
    struct varve_append *append = NULL;
    struct parsed *parsed = calloc(1, sizeof(*parsed));

    assert_non_null(parsed);
    enum varve_status status = varve_stream_change_create(f->store, change, &append, &f->error);
    const char *described = varve_status_name(status);
    if (status == VARVE_OK) {
        snprintf(parsed->names[0], NAME_ROOM, "%.*s", (int)change->stream.size, change->stream.data);
        status = varve_append_wait(append, &f->error);
        described = status == varve_append_get_outcome(append)->status
                        ? describe(varve_append_get_outcome(append), parsed)
                        : varve_status_name(status);
        varve_append_free(append);
    }
    free(parsed);
    return described;
}

void fixture_change(struct store_fixture *f, enum varve_stream_change_kind kind, const char *stream, uint64_t number)
{
    struct varve_stream_change change = { .kind = kind, .stream = varve_view_str(stream),
                                          .expected = VARVE_EXPECTED_ANY, .truncate_before = number,
                                          .max_count = number };
    const char *outcome = fixture_try_change(f, &change);

    if (strncmp(outcome, "ok ", 3) != 0)
        fail_msg("the change of \"%s\" was refused: %s", stream, outcome);
}

/* ---- reads ---- */

struct reading {
    struct text text;
    uint64_t last_position;
    bool backwards;
};

static void take_record(struct reading *reading, const uint8_t *record, uint32_t size)
{
    struct varve_event event;

    assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
    assert_true(reading->last_position == 0 || (reading->backwards ? event.position < reading->last_position
                                                                   : event.position > reading->last_position));
    reading->last_position = event.position;
    add(&reading->text, "%s%.*s@%llu", reading->text.size == 0 ? "" : " ", (int)event.stream.size, event.stream.data,
        (unsigned long long)event.version);
}

const char *fixture_read(struct store_fixture *f, const struct varve_read *read, uint32_t max_events)
{
    struct reading reading = { .text = next_text(), .backwards = read->backwards };
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    enum varve_status status = varve_reader_open(f->store, read, &reader, &f->error);

    while (status == VARVE_OK && !batch.end) {
        status = varve_reader_next(reader, 1 << 20, max_events, &batch, &f->error);
        if (status != VARVE_OK)
            break;
        assert_true(max_events == 0 || batch.count <= max_events);
        for (uint32_t i = 0; i < batch.count; i++)
            take_record(&reading, batch.records[i], batch.sizes[i]);
    }
    varve_reader_close(reader);
    return status == VARVE_OK ? reading.text.bytes : varve_status_name(status);
}

const char *fixture_read_all(struct store_fixture *f)
{
    struct varve_read read;

    varve_read_init(&read);
    read.include_system = true;
    return fixture_read(f, &read, 0);
}

const char *fixture_read_stream(struct store_fixture *f, const char *stream)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(stream);
    return fixture_read(f, &read, 0);
}

struct varve_stats fixture_stats(struct store_fixture *f)
{
    struct varve_stats stats;

    varve_store_stats(f->store, &stats);
    return stats;
}
