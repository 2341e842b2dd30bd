/* event_check.c - see event_check.h. */
#include "event_check.h"

#include <string.h>

/* The library counts events of a request; here there is but one. */
static void drop_prefix(char *text, const char *prefix)
{
    size_t size = strlen(prefix);

    if (strncmp(text, prefix, size) == 0)
        memmove(text, text + size, strlen(text + size) + 1);
}

enum varve_status event_check(const struct varve_event *event, struct varve_error *error)
{
    enum varve_status status = varve_check_stream_name(event->stream, false, "stream", error);

    if (status != VARVE_OK)
        return status;
    status = varve_check_event(event, 0, error);
    if (status != VARVE_OK && error != NULL) {
        drop_prefix(error->field, "events[0].");
        drop_prefix(error->message, "events[0].");
    }
    return status;
}
