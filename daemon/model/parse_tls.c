#include "daemon/model/parse_tls.h"

#include <jansson.h>

#include "daemon/model/parse_object.h"
#include "daemon/model/parse_reference.h"
#include "daemon/model/parse_tables.h"

static int read_verify(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    bool is_verified = !*(bool *)field;
    int rc = parse_bool(reader, at, value, member, &is_verified);

    *(bool *)field = !is_verified;
    return rc;
}

static int read_version(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    static const int versions[] = {10, 11, 12, 13};
    int index = parse_word(reader, at, value, member->words);

    if (index >= 0)
        *(int *)field = versions[index];
    return 0;
}

static const char *const version_names[] = {"1.0", "1.1", "1.2", "1.3", NULL};

#define TLS(field) .offset = offsetof(struct co_http_tls_options, field)

static const struct parse_member tls_members[] = {
    {"verify", .read = read_verify, TLS(is_unverified)},
    {"min_version", .read = read_version, TLS(min_version), .words = version_names},
    {"ca_ref", .read = parse_certificate_ref, TLS(ca_file)},
    {"client_cert_ref", .read = parse_certificate_ref, TLS(client_file)},
};
const struct parse_table parse_tls_table = PARSE_TABLE("Tls", tls_members);

int parse_tls(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
              const struct parse_member *member, void *field)
{
    struct co_http_tls_options *tls = field;
    struct parse_layer layer = PARSE_LAYER(tls_members, tls);

    (void)member;
    if (!json_is_null(value))
        return parse_object(reader, at, value, &layer, 1);
    *tls = reader->settings->defaults.tls;
    return 0;
}
