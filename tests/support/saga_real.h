/* saga_real.h - the numbers of saga_model.h as real names, bytes and ids. */
#ifndef TESTS_SAGA_REAL_H
#define TESTS_SAGA_REAL_H

#include "support/saga_model.h"
#include "support/store_fixture.h"

enum { SAGA_REAL_STEPS = 4, SAGA_REAL_ERRORS = 3 };
extern const char *const saga_real_types[SAGA_MODEL_TYPES]; /* in their order */
extern const char *const saga_real_steps[SAGA_REAL_STEPS];
extern const char *const saga_real_errors[SAGA_REAL_ERRORS];

void saga_real_name(unsigned number, struct varve_view *ret_type, char ret_id[8]);
/* The transaction of a request; the caller frees it. */
struct varve_append *saga_real_make(struct store_fixture *f, const struct saga_model_request *request);

#endif
