#include "lib/net/http_private.h"

#include <string.h>

static bool is_skipped(const struct co_http_timing *timing, enum co_http_phase phase)
{
    return (timing->skipped & 1u << phase) != 0;
}

void co_http_timing_skip(struct co_http_timing *timing, enum co_http_phase phase)
{
    timing->skipped |= 1u << phase;
}

void co_http_timing_end(struct co_http_timing *timing, enum co_http_phase phase, co_time at)
{
    if (timing->ended[phase] == 0)
        timing->ended[phase] = at;
}

void co_http_timing_reopen(struct co_http_timing *timing)
{
    bool was_answered = timing->ended[CO_HTTP_WAIT] != 0;

    co_http_timing_return(timing, was_answered ? CO_HTTP_WAIT : CO_HTTP_CONNECT);
}

void co_http_timing_return(struct co_http_timing *timing, enum co_http_phase phase)
{
    memset(&timing->ended[phase], 0, sizeof(timing->ended) - sizeof(timing->ended[0]) * phase);
}

enum co_http_phase co_http_timing_phase(const struct co_http_timing *timing)
{
    enum co_http_phase phase = CO_HTTP_RECEIVE;

    while (phase > CO_HTTP_DNS && timing->ended[phase - 1] == 0)
        phase--;
    while (is_skipped(timing, phase))
        phase++;
    return phase;
}

/* Each stamp is rounded by itself, so that the differences add up. */
static int64_t microseconds(const struct co_http_timing *timing, co_time at)
{
    return (at - timing->started) / CO_MICROSECOND;
}

void co_http_timing_report(struct co_http_timing *timing, co_time done,
                           struct co_http_response *response)
{
    int64_t before = 0;

    response->error_phase = co_http_timing_phase(timing);
    timing->ended[response->error_phase] = done;
    for (enum co_http_phase phase = 0; phase < CO_HTTP_N_PHASES; phase++) {
        response->phase_us[phase] = -1;
        if (timing->ended[phase] == 0 || is_skipped(timing, phase))
            continue;
        int64_t end = microseconds(timing, timing->ended[phase]);
        response->phase_us[phase] = end - before;
        before = end;
    }
    response->total_us = before;
}
