/* url.c - reads the connection string strictly: what it does not understand it names, it never guesses. */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum varve_status refuse(struct varve_error *error, const char *why)
{
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "url", "%s", why);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies text into a C string of `room` bytes, resolving %XX. False: does not fit, or holds a NUL or a bad escape. */
static bool unescape(struct varve_view text, char *ret, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        int c = (unsigned char)text.data[i];

        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || used + 1 >= room)
            return false;
        ret[used++] = (char)c;
    }
    ret[used] = '\0';
    return true;
}

/* Cuts *rest at the first `mark`: returns what stands before it, leaves what stands behind it (absent when no mark). */
static struct varve_view cut(struct varve_view *rest, char mark)
{
    struct varve_view whole = *rest;
    const char *at = memchr(whole.data, mark, whole.size);

    if (at == NULL) {
        *rest = varve_view_of(NULL, 0);
        return whole;
    }
    size_t before = (size_t)(at - whole.data);
    *rest = varve_view_of(at + 1, whole.size - before - 1);
    return varve_view_of(whole.data, before);
}

static enum varve_status parse_port(struct varve_view text, struct url *ret, struct varve_error *error)
{
    unsigned long port = 0;

    if (text.data == NULL) {
        snprintf(ret->port, sizeof(ret->port), "%d", VARVE_DEFAULT_PORT);
        return VARVE_OK;
    }
    if (text.size == 0 || text.size > 5 || strspn(text.data, "0123456789") < text.size)
        return refuse(error, "the port must be a number from 1 to 65535");
    port = strtoul(text.data, NULL, 10);
    if (port == 0 || port > 65535)
        return refuse(error, "the port must be a number from 1 to 65535");
    snprintf(ret->port, sizeof(ret->port), "%lu", port);
    return VARVE_OK;
}

static bool all_of(struct varve_view text, const char *allowed)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL)
            return false;
    return text.size > 0;
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* "[v6]" or "[v6]:port"; *authority begins with the bracket. */
static enum varve_status parse_ipv6(struct varve_view authority, struct url *ret, struct varve_error *error)
{
    struct varve_view rest = varve_view_of(authority.data + 1, authority.size - 1);
    struct varve_view host = cut(&rest, ']');

    if (rest.data == NULL || !all_of(host, DIGITS "abcdefABCDEF:.%" LETTERS "_-") || host.size >= sizeof(ret->host))
        return refuse(error, "an IPv6 address is written [address] or [address]:port");
    memcpy(ret->host, host.data, host.size);
    ret->host[host.size] = '\0';
    if (rest.size == 0)
        return parse_port(varve_view_of(NULL, 0), ret, error);
    if (rest.data[0] != ':')
        return refuse(error, "after the ']' of an IPv6 address only \":port\" may follow");
    return parse_port(varve_view_of(rest.data + 1, rest.size - 1), ret, error);
}

static enum varve_status parse_host(struct varve_view authority, struct url *ret, struct varve_error *error)
{
    struct varve_view rest = authority;
    struct varve_view host = cut(&rest, ':');

    if (memchr(authority.data, '@', authority.size) != NULL)
        return refuse(error, "the url must not hold a user or password");
    if (rest.data != NULL && memchr(rest.data, ':', rest.size) != NULL)
        return refuse(error, "an IPv6 address must stand in brackets: varve://[::1]:8278");
    if (host.size == 0)
        return refuse(error, "the host is missing: expected varve://host[:port]");
    if (!all_of(host, DIGITS LETTERS "._-") || host.size >= sizeof(ret->host))
        return refuse(error, "the host holds a character that no host name has, or is too long");
    memcpy(ret->host, host.data, host.size);
    ret->host[host.size] = '\0';
    return parse_port(rest, ret, error);
}

static enum varve_status parse_tcp(struct varve_view place, struct url *ret, struct varve_error *error)
{
    struct varve_view path = place;
    struct varve_view authority = cut(&path, '/');
    bool ipv6 = authority.size > 0 && authority.data[0] == '[';
    enum varve_status status;

    if (path.size > 0)
        return refuse(error, "a path has no meaning behind varve://host:port");
    status = ipv6 ? parse_ipv6(authority, ret, error) : parse_host(authority, ret, error);
    snprintf(ret->shown, sizeof(ret->shown), ipv6 ? "[%s]:%s" : "%s:%s", ret->host, ret->port);
    return status;
}

static enum varve_status parse_unix(struct varve_view place, struct url *ret, struct varve_error *error)
{
    ret->is_unix = true;
    if (place.size == 0 || place.data[0] != '/')
        return refuse(error, "the socket's path must be absolute: expected varve+unix:///path/to/socket");
    if (!unescape(place, ret->path, sizeof(ret->path)))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "url",
                          "the socket's path is longer than %zu bytes or holds a bad %%XX escape",
                          sizeof(ret->path) - 1);
    snprintf(ret->shown, sizeof(ret->shown), "%s", ret->path);
    return VARVE_OK;
}

static enum varve_status parse_option(struct varve_view pair, struct url *ret, struct varve_client_options *options,
                                      struct varve_error *error)
{
    struct varve_view value = pair;
    struct varve_view name = cut(&value, '=');

    if (value.data == NULL || name.size == 0)
        return refuse(error, "options are written name=value, separated by '&'");
    if (!varve_view_equal(name, varve_view_str("name")))
        return options_set(options, name, value, error);
    if (!unescape(value, ret->name, sizeof(ret->name)))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "name",
                          "the client's name is longer than %u bytes or holds a bad %%XX escape", CLIENT_NAME_MAX);
    return varve_check_text(varve_view_str(ret->name), CLIENT_NAME_MAX, "name", error);
}

enum varve_status url_parse(const char *text, struct url *ret, struct varve_client_options *options,
                            struct varve_error *error)
{
    static const char tcp[] = "varve://", local[] = "varve+unix://";
    enum varve_status status;

    *ret = (struct url){ 0 };
    if (text == NULL)
        return refuse(error, "no url was given");
    bool is_tcp = strncmp(text, tcp, sizeof(tcp) - 1) == 0;
    if (!is_tcp && strncmp(text, local, sizeof(local) - 1) != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "url",
                          "expected varve://host[:port] or varve+unix:///path/to/socket, got \"%.100s\"", text);

    struct varve_view query = varve_view_str(text + (is_tcp ? sizeof(tcp) : sizeof(local)) - 1);
    struct varve_view place = cut(&query, '?');
    status = is_tcp ? parse_tcp(place, ret, error) : parse_unix(place, ret, error);
    while (status == VARVE_OK && query.size > 0)
        status = parse_option(cut(&query, '&'), ret, options, error);
    return status;
}
