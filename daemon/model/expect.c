#include "daemon/model/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool expect_status_is_good(const struct expect *expect, int status)
{
    if (expect != NULL && expect->has_status)
        return status_set_has(&expect->status, status);
    return status >= 200 && status < 400;
}

void expect_verdict_done(struct expect_verdict *verdict)
{
    for (unsigned i = 0; i < verdict->n_failures; i++)
        free(verdict->failures[i].actual);
    free(verdict->failures);
    *verdict = (struct expect_verdict){0};
}

/* --- The member "expect" of a result ---------------------------------------------------------- */

static const struct {
    const char *name; /* NULL: that of the check */
    bool is_duration;
} subjects[] = {
    [EXPECT_BODY] = {"body", false},
    [EXPECT_HEADER] = {"header", false},
    [EXPECT_JSON] = {"json", false},
    [EXPECT_TIME] = {NULL, true},
    [EXPECT_TLS_EXPIRES_IN] = {"tls_expires_in_ms", true},
};

static const char *const operators[] = {
    [EXPECT_EQUALS] = "equals",
    [EXPECT_NOT_EQUALS] = "not_equals",
    [EXPECT_CONTAINS] = "contains",
    [EXPECT_NOT_CONTAINS] = "not_contains",
    [EXPECT_PRESENT] = "exists",
    [EXPECT_ABSENT] = "exists",
    [EXPECT_LT] = "lt",
    [EXPECT_LTE] = "lte",
    [EXPECT_GT] = "gt",
    [EXPECT_GTE] = "gte",
};

static bool has_class(const struct status_set *set, int class)
{
    int status = class * 100;

    while (status < class * 100 + 100 && status_set_has(set, status))
        status++;
    return status == class * 100 + 100;
}

/* As clients write it: ["2xx", 304]. */
static void render_statuses(struct json_writer *w, const struct status_set *set)
{
    jw_array_begin(w);
    for (int class = STATUS_MIN / 100; class <= STATUS_MAX / 100; class ++) {
        if (has_class(set, class)) {
            const char text[] = {(char)('0' + class), 'x', 'x', '\0'};
            jw_text(w, text);
            continue;
        }
        for (int status = class * 100; status < class * 100 + 100; status++)
            if (status_set_has(set, status))
                jw_int(w, status);
    }
    jw_array_end(w);
}

static void render_number(struct json_writer *w, double number)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%.15g", number);

    jw_raw(w, text, (size_t)length);
}

static void render_expected(struct json_writer *w, const struct expect_check *check)
{
    if (check->op == EXPECT_PRESENT || check->op == EXPECT_ABSENT)
        jw_bool(w, check->op == EXPECT_PRESENT);
    else if (subjects[check->subject].is_duration)
        jw_ms(w, (int64_t)check->number);
    else if (check->text == NULL)
        render_number(w, check->number);
    else if (check->subject == EXPECT_JSON)
        jw_raw(w, check->text, check->length);
    else
        jw_string(w, check->text, check->length);
}

static void render_check(struct json_writer *w, const struct expect_check *check)
{
    const char *subject = subjects[check->subject].name;

    jw_key(w, "subject");
    jw_text(w, subject != NULL ? subject : check->name);
    jw_key(w, "name");
    jw_text(w, subject != NULL ? check->name : NULL);
    jw_key(w, "operator");
    jw_text(w, operators[check->op]);
    jw_key(w, "expected");
    render_expected(w, check);
}

static void render_status_check(struct json_writer *w, const struct expect *expect)
{
    jw_key(w, "subject");
    jw_text(w, "status");
    jw_key(w, "name");
    jw_null(w);
    jw_key(w, "operator");
    jw_text(w, "in");
    jw_key(w, "expected");
    render_statuses(w, &expect->status);
}

static void render_failure(struct json_writer *w, const struct expect *expect,
                           const struct expect_failure *failure)
{
    jw_object_begin(w);
    if (failure->check != NULL)
        render_check(w, failure->check);
    else
        render_status_check(w, expect);
    jw_key(w, "actual");
    jw_raw(w, failure->actual, strlen(failure->actual));
    jw_object_end(w);
}

void expect_render(struct json_writer *w, const struct expect *expect,
                   const struct expect_verdict *verdict)
{
    if (expect == NULL || verdict->n_passed + verdict->n_failed == 0) {
        jw_literal(w, "\"expect\":null,");
        return;
    }
    jw_key(w, "expect");
    jw_object_begin(w);
    jw_key(w, "passed");
    jw_uint(w, verdict->n_passed);
    jw_key(w, "failed");
    jw_uint(w, verdict->n_failed);
    jw_key(w, "failures");
    jw_array_begin(w);
    for (unsigned i = 0; i < verdict->n_failures; i++)
        render_failure(w, expect, &verdict->failures[i]);
    jw_array_end(w);
    jw_object_end(w);
}
