/* http_guard.c - who may ask at all: framing that has one meaning only, a Host and an Origin that we know.
 *
 * A web page may make its reader's browser talk to a loopback port. So the name it used must be loopback's (a page
 * cannot point a foreign name here), and what changes something must not come from a foreign page. */
#include "http_parts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { MAX_HOST = 255 };

struct headers {
    unsigned hosts, lengths, codings, malformed;
};

static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return size > 0;
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum MHD_Result count(void *user, enum MHD_ValueKind kind, const char *name, size_t name_size,
                             const char *value, size_t value_size)
{
    struct headers *headers = user;

    headers->hosts += strcasecmp(name, "Host") == 0;
    headers->lengths += strcasecmp(name, "Content-Length") == 0;
    headers->codings += strcasecmp(name, "Transfer-Encoding") == 0;
    headers->malformed += !is_token(name, name_size) || value == NULL || !is_plain(value, value_size);
    return MHD_YES;
}

/* What could be understood in two ways is refused, and nothing behind it on the connection is looked at: else a proxy
 * in front of us could see other requests than we do. */
static bool check_framing(struct http_request *request, const struct headers *headers, const char *version)
{
    struct varve_view coding = http_header(request, "Transfer-Encoding");
    struct varve_view length = http_header(request, "Content-Length");
    bool chunked = coding.size == 7 && strncasecmp(coding.data, "chunked", 7) == 0;

    request->body_expected = UINT64_MAX; /* Refused from here on: the connection ends. */
    if (headers->malformed > 0 || headers->hosts > 1 || headers->lengths > 1 || headers->codings > 1 ||
        (headers->lengths > 0 && headers->codings > 0)) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, VARVE_PROTOCOL, NULL, "%s",
                    headers->malformed > 0 ? "a header's name or value has bytes that it must not have"
                    : headers->hosts > 1   ? "two Host headers"
                                           : "more than one Content-Length or Transfer-Encoding");
        return false;
    }
    if (headers->codings > 0 && strcmp(version, MHD_HTTP_VERSION_1_0) == 0) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, VARVE_PROTOCOL, NULL, "HTTP/1.0 knows no transfer codings");
        return false;
    }
    if (headers->codings > 0 && !chunked) {
        http_refuse(request, MHD_HTTP_NOT_IMPLEMENTED, VARVE_UNSUPPORTED, NULL,
                    "of transfer codings this server knows \"chunked\" only");
        return false;
    }
    if (chunked)
        return true;
    request->body_expected = 0;
    for (size_t i = 0; i < length.size; i++) { /* MHD has seen to it that these are digits, and fit. */
        if (request->body_expected > UINT64_MAX / 20)
            return true;
        request->body_expected = request->body_expected * 10 + (uint64_t)(length.data[i] - '0');
    }
    return true;
}

static bool check_target(struct http_request *request)
{
    struct varve_error error;

    if (request->text_size > HTTP_MAX_TARGET) {
        http_refuse(request, MHD_HTTP_URI_TOO_LONG, VARVE_INVALID_ARGUMENT, "path",
                    "the request's target has more than %d bytes", HTTP_MAX_TARGET);
        return false;
    }
    if (http_target_parse(request->text, request->text_size, &request->target, &error) == VARVE_OK)
        return true;
    http_reply_error(request, &error);
    return false;
}

/* ---- Host and Origin --------------------------------------------------------------------------------------------- */

bool http_list_has(const char *list, struct varve_view word)
{
    static const char blanks[] = " \t,";

    for (const char *at = list; at != NULL && *(at += strspn(at, blanks)) != 0;) {
        size_t size = strcspn(at, blanks);

        if (size == word.size && strncasecmp(at, word.data, size) == 0)
            return true;
        at += size;
    }
    return false;
}

/* Nothing, or a colon and digits. */
static bool is_port(const char *text, size_t size)
{
    for (size_t i = 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return size == 0 || text[0] == ':';
}

/* Without the port; of "[::1]:8279" what stands in brackets. Empty: it is none. */
static struct varve_view host_name(struct varve_view host)
{
    bool bracketed = host.size > 0 && host.data[0] == '[';
    const char *end = host.size == 0 ? NULL : memchr(host.data, bracketed ? ']' : ':', host.size);
    size_t size = end == NULL ? host.size : (size_t)(end - host.data), behind = size + bracketed;

    if (behind > host.size || !is_port(host.data + behind, host.size - behind))
        return varve_view_of(host.data, 0);
    if (bracketed)
        return varve_view_of(host.data + 1, size - 1);
    if (size > 0 && host.data[size - 1] == '.')
        size--;
    return varve_view_of(host.data, size);
}

bool http_host_is_known(struct varve_view host, const char *hosts)
{
    struct varve_view name = host_name(host);
    struct in6_addr v6;
    struct in_addr v4;
    char text[MAX_HOST + 1];

    if (name.size == 0 || name.size > MAX_HOST)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    if (inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127)
        return true;
    if (inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6))
        return true;
    return strcasecmp(text, "localhost") == 0 || http_list_has(hosts, name);
}

static bool check_host(struct http_request *request, const struct headers *headers, const char *version)
{
    const char *hosts = request->http->server->config->http.hosts;
    struct varve_view host = http_header(request, "Host"), authority = request->target.authority;

    if (headers->hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, VARVE_PROTOCOL, "host", "no Host header");
        return false;
    }
    if (authority.data != NULL && (headers->hosts == 0 || !http_host_is_known(authority, hosts)))
        host = authority;
    if ((headers->hosts == 0 && authority.data == NULL) || http_host_is_known(host, hosts))
        return true;
    http_refuse(request, MHD_HTTP_MISDIRECTED_REQUEST, VARVE_ACCESS_DENIED, "host",
                "the Host header names %.*s, which is neither loopback (127.0.0.1, [::1], localhost) nor in http.hosts",
                (int)(host.size > 100 ? 100 : host.size), host.size == 0 ? "nothing" : host.data);
    return false;
}

static bool is_own_origin(const struct http_request *request, struct varve_view origin)
{
    struct varve_view host = http_header(request, "Host");
    static const char scheme[] = "http://";

    return host.size > 0 && origin.size == sizeof(scheme) - 1 + host.size &&
           memcmp(origin.data, scheme, sizeof(scheme) - 1) == 0 &&
           strncasecmp(origin.data + sizeof(scheme) - 1, host.data, host.size) == 0;
}

bool http_origin_allowed(const struct http_request *request, struct varve_view *ret_origin)
{
    *ret_origin = http_header(request, "Origin");
    return ret_origin->data != NULL && http_list_has(request->http->server->config->http.cors_origins, *ret_origin);
}

static bool check_origin(struct http_request *request)
{
    static const char *const safe[] = { "GET", "HEAD", "OPTIONS" };
    struct varve_view origin;

    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
        if (strcmp(request->method, safe[i]) == 0)
            return true;
    }
    if (http_origin_allowed(request, &origin) || origin.data == NULL || is_own_origin(request, origin))
        return true;
    http_refuse(request, MHD_HTTP_FORBIDDEN, VARVE_ACCESS_DENIED, "origin",
                "a page from %.*s may change nothing here: http.cors_origins does not name it",
                (int)(origin.size > 100 ? 100 : origin.size), origin.data);
    return false;
}

static bool check_content_type(struct http_request *request)
{
    struct varve_view type = http_header(request, "Content-Type");
    static const char json[] = "application/json";
    size_t size = sizeof(json) - 1;

    if (request->body_expected == 0 ||
        (type.size >= size && strncasecmp(type.data, json, size) == 0 &&
         (type.size == size || strchr("; \t", type.data[size]) != NULL)))
        return true;
    http_refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, VARVE_INVALID_ARGUMENT, "content-type",
                "a body must be application/json, and say so in Content-Type");
    return false;
}

bool http_guard(struct http_request *request, const char *version)
{
    struct headers headers = { 0 };

    MHD_get_connection_values_n(request->connection->mhd, MHD_HEADER_KIND, count, &headers);
    return check_framing(request, &headers, version) && check_target(request) &&
           check_host(request, &headers, version) && check_origin(request) && check_content_type(request);
}
