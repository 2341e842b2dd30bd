/* outbox_client.h - watching and ordering outboxes from C, over any client (client.h). What is returned lives until the
 * next call. */
#ifndef VARVE_OUTBOX_CLIENT_H
#define VARVE_OUTBOX_CLIENT_H

#include "varve/client.h"
#include "varve/wire_outbox.h"

/* name absent: all. OUTBOX_NOT_FOUND. */
enum varve_status varve_client_outbox_list(struct varve_client *client, struct varve_view name,
                                           const struct varve_outbox_entry **ret_entries, size_t *ret_count,
                                           struct varve_error *error);
enum varve_status varve_client_outbox_order(struct varve_client *client, struct varve_view name,
                                            const struct varve_outbox_order *order,
                                            struct varve_outbox_order_result *ret, struct varve_error *error);
enum varve_status varve_client_outbox_dead(struct varve_client *client,
                                           const struct varve_outbox_dead_request *request,
                                           const struct varve_dead_letter **ret_letters, size_t *ret_count,
                                           bool *ret_end, struct varve_error *error);
enum varve_status varve_client_outbox_history(struct varve_client *client,
                                              const struct varve_outbox_history_request *request,
                                              const struct varve_outbox_history_event **ret_events, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error);
/* May take as long as the topics are; a client's timeout does not apply to it. */
enum varve_status varve_client_outbox_verify(struct varve_client *client, struct varve_view name, uint64_t depth,
                                             const struct varve_stat **ret_figures, size_t *ret_count,
                                             struct varve_error *error);

#endif
