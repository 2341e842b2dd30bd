/* state_source.h - streams and their snapshots, of a server or of a directory opened in process: what folding needs.
 *
 * A place is opened once; each thread has a source of its own. What a call points to lives until the next call of its
 * group: loading, listing streams, snapshots. */
#ifndef TOOLS_STATE_SOURCE_H
#define TOOLS_STATE_SOURCE_H

#include "cli.h"
#include "varve/load.h"

struct state_place {
    const char *url;                    /* of a server; or NULL and */
    struct varve_store *store;          /* a directory's store, with */
    struct varve_snapshots *snapshots;
};
/* Where the command line says. */
enum varve_status state_place_open(struct cli *cli, struct state_place *ret_place, struct varve_error *error);
void state_place_close(struct state_place *place);

struct state_source;
struct state_source_functions {
    void (*close)(struct state_source *source);
    /* As varve_client_load_*(). */
    enum varve_status (*load_open)(struct state_source *source, const struct varve_view *streams, size_t count,
                                   const struct varve_load_wanted *wanted, struct varve_error *error);
    enum varve_status (*load_stream)(struct state_source *source, struct varve_loaded *ret_loaded,
                                     struct varve_error *error);
    enum varve_status (*load_event)(struct state_source *source, const struct varve_event **ret_event,
                                    struct varve_error *error);
    void (*load_close)(struct state_source *source);

    enum varve_status (*streams)(struct state_source *source, const struct varve_stream_list_request *request,
                                 struct varve_stream_list *ret_list, struct varve_error *error);
    void (*streams_free)(struct varve_stream_list *list);
    enum varve_status (*info)(struct state_source *source, struct varve_view stream,
                              struct varve_stream_info *ret_info, struct varve_error *error);

    enum varve_status (*list)(struct state_source *source, const struct varve_snapshot_list_request *request,
                              const struct varve_snapshot **ret_snapshots, size_t *ret_count, bool *ret_end,
                              struct varve_error *error);
    enum varve_status (*get)(struct state_source *source, const struct varve_snapshot_query *query,
                             struct varve_snapshot *ret_snapshot, struct varve_error *error);
    /* Copied. `done` is called from inside submit or drain, in the order in which they were submitted. What was not
     * drained when the source is closed may be lost. */
    enum varve_status (*submit)(struct state_source *source, const struct varve_snapshot *snapshot, uint32_t keep,
                                varve_snapshot_done done, void *user, struct varve_error *error);
    enum varve_status (*drain)(struct state_source *source, struct varve_error *error);
    enum varve_status (*remove)(struct state_source *source, struct varve_view stream, int64_t from_version,
                                int64_t until_version, uint64_t *ret_count, struct varve_error *error);
};
struct state_source {
    const struct state_source_functions *call;
};

enum varve_status state_source_open(const struct state_place *place, struct state_source **ret_source,
                                    struct varve_error *error);
void state_source_close(struct state_source *source); /* NULL allowed */

/* Of the two kinds. */
enum varve_status state_client_open(const char *url, struct state_source **ret_source, struct varve_error *error);
enum varve_status state_store_open(const struct state_place *place, struct state_source **ret_source,
                                   struct varve_error *error);

#endif
