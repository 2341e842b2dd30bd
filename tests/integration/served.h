/* served.h - a real server in a directory of its own, and a client of it. */
#ifndef TESTS_INTEGRATION_SERVED_H
#define TESTS_INTEGRATION_SERVED_H

#include "support/check.h"
#include "support/temp_dir.h"
#include "support/varved_process.h"

#include "varve/client.h"

struct served {
    char scratch[TEMP_DIR_PATH];
    struct varved_process varved;
    struct varve_client *client;
};

void served_begin(struct served *served, const char *const *options);
/* The server must stop as asked, with exit status 0. */
void served_end(struct served *served);

/* An event of type `type` with a small JSON text that holds `number`, and an id made of `number` and `series`. */
struct varve_event served_event(const char *type, uint32_t series, uint32_t number);
/* Append one to `stream`; returns its position. */
uint64_t served_append(struct served *served, const char *stream, int64_t expected, const struct varve_event *event);

#endif
