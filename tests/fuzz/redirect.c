/* A chain of redirects: the first byte is the method's, the first line a URL; each further line is
 * a status and a Location to go to from there. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/redirect.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/url_flaw.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
static const struct co_http_header headers[] = {
    {"Accept", "*/*"}, {"Authorization", "secret"}, {"X-Api-Key", "secret"}};

static bool has_secret(const struct hop *hop)
{
    for (size_t i = 0; i < hop->n_headers; i++)
        if (strcmp(hop->headers[i].value, "secret") == 0)
            return true;
    return false;
}

static void check_hop(const struct hop *hop, const char *first_origin)
{
    const char *flaw = url_flaw(hop->url);

    fuzz_expect(flaw == NULL, flaw, hop->url->text);
    fuzz_expect(strcmp(hop->url->origin, first_origin) == 0 || !has_secret(hop),
                "a secret stays with its origin", hop->url->text);
}

/* Goes one redirect further: "302 /elsewhere". returns as redirect_follow() */
static int follow(struct hop *hop, const struct fetch_options *options, const char *line,
                  struct result *result)
{
    const char *space = line + strcspn(line, " ");
    struct co_http_header location = {"location", *space != '\0' ? space + 1 : space};

    result->response =
        (struct co_http_response){.status = atoi(line), .headers = &location, .n_headers = 1};
    int rc = redirect_follow(hop, options, false, result);
    result->response = (struct co_http_response){0};
    return rc;
}

static void follow_all(struct fuzz_input *input, const struct request *request)
{
    struct hop hop;
    struct result result;
    int rc = 1;

    hop_init(&hop, request);
    result_init(&result);
    while (rc == 1 && input->n_bytes > 0) {
        char *line = fuzz_line(input);
        rc = follow(&hop, request->options, line, &result);
        free(line);
        fuzz_expect(rc >= 0, "there is memory", "");
        fuzz_expect(result.n_hops <= request->options->max_redirects, "there is an end", "");
        check_hop(&hop, request->url.origin);
    }
    result_done(&result);
    hop_done(&hop);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    const struct fetch_options options = {
        .method = methods[fuzz_byte(&input) % N_ELEMENTS(methods)],
        .headers = headers,
        .n_headers = N_ELEMENTS(headers),
        .follow_redirects = true,
        .max_redirects = 20,
    };
    struct request request = {.options = &options, .body = "body", .body_length = 4};
    char *line = fuzz_line(&input);

    if (co_url_parse(line, strlen(line), &request.url) == 0) {
        follow_all(&input, &request);
        co_url_done(&request.url);
    }
    free(line);
    return 0;
}
