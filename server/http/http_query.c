/* http_query.c - the parameters of a request: which are known, and what they say. */
#include "http_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "varve/nearest.h"
#include "varve/number_text.h"
#include "varve/time_text.h"

enum { NAME_TEXT = 64 };

static bool is_known(const struct http_route *route, struct varve_view name)
{
    for (const char *const *known = route->query; known != NULL && *known != NULL; known++) {
        if (varve_view_equal(varve_view_str(*known), name))
            return true;
    }
    return false;
}

static void refuse(struct http_request *request, struct varve_view name)
{
    const struct http_route *route = request->route;
    char text[NAME_TEXT], hint[VARVE_NEAREST_HINT];

    snprintf(text, sizeof(text), "%.*s", (int)(name.size < sizeof(text) ? name.size : sizeof(text) - 1), name.data);
    struct varve_nearest nearest = varve_nearest_to(text);
    for (const char *const *known = route->query; known != NULL && *known != NULL; known++)
        varve_nearest_offer(&nearest, *known);
    http_refuse(request, MHD_HTTP_BAD_REQUEST, VARVE_INVALID_ARGUMENT, text, "%s %s has no parameter %s%s",
                route->method, route->path, text, varve_nearest_hint(&nearest, "", hint));
}

bool http_check_query(struct http_request *request)
{
    for (size_t i = 0; i < request->target.parameter_count; i++) {
        if (!is_known(request->route, request->target.parameters[i].name)) {
            refuse(request, request->target.parameters[i].name);
            return false;
        }
    }
    return true;
}

static const struct http_parameter *find(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->target.parameter_count; i++) {
        if (varve_view_equal(request->target.parameters[i].name, varve_view_str(name)))
            return &request->target.parameters[i];
    }
    return NULL;
}

struct varve_view http_query(const struct http_request *request, const char *name)
{
    const struct http_parameter *parameter = find(request, name);

    return parameter == NULL ? varve_view_of(NULL, 0) : parameter->value;
}

int http_shown(struct varve_view value)
{
    return (int)(value.size > NAME_TEXT ? NAME_TEXT : value.size);
}

enum varve_status http_query_uint(const struct http_request *request, const char *name, uint64_t min, uint64_t max,
                                  uint64_t *ret, struct varve_error *error)
{
    const struct http_parameter *parameter = find(request, name);
    uint64_t number;

    if (parameter == NULL)
        return VARVE_OK;
    if (!varve_number_parse(parameter->value, &number) || number < min || number > max)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "%s=%.*s: expected a number, %" PRIu64 " to %" PRIu64,
                          name, http_shown(parameter->value), parameter->value.data, min, max);
    *ret = number;
    return VARVE_OK;
}

enum varve_status http_query_flag(const struct http_request *request, const char *name, bool *ret,
                                  struct varve_error *error)
{
    const struct http_parameter *parameter = find(request, name);

    if (parameter == NULL)
        return VARVE_OK;
    bool yes = !parameter->has_value || varve_view_equal(parameter->value, varve_view_str("true"));
    if (!yes && !varve_view_equal(parameter->value, varve_view_str("false")))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, name, "%s=%.*s: expected true or false", name,
                          http_shown(parameter->value), parameter->value.data);
    *ret = yes;
    return VARVE_OK;
}

enum varve_status http_query_time(const struct http_request *request, const char *name, int64_t *ret_us,
                                  struct varve_error *error)
{
    const struct http_parameter *parameter = find(request, name);

    if (parameter == NULL || varve_time_parse(parameter->value, ret_us) ||
        varve_date_parse(parameter->value, ret_us))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, name,
                      "%s=%.*s: expected a time such as 2024-05-01T12:00:00Z (in a query + is %%2B), or a date", name,
                      http_shown(parameter->value), parameter->value.data);
}
