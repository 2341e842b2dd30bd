/* snapshot.c - the rules for one snapshot, without a cache. */
#include "varve/json.h"
#include "varve/snapshots.h"

static enum varve_status check_json(struct varve_view data, struct varve_error *error)
{
    const char *why;
    size_t offset;

    if (varve_json_check(data, &offset, &why))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "data", "data is not JSON: %s at byte %zu", why, offset);
}

enum varve_status varve_snapshot_check(const struct varve_snapshot *snapshot, struct varve_error *error)
{
    enum varve_status status = varve_check_stream_name(snapshot->stream, true, "stream", error);

    if (status == VARVE_OK)
        status = varve_check_text(snapshot->type, VARVE_SNAPSHOT_MAX_TYPE, "type", error);
    if (status != VARVE_OK)
        return status;
    if (snapshot->version < 0 || snapshot->version == INT64_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "version", "the version is %lld; it must be that of an event",
                          (long long)snapshot->version);
    if (snapshot->schema_version == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "schema_version", "schema_version must be 1 or more");
    if ((unsigned)snapshot->content_type > VARVE_CONTENT_OCTET_STREAM)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "content_type", "content_type is %u; it must be 0, 1 or 2",
                          (unsigned)snapshot->content_type);
    if (snapshot->data.size > VARVE_SNAPSHOT_MAX_BYTES) {
        varve_fail(error, VARVE_EVENT_TOO_LARGE, "data", "a snapshot has %zu bytes, %u are allowed",
                   snapshot->data.size, VARVE_SNAPSHOT_MAX_BYTES);
        if (error != NULL)
            error->limit = VARVE_SNAPSHOT_MAX_BYTES;
        return VARVE_EVENT_TOO_LARGE;
    }
    return snapshot->content_type == VARVE_CONTENT_JSON ? check_json(snapshot->data, error) : VARVE_OK;
}
