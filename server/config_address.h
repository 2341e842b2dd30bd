/* config_address.h - HOST:PORT, which must be this machine's loopback. */
#ifndef SERVER_CONFIG_ADDRESS_H
#define SERVER_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* "HOST:PORT", where HOST is an IPv4 address, an IPv6 address in brackets, or "localhost". False, with what was
 * expected (NULL: one of these), for anything else and for addresses that are not loopback. */
bool config_parse_address(const char *text, struct sockaddr_storage *ret, const char **ret_expected);

/* The other way round, for IPv4 and IPv6. Returns the port. */
uint16_t config_format_address(const struct sockaddr_storage *address, char *ret_text, size_t room);

#endif
