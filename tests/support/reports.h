/* What loops report, kept for a test to look at instead of printed. The loop of a CO_TEST() does
 * so; one that a test makes itself does when its options say `.report = collect_report`.
 */
#pragma once

#include "lib/co/co.h"

/* Empty when a test begins. */
extern unsigned n_reports;

void collect_report(void *arg, const struct co_report *report);
void forget_reports(void);

/* Report number i, from 0, is of that kind, and its sentence contains the words. */
void assert_reported(unsigned i, enum co_report_kind kind, const char *words);
