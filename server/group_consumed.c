/* group_consumed.c - what the metrics count of an event that a group is done with: its type and source, and how long
 * its consumer took. */
#include "group.h"

#include "metrics.h"
#include "varve/record.h"

void group_note_delivered(struct group *group, struct held_event *event)
{
    event->delivered_us = server_now_us(group->server);
}

void group_note_consumed(struct group *group, struct held_event *event)
{
    uint64_t now_us = server_now_us(group->server);
    uint64_t took_us = now_us > event->delivered_us ? now_us - event->delivered_us : 0;
    struct varve_event decoded;

    if (varve_record_decode(event->record, event->size, &decoded) == VARVE_OK)
        metrics_consumed(group->server->metrics, decoded.type, decoded.source, group->name, took_us);
}
