/* The URL gate. The first byte chooses how: 0 takes the rest as a URL; else the first line is one,
 * and the rest is a reference on its page, as in Location. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/url.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/url_flaw.h"

static void check(int rc, struct co_url *url)
{
    if (rc != 0)
        return;
    const char *flaw = url_flaw(url);

    fuzz_expect(flaw == NULL, flaw, url->text);
    co_url_done(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    bool is_reference = fuzz_byte(&input) != 0;
    struct co_url base, url;

    if (!is_reference) {
        check(co_url_parse((const char *)input.bytes, input.n_bytes, &url), &url);
        return 0;
    }
    char *line = fuzz_line(&input);
    if (co_url_parse(line, strlen(line), &base) == 0) {
        check(co_url_resolve(&base, (const char *)input.bytes, input.n_bytes, &url), &url);
        co_url_done(&base);
    }
    free(line);
    return 0;
}
