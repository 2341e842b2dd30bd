/* outbox_choice.h - what the commands about outboxes share: which one is meant, asking before what cannot be undone,
 * giving an order, waiting. */
#ifndef TOOLS_OUTBOX_CHOICE_H
#define TOOLS_OUTBOX_CHOICE_H

#include "cli.h"
#include "varve/outbox_client.h"

/* Opens the server. `given` NULL: the server's only one; INVALID_ARGUMENT names them when there are several,
 * OUTBOX_NOT_FOUND when there is none. */
enum varve_status outbox_choose(struct cli *cli, const char *given, char ret_name[VARVE_MAX_OUTBOX_NAME + 1],
                                struct varve_error *error);
/* The word at `index`, or NULL. */
const char *outbox_given(const struct cli *cli, size_t index);

/* How it is now; lives until the next call. */
enum varve_status outbox_look(struct cli *cli, const char *name, const struct varve_outbox_entry **ret,
                              struct varve_error *error);
uint64_t outbox_figure(const struct varve_outbox_entry *entry, const char *name);
/* OUTBOX_BUSY: it is paused or halted, and will not go on by itself. */
enum varve_status outbox_goes_on(const struct varve_outbox_entry *entry, struct varve_error *error);

/* `what` says what will happen. Asks on a terminal; elsewhere INVALID_ARGUMENT unless there is --yes. */
enum varve_status outbox_confirm(const struct cli *cli, const char *what, struct varve_error *error);

enum varve_status outbox_order(struct cli *cli, const char *name, const struct varve_outbox_order *order,
                               struct varve_outbox_order_result *ret, struct varve_error *error);
/* {"outbox":NAME,"action":ACTION,"position":N,"count":N}, or a line for people. */
void outbox_print_done(struct cli *cli, const char *name, enum varve_outbox_action action,
                       const struct varve_outbox_order_result *result, const char *line);

/* A position, at least `min`. */
enum varve_status outbox_parse_position(const char *option, const char *text, uint64_t min, uint64_t *ret,
                                        struct varve_error *error);

void outbox_pause_between_looks(void);

#endif
