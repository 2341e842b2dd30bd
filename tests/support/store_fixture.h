/* store_fixture.h - a store of small measures in a directory of its own, appended to and read in one line.
 *
 * Appends are written as text: items "NAME:EXPECTED=LETTERS" with a space between. EXPECTED is any, none, exists or a
 * version. Each letter is an event: a lower-case letter gives it an id and a content that follow from the letter; an
 * upper-case letter the same id and another content; '.' no id and the same content for all. Without "=LETTERS" the
 * stream is only checked. "order-1:none=ab user-1:3" appends two events if order-1 is new and user-1 at version 3. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "support/fault_os.h"
#include "support/temp_dir.h"
#include "varve/store.h"

struct store_fixture {
    struct fault_os fault;         /* the store's os: writes are real, syncs only counted */
    _Atomic int64_t now_us;        /* what the clock says; 0 = the truth */
    atomic_int random_error;       /* errno that random_bytes() fails with; 0 = it does not */
    char parent[TEMP_DIR_PATH];
    char path[TEMP_DIR_PATH + 16];
    struct varve_options options;  /* change them before opening */
    struct varve_store *store;     /* NULL: closed */
    struct varve_error error;      /* of the last call that failed */
};

/* A directory, and options with small limits; settling by request only. Nothing is opened yet. */
void fixture_init(struct store_fixture *f);
enum varve_status fixture_try_open(struct store_fixture *f);
void fixture_open(struct store_fixture *f);    /* must succeed */
void fixture_close(struct store_fixture *f);   /* must succeed; does nothing when closed */
void fixture_reopen(struct store_fixture *f);
void fixture_settle(struct store_fixture *f);
/* Freeze what is in the tail and keep it frozen, for want of space to settle it, until the second is called, which
 * settles it. */
void fixture_freeze(struct store_fixture *f);
void fixture_thaw(struct store_fixture *f);
/* Close if open, and remove the directory. */
void fixture_free(struct store_fixture *f);

/* The directory as it is at this moment, as if the process died now, in a fixture of its own: not opened, with a
 * healthy os and the same options. Nothing may be settling. */
void fixture_copy(struct store_fixture *f, struct store_fixture *ret_copy);

/* Go on with such a copy, open, in place of what was. */
void fixture_crash(struct store_fixture *f);

/* The outcome as text, valid until some calls later:
 *   ok a@0-1/5-6 b@3          versions and positions of the append's events; the version of a stream only checked
 *   again a@0-1/5-6           replayed
 *   no: a WRONG_EXPECTED_VERSION 5/2, b STREAM_TOMBSTONED any/4      expected/actual of every failing stream
 *   INVALID_ARGUMENT          any other failure; f->error says more */
const char *fixture_append(struct store_fixture *f, const char *text);
/* The append alone, to be submitted and freed by the caller. Fails the test when it cannot be made. */
struct varve_append *fixture_make(struct store_fixture *f, const char *text);
/* The outcome of an append made of this text. */
const char *fixture_outcome(const struct varve_append *append, const char *text);

/* `number` is truncate_before, or max_count. The change must be made. */
void fixture_change(struct store_fixture *f, enum varve_stream_change_kind kind, const char *stream, uint64_t number);
/* Outcome as for appends; its stream is named by its own name, without the "$$". */
const char *fixture_try_change(struct store_fixture *f, const struct varve_stream_change *change);

/* Every event of a read, "a@0 a@1 b@0", "" for none; the status' name when it fails. Fails the test when a record is
 * damaged or events are out of order. Batches of at most max_events (0: any number). */
const char *fixture_read(struct store_fixture *f, const struct varve_read *read, uint32_t max_events);
const char *fixture_read_all(struct store_fixture *f); /* with system events */
const char *fixture_read_stream(struct store_fixture *f, const char *stream);

/* A count as large as one likes: `count` events in appends of `each` to `stream`, data of `size` bytes. */
void fixture_fill(struct store_fixture *f, const char *stream, unsigned count, unsigned each, size_t size);

struct varve_stats fixture_stats(struct store_fixture *f);

#endif
