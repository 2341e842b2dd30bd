/* group_text.h - consumer groups and parked events as JSON and as rows. */
#ifndef TOOLS_GROUP_TEXT_H
#define TOOLS_GROUP_TEXT_H

#include "output.h"
#include "varve/group.h"

/* Each writes one object over what `out` held. */
void group_format_info(struct text *out, const struct varve_group_info *info);
void group_format_summary(struct text *out, const struct varve_group_info *info); /* without its consumers */
void group_format_parked(struct text *out, const struct varve_parked_event *parked);

/* A filter in the words of the command line, "--category order --type order.paid"; "--all" for an empty one. */
void group_describe_filter(struct text *out, const struct varve_filter *filter);
/* "1s,5s,30s"; "none". */
void group_describe_backoff(struct text *out, const struct varve_group_settings *settings);

/* Name and value, one pair a row; then its consumers, if there are any. */
void group_print_info(struct output *output, const struct varve_group_info *info);
void group_print_parked(struct output *output, const struct varve_parked_event *parked);

#endif
