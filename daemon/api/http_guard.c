#include "daemon/api/http_guard.h"

#include <string.h>
#include <strings.h>

#include "daemon/api/http_target.h"

/* The fields that some check asks for. */
enum known_field {
    HOST,
    AUTHORIZATION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    CONTENT_TYPE,
    IDEMPOTENCY_KEY,
    LAST_EVENT_ID,
    ORIGIN,
    FETCH_SITE,
    FETCH_MODE,
    FETCH_DEST,
    N_KNOWN_FIELDS,
};

static const char *const known_names[N_KNOWN_FIELDS] = {
    [HOST] = "host",
    [AUTHORIZATION] = "authorization",
    [CONTENT_LENGTH] = "content-length",
    [EXPECT] = "expect",
    [CONTENT_TYPE] = "content-type",
    [IDEMPOTENCY_KEY] = "idempotency-key",
    [LAST_EVENT_ID] = "last-event-id",
    [TRANSFER_ENCODING] = "transfer-encoding",
    [ORIGIN] = "origin",
    [FETCH_SITE] = "sec-fetch-site",
    [FETCH_MODE] = "sec-fetch-mode",
    [FETCH_DEST] = "sec-fetch-dest",
};

/* What one walk over the head found out. */
struct facts {
    const struct http_head *head;
    const struct http_site *site;
    const char *value[N_KNOWN_FIELDS]; /* of the first such field; NULL: none */
    unsigned n[N_KNOWN_FIELDS];
    bool has_bad_name;
    bool has_bad_value;
    bool has_target;
    struct http_target target;
};

static bool is_token_byte(unsigned char byte)
{
    static const char also[] = "!#$%&'*+-.^_`|~";

    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || (byte != '\0' && strchr(also, byte) != NULL);
}

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_byte((unsigned char)text[i]))
            return false;
    return length > 0;
}

static bool is_control(unsigned char byte)
{
    return byte < ' ' || byte == 0x7f;
}

static bool has_control(const char *text, size_t length, char allowed)
{
    for (size_t i = 0; i < length; i++)
        if (is_control((unsigned char)text[i]) && text[i] != allowed)
            return true;
    return false;
}

static void note_known(struct facts *facts, const struct http_field *field)
{
    for (size_t i = 0; i < N_KNOWN_FIELDS; i++) {
        if (strlen(known_names[i]) != field->name_length ||
            strncasecmp(field->name, known_names[i], field->name_length) != 0)
            continue;
        if (facts->n[i]++ == 0)
            facts->value[i] = field->value;
        return;
    }
}

static struct facts gather_facts(const struct http_head *head, const struct http_site *site)
{
    struct facts facts = {.head = head, .site = site};
    size_t n_fields = head->n_fields <= HTTP_MAX_FIELDS ? head->n_fields : 0;

    for (size_t i = 0; i < n_fields; i++) {
        const struct http_field *field = &head->fields[i];
        facts.has_bad_name |= !is_token(field->name, field->name_length);
        facts.has_bad_value |= has_control(field->value, field->value_length, '\t');
        note_known(&facts, field);
    }
    facts.has_target = http_target_split(head->target, &facts.target);
    return facts;
}

static bool speaks(const struct facts *facts, const char *version)
{
    return strcmp(facts->head->version, version) == 0;
}

static bool other_version(const struct facts *facts)
{
    return !speaks(facts, "HTTP/1.1") && !speaks(facts, "HTTP/1.0");
}

static bool lost_bytes(const struct facts *facts)
{
    return facts->head->has_lost_bytes;
}

static bool too_many_fields(const struct facts *facts)
{
    return facts->head->n_fields > HTTP_MAX_FIELDS;
}

static bool bad_name(const struct facts *facts)
{
    return facts->has_bad_name;
}

static bool bad_value(const struct facts *facts)
{
    return facts->has_bad_value;
}

static bool several_lengths(const struct facts *facts)
{
    return facts->n[CONTENT_LENGTH] > 1;
}

static bool length_and_encoding(const struct facts *facts)
{
    return facts->n[CONTENT_LENGTH] > 0 && facts->n[TRANSFER_ENCODING] > 0;
}

static bool encoding_before_1_1(const struct facts *facts)
{
    return facts->n[TRANSFER_ENCODING] > 0 && !speaks(facts, "HTTP/1.1");
}

static bool other_encoding(const struct facts *facts)
{
    return facts->n[TRANSFER_ENCODING] > 1 ||
           (facts->n[TRANSFER_ENCODING] == 1 &&
            strcasecmp(facts->value[TRANSFER_ENCODING], "chunked") != 0);
}

static bool other_expectation(const struct facts *facts)
{
    return facts->n[EXPECT] > 1 ||
           (facts->n[EXPECT] == 1 && strcasecmp(facts->value[EXPECT], "100-continue") != 0);
}

static bool bad_target(const struct facts *facts)
{
    const char *target = facts->head->target;
    bool is_asterisk = facts->has_target && facts->target.path[0] == '*';

    return !facts->has_target || has_control(target, strlen(target), '\0') ||
           strchr(target, ' ') != NULL || !http_percent_is_valid(target, strlen(target)) ||
           (is_asterisk && strcmp(facts->head->method, "OPTIONS") != 0);
}

/* How long the dot at the start of text is: "." or "%2e"; 0 if there is none. */
static size_t dot_length(const char *text, size_t length)
{
    if (length >= 1 && text[0] == '.')
        return 1;
    return length >= 3 && strncasecmp(text, "%2e", 3) == 0 ? 3 : 0;
}

static bool is_double_dot(const char *segment, size_t length)
{
    size_t first = dot_length(segment, length);
    size_t second = first > 0 ? dot_length(segment + first, length - first) : 0;

    return second > 0 && first + second == length;
}

static bool is_hidden_byte(const char *escape)
{
    char decoded[4];

    http_percent_decode(escape, 3, decoded);
    return decoded[0] == '/' || is_control((unsigned char)decoded[0]);
}

/* A path that means another one once it is decoded or normalised. */
static bool devious_path(const struct facts *facts)
{
    const char *end = facts->target.path + facts->target.path_length;

    for (const char *at = facts->target.path; at < end; at++) {
        if (*at == '%' && is_hidden_byte(at))
            return true;
        if (*at == '/' && is_double_dot(at + 1, strcspn(at + 1, "/?")))
            return true;
    }
    return false;
}

static bool unknown_method(const struct facts *facts)
{
    static const char *const known[] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                        "DELETE", "OPTIONS", "CONNECT", "TRACE"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(facts->head->method, known[i]) == 0)
            return false;
    return true;
}

static bool several_hosts(const struct facts *facts)
{
    return facts->n[HOST] > 1 || (facts->n[HOST] == 0 && speaks(facts, "HTTP/1.1"));
}

static bool other_authority(const struct facts *facts)
{
    const struct http_target *target = &facts->target;
    const char *host = facts->value[HOST];

    return target->authority != NULL && host != NULL &&
           (strlen(host) != target->authority_length ||
            strncasecmp(host, target->authority, target->authority_length) != 0);
}

static bool foreign_host(const struct facts *facts)
{
    const struct http_target *target = &facts->target;
    const char *host = facts->value[HOST];

    return (host != NULL && !http_site_has_host(facts->site, host, strlen(host))) ||
           (target->authority != NULL &&
            !http_site_has_host(facts->site, target->authority, target->authority_length));
}

static bool several_authorizations(const struct facts *facts)
{
    return facts->n[AUTHORIZATION] > 1;
}

static bool several_types(const struct facts *facts)
{
    return facts->n[CONTENT_TYPE] > 1;
}

static bool several_keys(const struct facts *facts)
{
    return facts->n[IDEMPOTENCY_KEY] > 1;
}

static bool several_event_ids(const struct facts *facts)
{
    return facts->n[LAST_EVENT_ID] > 1;
}

static bool foreign_origin(const struct facts *facts)
{
    return facts->n[ORIGIN] > 1 ||
           (facts->n[ORIGIN] == 1 &&
            !http_site_trusts_origin(facts->site, facts->value[ORIGIN], facts->value[HOST]));
}

static bool says(const struct facts *facts, enum known_field field, const char *value)
{
    return facts->n[field] == 1 && strcmp(facts->value[field], value) == 0;
}

/* Whoever follows a link to the dashboard may see it: it holds nothing, does nothing by itself, and
 * is in no frame. */
static bool leads_to_dashboard(const struct facts *facts)
{
    return strcmp(facts->head->method, "GET") == 0 && facts->target.path_length == 1 &&
           facts->target.path[0] == '/' && *facts->target.query == '\0' &&
           says(facts, FETCH_MODE, "navigate") && says(facts, FETCH_DEST, "document");
}

/* An image or a link on a foreign page sends no Origin, but browsers tell that it is one. */
static bool foreign_page(const struct facts *facts)
{
    const char *site = facts->value[FETCH_SITE];

    return site != NULL && facts->n[ORIGIN] == 0 && strcmp(site, "none") != 0 &&
           strcmp(site, "same-origin") != 0 && !leads_to_dashboard(facts);
}

/* In order: a later check may rely on what an earlier one has refused. */
static const struct check {
    bool (*applies)(const struct facts *facts);
    struct http_refusal refusal;
} checks[] = {
    {lost_bytes,
     {400, "malformed_head",
      "The request's head holds a NUL, a folded line, or a line that does not end in CR LF."}},
    {other_version, {505, "http_version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are spoken."}},
    {too_many_fields, {431, "too_many_headers", "The request has more than 100 header fields."}},
    {bad_name,
     {400, "bad_header_name",
      "A header field's name is empty or holds a character that is not allowed in one."}},
    {bad_value, {400, "bad_header_value", "A header field's value holds a control character."}},
    {several_lengths, {400, "several_content_lengths", "There is more than one Content-Length."}},
    {length_and_encoding,
     {400, "ambiguous_length", "There are both a Content-Length and a Transfer-Encoding."}},
    {encoding_before_1_1,
     {400, "ambiguous_length", "HTTP/1.0 does not know the field Transfer-Encoding."}},
    {other_encoding,
     {501, "unsupported_transfer_encoding", "The only Transfer-Encoding known is \"chunked\"."}},
    {other_expectation,
     {417, "unsupported_expectation", "The only Expect known is \"100-continue\"."}},
    {bad_target,
     {400, "bad_target",
      "The request target is not a path of well-formed characters and percent-encodings."}},
    {several_hosts, {400, "bad_host", "A request names exactly one Host."}},
    {other_authority, {400, "bad_host", "The request target and Host name different hosts."}},
    {foreign_host,
     {403, "foreign_host",
      "Host is not a name of this server; if it should be, list it in api.allowed_hosts."}},
    {foreign_origin,
     {403, "foreign_origin",
      "Web pages of this Origin may not use this server; if they should, list it in "
      "api.allowed_origins."}},
    {foreign_page,
     {403, "foreign_origin", "A page of another site may not make a browser send this."}},
    {several_authorizations,
     {400, "several_authorizations", "There is more than one Authorization."}},
    {several_types, {400, "repeated_header", "There is more than one Content-Type."}},
    {several_keys, {400, "repeated_header", "There is more than one Idempotency-Key."}},
    {several_event_ids, {400, "repeated_header", "There is more than one Last-Event-ID."}},
    {devious_path,
     {400, "bad_path", "The path holds \"..\", or an encoded slash or control character."}},
    {unknown_method, {501, "unknown_method", "The request method is not known."}},
};

const struct http_refusal *http_guard_check(const struct http_head *head,
                                            const struct http_site *site)
{
    struct facts facts = gather_facts(head, site);

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (checks[i].applies(&facts))
            return &checks[i].refusal;
    return NULL;
}
