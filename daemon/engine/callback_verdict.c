#include "daemon/engine/callback_verdict.h"

#include "daemon/engine/retry.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* After the first attempt, the second, ... */
static const int64_t pauses_us[] = {
    5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR,  5 * HOUR,
    10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR,
};

enum { N_PAUSES = sizeof(pauses_us) / sizeof(*pauses_us) };
_Static_assert(N_PAUSES + 1 == CALLBACK_ATTEMPTS_MAX, "a pause between two attempts each");

#define JITTER             0.2
#define RETRY_AFTER_MAX_US (24 * HOUR)

/* --- What it has come to ---------------------------------------------------------------------- */

static bool was_blocked(const struct result *result)
{
    return result->outcome == OUTCOME_BLOCKED;
}

static bool was_taken(const struct result *result)
{
    return result->response.status / 100 == 2;
}

static bool is_unwanted(const struct result *result)
{
    return result->response.status == 410;
}

static bool was_refused(const struct result *result)
{
    return result->response.status > 0;
}

static bool was_lost(const struct result *result)
{
    (void)result;
    return true;
}

/* The first that applies counts. */
static const struct {
    bool (*applies)(const struct result *result);
    enum callback_state state;
    enum outcome outcome;
} rules[] = {
    {was_blocked, CALLBACK_BLOCKED, OUTCOME_BLOCKED},
    {was_taken, CALLBACK_DELIVERED, OUTCOME_SUCCESS},
    {is_unwanted, CALLBACK_GONE, OUTCOME_HTTP_ERROR},
    {was_refused, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},
    {was_lost, CALLBACK_PENDING, OUTCOME_TRANSPORT_ERROR},
};

/* --- When it goes on -------------------------------------------------------------------------- */

static int64_t pause_us(const struct result *result, unsigned n_attempts, double random,
                        int64_t now)
{
    double part = 1 + JITTER * (2 * random - 1);
    int64_t pause = (int64_t)((double)pauses_us[n_attempts] * part);
    int64_t asked = retry_after_us(&result->response, now);

    if (asked > RETRY_AFTER_MAX_US)
        asked = RETRY_AFTER_MAX_US;
    return asked > pause ? asked : pause;
}

struct callback_verdict callback_judge(const struct result *result, unsigned n_attempts,
                                       double random, int64_t now)
{
    size_t i = 0;

    while (!rules[i].applies(result))
        i++;
    struct callback_verdict verdict = {.state = rules[i].state, .outcome = rules[i].outcome};
    if (verdict.state == CALLBACK_PENDING && n_attempts >= N_PAUSES)
        verdict.state = CALLBACK_FAILED;
    if (verdict.state == CALLBACK_PENDING)
        verdict.pause_us = pause_us(result, n_attempts, random, now);
    return verdict;
}
