#pragma once

/* Limits of the system: make the n-th call that asks it for a descriptor or a thread fail, as
 * fault.h does with allocations. tests/local.am has the list of these calls, and as there only
 * those in our objects come here.
 *
 * Every function may be called from any thread. */

#include <stdbool.h>
#include <stddef.h>

/* Let the n-th call from now on fail; 1 is the next one. */
void limit_arm(size_t n);

/* Let calls succeed again.
 *
 * returns    whether one was made to fail since limit_arm() */
bool limit_disarm(void);
