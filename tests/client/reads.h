/* reads.h - what the tests of streamed reads share: reads of "order-1", and what must come of them. */
#ifndef TESTS_CLIENT_READS_H
#define TESTS_CLIENT_READS_H

#include "peer.h"

struct varve_read read_of_stream(bool backwards, uint64_t from, uint64_t limit);
/* Reads to the end; the versions must run from `first` to `last`. Returns how the read ended. */
enum varve_status read_expect_versions(struct varve_client *client, uint64_t first, uint64_t last,
                                       struct varve_error *error);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

/* READ, whatever it asks for. */
void read_take(struct fake_server *server, uint32_t *ret_id, struct varve_read_request *ret_request);

#endif
