#include "daemon/model/expect.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/co.h"

#include "daemon/base/utf8.h"
#include "daemon/model/json_document.h"
#include "daemon/model/result.h"

enum {
    SHOWN_MAX = 256,                  /* bytes of what was found instead */
    QUICK_JSON_MAX = 64 * 1024,       /* bytes that are read in about a millisecond */
    QUICK_TEXT_MAX = 4 * 1024 * 1024, /* bytes that are searched in about a millisecond */
};

struct judgement {
    const struct result *result;
    struct json_t *document; /* NULL: not read yet, or the body is none */
    bool document_is_read;
};

/* Judges one check.
 *
 * actual     where to write what there is, if the check does not hold; nothing: there is nothing
 * returns    1: it holds; 0: it does not; -ENOMEM
 */
typedef int judge_fn(struct judgement *judgement, const struct expect_check *check,
                     struct json_writer *actual);

struct text {
    const char *bytes;
    size_t length;
};

/* --- Showing ---------------------------------------------------------------------------------- */

static void show_beginning(struct json_writer *actual, struct text text)
{
    static const char ellipsis[] = "...";
    char shown[SHOWN_MAX + sizeof(ellipsis)];
    size_t length = utf8_whole(text.bytes, text.length < SHOWN_MAX ? text.length : SHOWN_MAX);

    memcpy(shown, text.bytes, length);
    memcpy(shown + length, ellipsis, strlen(ellipsis));
    jw_string(actual, shown, length + strlen(ellipsis));
}

static void show_text(struct json_writer *actual, struct text text)
{
    if (text.length > SHOWN_MAX)
        show_beginning(actual, text);
    else
        jw_string(actual, text.bytes, text.length);
}

static int show_json(struct json_writer *actual, const struct json_t *value)
{
    char json[SHOWN_MAX];
    struct text text;

    text.bytes = json_value_string(value, &text.length);
    if (text.bytes != NULL) {
        show_text(actual, text);
        return 0;
    }
    int rc = json_value_write(value, json, sizeof(json), &text.length);
    if (rc == 0)
        jw_raw(actual, json, text.length);
    else if (rc == 1)
        show_beginning(actual, (struct text){json, text.length});
    return rc < 0 ? rc : 0;
}

/* --- Texts: the body, headers ----------------------------------------------------------------- */

static bool text_equals(struct text text, const struct expect_check *check)
{
    return text.length == check->length && memcmp(text.bytes, check->text, text.length) == 0;
}

static bool text_contains(struct text text, const struct expect_check *check)
{
    return memmem(text.bytes, text.length, check->text, check->length) != NULL;
}

static bool text_is_there(struct text text, const struct expect_check *check)
{
    (void)text;
    (void)check;
    return true;
}

/* A negated one holds if no text matches. */
static const struct {
    bool (*matches)(struct text text, const struct expect_check *check); /* NULL: not of texts */
    bool is_negated;
} text_operators[EXPECT_N_OPERATORS] = {
    [EXPECT_EQUALS] = {text_equals, false},     [EXPECT_NOT_EQUALS] = {text_equals, true},
    [EXPECT_CONTAINS] = {text_contains, false}, [EXPECT_NOT_CONTAINS] = {text_contains, true},
    [EXPECT_PRESENT] = {text_is_there, false},  [EXPECT_ABSENT] = {text_is_there, true},
};

/* What came of looking at some texts. */
struct texts {
    size_t n;
    bool one_matches;
    struct text shown; /* the one that matches, else the first */
};

static void look_at(struct texts *texts, struct text text, const struct expect_check *check)
{
    if (texts->one_matches)
        return;
    assert(text_operators[check->op].matches != NULL);
    texts->one_matches = text_operators[check->op].matches(text, check);
    if (texts->n++ == 0 || texts->one_matches)
        texts->shown = text;
}

static int judge_texts(const struct texts *texts, const struct expect_check *check,
                       struct json_writer *actual)
{
    bool may_be_judged = texts->n > 0 || check->op == EXPECT_ABSENT;

    if (may_be_judged && texts->one_matches != text_operators[check->op].is_negated)
        return 1;
    if (texts->n > 0)
        show_text(actual, texts->shown);
    return 0;
}

static bool body_is_whole(const struct co_http_response *response)
{
    return !response->body_truncated && response->body_length == response->decoded_bytes;
}

static bool asks_for_existence(const struct expect_check *check)
{
    return check->op == EXPECT_PRESENT || check->op == EXPECT_ABSENT;
}

/* What a cut body has in it, it has; everything else nobody can tell. An empty one is a text, too,
 * but it does not exist. */
static int judge_body(struct judgement *judgement, const struct expect_check *check,
                      struct json_writer *actual)
{
    const struct co_http_response *response = &judgement->result->response;
    const struct text body = {response->body ?: "", response->body_length};
    bool can_tell =
        body_is_whole(response) || check->op == EXPECT_CONTAINS || asks_for_existence(check);
    struct texts texts = {0};

    if (body.length > 0 || !asks_for_existence(check))
        look_at(&texts, body, check);
    if (can_tell)
        return judge_texts(&texts, check, actual);
    show_text(actual, body);
    return 0;
}

static int judge_header(struct judgement *judgement, const struct expect_check *check,
                        struct json_writer *actual)
{
    const struct co_http_response *response = &judgement->result->response;
    struct texts texts = {0};

    for (size_t i = 0; i < response->n_headers; i++) {
        const struct co_http_header *header = &response->headers[i];
        if (strcasecmp(header->name, check->name) == 0)
            look_at(&texts, (struct text){header->value, strlen(header->value)}, check);
    }
    return judge_texts(&texts, check, actual);
}

/* --- Numbers: times --------------------------------------------------------------------------- */

static bool number_holds(enum expect_operator op, double actual, double expected)
{
    enum { BELOW = 1, SAME = 2, ABOVE = 4 };
    static const unsigned char accepted[EXPECT_N_OPERATORS] = {
        [EXPECT_LT] = BELOW,
        [EXPECT_LTE] = BELOW | SAME,
        [EXPECT_GT] = ABOVE,
        [EXPECT_GTE] = ABOVE | SAME,
    };
    unsigned order = actual < expected ? BELOW : actual > expected ? ABOVE : SAME;

    return (accepted[op] & order) != 0;
}

static int judge_duration(int64_t duration_us, const struct expect_check *check,
                          struct json_writer *actual)
{
    if (number_holds(check->op, (double)duration_us, check->number))
        return 1;
    jw_ms(actual, duration_us);
    return 0;
}

static int judge_time(struct judgement *judgement, const struct expect_check *check,
                      struct json_writer *actual)
{
    int64_t duration_us = result_timing_us(judgement->result, check->name);

    return judge_duration(duration_us > 0 ? duration_us : 0, check, actual);
}

static int judge_tls_expiry(struct judgement *judgement, const struct expect_check *check,
                            struct json_writer *actual)
{
    int64_t expires_in_us = result_tls_expires_in_us(judgement->result);

    return expires_in_us >= 0 ? judge_duration(expires_in_us, check, actual) : 0;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void free_document(struct json_t **document)
{
    json_document_free(*document);
}

/* Reads the body, once for all checks. returns 0, -ENOMEM */
static int read_document(struct judgement *judgement)
{
    const struct co_http_response *response = &judgement->result->response;

    if (judgement->document_is_read || !body_is_whole(response) || response->body_length == 0)
        return 0;
    judgement->document_is_read = true;
    int rc = json_document_load(response->body, response->body_length, &judgement->document);
    return rc < 0 ? rc : 0;
}

/* Equal, or contained. returns 1, 0, -ENOMEM, -EINVAL: it makes no sense */
static int json_matches(const struct json_t *value, const struct expect_check *check)
{
    CO_CLEANUP(free_document) struct json_t *expected = NULL;
    int rc = json_document_load(check->text, check->length, &expected);

    if (rc != 0)
        return rc < 0 ? rc : -EINVAL;
    if (check->op == EXPECT_EQUALS || check->op == EXPECT_NOT_EQUALS)
        return json_value_equals(value, expected);
    return json_value_contains(value, expected);
}

/* returns 1, 0, -ENOMEM */
static int json_holds(const struct json_t *value, const struct expect_check *check)
{
    bool is_negated = text_operators[check->op].is_negated;
    double number;

    if (value == NULL || asks_for_existence(check))
        return (value == NULL) == (check->op == EXPECT_ABSENT);
    if (check->text == NULL)
        return json_value_number(value, &number) && number_holds(check->op, number, check->number);
    int rc = json_matches(value, check);
    return rc == -EINVAL ? 0 : rc < 0 ? rc : (rc == 1) != is_negated;
}

static int judge_json(struct judgement *judgement, const struct expect_check *check,
                      struct json_writer *actual)
{
    int rc = read_document(judgement);

    if (rc < 0 || judgement->document == NULL)
        return rc;
    const struct json_t *value = json_document_find(judgement->document, check->name);
    rc = json_holds(value, check);
    return rc != 0 || value == NULL ? rc : show_json(actual, value);
}

/* --- The verdict ------------------------------------------------------------------------------ */

/* Takes what was written over. returns 0, -ENOMEM */
static int add_failure(struct expect_verdict *verdict, const struct expect_check *check,
                       struct json_writer *actual)
{
    size_t length;

    verdict->n_failed++;
    if (verdict->n_failures == EXPECT_FAILURES_MAX)
        return 0;
    if (verdict->failures == NULL)
        verdict->failures = calloc(EXPECT_FAILURES_MAX, sizeof(*verdict->failures));
    if (actual->out->len == 0)
        jw_null(actual);
    if (verdict->failures == NULL || jw_finish(actual) < 0 || buffer_append_byte(actual->out, '\0'))
        return -ENOMEM;
    verdict->failures[verdict->n_failures++] =
        (struct expect_failure){check, buffer_take(actual->out, &length)};
    return 0;
}

static int judge_status(const struct expect *expect, int status, struct expect_verdict *verdict,
                        struct json_writer *actual)
{
    if (!expect->has_status)
        return 0;
    if (expect_status_is_good(expect, status)) {
        verdict->n_passed++;
        return 0;
    }
    jw_int(actual, status);
    return add_failure(verdict, NULL, actual);
}

static int judge_check(struct judgement *judgement, const struct expect_check *check,
                       struct expect_verdict *verdict, struct json_writer *actual)
{
    static judge_fn *const judges[] = {
        [EXPECT_BODY] = judge_body,
        [EXPECT_HEADER] = judge_header,
        [EXPECT_JSON] = judge_json,
        [EXPECT_TIME] = judge_time,
        [EXPECT_TLS_EXPIRES_IN] = judge_tls_expiry,
    };
    int rc = judges[check->subject](judgement, check, actual);

    if (rc == 0)
        return add_failure(verdict, check, actual);
    verdict->n_passed += rc == 1;
    return rc < 0 ? rc : 0;
}

static int judge_all(const struct expect *expect, struct judgement *judgement,
                     struct expect_verdict *verdict, struct buffer *buffer)
{
    struct json_writer actual;

    jw_init(&actual, buffer);
    int rc = judge_status(expect, judgement->result->response.status, verdict, &actual);
    for (size_t i = 0; rc == 0 && i < expect->n_checks; i++) {
        buffer->len = 0;
        jw_init(&actual, buffer);
        rc = judge_check(judgement, &expect->checks[i], verdict, &actual);
    }
    return rc;
}

int expect_judge(const struct expect *expect, const struct result *result,
                 struct expect_verdict *ret_verdict)
{
    struct judgement judgement = {.result = result};
    struct buffer buffer;

    *ret_verdict = (struct expect_verdict){0};
    buffer_init(&buffer, SIZE_MAX);
    int rc = judge_all(expect, &judgement, ret_verdict, &buffer);
    json_document_free(judgement.document);
    buffer_done(&buffer);
    if (rc < 0)
        expect_verdict_done(ret_verdict);
    return rc;
}

bool expect_judge_is_slow(const struct expect *expect, const struct result *result)
{
    size_t length = result->response.body_length;

    return (expect->needs_json && length > QUICK_JSON_MAX) ||
           (expect->needs_body && length > QUICK_TEXT_MAX / expect->n_checks);
}
