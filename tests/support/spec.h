/* Batches for tests, as clients write them. */
#pragma once

#include <stdint.h>

#include "daemon/model/job_spec.h"

/* Parses a document, in which '@' stands for the port. The test fails if it is refused; the caller
 * owes one job_spec_free(). */
struct job_spec *spec_at(uint16_t port, const char *document);

struct job_spec *spec_of(const char *document);
