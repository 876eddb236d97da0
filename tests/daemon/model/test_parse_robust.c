/* Whatever is thrown at the parser, and whenever memory ends: an answer, and nothing is left. */

#include "daemon/model/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/utf8.h"

#include "tests/daemon/model/parse_fixture.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"

static const char *const types[] = {"application/json", "application/x-ndjson", "text/plain",
                                    "image/png"};

/* Every member there is. */
static const char everything[] =
    "{'name':'nightly','labels':{'team':'web','x':'y'},'on_invalid':'report',"
    "'defaults':{'method':'PUT','headers':{'User-Agent':'acme','X-A':['1','2'],'X-B':null},"
    "'timeout_ms':10000,'connect_timeout_ms':3000.5,'first_byte_timeout_ms':1,"
    "'idle_timeout_ms':2,'queue_timeout_ms':3,'follow_redirects':true,'max_redirects':5,"
    "'http_version':'auto','ip_version':'any',"
    "'tls':{'verify':false,'min_version':'1.3','ca_ref':'lab-ca','client_cert_ref':'lab-ca'},"
    "'auth':{'type':'basic','username':'u','secret_ref':'api-token'},"
    "'retry':{'max_attempts':5,'on':['dns','tls_handshake',429,'5xx','510-512'],"
    "'methods':['GET','POST'],'backoff_ms':1,'max_backoff_ms':2,'jitter':0.5,"
    "'respect_retry_after':false,'max_retry_after_ms':3},"
    "'expect':{'status':['2xx',304],'total_ms':{'lt':800,'gt':1},'body':{'contains':['a','b'],"
    "'not_contains':'c'},'header':[{'name':'Content-Type','contains':'json'},"
    "{'name':'x','exists':false}],'json':[{'pointer':'/a','equals':{'b':[1],'a':2}},"
    "{'pointer':'/n','gte':1,'lt':2}],'tls_expires_in_ms':{'gt':1}},"
    "'capture':{'body':'full','max_body_bytes':1024,'hash':'sha256','headers':['etag','date']}},"
    "'cookies':true,'weight':3,"
    "'limits':{'concurrency':50,'per_host_concurrency':6,"
    "'per_host_rate':{'requests':20,'per_ms':1000}},"
    "'gather':{'until':{'successes':2},'on_failure':'cancel_rest'},'deadline_ms':60000,"
    "'ttl_ms':3600000,'requests':['https://example.com/','nonsense',"
    "{'id':'api','url':'http://u:p@[::1]:8080/x?y=\\u00fc','json':{'ping':[true,null,1.5,'\\n']}},"
    "{'url':'http://b/','form':{'a':'1 2','b':['x','y']},'headers':{'x-a':'3'}},"
    "{'url':'http://c/"
    "','ip_version':'4','body_base64':'AAECAw==','repeat':{'count':3,'interval_ms':0.5}},"
    "{'url':'https://e/','http_version':'2','resolve':['e:443:192.0.2.1,[2001:db8::1]'],"
    "'auth':{'type':'bearer','token':'t'},'expect':{'json':null,'body':{'equals':'x'}}},"
    "{'url':'http://f/','proxy':'http://proxy.example:3128','retry':null,'expect':null},"
    "{'url':'http://d/','body':'text','method':'POST','repeat':2}]}";

static const char with_defects[] =
    "{'urls':[5,{'url':'ftp://x/','headers':{'a b':1,'TE':''},'timeout_ms':'x','metod':1}],"
    "'labels':[],'callback':1,'gather':{'until':'never'},'weight':0,'defaults':{'auth':{'type':1},"
    "'tls':{'ca_ref':'x'},'retry':{'on':['dsn']},'resolve':'a:b','proxy':'http://x/',"
    "'expect':{'status':'x','json':[{}],'header':[{'name':'a b'}],'body':{'lt':1}}}}";

static const char ndjson[] = "'http://a/'\n{'url':'http://b/','json':[1]}\n\n{'url':'http://c/'}\n";

static const char url_list[] = "# all\r\nhttp://a/\r\nhttp://u:p@b/\r\n";

/* --- Memory that ends ------------------------------------------------------------------------- */

static const struct {
    const char *type, *text;
    int rc;
} documents[] = {
    {NULL, everything, 0},
    {NULL, with_defects, 1},
    {"application/x-ndjson", ndjson, 0},
    {"text/uri-list", url_list, 0},
};

START_TEST(every_allocation_may_fail)
{
    char *text = with_double_quotes(documents[_i].text);
    size_t length = strlen(text), n = 1;

    for (;; n++) {
        size_t before = fault_live();
        struct parse_refusal refusal;
        struct defect_list list;
        struct job_spec *spec = NULL;

        defect_list_init(&list);
        fault_arm(n);
        int rc = job_parse(&parse_settings, PARSE_JOB, documents[_i].type, text, length, &list,
                           &refusal, &spec);
        bool failed = fault_disarm();

        /* A defect that could not be described is counted all the same. */
        ck_assert_msg(rc == (failed ? -ENOMEM : documents[_i].rc) ||
                          (failed && documents[_i].rc == 1 && rc == 1),
                      "allocation %zu: %d, %s", n, rc, rc == 1 ? list.defects[0].detail : "");
        ck_assert_int_eq(spec != NULL, rc == 0);
        job_spec_free(spec);
        defect_list_done(&list);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(n, 4);
    free(text);
}
END_TEST

START_TEST(urls_of_a_query_may_meet_the_end_of_memory)
{
    static const char *const urls[] = {"http://a/", "http://u:p@b/"};

    for (size_t n = 1;; n++) {
        size_t before = fault_live();

        fault_arm(n);
        int rc = job_parse_urls(&parse_settings, urls, 2, &parsed.defects, &parsed.refusal,
                                &parsed.spec);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
}
END_TEST

/* The arena's limit is met at every place, too: it is an answer and never a lack of memory. */
START_TEST(every_arena_is_large_enough_or_the_document_too_large)
{
    char *text = with_double_quotes(everything);
    int rc = 1;

    for (size_t max = 0; rc != 0; max += 16) {
        parse_settings.max_arena_bytes = max;
        parse_bytes(NULL, text, strlen(text));
        rc = parsed.rc;
        ck_assert_int_ge(rc, 0);
        if (rc == 1)
            ck_assert_str_eq(parsed.refusal.code, "too_large");
    }
    free(text);
}
END_TEST

/* --- Documents that are none ------------------------------------------------------------------ */

static void check_texts(void)
{
    for (size_t i = 0; i < parsed.defects.n_defects; i++) {
        const struct defect *defect = &parsed.defects.defects[i];
        ck_assert(utf8_is_valid(defect->pointer, strlen(defect->pointer)));
        ck_assert(utf8_is_valid(defect->detail, strlen(defect->detail)));
        ck_assert(defect->pointer[0] == '\0' || defect->pointer[0] == '/');
    }
}

static void check_spec(const struct job_spec *spec)
{
    for (size_t i = 0; i < spec->n_items; i++) {
        const struct request *request = job_spec_request(spec, i);
        const struct fetch_options *options = request->options;

        ck_assert_int_eq(request->url.text == NULL, request->defect != NULL);
        ck_assert(request->defect == NULL ||
                  utf8_is_valid(request->url_text, strlen(request->url_text)));
        ck_assert_uint_lt(spec->items[i].repetition, request->n_repeats);
        ck_assert_uint_gt(strlen(options->method), 0);
        for (size_t n = 0; n < options->n_headers; n++)
            ck_assert_ptr_null(strpbrk(options->headers[n].value, "\r\n"));
    }
}

/* What holds for any bytes whatever. */
static void check_outcome(void)
{
    if (parsed.rc == 0) {
        check_spec(parsed.spec);
        ck_assert_uint_eq(parsed.defects.n_found, 0);
        return;
    }
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_ptr_null(parsed.spec);
    ck_assert(utf8_is_valid(parsed.refusal.detail, strlen(parsed.refusal.detail)));
    ck_assert_int_eq(parsed.refusal.status == 422, parsed.defects.n_found > 0 &&
                                                       parsed.refusal.status != 400 &&
                                                       parsed.refusal.status != 413);
    check_texts();
}

/* Parses a copy of just that size, so that a read past it is seen. */
static void parse_exactly(const char *type, const char *bytes, size_t length)
{
    char *copy = malloc(length + (length == 0));

    memcpy(copy, bytes, length);
    parse_bytes(type, copy, length);
    free(copy);
    check_outcome();
}

static const char *const pieces[] = {
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e9",
    "0.5",
    "\\u0000",
    "\\",
    "\n",
    "\xff",
    "\xc3",
    "\"url\"",
    "\"json\":",
    "\"headers\":{",
    "@",
    "http://",
    "\"repeat\":",
    "\"x\":",
    "\0",
    " ",
    "99999999999999999999",
    "\"defaults\":{",
    "\"expect\":{",
    "\"auth\":{",
    "\"resolve\":[\"",
    "\"\"",
};

/* Changes a byte, cuts some out, doubles some, or puts a piece in. */
static size_t mutate(char *text, size_t length, size_t size, struct random *random)
{
    const char *piece = pieces[random_below(random, N_ELEMENTS(pieces))];
    size_t n_piece = piece[0] == '\0' ? 1 : strlen(piece);
    size_t at = random_below(random, (uint32_t)length + 1);
    size_t n = random_below(random, 20);

    if (n > length - at)
        n = length - at;
    switch (random_below(random, 4)) {
    case 0:
        if (at < length)
            text[at] = (char)random_next(random);
        return length;
    case 1:
        memmove(text + at, text + at + n, length - at - n);
        return length - n;
    case 2:
        if (length + n > size)
            return length;
        memmove(text + at + n, text + at, length - at);
        return length + n;
    default:
        if (length + n_piece > size)
            return length;
        memmove(text + at + n_piece, text + at, length - at);
        memcpy(text + at, piece, n_piece);
        return length + n_piece;
    }
}

enum { N_ROUNDS = 3000 };

START_TEST(a_document_that_was_changed_at_random_gets_an_answer)
{
    static const char *const originals[] = {everything, with_defects, ndjson, url_list};
    char *original = with_double_quotes(originals[_i]);
    struct random random = {(uint64_t)_i};

    for (int round = 0; round < N_ROUNDS; round++) {
        char text[8192];
        size_t length = strlen(original);

        memcpy(text, original, length);
        for (uint32_t n = 1 + random_below(&random, 4); n > 0; n--)
            length = mutate(text, length, sizeof(text), &random);
        parse_exactly(types[random_below(&random, N_ELEMENTS(types))], text, length);
    }
    free(original);
}
END_TEST

START_TEST(every_prefix_of_a_document_gets_an_answer)
{
    char *text = with_double_quotes(everything);

    for (size_t length = 0; length <= strlen(text); length++)
        parse_exactly(types[length % N_ELEMENTS(types)], text, length);
    free(text);
}
END_TEST

START_TEST(random_bytes_get_an_answer)
{
    struct random random = {7};

    for (int round = 0; round < N_ROUNDS; round++) {
        size_t length = random_below(&random, 200);
        char bytes[200];

        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)random_next(&random);
        parse_exactly(types[round % (int)N_ELEMENTS(types)], bytes, length);
    }
}
END_TEST

START_TEST(random_pieces_of_json_get_an_answer)
{
    struct random random = {8};

    for (int round = 0; round < N_ROUNDS; round++) {
        char text[1000];
        char *end = text;

        for (uint32_t n = random_below(&random, 40); n > 0; n--)
            end = stpcpy(end, pieces[random_below(&random, N_ELEMENTS(pieces))]);
        parse_exactly(types[round % (int)N_ELEMENTS(types)], text, (size_t)(end - text));
    }
}
END_TEST

Suite *suite_parse_robust(void);

Suite *suite_parse_robust(void)
{
    Suite *suite = suite_create("daemon/model/parse_robust");
    TCase *tcase = parse_case(suite, "memory");

    tcase_add_loop_test(tcase, every_allocation_may_fail, 0, N_ELEMENTS(documents));
    tcase_add_test(tcase, urls_of_a_query_may_meet_the_end_of_memory);
    tcase_add_test(tcase, every_arena_is_large_enough_or_the_document_too_large);

    tcase = parse_case(suite, "bytes");
    tcase_add_loop_test(tcase, a_document_that_was_changed_at_random_gets_an_answer, 0, 4);
    tcase_add_test(tcase, every_prefix_of_a_document_gets_an_answer);
    tcase_add_test(tcase, random_bytes_get_an_answer);
    tcase_add_test(tcase, random_pieces_of_json_get_an_answer);
    return suite;
}
