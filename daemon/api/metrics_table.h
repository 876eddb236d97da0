/* What /metrics shows: a table of families, which docs/metrics.md, the dashboard and the alerts in
 * config/ are tested against.
 *
 * Labels hold words of this program, names of the operator's own rules and nothing that a client or
 * an origin has chosen, so there are as many series as the program has words.
 */
#pragma once

#include "daemon/api/http_traffic.h"
#include "daemon/api/reading.h"
#include "daemon/base/prometheus_text.h"

/* What families are read from. */
struct metrics_source {
    struct reading reading;
    const struct http_traffic *traffic;
};

struct metrics_family {
    const char *name;
    enum prometheus_type type;
    const char *help;
    void (*write)(const struct metrics_family *family, const struct metrics_source *source,
                  struct prometheus_writer *w);
    size_t offset;     /* in struct metrics_source: of what there is one of */
    const char *label; /* of what is counted by one */
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_n_families;

/* All of them. */
void metrics_write(const struct metrics_source *source, struct prometheus_writer *w);
