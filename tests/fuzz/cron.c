/* Times of a calendar: the whole input is an expression. */
#include <stdlib.h>

#include "daemon/base/cron.h"

#include "tests/fuzz/fuzz.h"

#define MINUTE INT64_C(60000000)
#define NOW    (INT64_C(1800000000) * 1000000 + 1) /* 2027 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    char *text = fuzz_line(&input);
    struct err err = {""};
    struct cron cron;
    int rc = cron_parse(text, &cron, &err);
    int64_t at = NOW;

    fuzz_expect((rc < 0) == (err.message[0] != '\0'), "what is refused is explained", text);
    for (int i = 0; rc == 0 && i < 10; i++) {
        int64_t next = cron_next(&cron, at);
        fuzz_expect(next > at && next % MINUTE == 0, "the next time is a later minute", text);
        fuzz_expect(next == cron_next(&cron, next - 1), "nothing is in between", text);
        fuzz_expect(i == 0 || next - at >= cron_min_gap_us(&cron), "gaps are not smaller", text);
        at = next;
    }
    free(text);
    return 0;
}
