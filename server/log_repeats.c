/* log_repeats.c - see log_repeats.h. */
#include "log_repeats.h"

#include <string.h>

void log_repeats_init(struct log_repeats *repeats)
{
    memset(repeats, 0, sizeof(*repeats));
    pthread_mutex_init(&repeats->lock, NULL);
}

void log_repeats_end(struct log_repeats *repeats)
{
    pthread_mutex_destroy(&repeats->lock);
}

static bool is_row_of(const struct log_repeats_row *row, const char *event, int level, const char *cause)
{
    return row->event != NULL && row->level == level && strcmp(row->event, event) == 0 &&
           strncmp(row->cause, cause, sizeof(row->cause) - 1) == 0;
}

/* Who has something to tell stays, if somebody else can go. */
static bool goes_before(const struct log_repeats_row *a, const struct log_repeats_row *b)
{
    if (a->event == NULL || b->event == NULL)
        return a->event == NULL && b->event != NULL;
    if ((a->left_out > 0) != (b->left_out > 0))
        return a->left_out == 0;
    return a->since_us < b->since_us;
}

/* That of this cause, or the one that makes room for it. */
static struct log_repeats_row *find(struct log_repeats *repeats, const char *event, int level, const char *cause)
{
    struct log_repeats_row *leaves = &repeats->rows[0];

    for (size_t i = 0; i < LOG_REPEATS_ROWS; i++) {
        struct log_repeats_row *row = &repeats->rows[i];

        if (is_row_of(row, event, level, cause))
            return row;
        if (goes_before(row, leaves))
            leaves = row;
    }
    leaves->event = NULL;
    return leaves;
}

static bool allow(struct log_repeats *repeats, const char *event, int level, const char *cause, uint64_t now_us,
                  uint64_t *ret_repeated)
{
    struct log_repeats_row *row = find(repeats, event, level, cause);

    if (row->event == NULL) {
        *row = (struct log_repeats_row){ .event = event, .level = level, .since_us = now_us, .lines = 1 };
        strncpy(row->cause, cause, sizeof(row->cause) - 1);
    } else if (now_us - row->since_us >= LOG_REPEATS_INTERVAL_US) {
        *ret_repeated = row->left_out;
        row->since_us = now_us;
        row->lines = 1;
        row->left_out = 0;
    } else if (row->lines < LOG_REPEATS_LINES) {
        row->lines++;
    } else {
        row->left_out++;
        return false;
    }
    return true;
}

bool log_repeats_allow(struct log_repeats *repeats, const char *event, int level, const char *cause, uint64_t now_us,
                       uint64_t *ret_repeated)
{
    *ret_repeated = 0;
    pthread_mutex_lock(&repeats->lock);
    bool allowed = allow(repeats, event, level, cause, now_us, ret_repeated);
    pthread_mutex_unlock(&repeats->lock);
    return allowed;
}

static struct log_repeats_row *find_over(struct log_repeats *repeats, uint64_t now_us, bool all)
{
    for (size_t i = 0; i < LOG_REPEATS_ROWS; i++) {
        struct log_repeats_row *row = &repeats->rows[i];

        if (row->left_out > 0 && (all || now_us - row->since_us >= LOG_REPEATS_INTERVAL_US))
            return row;
    }
    return NULL;
}

bool log_repeats_take(struct log_repeats *repeats, uint64_t now_us, bool all, struct log_repeats_row *ret)
{
    pthread_mutex_lock(&repeats->lock);
    struct log_repeats_row *row = find_over(repeats, now_us, all);
    if (row != NULL) {
        *ret = *row;
        row->since_us = now_us;
        row->lines = 0;
        row->left_out = 0;
    }
    pthread_mutex_unlock(&repeats->lock);
    return row != NULL;
}
