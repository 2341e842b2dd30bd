/* follow_options.h - what is followed, and from where: the options that `tail` and consumer groups share. */
#ifndef TOOLS_FOLLOW_OPTIONS_H
#define TOOLS_FOLLOW_OPTIONS_H

#include "options.h"
#include "varve/filter.h"

/* Lines of a command's table of options. Each but --all and --system may be repeated. */
#define FOLLOW_FILTER_OPTIONS \
    { "all", 'a', NULL, "the events of all streams" }, \
    { "stream", 0, "STREAM", "of this stream" }, \
    { "category", 'c', "NAME", "of the streams NAME-..." }, \
    { "type", 't', "TYPE", "of this type" }, \
    { "prefix", 'p', "PREFIX", "of streams whose names begin so" }, \
    { "correlation", 0, "UUID", "with this correlation id" }, \
    { "class", 0, "CLASS", "domain, integration or realtime" }, \
    { "system", 0, NULL, "also the events of system streams ($...)" }
#define FOLLOW_AFTER_OPTION \
    { "after", 'f', "POSITION", "begin behind this position, at the start or at the end" }

/* For `details` of a command's help. */
#define FOLLOW_FILTER_DETAILS \
    "Options of one kind are alternatives, options of different kinds must all be met:\n" \
    "--category order --type order.paid --type order.shipped."

struct follow_filter {
    struct varve_filter filter; /* its lists are these */
    struct varve_view streams[VARVE_FILTER_MAX_ITEMS + 1], categories[VARVE_FILTER_MAX_ITEMS + 1];
    struct varve_view types[VARVE_FILTER_MAX_ITEMS + 1], prefixes[VARVE_FILTER_MAX_ITEMS + 1];
    bool given;                 /* something was said, be it --all */
};

/* A checked filter; the words from first_word on are streams, too. Its views point into the arguments. */
enum varve_status follow_filter_parse(const struct arguments *arguments, size_t first_word,
                                      struct follow_filter *ret_filter, struct varve_error *error);

/* --after: a position, VARVE_AFTER_END for "end", 0 for "start"; as it is when the option was not given. */
enum varve_status follow_after_parse(const struct arguments *arguments, uint64_t *ret_after,
                                     struct varve_error *error);

#endif
