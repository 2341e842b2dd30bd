/* outbox_config_parts.h - what the files that read the configuration share: the outbox that is being described, and
 * the place in the file where its description stands. */
#ifndef SERVER_OUTBOX_CONFIG_PARTS_H
#define SERVER_OUTBOX_CONFIG_PARTS_H

#include "outbox_arena.h"
#include "outbox_config.h"

struct outbox_draft {
    struct outbox_config config; /* the first member, so that the one leads to the other */
    struct outbox_arena *arena;  /* all its texts and lists */
    uint64_t seen;               /* a bit for each key that was there */
};

struct outbox_place {
    const char *origin;          /* only for messages: "PATH:LINE", or the name of a flag or of a variable */
    const char *key;             /* NULL: none, the outbox as a whole */
    bool others_may_read;        /* secrets do not belong there */
    struct varve_error *error;
};
/* "ORIGIN: KEY: ...". Returns false, so that a failing function ends in one line. */
bool outbox_place_wrong(const struct outbox_place *place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool outbox_place_no_memory(const struct outbox_place *place);

/* One more outbox with all defaults, which belongs to *configs at once. NULL: *place says why. */
struct outbox_draft *outbox_draft_begin(struct outbox_configs *configs, const struct outbox_place *place,
                                        struct varve_view name);

/* A copy in the draft's arena. NULL: no memory, and *place says so. */
char *outbox_draft_text(struct outbox_draft *draft, const struct outbox_place *place, struct varve_view text);
/* Words parted by commas and blanks; at least one. */
bool outbox_draft_words(struct outbox_draft *draft, const struct outbox_place *place, const char *text,
                        const char ***ret_words, size_t *ret_count);
/* Room for one item more at the end of a list in the arena. NULL: no memory, and *place says so. */
void *outbox_draft_extend(struct outbox_draft *draft, const struct outbox_place *place, const void *items, size_t count,
                          size_t item_size);

/* `route = ...` and `rdkafka.NAME = ...`: one more of each. */
bool outbox_draft_add_route(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
bool outbox_draft_add_property(struct outbox_draft *draft, const struct outbox_place *place, const char *name,
                               const char *text);

#endif
