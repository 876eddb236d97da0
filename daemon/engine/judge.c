#include "daemon/engine/judge.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/co.h"

struct judgement {
    const struct expect *expect;
    struct result *result;
};

static int judge(void *arg, void **ret_result)
{
    const struct judgement *judgement = arg;

    (void)ret_result;
    return expect_judge(judgement->expect, judgement->result, &judgement->result->verdict);
}

/* returns 0, -ENOMEM, -ECANCELED */
static int judge_where_it_may_last(struct judgement *judgement)
{
    int rc = -EAGAIN;

    if (expect_judge_is_slow(judgement->expect, judgement->result))
        rc = co_to_thread(judge, judgement, NULL, NULL);
    return rc == -EAGAIN ? judge(judgement, NULL) : rc; /* no thread could be made */
}

static bool is_answer(const struct result *result)
{
    return result->outcome == OUTCOME_SUCCESS || result->outcome == OUTCOME_HTTP_ERROR;
}

static int judge_answer(const struct expect *expect, struct result *result)
{
    struct judgement judgement = {.expect = expect, .result = result};
    int rc = judge_where_it_may_last(&judgement);

    if (rc == -ECANCELED) {
        result_fail(result, OUTCOME_CANCELED, "canceled", "receive",
                    "it was given up while it was being judged");
        return rc;
    }
    if (rc < 0) {
        result_fail(result, OUTCOME_TRANSPORT_ERROR, "resource_exhausted", "receive",
                    "there was no memory to judge it");
        result->error.retryable = true;
    } else if (result->outcome == OUTCOME_SUCCESS && result->verdict.n_failed > 0) {
        result->outcome = OUTCOME_ASSERTION_FAILED;
    }
    return 0;
}

static void forget_body(struct co_http_response *response)
{
    free(co_take(response->body));
    response->body_length = 0;
    response->body_truncated = false;
}

int judge_result(const struct request *request, struct result *result)
{
    const struct fetch_options *options = request->options;
    int rc = 0;

    if (options->expect != NULL && is_answer(result))
        rc = judge_answer(options->expect, result);
    if (!options->capture_body)
        forget_body(&result->response);
    return rc;
}
