/* push_fields.h - which members of an event's data and metadata are pushed: the allow-list of push.fields. Pure. */
#ifndef SERVER_PUSH_FIELDS_H
#define SERVER_PUSH_FIELDS_H

#include "varve/wire.h"

enum { PUSH_LIST_MAX = 64 };

/* What a list of the configuration holds: words parted by spaces or commas. */
struct push_list {
    size_t count;
    const char *items[PUSH_LIST_MAX];
};

/* Append `json`, which passed varve_json_check(), with the members that the list names and no others: "status" for a
 * member, "customer.name" for one of an object in it. Of an array each item is treated so. Of members of one name the
 * first counts. False, and nothing is appended, for a value that is neither object nor array. */
bool push_fields_write(struct varve_wire_buffer *out, const struct push_list *fields, struct varve_view json);

#endif
