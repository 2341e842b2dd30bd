/* outbox_partitions.c - which partition a message goes to: murmur2 of its key, over as many partitions as there are.
 *
 * How many that were is remembered in the log: when Kafka has another number, keys move, and with them the order of
 * streams across the change; the configuration says whether that is worth a line in the log or a halt. */
#include "outbox_parts.h"

#include <stdlib.h>

bool outbox_partitions_start(struct outbox_partitions *partitions)
{
    partitions->rows = calloc(OUTBOX_PARTITION_TOPICS, sizeof(*partitions->rows));
    return partitions->rows != NULL;
}

void outbox_partitions_end(struct outbox_partitions *partitions)
{
    free(partitions->rows);
}

void outbox_partitions_forget(struct outbox_partitions *partitions)
{
    memset(partitions->rows, 0, OUTBOX_PARTITION_TOPICS * sizeof(*partitions->rows));
    partitions->count = partitions->new_count = 0;
    partitions->last = NULL;
}

/* The row of a topic, or the free one for it. At least a quarter is free. */
static struct outbox_partition_row *find(struct outbox_partitions *partitions, const char *topic)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *c = topic; *c != 0; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (uint32_t i = hash;; i++) {
        struct outbox_partition_row *row = &partitions->rows[i % OUTBOX_PARTITION_TOPICS];
        if (row->topic[0] == 0 || strcmp(row->topic, topic) == 0)
            return row;
    }
}

static void log_change(struct outbox *outbox, const char *topic, int32_t before, int32_t now)
{
    log_warn(outbox->log, "outbox.partitions_changed", log_text("outbox", outbox->config->name),
             log_text("topic", topic), log_number("before", (uint64_t)before), log_number("now", (uint64_t)now),
             log_text("consequence", "keys may go to other partitions from here on"));
}

/* As many as before? When not, it may go on only if that is allowed; what is new is remembered. Of a topic that nobody
 * knew, together with others: there may be thousands, and all that are known are written each time. */
static bool compare(struct outbox *outbox, const char *topic, int32_t now, bool *ret_new, struct outbox_report *report)
{
    int32_t before = outbox_memory_partitions(&outbox->memory, topic);
    struct varve_error error;

    *ret_new = before == 0;
    if (before == now || before == 0)
        return true;
    if (outbox->config->partitions_changed == OUTBOX_CHANGE_HALT && !outbox->partitions.accept_changes)
        return outbox_report_halt(report, VARVE_HALT_PARTITIONS_CHANGED,
                                  "topic %s had %d partitions and has %d now: keys would go to other ones", topic,
                                  (int)before, (int)now);
    if (outbox_memory_set_partitions(&outbox->memory, &(struct outbox_topic_count){ topic, now }, 1, &error) !=
        VARVE_OK)
        return outbox_report_status(report, &error);
    log_change(outbox, topic, before, now);
    return true;
}

bool outbox_partitions_remember(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_partitions *partitions = &outbox->partitions;
    struct outbox_topic_count counts[OUTBOX_PARTITION_TOPICS];
    struct varve_error error;
    size_t count = 0;

    if (partitions->new_count == 0)
        return true;
    for (size_t i = 0; i < OUTBOX_PARTITION_TOPICS; i++)
        if (partitions->rows[i].is_new)
            counts[count++] = (struct outbox_topic_count){ partitions->rows[i].topic, partitions->rows[i].partitions };
    if (outbox_memory_set_partitions(&outbox->memory, counts, count, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    for (size_t i = 0; i < OUTBOX_PARTITION_TOPICS; i++)
        partitions->rows[i].is_new = false;
    partitions->new_count = 0;
    return true;
}

static enum outbox_placed learn(struct outbox *outbox, const char *topic, struct outbox_partition_row *row,
                                struct outbox_report *report)
{
    int32_t now = 0;

    report->result = outbox_kafka_partitions(outbox->kafka, topic, &now, &report->fault);
    if (report->result == OUTBOX_REFUSED) { /* The question was, and no event. */
        report->result = OUTBOX_AGAIN;
        report->fault.is_poison = false;
    }
    if (report->result != OUTBOX_DONE)
        return OUTBOX_PLACED_FAULT;
    if (now == 0 && outbox->config->topic_missing == OUTBOX_TOPIC_DEAD_LETTER)
        return OUTBOX_PLACED_NOWHERE;
    if (now == 0) {
        outbox_report_fault(report, OUTBOX_AGAIN, "UNKNOWN_TOPIC_OR_PARTITION", "topic %s does not exist", topic);
        return OUTBOX_PLACED_FAULT;
    }
    if (!compare(outbox, topic, now, &row->is_new, report))
        return OUTBOX_PLACED_FAULT;
    memcpy(row->topic, topic, strlen(topic) + 1);
    row->partitions = now;
    outbox->partitions.new_count += row->is_new;
    outbox->partitions.count++;
    return OUTBOX_PLACED;
}

enum outbox_placed outbox_place(struct outbox *outbox, struct outbox_message *message, struct outbox_report *report)
{
    struct outbox_partitions *partitions = &outbox->partitions;

    if (partitions->last == NULL || strcmp(partitions->last->topic, message->topic) != 0) {
        if (partitions->count >= OUTBOX_PARTITION_TOPICS / 4 * 3) { /* What is asked for is learnt again. */
            if (!outbox_partitions_remember(outbox, report))
                return OUTBOX_PLACED_FAULT;
            outbox_partitions_forget(partitions);
        }
        struct outbox_partition_row *row = find(partitions, message->topic);
        enum outbox_placed placed =
            row->topic[0] != 0 ? OUTBOX_PLACED : learn(outbox, message->topic, row, report);
        if (placed != OUTBOX_PLACED)
            return placed;
        partitions->last = row;
    }
    message->partition = outbox_kafka_partition_of(message->key, partitions->last->partitions);
    return OUTBOX_PLACED;
}
