/* descriptors.h - how many connections the descriptors of the process allow, and how the two ports share them. */
#ifndef SERVER_DESCRIPTORS_H
#define SERVER_DESCRIPTORS_H

#include "config.h"

/* Ask the system for as many as it grants: config->connections_possible, of both ports together. */
void descriptors_ask(struct config *config);
/* The binary port has what it wants, if that is possible; HTTP has what is left. Fewer than wanted are logged. At the
 * start and after a reload: files of the journal need descriptors, too, so the limits together must leave some. */
void descriptors_share(struct config *config, const struct log *log);

#endif
