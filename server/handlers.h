/* handlers.h - what the server does for each request. Called by the dispatcher with a whole body that nobody has looked
 * at yet; each answers now or later, always once (READ and SUBSCRIBE: until their end), through its session. */
#ifndef SERVER_HANDLERS_H
#define SERVER_HANDLERS_H

#include "session.h"

typedef void (*request_handler)(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* hello.c */
void handle_hello(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_config(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_ping(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* append.c */
void handle_append(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_stream_change(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* transact.c */
void handle_transact(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* saga_claims.c */
void handle_saga_claim(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* read.c */
void handle_read(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* load.c */
void handle_load(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* snapshot_writer.c */
void handle_snapshot_put(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_snapshot_delete(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* credit.c */
void handle_credit(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_cancel(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* subscribe.c */
void handle_subscribe(struct session *session, const struct varve_frame *frame, struct varve_view body);
/* Once a second: tell those that got nothing how far the log was looked at, and those that stay behind. */
void subscribe_tick_all(struct server *server);

/* consumer.c */
void handle_group_join(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* group_admin.c: CREATE, UPDATE, RESET, DELETE; INFO; LIST */
void handle_group_change(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_group_info(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_group_list(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* group_ack.c: ACK, NACK, EXTEND */
void handle_group_ack(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* parked_list.c, parked_replay.c, parked_discard.c */
void handle_parked_list(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_parked_replay(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_parked_discard(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* outbox_order_request.c, outbox_verify_request.c */
void handle_outbox_order(struct session *session, const struct varve_frame *frame, struct varve_view body);
void handle_outbox_verify(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* lookup.c: those that one answer from a reader thread settles */
void handle_lookup(struct session *session, const struct varve_frame *frame, struct varve_view body);

#endif
