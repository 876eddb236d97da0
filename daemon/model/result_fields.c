/* A result is cut after it was written, where it lies: then there is one way to write results, and
 * who wants all of them does not pay. What is left out only makes it shorter, so it can be read and
 * written in the same bytes. */
#include "daemon/model/result_fields.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/json_writer.h"
#include "daemon/base/suggest.h"

/* In the order of docs/results.md. */
static const char *const names[] = {
    "index", /* stays first */
    "object",
    "job_id",
    "id",
    "repetition",
    "seq",
    "state",
    "outcome",
    "ok",
    "request",
    "request.method",
    "request.url",
    "request.sent_bytes",
    "effective_url",
    "status_code",
    "http_version",
    "headers",
    "remote_ip",
    "remote_port",
    "connection",
    "connection.reused",
    "connection.proxy",
    "tls",
    "tls.version",
    "tls.cipher",
    "tls.verified",
    "tls.subject",
    "tls.issuer",
    "tls.not_after_at",
    "tls.expires_in_ms",
    "body",
    "body.encoding",
    "body.data",
    "body.encoded_bytes",
    "body.decoded_bytes",
    "body.truncated",
    "body.sha256",
    "redirects",
    "redirects.count",
    "redirects.hops",
    "redirects.hops.method",
    "redirects.hops.url",
    "redirects.hops.status_code",
    "redirects.hops.dns_ms",
    "redirects.hops.connect_ms",
    "redirects.hops.tls_ms",
    "redirects.hops.send_ms",
    "redirects.hops.wait_ms",
    "redirects.hops.receive_ms",
    "redirects.hops.total_ms",
    "attempts",
    "attempts.n",
    "attempts.outcome",
    "attempts.status_code",
    "attempts.started_at",
    "attempts.total_ms",
    "attempts.error",
    "attempts.backoff_ms",
    "timings",
    "timings.queue_ms",
    "timings.dns_ms",
    "timings.connect_ms",
    "timings.tls_ms",
    "timings.send_ms",
    "timings.wait_ms",
    "timings.receive_ms",
    "timings.total_ms",
    "timings.redirect_ms",
    "timings.elapsed_ms",
    "started_at",
    "finished_at",
    "expect",
    "expect.passed",
    "expect.failed",
    "expect.failures",
    "expect.failures.subject",
    "expect.failures.name",
    "expect.failures.operator",
    "expect.failures.expected",
    "expect.failures.actual",
    "error",
    "error.code",
    "error.phase",
    "error.curl_code",
    "error.curl_name",
    "error.message",
    "error.retryable",
    "error.rule",
};

enum { N_NAMES = sizeof(names) / sizeof(names[0]), NAME_SIZE = 64, INDEX = 0 };

static_assert(N_NAMES <= 8 * sizeof(struct result_fields), "there is a bit for each");

/* --- The choice ------------------------------------------------------------------------------- */

static void choose(struct result_fields *fields, size_t i)
{
    fields->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool is_chosen(const struct result_fields *fields, size_t i)
{
    return (fields->bits[i / 64] >> i % 64 & 1) != 0;
}

int result_fields_add(struct result_fields *fields, const char *name, size_t length)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        if (strlen(names[i]) != length || memcmp(names[i], name, length) != 0)
            continue;
        choose(fields, i);
        choose(fields, INDEX);
        return 0;
    }
    return -EINVAL;
}

const char *result_field_nearest(const char *name, size_t length)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, name, length);
    for (size_t i = 0; i < N_NAMES; i++)
        suggest_offer(&suggestion, names[i]);
    return suggestion.best;
}

int result_fields_add_list(struct result_fields *fields, const char *list)
{
    size_t length = strcspn(list, ",");
    int rc = result_fields_add(fields, list, length);

    while (rc == 0 && list[length] == ',') {
        list += length + 1;
        length = strcspn(list, ",");
        rc = result_fields_add(fields, list, length);
    }
    return rc;
}

bool result_fields_is_all(const struct result_fields *fields)
{
    return !is_chosen(fields, INDEX);
}

bool result_fields_is_same(const struct result_fields *a, const struct result_fields *b)
{
    return a->bits[0] == b->bits[0] && a->bits[1] == b->bits[1];
}

/* --- Cutting ---------------------------------------------------------------------------------- */

/* JSON without blanks, as a json_writer makes it. */
struct cutter {
    const struct result_fields *fields;
    const char *in;
    char *out; /* never behind in */
    char path[NAME_SIZE];
};

enum share { NONE, SOME, ALL };

/* How much is wanted of the member that the path names. */
static enum share share_of(const struct cutter *cutter)
{
    size_t length = strlen(cutter->path);
    enum share share = NONE;

    for (size_t i = 0; i < N_NAMES; i++) {
        if (!is_chosen(cutter->fields, i) || strncmp(names[i], cutter->path, length) != 0)
            continue;
        if (names[i][length] == '\0')
            return ALL;
        if (names[i][length] == '.')
            share = SOME;
    }
    return share;
}

static const char *end_of_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static const char *end_of_value(const char *at)
{
    size_t depth = 0;

    do {
        if (*at == '"') {
            at = end_of_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth > 0 || strchr(",]}", *at) == NULL);
    return at;
}

static void copy_until(struct cutter *cutter, const char *end)
{
    size_t n = (size_t)(end - cutter->in);

    memmove(cutter->out, cutter->in, n);
    cutter->out += n;
    cutter->in = end;
}

/* Between two elements that stay, whatever was between them. */
static void separate(struct cutter *cutter)
{
    if (cutter->out[-1] != '{' && cutter->out[-1] != '[')
        *cutter->out++ = ',';
}

static void cut_value(struct cutter *cutter);

/* Appends the name of a member, quoted as it is, to the path. */
static void enter(struct cutter *cutter, size_t path_length, const char *end)
{
    size_t length = (size_t)(end - cutter->in) - 2;
    char *to = cutter->path + path_length;

    if (path_length + 1 + length >= NAME_SIZE)
        length = 0; /* so long is no name */
    if (path_length > 0)
        *to++ = '.';
    memcpy(to, cutter->in + 1, length);
    to[length] = '\0';
}

static void cut_member(struct cutter *cutter)
{
    const char *colon = end_of_string(cutter->in);
    size_t path_length = strlen(cutter->path);

    enter(cutter, path_length, colon);
    enum share share = share_of(cutter);
    if (share == NONE) {
        cutter->in = end_of_value(colon + 1);
    } else {
        separate(cutter);
        copy_until(cutter, share == ALL ? end_of_value(colon + 1) : colon + 1);
    }
    if (share == SOME)
        cut_value(cutter);
    cutter->path[path_length] = '\0';
}

static void cut_element(struct cutter *cutter)
{
    separate(cutter);
    cut_value(cutter);
}

static void cut_all(struct cutter *cutter, void (*cut)(struct cutter *cutter))
{
    *cutter->out++ = *cutter->in++;
    while (*cutter->in != '}' && *cutter->in != ']') {
        cut(cutter);
        cutter->in += *cutter->in == ',';
    }
    *cutter->out++ = *cutter->in++;
}

static void cut_value(struct cutter *cutter)
{
    if (*cutter->in == '{')
        cut_all(cutter, cut_member);
    else if (*cutter->in == '[')
        cut_all(cutter, cut_element);
    else
        copy_until(cutter, end_of_value(cutter->in));
}

void result_fields_cut(const struct result_fields *fields, struct json_writer *w, size_t start)
{
    if (w->rc < 0 || result_fields_is_all(fields))
        return;
    struct cutter cutter = {.fields = fields, .in = w->out->data + start};
    cutter.out = w->out->data + start;
    cut_value(&cutter);
    *cutter.out++ = ','; /* as behind every value */
    w->out->len = (size_t)(cutter.out - w->out->data);
}
