/* client.h - talk to a varve server from C: a synchronous call for each operation, and a pipelined form.
 *
 * Needs no libuv and starts no thread. A client belongs to one thread at a time; open one per thread. It connects by
 * itself when first used and again after a connection was lost. A request whose answer was lost is repeated by itself
 * only when that is safe: what changes nothing, appends in which every event has an id (the server recognises them),
 * and whatever had not left entirely or was answered NOT_READY by a server that stops; otherwise the call returns
 * VARVE_DISCONNECTED: the outcome is unknown.
 * UNREACHABLE means that the server cannot have acted on it. After TIMEOUT and PROTOCOL the connection is given up, so
 * that a late answer is never taken for that of another request; the next call opens a new one. */
#ifndef VARVE_CLIENT_H
#define VARVE_CLIENT_H

#include "varve/event.h"
#include "varve/store.h"
#include "varve/wire_config.h"
#include "varve/wire_health.h"

struct varve_client;

struct varve_client_options {
    const char *client_name;         /* for the server's log; default: the program's name */
    uint32_t connect_timeout_ms;     /* default 5,000 */
    uint32_t request_timeout_ms;     /* from the call to its answer; a read: to each batch; default 30,000; 0 = none */
    uint32_t reconnect_attempts;     /* after a lost connection, per call; default 5; 0 = never by itself. A server that
                                      * was never met is tried once: the address may be wrong */
    uint32_t reconnect_delay_ms;     /* before the second attempt; doubles, with jitter, up to 2 s; default 50 */
    uint32_t max_in_flight;          /* pipelined requests; default 256, at most 65,536 and the server's limit */
    uint32_t read_credit_bytes;      /* a read's window; default 4 MiB, at least 4,096, at most the server's limit */
};
void varve_client_options_init(struct varve_client_options *options);

/* `url`: varve://host[:port], varve://[v6]:port, or varve+unix:///path/to/socket. Options may follow as a query:
 * ?connect_timeout_ms=..&request_timeout_ms=..&reconnect_attempts=..&reconnect_delay_ms=..&max_in_flight=..
 * &read_credit_bytes=..&name=..  They go before `options`, which may be NULL; neither is kept. %XX is resolved in the
 * path and the name.
 * Checks the url only; connects at the first call (or varve_client_connect()). INVALID_ARGUMENT, NO_MEMORY. */
enum varve_status varve_client_create(const char *url, const struct varve_client_options *options,
                                      struct varve_client **ret_client, struct varve_error *error);
void varve_client_free(struct varve_client *client); /* NULL allowed; requests in flight are abandoned */

/* Connect and say HELLO now, if not connected. UNREACHABLE, TIMEOUT, UNSUPPORTED, PROTOCOL. */
enum varve_status varve_client_connect(struct varve_client *client, struct varve_error *error);
/* What the server said in HELLO; NULL before the first connection. Lives until the next connection. */
const struct varve_hello_ok *varve_client_server(const struct varve_client *client);

enum varve_status varve_client_ping(struct varve_client *client, int64_t *ret_now_us, uint64_t *ret_last_position,
                                    struct varve_error *error);

/* *ret_outcome is always filled in; what it points to lives until the next call. It and `error` may be NULL. What is
 * larger than the server takes (as it said in HELLO) is refused here: EVENT_TOO_LARGE, APPEND_TOO_LARGE. */
enum varve_status varve_client_append(struct varve_client *client, const struct varve_append_request *request,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error);
enum varve_status varve_client_stream_change(struct varve_client *client, const struct varve_stream_change *change,
                                             struct varve_append_outcome *ret_outcome, struct varve_error *error);
enum varve_status varve_client_stream_info(struct varve_client *client, struct varve_view stream,
                                           struct varve_stream_info *ret_info, struct varve_error *error);
/* Free the list with varve_client_stream_list_free(). */
enum varve_status varve_client_stream_list(struct varve_client *client, const struct varve_stream_list_request *request,
                                           struct varve_stream_list *ret_list, struct varve_error *error);
void varve_client_stream_list_free(struct varve_stream_list *list);
/* Any number of ids; asks in portions. ret_positions[i] = 0 for an id that no event has. */
enum varve_status varve_client_find(struct varve_client *client, const struct varve_uuid *ids, size_t count,
                                    uint64_t *ret_positions, struct varve_error *error);
/* The event lives until the next call. EVENT_NOT_FOUND. */
enum varve_status varve_client_get(struct varve_client *client, uint64_t position, struct varve_event *ret_event,
                                   struct varve_error *error);
/* The list and its texts live until the next call. */
enum varve_status varve_client_stats(struct varve_client *client, const struct varve_stat **ret_stats,
                                     size_t *ret_count, struct varve_error *error);
/* May the server be given work? The checks and their texts live until the next call. */
enum varve_status varve_client_health(struct varve_client *client, struct varve_health *ret,
                                      struct varve_error *error);
/* How the server is configured. The list and its texts live until the next call. */
enum varve_status varve_client_config(struct varve_client *client, const struct varve_config_entry **ret_entries,
                                      size_t *ret_count, struct varve_error *error);

/* Reading: open, then next until *ret_event is NULL. Events are verified (checksum) before they are handed over and
 * live until the following call of _next. After a lost connection the read continues by itself behind the last event
 * handed over (it then ends where the log ends at that moment). One read at a time on a client; other calls wait until
 * it is closed (INVALID_ARGUMENT says so). open returns what the server thinks of the read, such as STREAM_NOT_FOUND.
 * After a retryable fault (TIMEOUT, DISCONNECTED, UNREACHABLE, ...) next may be called again and goes on from where it
 * was; any other (CORRUPT, PROTOCOL, ...) stays until the read is closed. */
enum varve_status varve_client_read_open(struct varve_client *client, const struct varve_read *read,
                                         struct varve_error *error);
enum varve_status varve_client_read_next(struct varve_client *client, const struct varve_event **ret_event,
                                         struct varve_error *error);
void varve_client_read_close(struct varve_client *client); /* early is fine */

/* Pipelining: submit appends without waiting; each outcome is handed to `done` in the order of submission, from inside
 * submit (when the window is full), poll, drain, or a synchronous call, which waits for all appends in flight first.
 * `outcome` lives during `done` only. `done` may submit as many appends as it was told outcomes, and call nothing else
 * of its client.
 *
 * When the connection is lost, appends in which all events have ids are sent again, in their order, as are those that
 * had not left entirely or were answered NOT_READY; the others get their `done` with DISCONNECTED. An append whose
 * deadline passes gets TIMEOUT. When the server cannot be reached again, all get DISCONNECTED, or the reason
 * (UNREACHABLE, ...) if the server cannot have acted on them. */
typedef void (*varve_client_done)(void *user, const struct varve_append_outcome *outcome);
/* VARVE_OK: `done` will be called once. Else it was not taken and will not be. Copies what it needs. What is submitted
 * leaves soon, at the latest with poll or drain. */
enum varve_status varve_client_submit(struct varve_client *client, const struct varve_append_request *request,
                                      varve_client_done done, void *user, struct varve_error *error);
/* Send what is buffered, take what has arrived; waits up to timeout_ms (0: not at all) for at least one outcome, longer
 * only to reconnect. VARVE_OK also when there was none; a fault of the connection when appends ended with it. */
enum varve_status varve_client_poll(struct varve_client *client, uint32_t timeout_ms, struct varve_error *error);
/* Wait until nothing is in flight. Returns the first fault of the connection with which appends ended. */
enum varve_status varve_client_drain(struct varve_client *client, struct varve_error *error);
/* Submitted, and `done` not yet called. */
uint32_t varve_client_in_flight(const struct varve_client *client);

#endif
