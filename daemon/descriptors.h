/* Shares out the descriptors this process may have open.
 *
 * Each connection is one: of clients, of fetches, and those that are kept for later fetches. If the
 * configuration allows more of them than there are descriptors, they are fewer: so fetches wait for
 * their turn instead of failing, and a client is always answered, whatever the fetches use.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/config.h"

/* Allows the process as many as it may have. returns how many that are */
uint64_t descriptors_raise_limit(void);

/* Lowers what the configuration allows to what fits, and says so in the log. */
void descriptors_fit(struct config *config, uint64_t limit);
