/* event_printer.c - see event_printer.h. */
#include "event_printer.h"

#include <inttypes.h>

#include "timestamp.h"

static const struct table_column columns[] = {
    { "position", true, 0 }, { "stream@version", false, 2 }, { "type", false, 2 }, { "recorded_at", false, 0 },
    { "data", false, 1 },
};

void event_printer_begin(struct event_printer *printer, struct output *output)
{
    *printer = (struct event_printer){ .output = output };
    if (output->format == OUTPUT_TABLE)
        printer->table = table_begin(output, columns, sizeof(columns) / sizeof(columns[0]));
    else
        output_list_begin(output);
}

static void print_row(struct event_printer *printer, const struct varve_event *event)
{
    char recorded_at[TIMESTAMP_TEXT];

    timestamp_format_short(event->recorded_at_us, recorded_at);
    table_cellf(printer->table, "%" PRIu64, event->position);
    text_clear(&printer->text);
    text_add(&printer->text, event->stream);
    text_printf(&printer->text, "@%" PRIu64, event->version);
    table_cell(printer->table, text_view(&printer->text));
    table_cell(printer->table, event->type);
    table_cell(printer->table, varve_view_str(recorded_at));
    text_clear(&printer->text);
    if (event->content_type == VARVE_CONTENT_JSON)
        text_add(&printer->text, event->data);
    else if (event->data.size > 0)
        text_printf(&printer->text, "(%zu bytes of %s)", event->data.size,
                    varve_content_type_name(event->content_type));
    table_cell(printer->table, text_view(&printer->text));
    table_row_end(printer->table);
}

void event_printer_event(struct event_printer *printer, const struct varve_event *event)
{
    if (printer->table != NULL) {
        print_row(printer, event);
        return;
    }
    text_clear(&printer->text);
    text_add_event(&printer->text, event);
    output_list_object(printer->output, &printer->text);
}

void event_printer_flush(struct event_printer *printer)
{
    if (printer->table != NULL)
        table_flush(printer->table);
    fflush(printer->output->file);
}

void event_printer_end(struct event_printer *printer)
{
    if (printer->table != NULL)
        table_end(printer->table);
    else
        output_list_end(printer->output);
    text_free(&printer->text);
}
