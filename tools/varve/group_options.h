/* group_options.h - the settings of a consumer group as they stand on a command line. */
#ifndef TOOLS_GROUP_OPTIONS_H
#define TOOLS_GROUP_OPTIONS_H

#include "options.h"
#include "varve/group.h"

/* Lines of a command's table of options. */
#define GROUP_SETTINGS_OPTIONS \
    { "key", 0, "KEY", "events of one stream (default), category or correlation go one after the other" }, \
    { "max-in-flight", 0, "N", "events out to all consumers together; default 1000" }, \
    { "consumer-max-in-flight", 0, "N", "events out to one consumer; default 100" }, \
    { "ack-timeout", 0, "DURATION", "an event not acknowledged within is sent again; default 30s" }, \
    { "max-attempts", 0, "N", "then an event is parked; default 5" }, \
    { "backoff", 0, "DURATIONS", "before the 2nd, 3rd, ... attempt; default 1s,5s,30s; none: at once" }

/* What was not given stays as it is. Says nothing about ranges: varve_group_settings_check() does. */
enum varve_status group_settings_parse(const struct arguments *arguments, struct varve_group_settings *settings,
                                       struct varve_error *error);
bool group_settings_given(const struct arguments *arguments);

#endif
