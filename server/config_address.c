/* config_address.c - addresses as people write them. */
#include "config_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config_units.h"

/* HOST and PORT of "HOST:PORT"; the host without its brackets. */
static bool split_address(const char *text, char *host, size_t host_room, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    const char *rest;

    if (colon == NULL || !config_parse_number(colon + 1, &port, &rest) || *rest != 0 || port > 65535)
        return false;
    size_t size = (size_t)(colon - text);
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    } else if (memchr(text, ':', size) != NULL) {
        return false; /* A bare IPv6 address: which colon parts the port? */
    }
    if (size == 0 || size >= host_room)
        return false;
    memcpy(host, text, size);
    host[size] = 0;
    *ret_port = (uint16_t)port;
    return true;
}

bool config_parse_address(const char *text, struct sockaddr_storage *ret, const char **ret_expected)
{
    char host[64];
    uint16_t port;
    struct in_addr v4;
    struct in6_addr v6;
    bool loopback;

    *ret_expected = NULL;
    if (!split_address(text, host, sizeof(host), &port))
        return false;
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4) == 1) {
        loopback = (ntohl(v4.s_addr) >> 24) == 127;
        *(struct sockaddr_in *)ret =
            (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4 };
    } else if (inet_pton(AF_INET6, host, &v6) == 1) {
        loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        *(struct sockaddr_in6 *)ret =
            (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = v6 };
    } else {
        *ret_expected = "a numeric address or localhost as the host";
        return false;
    }
    *ret_expected = "a loopback address (127.0.0.0/8, [::1]): varved has no TLS and no authentication yet";
    return loopback;
}

uint16_t config_format_address(const struct sockaddr_storage *address, char *ret_text, size_t room)
{
    bool is_v6 = address->ss_family == AF_INET6;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const void *host = is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr;
    uint16_t port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
    char text[INET6_ADDRSTRLEN] = "?";

    inet_ntop(address->ss_family, host, text, sizeof(text));
    snprintf(ret_text, room, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
    return port;
}
