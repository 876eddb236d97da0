#include "daemon/model/tally.h"

#include <stdio.h>
#include <string.h>

void tally_init(struct tally *tally, size_t n_items)
{
    memset(tally, 0, sizeof(*tally));
    tally->n_items = n_items;
}

static void add_errors(struct tally *tally, const char *code, size_t n)
{
    unsigned i = 0;

    while (i < tally->n_error_codes && strcmp(tally->errors[i].code, code) != 0)
        i++;
    if (i == TALLY_MAX_CODES)
        return;
    if (i == tally->n_error_codes)
        tally->errors[tally->n_error_codes++].code = code;
    tally->errors[i].n += (uint32_t)n;
}

struct tally_entry tally_entry(const struct result *result)
{
    const struct co_http_response *response = &result->response;

    return (struct tally_entry){
        .error_code = result->error.code,
        .total_us = result->total_us > 0 ? result->total_us : -1,
        .received_bytes = response->encoded_bytes,
        .status = (uint16_t)(response->status > 0 ? response->status : 0),
        .outcome = (uint8_t)result->outcome,
        .was_retried = result_n_attempts(result) > 1,
    };
}

void tally_add_entry(struct tally *tally, const struct tally_entry *entry)
{
    tally->n_finished++;
    tally->n_outcomes[entry->outcome]++;
    tally->n_retried += entry->was_retried;
    tally->received_bytes += entry->received_bytes;
    if (entry->total_us >= 0)
        histogram_add(&tally->total_us, (uint64_t)entry->total_us);
    if (entry->status > 0 && entry->status < TALLY_N_STATUSES)
        tally->n_statuses[entry->status]++;
    if (entry->error_code != NULL)
        add_errors(tally, entry->error_code, 1);
}

void tally_add(struct tally *tally, const struct result *result)
{
    const struct tally_entry entry = tally_entry(result);

    tally_add_entry(tally, &entry);
}

void tally_add_rest(struct tally *tally, size_t n, enum outcome outcome, const char *error_code)
{
    tally->n_finished += n;
    tally->n_outcomes[outcome] += n;
    if (n > 0 && error_code != NULL)
        add_errors(tally, error_code, n);
}

void tally_render_counts(const struct tally *tally, size_t n_running, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "total");
    jw_uint(w, tally->n_items);
    jw_key(w, "queued");
    jw_uint(w, tally->n_items - tally->n_finished - n_running);
    jw_key(w, "running");
    jw_uint(w, n_running);
    jw_key(w, "finished");
    jw_uint(w, tally->n_finished);
    for (enum outcome i = 0; i < N_OUTCOMES; i++) {
        const char *name = outcome_name(i);
        jw_name(w, name, strlen(name));
        jw_uint(w, tally->n_outcomes[i]);
    }
    jw_key(w, "retried");
    jw_uint(w, tally->n_retried);
    jw_object_end(w);
}

static void render_durations(const struct histogram *histogram, struct json_writer *w)
{
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}};

    if (histogram->n == 0) {
        jw_null(w);
        return;
    }
    jw_object_begin(w);
    jw_key(w, "min");
    jw_ms(w, (int64_t)histogram->min);
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
        jw_name(w, percentiles[i].name, strlen(percentiles[i].name));
        jw_ms(w, (int64_t)histogram_percentile(histogram, percentiles[i].share));
    }
    jw_key(w, "max");
    jw_ms(w, (int64_t)histogram->max);
    jw_key(w, "mean");
    jw_ms(w, (int64_t)(histogram->sum / histogram->n));
    jw_object_end(w);
}

static void render_statuses(const struct tally *tally, struct json_writer *w)
{
    jw_object_begin(w);
    for (int status = 0; status < TALLY_N_STATUSES; status++) {
        if (tally->n_statuses[status] == 0)
            continue;
        char name[8];
        int length = snprintf(name, sizeof(name), "%d", status);
        jw_name(w, name, (size_t)length);
        jw_uint(w, tally->n_statuses[status]);
    }
    jw_object_end(w);
}

void tally_render_stats(const struct tally *tally, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "total_ms");
    render_durations(&tally->total_us, w);
    jw_key(w, "status");
    render_statuses(tally, w);
    jw_key(w, "errors");
    jw_object_begin(w);
    for (unsigned i = 0; i < tally->n_error_codes; i++) {
        jw_name(w, tally->errors[i].code, strlen(tally->errors[i].code));
        jw_uint(w, tally->errors[i].n);
    }
    jw_object_end(w);
    jw_key(w, "received_bytes");
    jw_uint(w, tally->received_bytes);
    jw_object_end(w);
}
