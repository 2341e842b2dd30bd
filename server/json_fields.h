/* json_fields.h - takes the fields of a JSON object that we wrote ourselves, some version ago or not: what is there
 * must be what it should be. */
#ifndef SERVER_JSON_FIELDS_H
#define SERVER_JSON_FIELDS_H

#include <jansson.h>

#include "varve/event.h"

struct json_fields {
    const json_t *object;
    struct varve_error *error; /* says which field was not good first */
    bool failed;
};
/* The object that `text` is; NULL, and fields->failed, when it is none. End it with json_decref(). */
json_t *json_fields_parse(struct json_fields *fields, struct varve_view text, struct varve_error *error);
void json_fields_bad(struct json_fields *fields, const char *name, const char *expected);

/* Of a field that must be there. 0, false or absent when it is not good. */
uint64_t json_fields_uint(struct json_fields *fields, const char *name, uint64_t max);
int64_t json_fields_int(struct json_fields *fields, const char *name);
/* Of fields that may be missing. The text lives as long as the object. */
uint64_t json_fields_uint_or(struct json_fields *fields, const char *name, uint64_t max, uint64_t otherwise);
bool json_fields_flag(struct json_fields *fields, const char *name);
struct varve_view json_fields_text(struct json_fields *fields, const char *name, size_t max_bytes);
const json_t *json_fields_list(struct json_fields *fields, const char *name, size_t max_items); /* NULL: none */
/* nil when it is missing */
struct varve_uuid json_fields_uuid(struct json_fields *fields, const char *name);

/* For writing: nothing is set when the text is absent. False: no memory, or `object` is NULL. */
bool json_set_text(json_t *object, const char *name, struct varve_view text);
bool json_set_uint(json_t *object, const char *name, uint64_t number);
bool json_set_uuid(json_t *object, const char *name, const struct varve_uuid *uuid); /* nothing for nil */
/* The text of `object` when `good`; ends the object. data == NULL: no memory. */
struct varve_view json_finish(json_t *object, bool good);

#endif
