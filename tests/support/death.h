/* Misuse that must end the process: run in a child, whose last words are read.
 *
 *     assert_dies(leave_scopes_in_the_wrong_order, SIGABRT, "was not entered last");
 */
#pragma once

#include <stddef.h>

/* misuse() must end its process by the signal, having said the sentence (NULL: whatever) on stderr.
 */
void assert_dies(void (*misuse)(void), int signal, const char *sentence);

/* Writes to byte i of a frame of 60 KiB, which steps over a guard unless the compiler probes each
 * page of it. returns 1 */
int have_a_large_frame(size_t i);
