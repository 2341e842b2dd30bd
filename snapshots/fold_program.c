/* fold_program.c - a reducer that is a program: events in portions, an answer to each; see message.h.
 *
 * A portion is what a stream has to say, or a bite of it when that is long, so that an answer is waited for once per
 * stream and not once per event. A program that does what it should not is ended, and started again for the next
 * stream. */
#include <stdlib.h>

#include "fold_parts.h"
#include "message.h"
#include "reducer_process.h"

#define PORTION_BYTES (256u << 10) /* then it is sent; one event more may be in it */
#define HOPELESS 10                /* times in a row that it was started and gave no answer */

struct program {
    struct reducer_process process;
    const struct message_form *form;
    struct message message;        /* not yet sent */
    uint64_t n;                    /* of the message sent last */
    unsigned fruitless;            /* starts without an answer, one after the other */
};

static enum varve_status begin(struct varve_fold *fold, struct varve_error *error)
{
    struct program *program = calloc(1, sizeof(*program));

    if (program == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a fold");
    program->form = fold->reducing->msgpack ? &message_msgpack : &message_json;
    enum varve_status status = reducer_process_start(&program->process, fold->reducing->command, error);
    if (status == VARVE_OK)
        fold->own = program;
    else
        free(program);
    return status;
}

static void end(struct varve_fold *fold)
{
    struct program *program = fold->own;

    reducer_process_free(&program->process);
    grow_free(&program->message.bytes);
    free(program);
}

/* It is not to be trusted any more, or already gone. */
static void let_go(struct varve_fold *fold)
{
    struct program *program = fold->own;

    program->fruitless = program->process.answers > 0 ? 0 : program->fruitless + 1;
    fold->lost = program->fruitless >= HOPELESS;
    reducer_process_stop(&program->process);
}

static void open_message(struct varve_fold *fold, bool begins, struct varve_view state)
{
    struct program *program = fold->own;

    program->form->begin(&program->message, program->n + 1, fold->stream, begins, state);
}

static enum varve_status stream(struct varve_fold *fold, const struct varve_view *data, struct varve_error *error)
{
    struct program *program = fold->own;

    if (program->process.pid == 0) {
        enum varve_status status = reducer_process_start(&program->process, fold->reducing->command, error);
        if (status != VARVE_OK) {
            let_go(fold);
            return status;
        }
    }
    open_message(fold, true, data != NULL ? *data : (struct varve_view){ NULL, 0 });
    return VARVE_OK;
}

static enum varve_status check_answer(struct varve_fold *fold, struct varve_view bytes, bool save,
                                      struct message_answer *ret, struct varve_error *error)
{
    struct program *program = fold->own;
    const char *why = program->form->read(bytes, ret);

    if (why == NULL && ret->n != program->n)
        why = "its answer has the \"n\" of another message";
    if (why != NULL) {
        program->process.answers--; /* It is none. */
        let_go(fold);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "the program: %s", why);
    }
    if (ret->error.data != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "the program says: %.*s",
                          ret->error.size < 300 ? (int)ret->error.size : 300, ret->error.data);
    if (save && !ret->has_state)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "the program: its answer has no \"state\", which "
                          "was asked for");
    return VARVE_OK;
}

/* What was gathered, and the answer. */
static enum varve_status send(struct varve_fold *fold, bool save, struct message_answer *ret, struct varve_error *error)
{
    struct program *program = fold->own;
    struct varve_view bytes;

    program->n++;
    program->form->end(&program->message, save);
    if (program->message.bytes.failed)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a message of events");
    enum varve_status status = reducer_process_ask(&program->process, grow_view(&program->message.bytes),
                                                   program->form->framing, fold->reducing->timeout_ms, &bytes, error);
    if (status != VARVE_OK) {
        let_go(fold);
        return status;
    }
    return check_answer(fold, bytes, save, ret, error);
}

static enum varve_status event(struct varve_fold *fold, const struct varve_event *next, struct varve_error *error)
{
    struct program *program = fold->own;
    struct message_answer answer;

    program->form->event(&program->message, next);
    if (program->message.bytes.size < PORTION_BYTES)
        return VARVE_OK;
    enum varve_status status = send(fold, false, &answer, error);
    if (status == VARVE_OK)
        open_message(fold, false, (struct varve_view){ NULL, 0 });
    return status;
}

static enum varve_status save(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error)
{
    struct message_answer answer;
    enum varve_status status = send(fold, true, &answer, error);

    if (status != VARVE_OK)
        return status;
    *ret_data = answer.state;
    open_message(fold, false, (struct varve_view){ NULL, 0 });
    return VARVE_OK;
}

const struct fold_kind fold_program = { .begin = begin, .end = end, .stream = stream, .event = event, .save = save };
