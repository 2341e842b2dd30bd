/* state_source.c - see state_source.h. */
#include "state_source.h"

#include "memory.h"

static void say_damaged(void *user, const char *message)
{
    cli_note("note: %s", message);
}

static enum varve_status open_directory(struct cli *cli, struct state_place *place, struct varve_error *error)
{
    struct varve_snapshots_options options;
    struct varve_stats stats;

    varve_snapshots_options_init(&options);
    options.damaged = say_damaged;
    place->store = backend_store(cli->backend);
    varve_store_stats(place->store, &stats);
    return varve_snapshots_open(arguments_text(&cli->arguments, "db"), &stats.database_id, &options, &place->snapshots,
                                error);
}

enum varve_status state_place_open(struct cli *cli, struct state_place *ret_place, struct varve_error *error)
{
    enum varve_status status = cli_open(cli, false, error);

    *ret_place = (struct state_place){ 0 };
    if (status != VARVE_OK)
        return status;
    if (arguments_has(&cli->arguments, "db"))
        return open_directory(cli, ret_place, error);
    ret_place->url = backend_url(cli->backend);
    return VARVE_OK;
}

void state_place_close(struct state_place *place)
{
    varve_snapshots_close(place->snapshots);
    *place = (struct state_place){ 0 };
}

enum varve_status state_source_open(const struct state_place *place, struct state_source **ret_source,
                                    struct varve_error *error)
{
    return place->url != NULL ? state_client_open(place->url, ret_source, error)
                              : state_store_open(place, ret_source, error);
}

void state_source_close(struct state_source *source)
{
    if (source != NULL)
        source->call->close(source);
}
