/* metrics_tell_outbox.c - what each outbox tells, labelled with its name, which needs no escaping: letters, digits,
 * '-', '_' and '.'. */
#include "metrics_telling.h"

#include <string.h>

#include "outboxes.h"

static struct varve_view name_of(const struct telling *telling, size_t i)
{
    return varve_view_str(telling->outboxes[i].view.config->name);
}

void tell_outbox_figure(struct telling *telling, const struct metric *metric)
{
    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct outbox_status *status = &telling->outboxes[i];
        const struct varve_stat *figure = telling_find(status->stats, status->count, metric->figure);
        const struct varve_view name = name_of(telling, i);

        if (figure != NULL)
            tell_values(telling, metric, &name, figure->number);
    }
}

/* Each figure whose name begins with metric->figure; the rest of its name is the second label. */
void tell_outbox_by_code(struct telling *telling, const struct metric *metric)
{
    struct varve_view prefix = varve_view_str(metric->figure);

    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct outbox_status *status = &telling->outboxes[i];

        for (size_t at = 0; at < status->count; at++) {
            struct varve_view name = status->stats[at].name;

            if (name.size <= prefix.size || memcmp(name.data, prefix.data, prefix.size) != 0)
                continue;
            const struct varve_view values[] = { name_of(telling, i),
                                                 varve_view_of(name.data + prefix.size, name.size - prefix.size) };
            tell_values(telling, metric, values, status->stats[at].number);
        }
    }
}

void tell_outbox_measure(struct telling *telling, const struct metric *metric)
{
    enum outbox_measure measure = 0;
    struct varve_histogram_view view;

    while (strcmp(outbox_measure_name(measure), metric->figure) != 0)
        measure++;
    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct varve_view name = name_of(telling, i);

        varve_histogram_look(&outbox_figures_of(outboxes_at(telling->server, i))->measures[measure], &view);
        tell_spread(telling, metric, &name, &view);
    }
}

void tell_outbox_info(struct telling *telling, const struct metric *metric)
{
    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct outbox_config *config = telling->outboxes[i].view.config;
        const struct varve_view values[] = { name_of(telling, i),
                                             varve_view_str(varve_outbox_mode_name(config->mode)) };

        tell_values(telling, metric, values, !config->is_mock);
    }
}

void tell_outbox_state(struct telling *telling, const struct metric *metric)
{
    for (size_t i = 0; i < telling->outbox_count; i++) {
        for (unsigned phase = 0; phase < VARVE_OUTBOX_PHASES; phase++) {
            const struct varve_view values[] = {
                name_of(telling, i), varve_view_str(varve_outbox_phase_name((enum varve_outbox_phase)phase)),
            };

            tell_values(telling, metric, values, telling->outboxes[i].view.phase == phase);
        }
    }
}

/* In the order of how bad it is. */
void tell_outbox_breaker(struct telling *telling, const struct metric *metric)
{
    static const uint64_t numbers[] = { [VARVE_BREAKER_CLOSED] = 0, [VARVE_BREAKER_HALF_OPEN] = 1,
                                        [VARVE_BREAKER_OPEN] = 2 };

    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct varve_view name = name_of(telling, i);

        tell_values(telling, metric, &name, numbers[telling->outboxes[i].view.breaker]);
    }
}

/* Each reason that there is, so that an alert finds a 0 to begin with. */
void tell_outbox_halted(struct telling *telling, const struct metric *metric)
{
    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct outbox_view *view = &telling->outboxes[i].view;

        for (unsigned halt = VARVE_HALT_NONE + 1; halt < VARVE_HALTS; halt++) {
            const struct varve_view values[] = {
                name_of(telling, i), varve_view_str(varve_outbox_halt_name((enum varve_outbox_halt)halt)),
            };

            tell_values(telling, metric, values, view->phase == VARVE_OUTBOX_HALTED && view->halt == halt);
        }
    }
}
