#include "daemon/model/job_spec.h"

#include <stdlib.h>
#include <string.h>

const struct fetch_pin *fetch_options_pin(const struct fetch_options *options,
                                          const struct co_url *url)
{
    for (size_t i = 0; i < options->n_pins; i++)
        if (options->pins[i].port == url->port && strcmp(options->pins[i].host, url->host) == 0)
            return &options->pins[i];
    return NULL;
}

int64_t job_spec_delay_us(const struct job_spec *spec, size_t index)
{
    const struct item *item = &spec->items[index];
    int64_t delay_us;

    if (__builtin_mul_overflow(spec->requests[item->request].repeat_interval_us, item->repetition,
                               &delay_us))
        return INT64_MAX;
    return delay_us;
}

void job_spec_free(struct job_spec *spec)
{
    if (spec == NULL)
        return;
    for (size_t i = 0; i < spec->n_requests; i++)
        co_url_done(&spec->requests[i].url);
    arena_done(&spec->arena);
    refcount_unref(spec->settings);
    free(spec);
}

void job_spec_freep(struct job_spec **spec)
{
    job_spec_free(*spec);
}
