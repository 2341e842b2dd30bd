/* settle_sagas.h - the sagas of a slice of the frozen layer, folded onto their rows in store.mdb. */
#ifndef ENGINE_SETTLE_SAGAS_H
#define ENGINE_SETTLE_SAGAS_H

#include "settle_parts.h"

/* Within the slice's transaction, as settle_streams(): every saga stream's events of the slice, and no others. */
enum varve_status settle_sagas(struct settle_slice *slice);

#endif
