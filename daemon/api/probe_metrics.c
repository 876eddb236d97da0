#include "daemon/api/probe_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/http_date.h"
#include "daemon/base/instant.h"

static double seconds(int64_t microseconds)
{
    return microseconds > 0 ? (double)microseconds / 1e6 : 0;
}

static void write_gauge(struct prometheus_writer *w, const char *name, const char *help,
                        double value)
{
    prometheus_family(w, name, PROMETHEUS_GAUGE, help);
    prometheus_sample(w, PROMETHEUS_NO_LABELS, value);
}

/* --- One number each -------------------------------------------------------------------------- */

struct subject {
    const struct request *request;
    const struct result *result;
    const struct co_http_response *response; /* the last one */
};

static bool has_response(const struct subject *s)
{
    return s->response->status > 0;
}

static bool is_over_tls(const struct subject *s)
{
    const struct co_url *url =
        s->result->final_url.text != NULL ? &s->result->final_url : &s->request->url;

    return has_response(s) && url->is_https;
}

static double dns_lookup_time(const struct subject *s)
{
    return seconds(s->result->phase_us[CO_HTTP_DNS]);
}

/* Of a body that is sent in chunks it is not known. */
static double content_length(const struct subject *s)
{
    const char *text = co_http_response_header(s->response, "content-length");

    if (!has_response(s))
        return 0;
    return text != NULL ? strtod(text, NULL) : -1;
}

static double uncompressed_body_length(const struct subject *s)
{
    return (double)s->response->decoded_bytes;
}

static double redirects(const struct subject *s)
{
    return s->result->n_hops;
}

static double ssl(const struct subject *s)
{
    return is_over_tls(s);
}

static double status_code(const struct subject *s)
{
    return s->response->status;
}

static double version(const struct subject *s)
{
    return s->response->http_version / 10.0;
}

static double ip_protocol(const struct subject *s)
{
    switch (s->response->remote.family) {
    case AF_INET:
        return 4;
    case AF_INET6:
        return 6;
    default:
        return 0;
    }
}

/* source  Fowler, Noll, Vo: FNV-1a with 32 bits */
static double ip_addr_hash(const struct subject *s)
{
    const struct co_address *address = &s->response->remote;
    size_t n = address->family == AF_INET ? 4 : sizeof(address->bytes);
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ address->bytes[i]) * 16777619;
    return address->family == AF_UNSPEC ? 0 : hash;
}

struct gauge {
    const char *name;
    const char *help;
    double (*read)(const struct subject *subject);
};

static const struct gauge gauges_of_response[] = {
    {"probe_http_content_length", "What the response says is the length of its body; -1: nothing.",
     content_length},
    {"probe_http_redirects", "Redirects that were followed.", redirects},
    {"probe_http_ssl", "Whether the last response came over TLS.", ssl},
    {"probe_http_status_code", "Status of the last response; 0: there was none.", status_code},
    {"probe_http_uncompressed_body_length", "Length of the body, decoded.",
     uncompressed_body_length},
    {"probe_http_version", "HTTP version of the last response.", version},
};

static const struct gauge gauges_of_place[] = {
    {"probe_dns_lookup_time_seconds", "Time it took to look up names.", dns_lookup_time},
    {"probe_ip_addr_hash", "Hash of the address that was connected to.", ip_addr_hash},
    {"probe_ip_protocol", "Its IP version, 4 or 6.", ip_protocol},
};

static void write_gauges(struct prometheus_writer *w, const struct gauge *gauges, size_t n,
                         const struct subject *subject)
{
    for (size_t i = 0; i < n; i++)
        write_gauge(w, gauges[i].name, gauges[i].help, gauges[i].read(subject));
}

#define WRITE_GAUGES(w, table, subject)                                                            \
    write_gauges((w), (table), sizeof(table) / sizeof((table)[0]), (subject))

/* --- Phases ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum co_http_phase first, last;
} phases[] = {
    {"resolve", CO_HTTP_DNS, CO_HTTP_DNS},
    {"connect", CO_HTTP_CONNECT, CO_HTTP_CONNECT},
    {"tls", CO_HTTP_TLS, CO_HTTP_TLS},
    {"processing", CO_HTTP_SEND, CO_HTTP_WAIT},
    {"transfer", CO_HTTP_RECEIVE, CO_HTTP_RECEIVE},
};

static bool has_come_further_than_names(const struct subject *s)
{
    return has_response(s) || s->result->n_hops > 0 || s->response->error_phase > CO_HTTP_DNS;
}

static void write_phases(struct prometheus_writer *w, const struct subject *s)
{
    size_t n = has_come_further_than_names(s) ? sizeof(phases) / sizeof(phases[0]) : 1;

    prometheus_family(w, "probe_http_duration_seconds", PROMETHEUS_GAUGE,
                      "Time each phase took, of all redirects together.");
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (enum co_http_phase phase = phases[i].first; phase <= phases[i].last; phase++)
            sum += seconds(s->result->phase_us[phase]);
        prometheus_sample(w, PROMETHEUS_LABELS({"phase", phases[i].name}), sum);
    }
}

static void write_last_modified(struct prometheus_writer *w, const struct subject *s)
{
    const char *text = co_http_response_header(s->response, "last-modified");
    int64_t instant;

    if (text != NULL && http_date_parse(text, instant_now(), &instant) == 0)
        write_gauge(w, "probe_http_last_modified_timestamp_seconds",
                    "When the resource was modified, as the response says.", (double)instant / 1e6);
}

/* --- TLS -------------------------------------------------------------------------------------- */

enum { HASH_TEXT_SIZE = 2 * 32 + 1, VERSION_SIZE = 32 };

static void format_hash(const unsigned char hash[32], char text[HASH_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    text[HASH_TEXT_SIZE - 1] = '\0';
}

static void write_chain(struct prometheus_writer *w, const struct co_http_tls *tls)
{
    char hash[HASH_TEXT_SIZE];

    format_hash(tls->sha256, hash);
    write_gauge(w, "probe_ssl_earliest_cert_expiry",
                "When the first of the certificates that were sent expires.",
                (double)tls->chain_not_after_at / 1e6);
    write_gauge(
        w, "probe_ssl_last_chain_expiry_timestamp_seconds",
        "When the first of the certificates that lead to a trusted one expires; 0: none do.",
        (double)tls->trusted_not_after_at / 1e6);
    prometheus_family(w, "probe_ssl_last_chain_info", PROMETHEUS_GAUGE,
                      "The certificate of the target.");
    prometheus_sample(
        w,
        PROMETHEUS_LABELS({"fingerprint_sha256", hash}, {"subject", tls->subject},
                          {"issuer", tls->issuer},
                          {"subjectalternative", tls->names != NULL ? tls->names : ""}),
        1);
}

/* "TLSv1.3" is "TLS 1.3" there. */
static void write_tls_version(struct prometheus_writer *w, const char *version)
{
    char text[VERSION_SIZE];
    const char *number = strncmp(version, "TLSv", 4) == 0 ? version + 4 : NULL;

    if (number != NULL)
        snprintf(text, sizeof(text), "TLS %s%s", number, strchr(number, '.') == NULL ? ".0" : "");
    prometheus_family(w, "probe_tls_version_info", PROMETHEUS_GAUGE, "The version of TLS spoken.");
    prometheus_sample(w, PROMETHEUS_LABELS({"version", number != NULL ? text : version}), 1);
}

static void write_tls(struct prometheus_writer *w, const struct subject *s)
{
    const struct co_http_tls *tls = s->response->tls;

    if (!is_over_tls(s) || tls == NULL)
        return;
    write_chain(w, tls);
    write_tls_version(w, tls->version);
}

/* --- All of it -------------------------------------------------------------------------------- */

void probe_metrics_write(struct prometheus_writer *w, const struct request *request,
                         const struct result *result)
{
    const struct subject subject = {request, result, &result->response};

    WRITE_GAUGES(w, gauges_of_response, &subject);
    WRITE_GAUGES(w, gauges_of_place, &subject);
    write_phases(w, &subject);
    write_last_modified(w, &subject);
    write_tls(w, &subject);
}

void probe_metrics_write_none(struct prometheus_writer *w)
{
    static const struct request request;
    struct result result;

    result_init(&result);
    const struct subject subject = {&request, &result, &result.response};
    WRITE_GAUGES(w, gauges_of_response, &subject);
    result_done(&result);
}

void probe_metrics_write_verdict(struct prometheus_writer *w, const struct probe_verdict *verdict)
{
    write_gauge(w, "probe_duration_seconds", "Time the whole probe took.", verdict->seconds);
    write_gauge(w, "probe_failed_due_to_regex",
                "Whether it failed because of a regular expression of the module.",
                verdict->fails_by_regex);
    write_gauge(w, "probe_success", "Whether the target is as the module wants it.",
                verdict->is_success);
}
