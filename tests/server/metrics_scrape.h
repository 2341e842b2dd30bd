/* metrics_scrape.h - /metrics of a fixture's server as text, and single samples of it. */
#ifndef TESTS_METRICS_SCRAPE_H
#define TESTS_METRICS_SCRAPE_H

#include "fixture.h"

/* All of it; lives until the next call. */
const char *scrape(struct fixture *f);
/* What follows the sample's name and labels, as in "varve_group_members{group=\"g\"}", in the last scrape; NULL: it is
 * not there. */
const char *scraped(const char *sample);
/* It must be there, and be this. */
void expect_scraped(const char *sample, const char *value);

#endif
