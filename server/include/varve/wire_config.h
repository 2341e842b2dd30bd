/* wire_config.h - CONFIG: what holds for each key of the configuration, and who said so. What wire.h says of messages
 * holds here. */
#ifndef VARVE_WIRE_CONFIG_H
#define VARVE_WIRE_CONFIG_H

#include "varve/wire.h"

/* CONFIG [] -> CONFIG_OK [[[key, value, origin, reloadable]...]]
 * Which keys there are may change without a new version of the protocol. */
struct varve_config_entry {
    struct varve_view key;    /* "http.max_body", "outbox.loans.route" (which may be there more than once) */
    struct varve_view value;  /* "(secret)" for one that nobody should see */
    struct varve_view origin; /* "default", "/etc/varve/varved.ini:7", "VARVED_HTTP__MAX_BODY", "--http.max_body" */
    bool reloadable;          /* may change while the server runs */
};
void varve_encode_config(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_config_ok(struct varve_wire_buffer *out, uint32_t request_id,
                            const struct varve_config_entry *entries, size_t count);
enum varve_status varve_decode_config_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         const struct varve_config_entry **ret_entries, size_t *ret_count,
                                         struct varve_error *error);

#endif
