/* outbox_memory_parts.h - what the files of the memory share: known topics, how an event changes memory, how it is
 * appended. For outbox_memory*.c. */
#ifndef SERVER_OUTBOX_MEMORY_PARTS_H
#define SERVER_OUTBOX_MEMORY_PARTS_H

#include "outbox_memory_event.h"

/* Partitions of topics, by name. */
struct outbox_topics {
    struct outbox_topic {
        char *name;
        int32_t partitions;
    } *all;
    size_t count, capacity;
};
struct outbox_topics *memory_topics_create(void); /* NULL: no memory */
void memory_topics_free(struct outbox_topics *topics);
int32_t memory_topics_get(const struct outbox_topics *topics, const char *name); /* 0: not known */
/* False: no memory, nothing changed. */
bool memory_topics_set(struct outbox_topics *topics, const char *name, int32_t partitions);
/* In place of all that was known. False: no memory. */
bool memory_topics_take(struct outbox_topics *topics, const json_t *object);
json_t *memory_topics_object(const struct outbox_topics *topics); /* NULL: no memory */

/* What an event of `stream` changes. `is_newer` than the newest hint, which knows the older ones. NO_MEMORY. */
enum varve_status memory_apply(struct outbox_memory *memory, const struct memory_event *event, uint64_t version,
                               bool is_newer);

/* Append events of these kinds and data to a stream, durably, in one append. *ret_version: of the first. */
enum varve_status memory_append(const struct outbox_memory *memory, const char *stream, const enum memory_kind *kinds,
                                const struct varve_view *data, size_t count, uint64_t *ret_version,
                                struct varve_error *error);
/* One event of `stream`: append it, then apply it. */
enum varve_status memory_remember(struct outbox_memory *memory, const struct memory_event *event,
                                  struct varve_error *error);
/* The version of the first event of a dead stream is looked up when nobody knows it. */
void memory_name_version(struct outbox_memory *memory, struct varve_view stream);
enum varve_status memory_no_memory(struct varve_error *error);

#endif
