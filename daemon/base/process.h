/* What the kernel knows of processes: of ours the numbers that Prometheus' client libraries show,
 * under the same meanings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* 0: not known. */
struct process_numbers {
    int64_t cpu_us;     /* user and system, since its start */
    int64_t started_at; /* microseconds since 1970 */
    uint64_t n_open_files;
    uint64_t max_open_files;
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t n_threads;
};

/* Looks into /proc, and counts the descriptors there: with thousands of them, not for the loop. */
void process_read(struct process_numbers *ret_numbers);

/* Whether a process was started as a program of this name, maybe by another one that runs it, such
 * as valgrind. true if that cannot be told. */
bool process_may_run(long pid, const char *program);
