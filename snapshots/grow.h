/* grow.h - bytes that grow while they are written, in which a lack of memory is noticed at the end. */
#ifndef SNAPSHOTS_GROW_H
#define SNAPSHOTS_GROW_H

#include "varve/event.h"

struct grow {
    char *bytes;         /* free() it with grow_free() */
    size_t size, capacity;
    bool failed;         /* memory was not had; what is written from then on is lost */
};

void grow_free(struct grow *grow);
static inline void grow_clear(struct grow *grow)
{
    grow->size = 0;
    grow->failed = false;
}
static inline struct varve_view grow_view(const struct grow *grow)
{
    return (struct varve_view){ grow->bytes != NULL ? grow->bytes : "", grow->size };
}

/* Room for `size` more bytes behind the end, which the caller fills and adds to `size`; NULL: no memory. */
char *grow_room(struct grow *grow, size_t size);
void grow_add(struct grow *grow, const void *bytes, size_t size);
void grow_str(struct grow *grow, const char *string);
void grow_int(struct grow *grow, int64_t number);
void grow_uint(struct grow *grow, uint64_t number);
/* A JSON string, quotes and all; `text` is UTF-8. */
void grow_json_string(struct grow *grow, struct varve_view text);
/* The bytes as a JSON string of base64. */
void grow_base64(struct grow *grow, struct varve_view bytes);

#endif
