/* store_tail.c - see store_tail.h. */
#include "store_tail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "memory.h"
#include "varve/record.h"

#define READ_BYTES (1u << 20)
#define READ_EVENTS 10000

struct store_tail {
    struct varve_filter *filter;
    struct varve_reader *reader; /* NULL: there is nothing to read (any more) */
    struct varve_batch batch;
    uint32_t batch_at;           /* how much of it was looked at */
    uint64_t after;              /* where it began */
    uint64_t position;           /* up to here all was handed over */
    uint64_t last_position;      /* of the log */
    bool caught_up;
    int stop_fd;                 /* an eventfd */
    struct varve_event event;    /* handed out */
};

/* What is not there, or no more, matches nothing. */
static enum varve_status open_reader(struct varve_store *store, struct store_tail *tail, struct varve_error *error)
{
    struct varve_options options;
    struct varve_read read;

    if (tail->after == tail->last_position)
        return VARVE_OK;
    varve_store_limits(store, &options);
    varve_filter_choose_read(tail->filter, options.indexes, &read);
    if (read.kind != VARVE_READ_STREAM)
        read.from = tail->after + 1;
    enum varve_status status = varve_reader_open(store, &read, &tail->reader, error);
    return status == VARVE_STREAM_NOT_FOUND || status == VARVE_STREAM_TOMBSTONED ? VARVE_OK : status;
}

enum varve_status store_tail_open(struct varve_store *store, const struct varve_filter *filter, uint64_t after,
                                  struct store_tail **ret_tail, struct varve_error *error)
{
    uint64_t last_position = varve_store_last_position(store);
    enum varve_status status = varve_filter_check(filter, error);

    if (status != VARVE_OK)
        return status;
    if (after != VARVE_AFTER_END && after > last_position)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "after: position %llu is behind the end of the log, "
                          "which is %llu", (unsigned long long)after, (unsigned long long)last_position);
    struct store_tail *tail = memory_take(sizeof(*tail));
    tail->after = tail->position = after == VARVE_AFTER_END ? last_position : after;
    tail->last_position = last_position;
    tail->filter = varve_filter_copy(filter);
    tail->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tail->filter == NULL)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a filter");
    else if (tail->stop_fd < 0)
        status = varve_fail(error, VARVE_IO, NULL, "no descriptor is left: %s", strerror(errno));
    else
        status = open_reader(store, tail, error);
    if (status == VARVE_OK)
        *ret_tail = tail;
    else
        store_tail_close(tail);
    return status;
}

void store_tail_close(struct store_tail *tail)
{
    if (tail == NULL)
        return;
    varve_reader_close(tail->reader);
    free(tail->filter);
    if (tail->stop_fd >= 0)
        close(tail->stop_fd);
    free(tail);
}

void store_tail_stop(struct store_tail *tail)
{
    int kept = errno; /* The code that a signal interrupted may be about to look at it. */
    uint64_t one = 1;

    while (write(tail->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    errno = kept;
}

uint64_t store_tail_position(const struct store_tail *tail)
{
    return tail->position;
}

/* Waits for a stop; false: there was none in time. */
static bool is_stopped(const struct store_tail *tail, uint32_t timeout_ms)
{
    struct pollfd stop = { .fd = tail->stop_fd, .events = POLLIN };
    int timeout = timeout_ms == UINT32_MAX ? -1 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    int ready;

    do
        ready = poll(&stop, 1, timeout);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* The next record that matches; NULL: there is none. */
static enum varve_status next_record(struct store_tail *tail, const uint8_t **ret_record, uint32_t *ret_size,
                                     struct varve_error *error)
{
    *ret_record = NULL;
    while (tail->reader != NULL) {
        for (; tail->batch_at < tail->batch.count; tail->batch_at++) {
            const uint8_t *record = tail->batch.records[tail->batch_at];
            uint32_t size = tail->batch.sizes[tail->batch_at];
            if (varve_record_position(record) <= tail->after || !varve_filter_matches(tail->filter, record, size))
                continue;
            *ret_record = record;
            *ret_size = size;
            tail->batch_at++;
            return VARVE_OK;
        }
        if (tail->batch.end || is_stopped(tail, 0))
            return VARVE_OK;
        tail->batch_at = tail->batch.count = 0;
        enum varve_status status = varve_reader_next(tail->reader, READ_BYTES, READ_EVENTS, &tail->batch, error);
        if (status != VARVE_OK)
            return status;
    }
    return VARVE_OK;
}

/* There is nothing more: say so once, then wait. */
static enum varve_status rest(struct store_tail *tail, uint32_t timeout_ms, struct varve_notice *ret_notice,
                              struct varve_error *error)
{
    if (is_stopped(tail, tail->caught_up ? timeout_ms : 0))
        return varve_fail(error, VARVE_CANCELLED, NULL, "it was stopped");
    *ret_notice = (struct varve_notice){ tail->caught_up ? VARVE_NOTICE_TIMEOUT : VARVE_NOTICE_CAUGHT_UP,
                                         tail->last_position, NULL };
    tail->position = tail->last_position;
    tail->caught_up = true;
    return VARVE_OK;
}

enum varve_status store_tail_next(struct store_tail *tail, uint32_t timeout_ms, struct varve_notice *ret_notice,
                                  struct varve_error *error)
{
    const uint8_t *record;
    uint32_t size;

    if (is_stopped(tail, 0))
        return varve_fail(error, VARVE_CANCELLED, NULL, "it was stopped");
    enum varve_status status = next_record(tail, &record, &size, error);
    if (status != VARVE_OK)
        return status;
    if (record == NULL)
        return rest(tail, timeout_ms, ret_notice, error);
    if (varve_record_decode(record, size, &tail->event) != VARVE_OK)
        return varve_fail(error, VARVE_CORRUPT, NULL, "a record that was just read does not verify");
    tail->position = tail->event.position;
    *ret_notice = (struct varve_notice){ VARVE_NOTICE_EVENT, tail->position, &tail->event };
    return VARVE_OK;
}
