/* listing.c - see listing.h. */
#include "listing.h"

void listing_begin(struct listing *listing)
{
    if (listing->begun)
        return;
    if (listing->output->format == OUTPUT_TABLE)
        listing->table = table_begin(listing->output, listing->columns, listing->column_count);
    else
        output_list_begin(listing->output);
    listing->begun = true;
}

static void end(struct listing *listing)
{
    if (listing->table != NULL)
        table_end(listing->table);
    else if (listing->begun)
        output_list_end(listing->output);
    text_free(&listing->text);
}

enum varve_status listing_run(struct listing *listing, listing_ask *ask, void *user, struct varve_error *error)
{
    enum varve_status status;
    bool ended = false;

    do {
        uint32_t limit = listing->left < listing->page ? (uint32_t)listing->left : listing->page;
        size_t count = 0;

        status = ask(user, listing, limit, &count, &ended, error);
        listing->left -= count < listing->left ? count : listing->left;
        ended |= count == 0 || listing->left == 0;
    } while (status == VARVE_OK && !ended && output_works(listing->output));
    end(listing);
    return status;
}
