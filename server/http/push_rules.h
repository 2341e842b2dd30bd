/* push_rules.h - what may be pushed, as the section [push] of the configuration says. Pure. */
#ifndef SERVER_PUSH_RULES_H
#define SERVER_PUSH_RULES_H

#include "config.h"
#include "push_fields.h"

/* Why an event is not pushed. */
enum push_verdict { PUSH_GOOD, PUSH_TYPE_NOT_ALLOWED, PUSH_MISSING_FIELD, PUSH_BAD_ID, PUSH_BAD_TIME };

struct push_rules {
    struct push_list allow_types;   /* patterns; empty: all types */
    struct push_list fields;        /* of data; both empty: all of it, and all of metadata */
    struct push_list metadata;      /* likewise of metadata: what stands in push.fields as metadata.NAME */
    struct push_list required, uuids, times; /* paths in an event's JSON, such as "user_id" or "data.order.id" */
    char text[];                    /* what the lists point into */
};

/* VARVE_INVALID_ARGUMENT: error->field is the key, such as "push.fields". */
enum varve_status push_rules_create(const struct push_config *config, struct push_rules **ret,
                                    struct varve_error *error);

bool push_rules_allow_type(const struct push_rules *rules, struct varve_view type);
/* Look at an event's JSON, as varve_event_json_write() made it. The type is not looked at. */
enum push_verdict push_rules_judge(const struct push_rules *rules, struct varve_view event);

/* Do these patterns, or this one, match? "*" is any text, "?" a character. */
bool push_list_matches(const struct push_list *patterns, struct varve_view text);

#endif
