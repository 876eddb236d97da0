/* Writes metrics as Prometheus reads them: text format 0.0.4.
 *
 * A family is a name, a type and a help text, and after them its samples, one for each combination
 * of labels. The first failure sticks and makes the rest do nothing, so only prometheus_finish() is
 * checked. Values are in base units, seconds and bytes; what only grows has a name that ends in
 * _total. That, and that no two samples have the same labels, is the caller's to get right, and the
 * tests' to prove; whatever is in a label's value, the text can be read.
 *
 *     prometheus_init(&w, &buffer);
 *     prometheus_family(&w, "gatherd_items", PROMETHEUS_GAUGE, "Items, by what they do.");
 *     prometheus_sample(&w, PROMETHEUS_LABELS({"state", "queued"}), 7);
 *     rc = prometheus_finish(&w);
 *
 * source  prometheus.io: "Exposition formats", "Metric and label naming"
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum prometheus_type {
    PROMETHEUS_COUNTER,
    PROMETHEUS_GAUGE,
    PROMETHEUS_HISTOGRAM,
};

struct prometheus_label {
    const char *name;
    const char *value; /* UTF-8 */
};

/* The end of a list of them has no name. */
#define PROMETHEUS_LABELS(...) ((const struct prometheus_label[]){__VA_ARGS__, {.name = NULL}})
#define PROMETHEUS_NO_LABELS   NULL

struct prometheus_writer {
    struct buffer *out;
    size_t start;       /* out->len at prometheus_init() */
    int rc;             /* the first failure */
    const char *family; /* that was begun last; borrowed until the next one */
};

/* Begins to write at the end of out, which must not be touched until prometheus_finish(). */
void prometheus_init(struct prometheus_writer *w, struct buffer *out);

/* returns    0; -ENOMEM, -EMSGSIZE: out is as it was at prometheus_init() */
int prometheus_finish(struct prometheus_writer *w);

void prometheus_family(struct prometheus_writer *w, const char *name, enum prometheus_type type,
                       const char *help);

/* A counter's or a gauge's value; it may be NAN or INFINITY. */
void prometheus_sample(struct prometheus_writer *w, const struct prometheus_label *labels,
                       double value);

/* What a histogram has counted. */
struct prometheus_buckets {
    const double *bounds;   /* n of them, growing: a value that equals one is below it */
    const uint64_t *counts; /* n + 1: between two bounds, and above the last; not cumulative */
    size_t n;
    double sum; /* of all values */
};

/* A sample of a histogram: _bucket for each bound, _sum and _count. */
void prometheus_histogram(struct prometheus_writer *w, const struct prometheus_label *labels,
                          const struct prometheus_buckets *buckets);
