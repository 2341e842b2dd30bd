/* outbox_name.h - the name of an outbox, as it begins every request about one. */
#ifndef OUTBOX_NAME_H
#define OUTBOX_NAME_H

#include "fields.h"
#include "varve/outbox.h"

struct varve_view fields_outbox(struct fields *fields);
struct varve_view fields_outbox_or_nil(struct fields *fields);
struct varve_view fields_stream_or_nil(struct fields *fields);

#endif
