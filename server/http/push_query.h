/* push_query.h - what a client of push wants, from the parameters of its request. Pure. */
#ifndef SERVER_PUSH_QUERY_H
#define SERVER_PUSH_QUERY_H

#include "push_fields.h"
#include "varve/filter.h"

/* As they stand in the request, decoded; absent when they are not there. */
struct push_parameters {
    struct varve_view after, last_event_id, category, type, user, class_, stream, prefix, named;
};

/* In one piece of memory, but for the filter. */
struct push_ask {
    struct varve_filter *filter;  /* what a follower can look at */
    struct push_list types;       /* patterns of which one must match; empty: the filter has seen to it */
    struct varve_view user_id;    /* whose events; absent: everybody's */
    bool unnamed;                 /* events come without their type in front */
    bool from_end;
    uint64_t after;               /* unless from_end */
    uint64_t bytes;               /* of memory, the filter not included */
    char text[];
};
/* VARVE_INVALID_ARGUMENT names the parameter and what was expected. */
enum varve_status push_ask_create(const struct push_parameters *parameters, struct push_ask **ret,
                                  struct varve_error *error);
void push_ask_free(struct push_ask *ask); /* NULL allowed */

#endif
