#include "daemon/model/job_spec.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json_writer.h"

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

int job_spec_render_labels(const struct job_spec *spec, char **ret_labels)
{
    struct buffer text;
    struct json_writer w;

    *ret_labels = NULL;
    if (spec->n_labels == 0)
        return 0;
    buffer_init(&text, PTRDIFF_MAX);
    jw_init(&w, &text);
    jw_object_begin(&w);
    for (size_t i = 0; i < spec->n_labels; i++) {
        jw_name(&w, spec->labels[i].key, strlen(spec->labels[i].key));
        jw_text(&w, spec->labels[i].value);
    }
    jw_object_end(&w);
    int rc = jw_finish(&w);
    if (rc == 0)
        rc = buffer_append_byte(&text, '\0');
    if (rc == 0)
        *ret_labels = buffer_take(&text, &(size_t){0});
    buffer_done(&text);
    return rc;
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
