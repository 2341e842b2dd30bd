/* snapshot_writer.h - what changes the cache of snapshots: in the order it came, on a thread of its own, as many as
 * wait in one commit. So a put waits for no read, and no read for a put. */
#ifndef SERVER_SNAPSHOT_WRITER_H
#define SERVER_SNAPSHOT_WRITER_H

#include "session.h"

/* NULL: no memory, or no thread. */
struct snapshot_writer *snapshot_writer_create(struct server *server);
/* Finishes what is under way. No request waits for it any more. NULL allowed. */
void snapshot_writer_destroy(struct snapshot_writer *writer);

/* All snapshots of a stream go: what they were made of is hidden. Then `reply` is sent as the answer to this request of
 * the session's, which may be NULL, with `reply`: nobody waits. *reply is empty afterwards. */
void snapshot_writer_drop(struct server *server, struct varve_view stream, struct session *session,
                          uint32_t request_id, struct varve_wire_buffer *reply);

#endif
