/* message.h - what is said between varve and a reducer that is a program, as lines of JSON or as msgpack.
 *
 *   {"n":7,"stream":"account-1","state":null,"events":[{...},{...}],"save":true}   ->   {"n":7,"state":{...}}
 *
 * `state` is there when a stream begins: that of a snapshot, or null; `n` counts messages and comes back in the answer.
 * An answer with `error` gives the stream up. docs/reducers.md has all of it. */
#ifndef SNAPSHOTS_MESSAGE_H
#define SNAPSHOTS_MESSAGE_H

#include "grow.h"

struct message {
    struct grow bytes;
    uint32_t events;         /* in it */
    size_t events_at;        /* msgpack: where their number is to be put */
};
struct message_answer {
    uint64_t n;
    bool has_state;
    struct varve_view state; /* as it stands there; points into the answer */
    struct varve_view error; /* absent: none */
};

struct message_form {
    /* `begins`: with the member `state`; its data may be absent (null). */
    void (*begin)(struct message *message, uint64_t n, struct varve_view stream, bool begins, struct varve_view state);
    void (*event)(struct message *message, const struct varve_event *event);
    void (*end)(struct message *message, bool save);
    /* As reducer_framing of reducer_process.h. */
    size_t (*framing)(struct varve_view bytes);
    /* NULL: well; else a static sentence that says what is wrong with it. */
    const char *(*read)(struct varve_view answer, struct message_answer *ret);
};
extern const struct message_form message_json, message_msgpack;

#endif
