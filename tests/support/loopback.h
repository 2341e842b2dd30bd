/* loopback.h - a connection to a port of this machine, which never blocks once it is there. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <stdint.h>

int loopback_connect(uint16_t port);

#endif
