/* outbox_text.h - outboxes, their dead letters and what became of events, as JSON and for people. */
#ifndef TOOLS_OUTBOX_TEXT_H
#define TOOLS_OUTBOX_TEXT_H

#include "output.h"
#include "varve/wire_outbox.h"

/* One figure; 0 and an empty text when it is not there. */
uint64_t outbox_number(const struct varve_stat *figures, size_t count, const char *name);
struct varve_view outbox_word(const struct varve_stat *figures, size_t count, const char *name);

/* Name and value, one pair a row. */
void outbox_print_status(struct output *output, const struct varve_outbox_entry *entry, int64_t now_us);
void outbox_print_letter(struct output *output, const struct varve_dead_letter *letter);
void outbox_print_verification(struct output *output, const struct varve_stat *figures, size_t count);

/* Each writes one object over what `out` held. */
void outbox_format_figures(struct text *out, const struct varve_stat *figures, size_t count);
void outbox_format_letter(struct text *out, const struct varve_dead_letter *letter);
void outbox_format_event(struct text *out, const struct varve_outbox_history_event *event);

#endif
