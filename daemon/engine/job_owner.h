#pragma once

#include <stdint.h>

/* Whose a new job is. All zeros: of the tenant "", which may have any number. */
struct job_owner {
    const char *tenant;
    uint64_t max_queued;              /* items of its jobs that have not ended; 0: any number */
    const char *key;                  /* Idempotency-Key; NULL: none */
    const unsigned char *fingerprint; /* of the document that came with it, 32 bytes */
};
