/* outbox_text.h - outboxes from a text or a file that has nothing but [outbox NAME] sections. */
#ifndef TESTS_SUPPORT_OUTBOX_TEXT_H
#define TESTS_SUPPORT_OUTBOX_TEXT_H

#include "server/outbox/outbox_config.h"

/* INVALID_ARGUMENT: error->message is the first thing that is wrong. What is right is in *configs all the same. */
enum varve_status outbox_text_parse(struct outbox_configs *configs, const char *path, struct varve_view text,
                                    struct varve_error *error);
enum varve_status outbox_text_read(struct outbox_configs *configs, const char *path, struct varve_error *error);

#endif
