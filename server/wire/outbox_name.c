/* outbox_name.c - the name of an outbox, as it begins every request about one. */
#include "outbox_name.h"

static bool is_allowed(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == '_' || letter == '-';
}

enum varve_status varve_check_outbox_name(struct varve_view name, const char *field, struct varve_error *error)
{
    bool good = name.size > 0 && name.size <= VARVE_MAX_OUTBOX_NAME;

    for (size_t i = 0; i < name.size && good; i++)
        good = is_allowed(name.data[i]);
    if (good)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                      "%s: expected the name of an outbox: 1 to %u letters, digits, '.', '_' and '-'", field,
                      VARVE_MAX_OUTBOX_NAME);
}

struct varve_view fields_outbox(struct fields *fields)
{
    return fields_name(fields, "name", varve_check_outbox_name);
}

struct varve_view fields_outbox_or_nil(struct fields *fields)
{
    return varve_pull_nil(&fields->pull) ? varve_view_of(NULL, 0) : fields_outbox(fields);
}

struct varve_view fields_stream_or_nil(struct fields *fields)
{
    return varve_pull_nil(&fields->pull) ? varve_view_of(NULL, 0) : fields_stream(fields, "stream");
}
