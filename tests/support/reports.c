#include "tests/support/reports.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REPORTS = 16 };

static struct {
    enum co_report_kind kind;
    char text[256];
} reports[MAX_REPORTS];

unsigned n_reports;

void collect_report(void *arg, const struct co_report *report)
{
    (void)arg;
    if (n_reports < MAX_REPORTS) {
        reports[n_reports].kind = report->kind;
        snprintf(reports[n_reports].text, sizeof(reports[n_reports].text), "%s", report->text);
    }
    n_reports++;
}

void forget_reports(void)
{
    n_reports = 0;
}

void assert_reported(unsigned i, enum co_report_kind kind, const char *words)
{
    ck_assert_uint_lt(i, n_reports);
    ck_assert_uint_lt(i, MAX_REPORTS);
    ck_assert_int_eq(reports[i].kind, kind);
    ck_assert_msg(strstr(reports[i].text, words) != NULL, "it said: %s", reports[i].text);
}
