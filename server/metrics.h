/* metrics.h - what /metrics tells: the figures of engine, server and outboxes, and counts by label.
 *
 * Labels come from clients (types of events, names of services, groups, sagas), so there is a bound: of each label's
 * values the first metrics.label_values are told apart, the rest counts as `other`.
 *
 * Counting takes a few stores and, where other threads count the same, a lock that is held for no longer. Telling is
 * done on a reader thread, without any lock that counting waits for; see metrics_write.h. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server.h"

/* Takes the place of server->metrics; before anything that counts is started. */
enum varve_status metrics_start(struct server *server, struct varve_error *error);
void metrics_end(struct server *server);
void metrics_tick(struct server *server);       /* once a second, on the loop: the last seconds of STATS */
uint64_t metrics_memory_bytes(const struct config *config); /* at most */

/* ---- counting ------------------------------------------------------------------------------------------------- */

/* Any thread: an outbox has made events of this type and service (their `source`; absent allowed) visible in Kafka. */
void metrics_published(struct metrics *metrics, struct varve_view type, struct varve_view service, uint64_t events);
/* Any thread: an outbox could not publish so many; 0 says only that it tried. */
void metrics_publish_failed(struct metrics *metrics, const char *outbox, const char *reason, uint64_t events);
/* Loop: a consumer group has acknowledged an event, so long after it was handed out. */
void metrics_consumed(struct metrics *metrics, struct varve_view type, struct varve_view service,
                      struct varve_view group, uint64_t duration_us);
/* Loop: a saga has ended: it is completed or has failed. */
void metrics_saga_ended(struct metrics *metrics, struct varve_view saga_type, uint64_t duration_us);
/* Loop: a request over the binary protocol is answered, by its opcode; over HTTP, by its route's operation.
 * METRICS_NO_DURATION: it lasted as long as its client wished, as subscriptions do. */
#define METRICS_NO_DURATION UINT64_MAX
void metrics_request(struct metrics *metrics, uint8_t opcode, enum varve_status status, uint64_t duration_us);
void metrics_http_request(struct metrics *metrics, const char *operation, unsigned http_status, uint64_t duration_us);

#endif
