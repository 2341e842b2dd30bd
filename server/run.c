/* run.c - the loop: what happens in every turn, every second, and at the end.
 *
 *   OPENING --store open and read, parts begun, sockets listen--> SERVING --signal, fault--> STOPPING --idle--> ended
 *      '--cannot be opened--> ended
 *      '--signal--> STOPPING --opened, or no patience left--> ended
 *
 * HTTP answers in all of them, about the server's health at least. */
#include "run.h"

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "dispatch.h"
#include "follow.h"
#include "groups.h"
#include "handlers.h"
#include "http/http.h"
#include "http/push.h"
#include "metrics.h"
#include "notify.h"
#include "opening.h"
#include "outbox_errands.h"
#include "reload.h"
#include "saga_deadlines.h"
#include "session.h"
#include "submit.h"

enum { TICK_MS = 1000, FAULT_GRACE_MS = 1000, EXIT_STOPPED = 0 };

struct run {
    struct server *server;
    struct opening opening;
    struct listeners listeners;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t tick;
    uv_timer_t deadline;
    struct notify notify;
    uv_signal_t signals[2];
    uv_signal_t hangup;          /* asks for the configuration to be read again */
    bool has_signals;
    bool reload_wanted;          /* as soon as it serves */
    struct varve_error fault; /* status VARVE_OK: none */
};

/* A store cannot be told to open no more. It has promised nothing since it was closed, or had a crash, the last time;
 * the next one begins where this one did. */
static void leave_opening(struct server *server)
{
    log_warn(&server->log, "store.left", log_text("directory", server->config->directory),
             log_text("consequence", "the server ends before it has begun, as after a crash"));
    _exit(EXIT_STOPPED);
}

static void on_deadline(uv_timer_t *timer)
{
    struct run *run = timer->data;

    if (run->opening.under_way)
        leave_opening(run->server);
    session_close_all(run->server, "the server stopped");
    outbox_errands_abandon(run->server);
    http_close_all(run->server);
}

/* The handlers go, so that a second signal ends the process at once. */
static void drop_signals(struct run *run)
{
    if (!run->has_signals)
        return;
    run->has_signals = false;
    for (size_t i = 0; i < sizeof(run->signals) / sizeof(run->signals[0]); i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
}

static void stop(struct run *run, const struct varve_error *why, uint64_t grace_ms)
{
    struct server *server = run->server;

    if (server->stopping)
        return;
    server->stopping = true;
    notify_stopping(&run->notify);
    listeners_close(&run->listeners);
    session_stop_all(server, why);
    http_stop(server);
    if (server->begun) {
        groups_stop(server);
        outboxes_stop(server);
    }
    uv_timer_start(&run->deadline, on_deadline, grace_ms, 0);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct run *run = handle->data;
    struct varve_error why;

    log_info(&run->server->log, "server.stopping", log_text("signal", signum == SIGTERM ? "SIGTERM" : "SIGINT"),
             log_number("connections", figure_get(&run->server->figures.connections)));
    drop_signals(run);
    dispatch_stopping_error(&why);
    stop(run, &why, run->server->config->stop_timeout_ms);
}

static void on_hangup(uv_signal_t *handle, int signum)
{
    struct run *run = handle->data;

    if (run->server->stopping)
        return;
    run->reload_wanted = !run->server->begun;
    if (run->reload_wanted)
        return;
    notify_reloading(&run->notify);
    server_reload(run->server);
    notify_ready(&run->notify);
}

/* A store that could not write or sync knows no longer what is durable. Say it, answer what waits, and leave. */
static void check_fault(struct run *run)
{
    struct server *server = run->server;
    struct varve_error fault = { .status = VARVE_OK };

    server->fault_suspected = false;
    if (run->fault.status != VARVE_OK || varve_store_fault(server->store, &fault) == VARVE_OK)
        return;
    run->fault = fault;
    log_error(&server->log, "store.fault", log_text("error", varve_status_name(fault.status)),
              log_text("message", fault.message), log_text("directory", server->config->directory),
              log_text("consequence", "appends under way have no known outcome; the server ends"));
    stop(run, &fault, FAULT_GRACE_MS);
}

static void turn_on_store(struct run *run)
{
    groups_turn(run->server);
    if (run->server->appends_queued)
        commit_queued(run->server);
    groups_turn(run->server); /* What became durable may let a group go on. */
    if (run->server->fault_suspected)
        check_fault(run);
    session_flush_all(run->server);
}

/* Before and after the loop waits for events: everything said in this turn goes out in one write per connection. */
static void turn(struct run *run)
{
    if (run->server->begun)
        turn_on_store(run);
    http_turn(run->server);
    if (run->server->stopping && !run->opening.under_way && server_is_idle(run->server))
        uv_stop(&run->server->loop);
}

/* The last look before the loop sleeps: what a connection held back, and was handled only now, must not wait for
 * somebody else's bytes. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct run *run = prepare->data;

    turn(run);
    if (run->server->appends_queued) {
        run->server->appends_queued = false;
        run->server->queued_bytes = 0;
        varve_store_wake(run->server->store);
    }
}

static void on_check(uv_check_t *check)
{
    turn(check->data);
}

static void on_tick(uv_timer_t *timer)
{
    struct run *run = timer->data;

    log_tell_repeats(&run->server->log, false);
    metrics_tick(run->server);
    http_tick(run->server);
    if (!run->server->begun)
        return;
    session_tick_all(run->server);
    subscribe_tick_all(run->server);
    push_tick(run->server);
    listeners_retry(&run->listeners);
    check_fault(run);
}

/* What the service manager is told. */
static bool look(void *user, enum notify_phase phase, char *status, size_t room)
{
    const struct run *run = user;
    const char *doing = phase == NOTIFY_STARTING ? "starting" : phase == NOTIFY_STOPPING ? "stopping" : "serving";
    struct varve_store *store = run->server->store;

    if (store == NULL) {
        snprintf(status, room, "%s: %s", doing, run->server->doing);
        return true;
    }
    snprintf(status, room, "%s: last position %" PRIu64 ", %" PRIu64 " connections", doing,
             varve_store_last_position(store), figure_get(&run->server->figures.connections));
    return varve_store_fault(store, NULL) == VARVE_OK;
}

static void make_handles(struct run *run)
{
    static const int signums[] = { SIGTERM, SIGINT };
    uv_loop_t *loop = &run->server->loop;

    /* None of these can fail but for wrong arguments. */
    uv_prepare_init(loop, &run->prepare);
    uv_check_init(loop, &run->check);
    uv_timer_init(loop, &run->tick);
    uv_timer_init(loop, &run->deadline);
    notify_open(&run->notify, loop, look, run);
    run->prepare.data = run->check.data = run->tick.data = run->deadline.data = run;
    uv_prepare_start(&run->prepare, on_prepare);
    uv_check_start(&run->check, on_check);
    uv_timer_start(&run->tick, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < sizeof(signums) / sizeof(signums[0]); i++) {
        uv_signal_init(loop, &run->signals[i]);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, signums[i]);
    }
    run->has_signals = true;
    uv_signal_init(loop, &run->hangup);
    run->hangup.data = run;
    uv_signal_start(&run->hangup, on_hangup, SIGHUP);
}

static void close_handles(struct run *run)
{
    uv_close((uv_handle_t *)&run->prepare, NULL);
    uv_close((uv_handle_t *)&run->check, NULL);
    uv_close((uv_handle_t *)&run->tick, NULL);
    uv_close((uv_handle_t *)&run->deadline, NULL);
    uv_close((uv_handle_t *)&run->hangup, NULL);
    signal(SIGHUP, SIG_IGN); /* As before the loop: closing the store may take a while, and is not to be cut short. */
    notify_close(&run->notify);
    drop_signals(run);
    listeners_close(&run->listeners);
    http_end(run->server);
    uv_run(&run->server->loop, UV_RUN_NOWAIT); /* `run` lives on the stack: they must be gone before it is. */
}

/* The store is open, and everything on it has begun: now the binary port. */
static enum varve_status listen_and_serve(struct run *run, struct varve_error *error)
{
    const struct config *config = run->server->config;
    enum varve_status status = listeners_open(&run->listeners, run->server, error);

    if (status == VARVE_OK && config->port_file != NULL)
        status = listeners_write_ports(&run->listeners, config->port_file, error);
    for (size_t i = 0; i < run->listeners.count && status == VARVE_OK; i++)
        log_info(&run->server->log, "server.ready", log_text("address", run->listeners.all[i].address));
    if (status == VARVE_OK)
        notify_ready(&run->notify);
    if (status == VARVE_OK && run->reload_wanted)
        on_hangup(&run->hangup, SIGHUP);
    return status;
}

static void on_opened(struct opening *opening)
{
    struct run *run = (struct run *)((char *)opening - offsetof(struct run, opening));
    struct server *server = run->server;
    enum varve_status status = opening->status;

    server->store = opening->store;
    if (server->stopping)
        return; /* It was for nothing. */
    if (status == VARVE_OK)
        status = server_begin(server, opening->store, &opening->error);
    if (status == VARVE_OK) {
        opening_log(server);
        status = listen_and_serve(run, &opening->error);
    }
    if (status == VARVE_OK)
        return;
    run->fault = opening->error;
    stop(run, &run->fault, FAULT_GRACE_MS); /* A scrape may be under way, and must come back before all ends. */
}

static enum varve_status begin(struct run *run, struct varve_error *error)
{
    struct server *server = run->server;
    enum varve_status status = http_start(server, error);

    if (status == VARVE_OK && server->config->http.port_file != NULL)
        status = http_write_ports(server, server->config->http.port_file, error);
    if (status != VARVE_OK)
        return status;
    return server->begun ? listen_and_serve(run, error) : opening_begin(&run->opening, server, on_opened, error);
}

enum varve_status run_server(struct server *server, struct varve_error *error)
{
    struct run run = { .server = server };

    server->on_frame = dispatch_frame;
    make_handles(&run);
    enum varve_status status = begin(&run, error);
    if (status == VARVE_OK)
        uv_run(&server->loop, UV_RUN_DEFAULT);
    server->stopping = true; /* Also when it never began: no timer may begin anything in the loop's last turn. */
    close_handles(&run);
    if (run.fault.status != VARVE_OK) {
        if (error != NULL)
            *error = run.fault;
        return run.fault.status;
    }
    return status;
}
