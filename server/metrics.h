/* metrics.h - what /metrics tells: the figures of engine, server and outboxes, and counts by label.
 *
 * Labels come from clients (types of events, names of services, groups, sagas), so there is a bound: of each label's
 * values the first metrics.label_values are told apart, the rest counts as `other`. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server.h"

enum varve_status metrics_start(struct server *server, struct varve_error *error);
void metrics_end(struct server *server);

/* ---- counting ------------------------------------------------------------------------------------------------- */

/* Any thread: an outbox has made events of this type and service (their `source`) visible in Kafka. */
void metrics_published(struct metrics *metrics, struct varve_view type, struct varve_view service, uint64_t events);
void metrics_publish_failed(struct metrics *metrics, const char *outbox, const char *reason);
/* Loop: a consumer group has acknowledged an event, so long after it was handed out. */
void metrics_consumed(struct metrics *metrics, struct varve_view type, struct varve_view service,
                      struct varve_view group, uint64_t duration_us);
/* Loop: a saga has ended: completed, failed or timed out. */
void metrics_saga_ended(struct metrics *metrics, struct varve_view saga_type, uint64_t duration_us);
/* Loop: a request over the binary protocol, by its opcode; over HTTP, by its route's operation. */
void metrics_request(struct metrics *metrics, uint8_t opcode, enum varve_status status, uint64_t duration_us);
void metrics_http_request(struct metrics *metrics, const char *operation, unsigned http_status, uint64_t duration_us);

/* ---- telling -------------------------------------------------------------------------------------------------- */

/* All of it as Prometheus text (version 0.0.4), appended. On a reader thread; NOT_READY while the store is not open. */
enum varve_status metrics_write(struct server *server, struct varve_wire_buffer *out, struct varve_error *error);

#endif
