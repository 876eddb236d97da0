#include "daemon/base/prometheus_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = 32 };

void prometheus_init(struct prometheus_writer *w, struct buffer *out)
{
    *w = (struct prometheus_writer){.out = out, .start = out->len, .family = ""};
}

int prometheus_finish(struct prometheus_writer *w)
{
    if (w->rc < 0)
        w->out->len = w->start;
    return w->rc;
}

static void put(struct prometheus_writer *w, const char *text)
{
    if (w->rc == 0)
        w->rc = buffer_append(w->out, text, strlen(text));
}

/* Text with a backslash before what would end it. */
static void put_escaped(struct prometheus_writer *w, const char *text, const char *special)
{
    for (size_t n = strcspn(text, special); text[n] != '\0'; n = strcspn(text, special)) {
        char letter = text[n];

        if (letter == '\n')
            letter = 'n';
        if (w->rc == 0)
            w->rc = buffer_append(w->out, text, n);
        if (w->rc == 0)
            w->rc = buffer_append_byte(w->out, '\\');
        if (w->rc == 0)
            w->rc = buffer_append_byte(w->out, letter);
        text += n + 1;
    }
    put(w, text);
}

/* As short as it gets without becoming another number. */
static const char *format_number(double value, char text[NUMBER_SIZE])
{
    if (isnan(value))
        return "NaN";
    if (isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    snprintf(text, NUMBER_SIZE, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, NUMBER_SIZE, "%.17g", value);
    return text;
}

static void put_value(struct prometheus_writer *w, double value)
{
    char text[NUMBER_SIZE];

    put(w, " ");
    put(w, format_number(value, text));
    put(w, "\n");
}

static const char *put_label(struct prometheus_writer *w, const char *before, const char *name,
                             const char *value)
{
    put(w, before);
    put(w, name);
    put(w, "=\"");
    put_escaped(w, value, "\\\"\n");
    put(w, "\"");
    return ",";
}

/* The family's name and labels, and for a bucket its bound. */
static void put_series(struct prometheus_writer *w, const char *suffix,
                       const struct prometheus_label *labels, const char *bound)
{
    const char *before = "{";

    put(w, w->family);
    put(w, suffix);
    for (; labels != NULL && labels->name != NULL; labels++)
        before = put_label(w, before, labels->name, labels->value);
    if (bound != NULL)
        before = put_label(w, before, "le", bound);
    if (*before == ',')
        put(w, "}");
}

void prometheus_family(struct prometheus_writer *w, const char *name, enum prometheus_type type,
                       const char *help)
{
    static const char *const types[] = {
        [PROMETHEUS_COUNTER] = " counter\n",
        [PROMETHEUS_GAUGE] = " gauge\n",
        [PROMETHEUS_HISTOGRAM] = " histogram\n",
    };

    w->family = name;
    put(w, "# HELP ");
    put(w, name);
    put(w, " ");
    put_escaped(w, help, "\\\n");
    put(w, "\n# TYPE ");
    put(w, name);
    put(w, types[type]);
}

void prometheus_sample(struct prometheus_writer *w, const struct prometheus_label *labels,
                       double value)
{
    put_series(w, "", labels, NULL);
    put_value(w, value);
}

void prometheus_histogram(struct prometheus_writer *w, const struct prometheus_label *labels,
                          const struct prometheus_buckets *buckets)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= buckets->n; i++) {
        char bound[NUMBER_SIZE];
        n += buckets->counts[i];
        put_series(w, "_bucket", labels,
                   format_number(i < buckets->n ? buckets->bounds[i] : INFINITY, bound));
        put_value(w, (double)n);
    }
    put_series(w, "_sum", labels, NULL);
    put_value(w, buckets->sum);
    put_series(w, "_count", labels, NULL);
    put_value(w, (double)n);
}
