/* A hash of texts for tables in memory: another one in every process, so that nobody can choose
 * texts that all fall into one bucket. Never write it down.
 *
 * source     lib/net/siphash.h
 */
#pragma once

#include <stdint.h>

uint64_t hash_text(const char *text);
