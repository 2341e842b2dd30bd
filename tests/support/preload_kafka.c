/* preload_kafka.c - LD_PRELOAD: stands between a program and librdkafka, so that the program needs no hooks for tests.
 *
 *   VARVE_KAFKA_KILL   "CALL before N" or "CALL after N": kill -9 there, at the n-th call. CALL is the name of a
 *                      function below without rd_kafka_, or
 *                        report  the first rd_kafka_poll() after something was produced: acknowledgements are awaited
 *   VARVE_KAFKA_DEAF   the program never hears of errors of connections, as if nobody had thought of asking
 *   VARVE_KAFKA_HANG   whoever asks for an instance waits for it for ever, and no port is bound before somebody does
 *   VARVE_KAFKA_CALLS  a file: the calls are written into it, a line each ("CALL before N"), in place of killing
 *
 * rd_kafka_producev() takes its arguments one by one; they are handed on as those of rd_kafka_produceva(). */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

enum { MAX_ARGUMENTS = 32 };

enum call { CALL_NEW, CALL_INIT_TRANSACTIONS, CALL_BEGIN_TRANSACTION, CALL_PRODUCEV, CALL_REPORT,
            CALL_COMMIT_TRANSACTION, CALL_ABORT_TRANSACTION, CALL_DESTROY, CALL_ASSIGN, CALL_CONSUMER_POLL,
            CALL_OFFSETS_FOR_TIMES, CALL_CREATE_TOPICS, CALLS };
static const char *const call_names[CALLS] = {
    "new", "init_transactions", "begin_transaction", "producev", "report", "commit_transaction", "abort_transaction",
    "destroy", "assign", "consumer_poll", "offsets_for_times", "CreateTopics",
};

static struct {
    pthread_once_t once;
    enum call kill_call;      /* CALLS: none */
    bool kill_before;
    unsigned long kill_at;
    bool deaf, hang;
    int calls;                /* -1: nobody wants to know them */
    unsigned long counts[CALLS];
} here = { .once = PTHREAD_ONCE_INIT };

static _Thread_local bool has_produced;

static void read_environment(void)
{
    const char *kill_text = getenv("VARVE_KAFKA_KILL"), *calls = getenv("VARVE_KAFKA_CALLS");
    char name[32], when[8];

    here.kill_call = CALLS;
    here.deaf = getenv("VARVE_KAFKA_DEAF") != NULL;
    here.hang = getenv("VARVE_KAFKA_HANG") != NULL;
    here.calls = calls == NULL ? -1 : open(calls, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (kill_text == NULL)
        return;
    if (sscanf(kill_text, "%31s %7s %lu", name, when, &here.kill_at) != 3)
        abort();
    for (enum call call = 0; call < CALLS; call++)
        if (strcmp(name, call_names[call]) == 0)
            here.kill_call = call;
    here.kill_before = strcmp(when, "before") == 0;
    if (here.kill_call == CALLS || (!here.kill_before && strcmp(when, "after") != 0))
        abort();
}

static void die_at(enum call call, bool before, unsigned long count)
{
    char line[64];

    if (here.calls >= 0 &&
        write(here.calls, line, (size_t)snprintf(line, sizeof(line), "%s %s %lu\n", call_names[call],
                                                 before ? "before" : "after", count)) < 0)
        abort();
    if (call == here.kill_call && before == here.kill_before && count == here.kill_at)
        kill(getpid(), SIGKILL);
}

/* Which call it is: the first, the second, ... */
static unsigned long enter(enum call call)
{
    pthread_once(&here.once, read_environment);
    unsigned long count = __atomic_add_fetch(&here.counts[call], 1, __ATOMIC_SEQ_CST);
    die_at(call, true, count);
    return count;
}

static void leave(enum call call, unsigned long count)
{
    die_at(call, false, count);
}

/* The function that stands behind ours. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- instances --------------------------------------------------------------------------------------------------- */

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *text, size_t room)
{
    unsigned long count = enter(CALL_NEW);

    while (here.hang)
        pause();
    rd_kafka_t *made = REAL(rd_kafka_new)(type, conf, text, room);

    leave(CALL_NEW, count);
    return made;
}

/* So that whoever waits for the port to be bound, or to be taken, knows that there is one who hangs. */
int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    pthread_once(&here.once, read_environment);
    while (here.hang && __atomic_load_n(&here.counts[CALL_NEW], __ATOMIC_SEQ_CST) == 0)
        usleep(1000);
    return REAL(bind)(fd, address, size);
}

void rd_kafka_destroy(rd_kafka_t *rk)
{
    unsigned long count = enter(CALL_DESTROY);

    REAL(rd_kafka_destroy)(rk);
    leave(CALL_DESTROY, count);
}

static void hear_nothing(rd_kafka_t *rk, int code, const char *sentence, void *opaque)
{
}

typedef void error_cb(rd_kafka_t *rk, int code, const char *sentence, void *opaque);

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf, error_cb *callback)
{
    pthread_once(&here.once, read_environment);
    REAL(rd_kafka_conf_set_error_cb)(conf, here.deaf ? hear_nothing : callback);
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

#define IN_TRANSACTION(name, call) \
    rd_kafka_error_t *name(rd_kafka_t *rk, int timeout_ms) \
    { \
        unsigned long count = enter(call); \
        rd_kafka_error_t *error = REAL(name)(rk, timeout_ms); \
        leave(call, count); \
        return error; \
    }

IN_TRANSACTION(rd_kafka_init_transactions, CALL_INIT_TRANSACTIONS)
IN_TRANSACTION(rd_kafka_commit_transaction, CALL_COMMIT_TRANSACTION)
IN_TRANSACTION(rd_kafka_abort_transaction, CALL_ABORT_TRANSACTION)

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
    unsigned long count = enter(CALL_BEGIN_TRANSACTION);
    rd_kafka_error_t *error = REAL(rd_kafka_begin_transaction)(rk);

    leave(CALL_BEGIN_TRANSACTION, count);
    return error;
}

/* ---- producing --------------------------------------------------------------------------------------------------- */

/* What the outbox gives of a record, and no more. */
static void take_argument(rd_kafka_vu_t *argument, va_list *arguments)
{
    switch (argument->vtype) {
    case RD_KAFKA_VTYPE_RKT:
        argument->u.rkt = va_arg(*arguments, rd_kafka_topic_t *);
        break;
    case RD_KAFKA_VTYPE_PARTITION:
        argument->u.i32 = va_arg(*arguments, int32_t);
        break;
    case RD_KAFKA_VTYPE_MSGFLAGS:
        argument->u.i = va_arg(*arguments, int);
        break;
    case RD_KAFKA_VTYPE_KEY:
    case RD_KAFKA_VTYPE_VALUE:
        argument->u.mem.ptr = va_arg(*arguments, void *);
        argument->u.mem.size = va_arg(*arguments, size_t);
        break;
    case RD_KAFKA_VTYPE_HEADERS:
        argument->u.headers = va_arg(*arguments, rd_kafka_headers_t *);
        break;
    case RD_KAFKA_VTYPE_TIMESTAMP:
        argument->u.i64 = va_arg(*arguments, int64_t);
        break;
    case RD_KAFKA_VTYPE_OPAQUE:
        argument->u.ptr = va_arg(*arguments, void *);
        break;
    default:
        abort();
    }
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *rk, ...)
{
    unsigned long number = enter(CALL_PRODUCEV);
    rd_kafka_vu_t all[MAX_ARGUMENTS];
    size_t count = 0;
    va_list arguments;

    va_start(arguments, rk);
    for (;;) {
        rd_kafka_vtype_t type = va_arg(arguments, rd_kafka_vtype_t);

        if (type == RD_KAFKA_VTYPE_END)
            break;
        if (count == MAX_ARGUMENTS)
            abort();
        all[count] = (rd_kafka_vu_t){ .vtype = type };
        take_argument(&all[count++], &arguments);
    }
    va_end(arguments);
    rd_kafka_error_t *error = rd_kafka_produceva(rk, all, count);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    has_produced = true;
    leave(CALL_PRODUCEV, number);
    return code;
}

int rd_kafka_poll(rd_kafka_t *rk, int timeout_ms)
{
    bool awaits = has_produced;
    unsigned long count = awaits ? enter(CALL_REPORT) : 0;
    int served = REAL(rd_kafka_poll)(rk, timeout_ms);

    has_produced = false;
    if (awaits)
        leave(CALL_REPORT, count);
    return served;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *offsets, int timeout_ms)
{
    unsigned long count = enter(CALL_OFFSETS_FOR_TIMES);
    rd_kafka_resp_err_t error = REAL(rd_kafka_offsets_for_times)(rk, offsets, timeout_ms);

    leave(CALL_OFFSETS_FOR_TIMES, count);
    return error;
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions)
{
    unsigned long count = enter(CALL_ASSIGN);
    rd_kafka_resp_err_t error = REAL(rd_kafka_assign)(rk, partitions);

    leave(CALL_ASSIGN, count);
    return error;
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms)
{
    unsigned long count = enter(CALL_CONSUMER_POLL);
    rd_kafka_message_t *message = REAL(rd_kafka_consumer_poll)(rk, timeout_ms);

    leave(CALL_CONSUMER_POLL, count);
    return message;
}

void rd_kafka_CreateTopics(rd_kafka_t *rk, rd_kafka_NewTopic_t **topics, size_t topic_count,
                           const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    unsigned long count = enter(CALL_CREATE_TOPICS);

    REAL(rd_kafka_CreateTopics)(rk, topics, topic_count, options, queue);
    leave(CALL_CREATE_TOPICS, count);
}
