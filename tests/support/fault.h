#pragma once

/* Allocation faults: make the n-th allocation fail, and count what is alive.
 *
 * The linker sends every call of an allocating function in our objects (and in static libraries
 * such as Check) through fault.c; tests/local.am has the list. Allocations that a shared library
 * makes for itself never come here, so they neither fail nor count. Memory of any other origin may
 * be freed as usual. Check's assertions may be used while a fault is armed.
 *
 * The list stays complete by itself: an allocating function that is not simulated here does not
 * link in the unit tests.
 *
 * How to fail every allocation of an action once:
 *
 *     for (size_t n = 1;; n++) {
 *         size_t before = fault_live();
 *         fault_arm(n);
 *         int rc = thing_new(&thing);
 *         if (!fault_disarm())
 *             break;
 *         ck_assert_int_eq(rc, -ENOMEM);
 *         ck_assert_uint_eq(fault_live(), before);
 *     }
 *     thing_free(thing);
 *
 * Every function may be called from any thread. */

#include <stdbool.h>
#include <stddef.h>

/* Let the n-th allocation from now on fail; 1 is the next one. mmap() counts as an allocation. */
void fault_arm(size_t n);

/* The same, and every allocation after it fails too, until fault_disarm(). */
void fault_arm_sticky(size_t n);

/* Let allocations succeed again.
 *
 * returns    whether one was made to fail since the last fault_arm() */
bool fault_disarm(void);

/* How many blocks were allocated through the list and not freed yet; mmap() is not counted. */
size_t fault_live(void);

/* Have fn called before a block is freed, whose bytes are still there; NULL: nothing any more. */
void fault_on_free(void (*fn)(const void *block));

/* Have fn called when an assertion of Check does not hold, before Check is. */
void fault_on_failed_assertion(void (*fn)(const char *file, int line, const char *sentence));
