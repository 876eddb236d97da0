/* Headers of a request. The first two bytes are weights in Accept; each line is a field, or what is
 * in none: "Name: value". */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/access.h"
#include "daemon/api/etag.h"
#include "daemon/api/http_accept.h"
#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_guard.h"
#include "daemon/api/prefer.h"
#include "daemon/api/submit_key.h"
#include "daemon/api/wait.h"

#include "tests/fuzz/fuzz.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_FIELDS = HTTP_MAX_FIELDS + 20, MAX_WAIT_MS = 55000, WEIGHT_MAX = 1000, WEIGHT_SIZE = 8 };

struct fields {
    struct http_field items[MAX_FIELDS];
    size_t n;
    char *lines[MAX_FIELDS]; /* in which they are */
    size_t n_lines;
};

static int expect_memory(int rc)
{
    fuzz_expect(rc != -ENOMEM, "there is memory", "");
    return rc;
}

/* --- Fields ---------------------------------------------------------------------------------- */

static void add(struct fields *fields, const char *name, const char *value)
{
    if (fields->n < MAX_FIELDS)
        fields->items[fields->n++] = (struct http_field){name, value, strlen(name), strlen(value)};
}

/* Without the blanks around values, as the server has it. */
static void add_line(struct fields *fields, char *line)
{
    char *value = line, *name = strsep(&value, ":");
    size_t length = value != NULL ? strlen(value) : 0;

    fields->lines[fields->n_lines++] = line;
    while (length > 0 && strchr(" \t", value[length - 1]) != NULL)
        value[--length] = '\0';
    if (value != NULL)
        add(fields, name, value + strspn(value, " \t"));
}

static char *lower(char *text)
{
    for (char *at = text; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return text;
}

static void fields_read(struct fields *fields, struct fuzz_input lines, bool is_lower)
{
    *fields = (struct fields){.n = 0};
    while (lines.n_bytes > 0 && fields->n_lines < MAX_FIELDS) {
        char *line = fuzz_line(&lines);
        add_line(fields, is_lower ? lower(line) : line);
    }
}

static void fields_done(struct fields *fields)
{
    for (size_t i = 0; i < fields->n_lines; i++)
        free(fields->lines[i]);
}

/* Those of a name in a request of their own, behind a first one; NULL: there is none. */
static void ask(struct http_exchange *exchange, const struct fields *fields, const char *name,
                const char *first)
{
    struct fields chosen = {.n = 0};
    const struct http_head base = {.method = "GET", .target = "/", .version = "HTTP/1.1"};
    struct http_head head = base;

    if (first != NULL)
        add(&chosen, name, first);
    for (size_t i = 0; i < fields->n; i++)
        if (strcasecmp(fields->items[i].name, name) == 0)
            add(&chosen, name, fields->items[i].value);
    head.fields = chosen.items;
    head.n_fields = chosen.n;
    http_exchange_init(exchange);
    expect_memory(http_exchange_set_head(exchange, &head));
}

/* --- Whose it is ----------------------------------------------------------------------------- */

static const struct http_field *find(const struct fields *fields, const char *name)
{
    const struct http_field *field = fields->items;
    const struct http_field *end = fields->items + fields->n;

    while (field < end && strcasecmp(field->name, name) != 0)
        field++;
    return field < end ? field : NULL;
}

static bool is_ours(const char *host)
{
    return fuzz_matches(host, "^(gather\\.example(:[0-9]*)?|proxy\\.example:8443|"
                              "(192\\.0\\.2\\.1|127\\.0\\.0\\.1|localhost|\\[::1\\]):0?7480)$");
}

static bool is_trusted(const char *origin, const char *host)
{
    return strcmp(origin, "https://board.example") == 0 ||
           (strncmp(origin, "http://", strlen("http://")) == 0 &&
            strcmp(origin + strlen("http://"), host) == 0);
}

static void check_site(const struct fields *fields, const struct http_refusal *refusal)
{
    const struct http_field *host = find(fields, "Host"), *origin = find(fields, "Origin");
    const char *code = refusal != NULL ? refusal->code : "";

    if (refusal == NULL) {
        fuzz_expect(host != NULL && is_ours(host->value), "a host that is served is ours",
                    host != NULL ? host->value : "");
        fuzz_expect(origin == NULL || is_trusted(origin->value, host->value),
                    "an origin that is served is trusted", origin != NULL ? origin->value : "");
    }
    if (strcmp(code, "foreign_host") == 0)
        fuzz_expect(!is_ours(host->value), "a foreign host is not ours", host->value);
}

static const struct string_list hosts = {
    (const char *const[]){"gather.example", "proxy.example:8443"}, 2};
static const struct string_list origins = {(const char *const[]){"https://board.example"}, 1};
static const struct http_site site = {"192.0.2.1", 7480, &hosts, &origins};

/* Their case does not count there, and here they are compared as they are. */
static void check_guard(struct fuzz_input lines)
{
    struct fields fields;

    fields_read(&fields, lines, true);
    const struct http_head head = {"GET", "/", "HTTP/1.1", .fields = fields.items,
                                   .n_fields = fields.n};
    check_site(&fields, http_guard_check(&head, &site));
    fields_done(&fields);
}

/* --- Accept ---------------------------------------------------------------------------------- */

static const char *const types[] = {"application/json", "application/x-ndjson", "text/csv"};

static int choose(const struct fields *fields, const char *first)
{
    struct http_exchange exchange;

    ask(&exchange, fields, "Accept", first);
    int chosen = http_accept_choose(&exchange, types, N_ELEMENTS(types));
    http_exchange_done(&exchange);
    fuzz_expect(chosen >= -1 && chosen < (int)N_ELEMENTS(types), "a choice is one of them", "");
    return chosen;
}

/* Each element in a field of its own. */
static void split_accept(const struct fields *fields, struct fields *ret_parts)
{
    *ret_parts = (struct fields){.n = 0};
    for (size_t i = 0; i < fields->n && ret_parts->n_lines < MAX_FIELDS; i++) {
        char *rest = ret_parts->lines[ret_parts->n_lines++] = strdup(fields->items[i].value);
        const char *part;
        fuzz_expect(rest != NULL, "there is memory", "");
        while ((part = strsep(&rest, ",")) != NULL)
            if (strcasecmp(fields->items[i].name, "Accept") == 0)
                add(ret_parts, "Accept", part);
    }
}

static void check_choice(const struct fields *fields)
{
    struct fields parts;

    fuzz_expect(choose(fields, "text/csv;q=0") != 2, "what is not wanted is not chosen", "");
    fuzz_expect(choose(fields, "TEXT/CSV;q=1.000") >= 0, "what is wanted is there", "");
    split_accept(fields, &parts);
    if (parts.n < MAX_FIELDS)
        fuzz_expect(choose(fields, NULL) == choose(&parts, NULL), "a list may be in many fields",
                    "");
    fields_done(&parts);
}

static void format_weight(int weight, char text[WEIGHT_SIZE])
{
    int length = sprintf(text, "%d.%03d", weight / WEIGHT_MAX, weight % WEIGHT_MAX);

    while (text[length - 1] == '0')
        text[--length] = '\0';
}

/* The more, the better; of equals, the first. */
static void check_weights(const struct fields *fields, int json, int csv)
{
    char first[128], of_json[WEIGHT_SIZE], of_csv[WEIGHT_SIZE];
    int expected = json > 0 && json >= csv ? 0 : csv > 0 ? 2 : -1;

    format_weight(json, of_json);
    format_weight(csv, of_csv);
    snprintf(first, sizeof(first),
             "application/x-ndjson;q=0, application/json ; q=%s,text/csv;a=b;q=%s", of_json,
             of_csv);
    fuzz_expect(choose(fields, first) == expected, "what weighs most is chosen", first);
}

static void check_gzip(const struct fields *fields)
{
    static const struct {
        const char *first;
        bool is_expected;
    } firsts[] = {
        {"gzip, identity;q=0", true}, {"gzip;q=0", false}, {"gzip;q=0.5, identity", false}};
    struct http_exchange exchange;

    for (size_t i = 0; i < N_ELEMENTS(firsts); i++) {
        ask(&exchange, fields, "Accept-Encoding", firsts[i].first);
        fuzz_expect(http_accept_gzip(&exchange) == firsts[i].is_expected,
                    "gzip is for who can read it", firsts[i].first);
        http_exchange_done(&exchange);
    }
}

/* --- If-None-Match --------------------------------------------------------------------------- */

static void check_etag(const char *list)
{
    char etag[ETAG_SIZE];

    etag_of_version("j", 7, etag);
    fuzz_expect(etag_is_in(list, etag) == fuzz_matches(list,
                                                       "^[ \t,]*(([*][ \t]*$)|"
                                                       "((W/)?\"[^\"]*\"[ \t,]*)*(W/)?\"j-7\")"),
                "a list has a tag if it is there", list);
}

/* --- Idempotency-Key ------------------------------------------------------------------------- */

static void check_key(const char *text)
{
    struct submit_keys keys;
    struct submit_key key, twin, other;
    bool is_sound = fuzz_matches(text, "^[!-~]{1,255}$");

    submit_keys_init(&keys);
    int rc = expect_memory(submit_key_begin(&key, &keys, "a", text, NULL));
    fuzz_expect(rc == (is_sound ? 0 : -EINVAL), "a key is 1 to 255 visible characters", text);
    if (rc == 0) {
        fuzz_expect(submit_key_begin(&twin, &keys, "a", text, NULL) == -EBUSY,
                    "a key is taken once", text);
        fuzz_expect(submit_key_begin(&other, &keys, "b", text, NULL) == 0, "another has its own",
                    text);
        submit_key_done(&twin);
        submit_key_done(&other);
    }
    submit_key_done(&key);
}

/* --- Authorization --------------------------------------------------------------------------- */

static struct tokens *load_tokens(void)
{
    static const char line[] = /* of "abc" */
        "a sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read";
    struct fuzz_file file;
    struct tokens *tokens;

    fuzz_file_open(&file, line, strlen(line));
    fuzz_expect(tokens_load(&tokens, file.path, NULL) == 0, "there is a token", line);
    fuzz_file_close(&file);
    return tokens;
}

static void check_access(const struct fields *fields)
{
    static const struct http_route route = {"GET", "/", NULL, .needs = RIGHT_READ};
    const struct http_field *shown = find(fields, "Authorization");
    bool is_known = shown != NULL && fuzz_matches(shown->value, "^[Bb][Ee][Aa][Rr][Ee][Rr] +abc$");
    struct http_exchange exchange;
    struct access access = {load_tokens()};

    ask(&exchange, fields, "Authorization", NULL);
    expect_memory(access_check(&access, &exchange, &route));
    fuzz_expect(exchange.answer.status == (is_known ? 0 : 401), "who shows the token gets in",
                shown != NULL ? shown->value : "");
    http_exchange_done(&exchange);
    tokens_free(access.tokens);
}

/* --- Prefer ---------------------------------------------------------------------------------- */

/* returns  as wait_request_end() */
static int prefer(struct http_exchange *exchange, const struct fields *fields, const char *first,
                  struct wait_request *ret_wait)
{
    *ret_wait = (struct wait_request){.is_asked = false};
    ask(exchange, fields, "Prefer", first);
    int rc = expect_memory(wait_request_end(exchange, MAX_WAIT_MS, ret_wait));
    fuzz_expect(rc == (exchange->answer.status == 400), "what is wrong is said", "");
    fuzz_expect(rc == 1 || ret_wait->ms <= MAX_WAIT_MS, "nobody waits for too long", "");
    return rc;
}

/* What is done is said such that it would be done again. */
static void check_applied(struct http_exchange *exchange, const struct wait_request *wait)
{
    struct preferences said = {.waits = false};
    const char *name = NULL, *value;

    expect_memory(wait_answer_applied(exchange, wait, true));
    if (http_answer_next_field(&exchange->answer, &name, &value))
        fuzz_expect(preferences_add(&said, value) == 0, "what was applied is a preference", value);
    fuzz_expect(said.waits == wait->is_asked && said.responds_async == wait->responds_async &&
                    (!said.waits || said.wait_ms == wait->ms),
                "what was applied is said", "");
}

static void check_prefer(const struct fields *fields)
{
    struct http_exchange exchange;
    struct wait_request wait;

    if (prefer(&exchange, fields, NULL, &wait) == 0)
        check_applied(&exchange, &wait);
    http_exchange_done(&exchange);
    fuzz_expect(prefer(&exchange, fields, "x=\"wait=1, \\\"\", respond-async, wait=7;y=z", &wait) ==
                        0 &&
                    wait.ms == 7000 && wait.responds_async,
                "the first preference counts", "");
    http_exchange_done(&exchange);
}

/* --- All of it ------------------------------------------------------------------------------- */

static void check_lists(const struct fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        const struct http_field *field = &fields->items[i];
        if (strcasecmp(field->name, "If-None-Match") == 0)
            check_etag(field->value);
        else if (strcasecmp(field->name, "Idempotency-Key") == 0)
            check_key(field->value);
    }
}

/* Quotas want to know the time, which a loop has. */
static int check(void *arg, void **result)
{
    const struct fields *fields = arg;

    (void)result;
    check_access(fields);
    check_lists(fields);
    check_choice(fields);
    check_gzip(fields);
    check_prefer(fields);
    return 0;
}

static int weight(uint8_t byte)
{
    return byte % (WEIGHT_MAX / 4 + 1) * 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    int json = weight(fuzz_byte(&input)), csv = weight(fuzz_byte(&input));
    struct fields fields;
    struct co_loop *loop;

    check_guard(input);
    fields_read(&fields, input, false);
    check_weights(&fields, json, csv);
    fuzz_expect(co_loop_new(&loop, NULL) == 0, "there is a loop", "");
    fuzz_expect(co_loop_run_until_complete(loop, check, &fields, NULL) == 0, "it comes to an end",
                "");
    co_loop_free(loop);
    fields_done(&fields);
    return 0;
}
