/* event_check.h - the shape rules for one event a person wrote, told as that person would. */
#ifndef TOOLS_EVENT_CHECK_H
#define TOOLS_EVENT_CHECK_H

#include "varve/event.h"

/* The stream's name and all rules of varve_check_event(); messages begin with the field's plain name. */
enum varve_status event_check(const struct varve_event *event, struct varve_error *error);

#endif
