/* outbox_status.h - how an outbox is, as the figures that OUTBOX_LIST tells. */
#ifndef SERVER_OUTBOX_STATUS_H
#define SERVER_OUTBOX_STATUS_H

#include "outbox/outbox.h"

enum { OUTBOX_STATUS_STATS = 40, OUTBOX_STATUS_MOST = OUTBOX_STATUS_STATS + OUTBOX_FIGURE_STATS };

/* What is seen of it, but not what it counts; texts point into the view. */
size_t outbox_status_of_view(const struct outbox_view *view, struct varve_stat ret[OUTBOX_STATUS_STATS]);

/* All of one outbox: what is seen, then what it counts. Any thread. */
struct outbox_status {
    struct outbox_view view;
    struct varve_stat stats[OUTBOX_STATUS_MOST];
    size_t count;
    char texts[OUTBOX_FIGURE_TEXTS];
};
void outbox_status_look(struct outbox *outbox, struct outbox_status *ret);

#endif
