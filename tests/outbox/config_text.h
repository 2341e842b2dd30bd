/* config_text.h - for tests of the configuration: parse a text, expect an outbox or a complaint. */
#ifndef TESTS_OUTBOX_CONFIG_TEXT_H
#define TESTS_OUTBOX_CONFIG_TEXT_H

#include "server/outbox/outbox_config.h"

/* The outboxes of `text`, which must be good. End them with outbox_configs_end(). */
struct outbox_configs config_text(const char *text);
/* One outbox with these lines in its section, and brokers. */
struct outbox_configs config_lines(const char *lines);
/* `text` must be refused with exactly this message. */
void config_complains(const char *text, const char *message);
/* The same for lines behind `[outbox x]` and `brokers = b`; the message must begin with "f.ini:3: " and contain
 * `part`. */
void config_line_complains(const char *lines, const char *part);

#endif
