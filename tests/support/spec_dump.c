#include "tests/support/spec_dump.h"

#include <stdio.h>
#include <string.h>

/* A text with its length, so that no two can look alike; NULL is not "". */
static void dump_bytes(FILE *out, const char *name, const char *bytes, size_t length)
{
    if (bytes == NULL)
        return;
    fprintf(out, "%s[%zu]=", name, length);
    fwrite(bytes, 1, length, out);
    fputc('\n', out);
}

static void dump_text(FILE *out, const char *name, const char *text)
{
    dump_bytes(out, name, text, text != NULL ? strlen(text) : 0);
}

static void dump_number(FILE *out, const char *name, int64_t number)
{
    fprintf(out, "%s=%lld\n", name, (long long)number);
}

static void dump_address(FILE *out, const struct co_address *address)
{
    fprintf(out, "address=%d:%u:", (int)address->family, address->port);
    fwrite(address->bytes, 1, sizeof(address->bytes), out);
    fputc('\n', out);
}

static void dump_url(FILE *out, const struct co_url *url)
{
    dump_text(out, "url", url->text);
    dump_text(out, "url.origin", url->origin);
    dump_text(out, "url.user", url->user);
    dump_text(out, "url.password", url->password);
    dump_address(out, &url->address);
}

/* --- Options ---------------------------------------------------------------------------------- */

static void dump_auth(FILE *out, const struct fetch_auth *auth)
{
    if (auth == NULL)
        return;
    dump_number(out, "auth.type", auth->type);
    dump_text(out, "auth.user", auth->user);
    dump_text(out, "auth.secret", auth->secret);
    dump_text(out, "auth.secret_ref", auth->secret_ref);
}

static void dump_callback(FILE *out, const struct job_callback *callback)
{
    if (callback == NULL)
        return;
    dump_text(out, "callback.url", callback->url);
    dump_text(out, "callback.host", callback->host);
    dump_text(out, "callback.secret_ref", callback->secret_ref);
}

static void dump_pins(FILE *out, const struct fetch_options *options)
{
    for (size_t i = 0; i < options->n_pins; i++) {
        const struct fetch_pin *pin = &options->pins[i];
        dump_text(out, "pin.host", pin->host);
        dump_number(out, "pin.port", pin->port);
        for (size_t n = 0; n < pin->n_addresses; n++)
            dump_address(out, &pin->addresses[n]);
    }
}

static void dump_statuses(FILE *out, const char *name, const struct status_set *set)
{
    for (int status = STATUS_MIN; status <= STATUS_MAX; status++)
        if (status_set_has(set, status))
            dump_number(out, name, status);
}

static void dump_retry(FILE *out, const struct fetch_retry *retry)
{
    dump_number(out, "retry.max_attempts", retry->max_attempts);
    dump_number(out, "retry.on_errors", (int64_t)retry->on_errors);
    dump_statuses(out, "retry.on_status", &retry->on_status);
    for (size_t i = 0; i < retry->n_methods; i++)
        dump_text(out, "retry.method", retry->methods[i]);
    dump_number(out, "retry.any_method", retry->methods == NULL);
    dump_number(out, "retry.backoff_us", retry->backoff_us);
    dump_number(out, "retry.max_backoff_us", retry->max_backoff_us);
    fprintf(out, "retry.jitter=%.17g\n", retry->jitter);
    dump_number(out, "retry.respect_retry_after", retry->respect_retry_after);
    dump_number(out, "retry.max_retry_after_us", retry->max_retry_after_us);
}

static void dump_check(FILE *out, const struct expect_check *check)
{
    fprintf(out, "check=%d %d %.17g\n", (int)check->subject, (int)check->op,
            check->text == NULL ? check->number : 0);
    dump_text(out, "check.name", check->name);
    dump_bytes(out, "check.text", check->text, check->length);
}

static void dump_expect(FILE *out, const struct expect *expect)
{
    if (expect == NULL)
        return;
    dump_number(out, "expect.has_status", expect->has_status);
    if (expect->has_status)
        dump_statuses(out, "expect.status", &expect->status);
    for (size_t i = 0; i < expect->n_checks; i++)
        dump_check(out, &expect->checks[i]);
    dump_number(out, "expect.needs_body", expect->needs_body);
    dump_number(out, "expect.needs_json", expect->needs_json);
}

static void dump_times(FILE *out, const struct fetch_options *options)
{
    dump_number(out, "timeout_us", options->timeout_us);
    dump_number(out, "connect_timeout_us", options->connect_timeout_us);
    dump_number(out, "first_byte_timeout_us", options->first_byte_timeout_us);
    dump_number(out, "idle_timeout_us", options->idle_timeout_us);
    dump_number(out, "queue_timeout_us", options->queue_timeout_us);
}

static void dump_way(FILE *out, const struct fetch_options *options)
{
    dump_number(out, "follow_redirects", options->follow_redirects);
    dump_number(out, "max_redirects", options->max_redirects);
    dump_number(out, "http_version", options->http_version);
    dump_number(out, "ip_family", options->ip_family);
    dump_number(out, "tls.is_unverified", options->tls.is_unverified);
    dump_number(out, "tls.min_version", options->tls.min_version);
    dump_text(out, "tls.ca_file", options->tls.ca_file);
    dump_text(out, "tls.client_file", options->tls.client_file);
    if (options->proxy != NULL)
        dump_url(out, options->proxy);
}

static void dump_capture(FILE *out, const struct fetch_options *options)
{
    dump_number(out, "capture_body", options->capture_body);
    dump_number(out, "capture_max_bytes", (int64_t)options->capture_max_bytes);
    dump_number(out, "hash", options->hash);
    dump_number(out, "all_headers", options->kept_headers == NULL);
    for (size_t i = 0; i < options->n_kept_headers; i++)
        dump_text(out, "kept_header", options->kept_headers[i]);
}

static void dump_options(FILE *out, const struct fetch_options *options)
{
    dump_text(out, "method", options->method);
    for (size_t i = 0; i < options->n_headers; i++) {
        dump_text(out, "header", options->headers[i].name);
        dump_text(out, "value", options->headers[i].value);
    }
    dump_times(out, options);
    dump_way(out, options);
    dump_auth(out, options->auth);
    dump_pins(out, options);
    dump_retry(out, &options->retry);
    dump_expect(out, options->expect);
    dump_capture(out, options);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void dump_head(FILE *out, const struct job_spec *spec)
{
    dump_text(out, "name", spec->name);
    for (size_t i = 0; i < spec->n_labels; i++) {
        dump_text(out, "label", spec->labels[i].key);
        dump_text(out, "is", spec->labels[i].value);
    }
    dump_number(out, "concurrency", spec->limits.concurrency);
    dump_number(out, "per_host_concurrency", spec->limits.per_host_concurrency);
    dump_number(out, "per_host_interval_us", spec->limits.per_host_interval_us);
    dump_number(out, "until", spec->until);
    dump_number(out, "n_successes", (int64_t)spec->n_successes);
    dump_number(out, "cancel_rest_on_failure", spec->cancel_rest_on_failure);
    dump_number(out, "keeps_cookies", spec->keeps_cookies);
    dump_number(out, "weight", spec->weight);
    dump_number(out, "deadline_us", spec->deadline_us);
    dump_number(out, "ttl_us", spec->ttl_us);
    dump_callback(out, spec->callback);
}

static void dump_item(FILE *out, const struct job_spec *spec, size_t index)
{
    const struct request *request = job_spec_request(spec, index);

    dump_number(out, "repetition", spec->items[index].repetition);
    dump_number(out, "n_repeats", request->n_repeats);
    dump_number(out, "delay_us", job_spec_delay_us(spec, index));
    dump_url(out, &request->url);
    dump_text(out, "url_text", request->url_text);
    dump_text(out, "id", request->id);
    dump_bytes(out, "body", request->body, request->body_length);
    if (request->defect != NULL) {
        dump_text(out, "defect", request->defect->code);
        dump_text(out, "message", request->defect->message);
    }
    dump_options(out, request->options);
}

char *spec_dump_head(const struct job_spec *spec)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    dump_head(out, spec);
    fclose(out);
    return text;
}

char *spec_dump_item(const struct job_spec *spec, size_t index)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    dump_item(out, spec, index);
    fclose(out);
    return text;
}
