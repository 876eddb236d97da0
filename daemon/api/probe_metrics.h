/* What a probe tells, under the names and labels of blackbox_exporter's http prober, so that its
 * dashboards and alerts can be used as they are.
 *
 * As there, what was not reached is 0, and of phases that were never begun there is no sample.
 */
#pragma once

#include "daemon/base/prometheus_text.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct probe_verdict {
    bool is_success;
    bool fails_by_regex;
    double seconds; /* that the probe took */
};

/* What came of the request. */
void probe_metrics_write(struct prometheus_writer *w, const struct request *request,
                         const struct result *result);

/* The same for what is no URL. */
void probe_metrics_write_none(struct prometheus_writer *w);

void probe_metrics_write_verdict(struct prometheus_writer *w, const struct probe_verdict *verdict);
