/* snapshot_writer.c - SNAPSHOT_PUT and SNAPSHOT_DELETE, and the end of a deleted stream's snapshots. */
#include "snapshot_writer.h"

#include <stdlib.h>
#include <string.h>

#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

#include "handlers.h"
#include "reply.h"

enum { MAX_WAITING = 4096, MAX_PUTS = 256 };

enum write_kind { WRITE_PUT, WRITE_DELETE, WRITE_DROP };

struct write {
    struct request request; /* first; with a session unless nobody waits */
    struct write *next;
    enum write_kind kind;
    struct varve_snapshot snapshot; /* put; delete, drop: its stream */
    uint32_t keep;
    int64_t from_version, until_version;
    struct varve_wire_buffer reply;
    enum varve_status status; /* of the answer */
    char body[]; /* what the views point into */
};

struct snapshot_writer {
    struct server *server;
    struct workers thread;        /* one */
    struct job job;
    bool away;
    struct write *first, **last;  /* waiting */
    unsigned waiting;
    struct write *taken;          /* with the thread while away, in their order */
    struct varve_snapshot_put puts[MAX_PUTS]; /* the thread's */
    struct write *of_puts[MAX_PUTS];
};

/* ---- on its thread --------------------------------------------------------------------------------------------- */

static void answer_error(struct write *write, const struct varve_error *error)
{
    const struct varve_wire_error wire = { .error = *error };

    write->status = error->status;
    varve_encode_error(&write->reply, write->request.id, &wire);
}

/* Visible is durable: a snapshot of what is visible is never newer than what a crash leaves of its stream. */
static enum varve_status check_stream(const struct server *server, const struct varve_snapshot *snapshot,
                                      struct varve_error *error)
{
    const struct varve_view stream = snapshot->stream;
    struct varve_stream_info info;
    enum varve_status status = varve_stream_info(server->store, stream, &info, error);

    if (status != VARVE_OK)
        return status;
    if (info.tombstoned)
        return varve_fail(error, VARVE_STREAM_TOMBSTONED, NULL, "stream \"%.*s\": is tombstoned", (int)stream.size,
                          stream.data);
    if (info.deleted)
        return varve_fail(error, VARVE_STREAM_NOT_FOUND, NULL, "stream \"%.*s\": was deleted", (int)stream.size,
                          stream.data);
    if (snapshot->version > info.version)
        return varve_fail(error, VARVE_SNAPSHOT_AHEAD, NULL,
                          "the snapshot is of version %lld, stream \"%.*s\" is at %lld", (long long)snapshot->version,
                          (int)stream.size, stream.data, (long long)info.version);
    return VARVE_OK;
}

/* The log's own reserve of the disk is not for a cache. */
static enum varve_status check_disk(const struct server *server, struct varve_error *error)
{
    const struct varve_os *os = server->limits.os;
    int64_t free_bytes = os->free_bytes(os->self, server->config->directory);

    if (free_bytes < 0 || (uint64_t)free_bytes >= server->limits.disk_reserve_bytes)
        return VARVE_OK;
    return varve_fail(error, VARVE_DISK_FULL, NULL, "%s has %lld bytes left, --disk-reserve is %llu",
                      server->config->directory, (long long)free_bytes,
                      (unsigned long long)server->limits.disk_reserve_bytes);
}

static void put_all(struct snapshot_writer *writer, size_t count)
{
    varve_snapshots_put_all(writer->server->snapshots, writer->puts, count);
    for (size_t i = 0; i < count; i++) {
        const struct varve_snapshot_put *put = &writer->puts[i];
        struct write *write = writer->of_puts[i];

        if (put->status == VARVE_OK)
            varve_encode_snapshot_put_ok(&write->reply, write->request.id, put->created_at_us, put->removed);
        else
            answer_error(write, &put->error);
    }
}

/* All puts from here up to the first that is none. Returns that. */
static struct write *put_run(struct snapshot_writer *writer, struct write *write)
{
    size_t count = 0;

    for (; write != NULL && write->kind == WRITE_PUT && count < MAX_PUTS; write = write->next) {
        struct varve_error error;

        if (check_stream(writer->server, &write->snapshot, &error) != VARVE_OK ||
            check_disk(writer->server, &error) != VARVE_OK) {
            answer_error(write, &error);
            continue;
        }
        writer->of_puts[count] = write;
        writer->puts[count++] = (struct varve_snapshot_put){ .snapshot = &write->snapshot, .keep = write->keep };
    }
    if (count > 0)
        put_all(writer, count);
    return write;
}

static void delete_some(struct snapshot_writer *writer, struct write *write)
{
    struct varve_error error = { .status = VARVE_OK };
    uint64_t count = 0;
    enum varve_status status = varve_snapshots_delete(writer->server->snapshots, write->snapshot.stream,
                                                      write->from_version, write->until_version, &count, &error);

    if (write->kind == WRITE_DELETE && status == VARVE_OK)
        varve_encode_snapshot_delete_ok(&write->reply, write->request.id, count);
    else if (write->kind == WRITE_DELETE)
        answer_error(write, &error);
    else if (status != VARVE_OK)
        log_error(&writer->server->log, "snapshots.not_dropped", log_text("error", varve_status_name(status)),
                  log_text("message", error.message));
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct snapshot_writer *writer = (struct snapshot_writer *)((char *)job - offsetof(struct snapshot_writer, job));

    for (struct write *write = writer->taken; write != NULL;) {
        if (write->kind == WRITE_PUT) {
            write = put_run(writer, write);
            continue;
        }
        delete_some(writer, write);
        write = write->next;
    }
}

/* ---- on the loop ----------------------------------------------------------------------------------------------- */

static const struct request_kind write_kind = { .stop = NULL, .room = NULL };

static void end_write(struct write *write)
{
    struct session *session = write->request.session;

    if (session != NULL) {
        write->request.status = write->status;
        if (write->status != VARVE_OK)
            figure_add(&session_server(session)->figures.requests_failed, 1);
        session_send_buffer(session, &write->reply);
        session_end(&write->request);
    }
    varve_wire_buffer_free(&write->reply);
    free(write);
}

static void send_away(struct snapshot_writer *writer)
{
    if (writer->away || writer->first == NULL)
        return;
    writer->taken = writer->first;
    writer->first = NULL;
    writer->last = &writer->first;
    writer->waiting = 0;
    writer->away = true;
    workers_submit(&writer->thread, &writer->job);
}

static void finish(struct completion *completion)
{
    struct snapshot_writer *writer =
        (struct snapshot_writer *)((char *)completion - offsetof(struct snapshot_writer, job.completion));

    for (struct write *write = writer->taken; write != NULL;) {
        struct write *next = write->next;

        end_write(write);
        write = next;
    }
    writer->taken = NULL;
    writer->away = false;
    send_away(writer);
}

static void queue(struct snapshot_writer *writer, struct write *write)
{
    write->request.away = true;
    write->next = NULL;
    *writer->last = write;
    writer->last = &write->next;
    writer->waiting++;
    send_away(writer);
}

struct snapshot_writer *snapshot_writer_create(struct server *server)
{
    struct snapshot_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL)
        return NULL;
    writer->server = server;
    writer->last = &writer->first;
    writer->job = (struct job){ .work = work, .completion.finish = finish };
    if (workers_start(&writer->thread, 1, 1, &server->completions) == VARVE_OK)
        return writer;
    free(writer);
    return NULL;
}

static void free_all(struct write *write)
{
    while (write != NULL) {
        struct write *next = write->next;

        varve_wire_buffer_free(&write->reply);
        free(write);
        write = next;
    }
}

void snapshot_writer_destroy(struct snapshot_writer *writer)
{
    if (writer == NULL)
        return;
    workers_stop(&writer->thread);
    free_all(writer->taken); /* Those that nobody waited for: drops. */
    free_all(writer->first);
    free(writer);
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static void refuse(struct session *session, uint32_t request_id, enum varve_status status, const char *why)
{
    struct varve_error error;

    varve_fail(&error, status, NULL, "%s", why);
    reply_error(session, request_id, &error);
}

/* A copy of the body, which the views of what is decoded then point into. NULL: an ERROR was sent. */
static struct write *begin(struct session *session, const struct varve_frame *frame, struct varve_view body,
                           enum write_kind kind)
{
    struct server *server = session_server(session);
    struct write *write;

    if (server->snapshots == NULL) {
        refuse(session, frame->request_id, VARVE_UNSUPPORTED, "this server keeps no snapshots");
        return NULL;
    }
    if (server->snapshot_writer->waiting >= MAX_WAITING) {
        reply_overloaded(session, frame->request_id, "too many snapshots wait to be written");
        return NULL;
    }
    write = calloc(1, sizeof(*write) + body.size);
    if (write == NULL) {
        reply_no_memory(session, frame->request_id);
        return NULL;
    }
    write->kind = kind;
    if (body.size > 0)
        memcpy(write->body, body.data, body.size);
    return write;
}

static void go(struct session *session, uint32_t request_id, struct write *write, size_t body_size,
               enum varve_status decoded, const struct varve_error *error)
{
    if (decoded != VARVE_OK) {
        free(write);
        reply_error(session, request_id, error);
    } else if (!session_begin(session, &write->request, &write_kind, request_id, sizeof(*write) + body_size)) {
        free(write);
        reply_overloaded(session, request_id, "the server's memory for requests is used up");
    } else {
        queue(session_server(session)->snapshot_writer, write);
    }
}

void handle_snapshot_put(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct write *write = begin(session, frame, body, WRITE_PUT);
    struct varve_error error;

    if (write == NULL)
        return;
    enum varve_status status = varve_decode_snapshot_put(varve_view_of(write->body, body.size), &write->snapshot,
                                                         &write->keep, &error);
    go(session, frame->request_id, write, body.size, status, &error);
}

void handle_snapshot_delete(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct write *write = begin(session, frame, body, WRITE_DELETE);
    struct varve_error error;

    if (write == NULL)
        return;
    enum varve_status status =
        varve_decode_snapshot_delete(varve_view_of(write->body, body.size), &write->snapshot.stream,
                                     &write->from_version, &write->until_version, &error);
    go(session, frame->request_id, write, body.size, status, &error);
}

void snapshot_writer_drop(struct server *server, struct varve_view stream, struct session *session,
                          uint32_t request_id, struct varve_wire_buffer *reply)
{
    struct write *write = server->snapshots != NULL ? calloc(1, sizeof(*write) + stream.size) : NULL;

    if (write != NULL && session != NULL &&
        !session_begin(session, &write->request, &write_kind, request_id, sizeof(*write) + stream.size))
        write->request.session = NULL; /* It is dropped all the same, and the answer does not wait for it. */
    if (session != NULL && (write == NULL || write->request.session == NULL))
        session_send_buffer(session, reply);
    if (write == NULL)
        return;
    write->kind = WRITE_DROP;
    memcpy(write->body, stream.data, stream.size);
    write->snapshot.stream = varve_view_of(write->body, stream.size);
    write->until_version = INT64_MAX;
    if (write->request.session != NULL) {
        write->reply = *reply;
        *reply = (struct varve_wire_buffer){ .bytes = NULL };
    }
    queue(server->snapshot_writer, write);
}
