/* Whoever can reach the API can make us fetch: without tokens, only this machine may reach it. */
#pragma once

#include "daemon/base/config.h"
#include "daemon/base/err.h"

/* Whether nobody who may not connect can do so where we would listen. A socket that was passed to us
 * is judged once it is known what it is bound to, by exposure_check_address().
 *
 * returns    0; -EINVAL: err says what to do
 */
int exposure_check(const struct config *config, struct err *err);

/* The same of one address as endpoint.h has it. */
int exposure_check_address(const struct config *config, const char *text, struct err *err);
