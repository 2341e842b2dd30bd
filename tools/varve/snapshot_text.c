/* snapshot_text.c - see snapshot_text.h. */
#include "snapshot_text.h"

#include <inttypes.h>

#include "pairs.h"
#include "timestamp.h"

const struct table_column snapshot_columns[] = {
    { "stream@version", false, 1 }, { "type", false, 2 }, { "schema", true, 0 }, { "content_type", false, 0 },
    { "size", true, 0 }, { "created_at", false, 0 },
};
const size_t snapshot_column_count = sizeof(snapshot_columns) / sizeof(snapshot_columns[0]);

static struct varve_view content_type_of(const struct varve_snapshot *snapshot)
{
    return varve_view_str(varve_content_type_name(snapshot->content_type));
}

void snapshot_print_row(struct table *table, const struct varve_snapshot *snapshot)
{
    char created_at[TIMESTAMP_TEXT];
    struct text name = { 0 };

    timestamp_format_short(snapshot->created_at_us, created_at);
    text_add(&name, snapshot->stream);
    text_printf(&name, "@%" PRId64, snapshot->version);
    table_cell(table, text_view(&name));
    table_cell(table, snapshot->type);
    table_cellf(table, "%" PRIu32, snapshot->schema_version);
    table_cell(table, content_type_of(snapshot));
    table_cellf(table, "%" PRIu32, snapshot->size);
    table_cell(table, varve_view_str(created_at));
    table_row_end(table);
    text_free(&name);
}

void snapshot_print(struct output *output, const struct varve_snapshot *snapshot)
{
    struct table *table = pairs_begin(output);

    pairs_text(table, "stream", snapshot->stream);
    pairs_printf(table, "version", "%" PRId64, snapshot->version);
    pairs_text(table, "type", snapshot->type);
    pairs_printf(table, "schema_version", "%" PRIu32, snapshot->schema_version);
    pairs_text(table, "content_type", content_type_of(snapshot));
    pairs_time(table, "created_at", snapshot->created_at_us);
    pairs_printf(table, "size", "%" PRIu32, snapshot->size);
    if (snapshot->content_type == VARVE_CONTENT_JSON)
        pairs_text(table, "data", snapshot->data);
    table_end(table);
}

void snapshot_format(struct text *out, const struct varve_snapshot *snapshot)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member(out, "stream", snapshot->stream);
    text_member_int(out, "version", snapshot->version);
    text_member(out, "type", snapshot->type);
    text_member_uint(out, "schema_version", snapshot->schema_version);
    text_member(out, "content_type", content_type_of(snapshot));
    text_member_uint(out, "size", snapshot->size);
    text_member_time(out, "created_at", snapshot->created_at_us);
    if (snapshot->data.data != NULL) {
        text_key(out, "data");
        if (snapshot->content_type == VARVE_CONTENT_JSON)
            text_add(out, snapshot->data);
        else
            text_add_base64(out, snapshot->data);
    }
    text_add_str(out, "}");
}
