/* Waiting for the end of a job, whatever becomes of the connection meanwhile. */
#pragma once

#include "daemon/client/commands.h"

/* Shows how far the job is until it has ended, and then what came of it.
 *
 * job        as it was last seen
 * returns    CLIENT_OK; CLIENT_FAILED: not all of it went as expected; another exit status
 * suspends   until it has ended
 */
CO_BLOCKS int job_wait(struct client *client, const struct json_t *job);
