/* http_target.h - the target of a request: host, path and query, taken apart and decoded. Pure. */
#ifndef SERVER_HTTP_TARGET_H
#define SERVER_HTTP_TARGET_H

#include "varve/event.h"
#include "varve/status.h"

enum { HTTP_MAX_SEGMENTS = 12, HTTP_MAX_PARTS = 4, HTTP_MAX_PARAMETERS = 32 };

struct http_parameter {
    struct varve_view name, value; /* decoded; a value that is not there is empty */
    bool has_value;
};

struct http_target {
    struct varve_view authority;   /* of "http://host/path", else absent */
    struct varve_view segments[HTTP_MAX_SEGMENTS]; /* "/v1/all": "v1", "all" */
    size_t segment_count;
    struct http_parameter parameters[HTTP_MAX_PARAMETERS];
    size_t parameter_count;
};

/* Takes `text` apart and decodes it in place; *ret points into it. Origin form ("/path?query") and absolute form.
 * INVALID_ARGUMENT: neither of the two, %-escapes that are none, a space or control byte, a decoded NUL, too many
 * segments or parameters, a parameter named twice. Escaped slashes stay within their segment; empty segments are an
 * error but for one slash at the end. */
enum varve_status http_target_parse(char *text, size_t size, struct http_target *ret, struct varve_error *error);

/* One of the pattern's segments is `{name}`: any segment, put into `parts` in this order. */
bool http_target_matches(const struct http_target *target, const char *pattern,
                         struct varve_view parts[HTTP_MAX_PARTS]);

#endif
