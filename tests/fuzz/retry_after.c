/* Dates of HTTP, and Retry-After: the whole input is one. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/http_date.h"
#include "daemon/engine/retry.h"

#include "tests/fuzz/fuzz.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1800000000) * SECOND) /* 2027 */

static void check_date(const char *text)
{
    const int64_t first = -INT64_C(62135596800) * SECOND, end = INT64_C(253402300800) * SECOND;
    int64_t instant;

    if (http_date_parse(text, NOW, &instant) < 0)
        return;
    fuzz_expect(instant % SECOND == 0, "a date is a whole second", text);
    fuzz_expect(instant >= first - 366 * 86400 * SECOND && instant < end,
                "a date is one of four digits", text);
}

static void check_pause(char *text)
{
    static const struct fetch_options options = {
        .method = "GET",
        .retry = {.max_attempts = 2,
                  .on_errors = UINT64_C(1) << CO_HTTP_RECV_RESET,
                  .backoff_us = SECOND,
                  .max_backoff_us = SECOND,
                  .respect_retry_after = true,
                  .max_retry_after_us = 3600 * SECOND},
    };
    struct co_http_header header = {"retry-after", text};
    const struct result result = {
        .outcome = OUTCOME_TRANSPORT_ERROR,
        .response = {.error = CO_HTTP_RECV_RESET, .headers = &header, .n_headers = 1}};
    int64_t pause = retry_pause_us(&options, &result, 0, NOW);

    fuzz_expect(pause == RETRY_NEVER || (pause >= SECOND && pause <= 3600 * SECOND),
                "a pause is at least the back-off, and at most what is allowed", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    char *text = fuzz_line(&input);

    check_date(text);
    check_pause(text);
    free(text);
    return 0;
}
