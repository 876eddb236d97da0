/* Dates of HTTP, and Retry-After: the whole input is one. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/http_date.h"
#include "daemon/engine/retry.h"

#include "tests/fuzz/fuzz.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1800000000) * SECOND) /* 2027 */

/* As the C library has it. */
static void check_format(const char *text, int64_t instant)
{
    struct tm tm;
    char expected[64];

    gmtime_r(&(time_t){instant / SECOND}, &tm);
    size_t length = strftime(expected, sizeof(expected), "%a, %d %b ", &tm);
    strftime(expected + length, sizeof(expected) - length, "%Y %T GMT", &tm);
    fuzz_expect(tm.tm_year + 1900 < 1000 || strcmp(text, expected) == 0, "a date has one text",
                expected);
}

static void check_date(const char *text)
{
    const int64_t first = -INT64_C(62135596800) * SECOND, end = INT64_C(253402300800) * SECOND;
    int64_t instant, again;
    char canonical[HTTP_DATE_SIZE];

    bool is_canonical = http_date_parse_fixdate(text, &again) == 0;
    if (http_date_parse(text, NOW, &instant) < 0) {
        fuzz_expect(!is_canonical, "what is canonical is a date", text);
        return;
    }
    fuzz_expect(instant % SECOND == 0, "a date is a whole second", text);
    fuzz_expect(instant >= first - 366 * 86400 * SECOND && instant < end,
                "a date is one of four digits", text);
    http_date_format(instant, canonical);
    check_format(canonical, instant);
    fuzz_expect(is_canonical == (strcmp(text, canonical) == 0), "one text of a date is canonical",
                text);
    fuzz_expect(http_date_parse_fixdate(canonical, &again) == 0 && again == instant,
                "a date is read as it was written", text);
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
