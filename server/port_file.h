/* port_file.h - a file that tells which ports were taken: a line each, there as a whole or not at all. */
#ifndef SERVER_PORT_FILE_H
#define SERVER_PORT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "varve/status.h"

/* IO: told as a fault of `key`, which named the path. */
enum varve_status port_file_write(const char *key, const char *path, const uint16_t *ports, size_t count,
                                  struct varve_error *error);

#endif
