/* A client's document: the first byte chooses its type and what it is for, the rest is the body. It
 * may take little memory, so that short ones reach the limit. */
#include <string.h>

#include "daemon/model/parse.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/url_flaw.h"

static void check_request(const struct request *request)
{
    const char *flaw = request->defect == NULL ? url_flaw(&request->url) : NULL;

    fuzz_expect(flaw == NULL, flaw, request->url.text);
    fuzz_expect(request->n_repeats >= 1, "it is fetched at least once", "");
    for (size_t i = 0; i < request->options->n_headers; i++)
        fuzz_expect(strpbrk(request->options->headers[i].value, "\r\n") == NULL,
                    "a header is one line", request->options->headers[i].value);
}

static void check_spec(const struct job_spec *spec)
{
    fuzz_expect(spec->n_items > 0 && spec->n_items <= fuzz_settings.max_items, "a job has items",
                "");
    for (size_t i = 0; i < spec->n_requests; i++)
        check_request(&spec->requests[i]);
    for (size_t i = 0; i < spec->n_items; i++)
        fuzz_expect(spec->items[i].request < spec->n_requests, "an item has its request", "");
}

static void check_refusal(const struct parse_refusal *refusal, const struct defect_list *defects)
{
    int status = refusal->status;

    fuzz_expect(status == 400 || status == 413 || status == 415 || status == 422,
                "a refusal has its status", refusal->detail);
    fuzz_expect(refusal->code != NULL, "a refusal has its code", refusal->detail);
    fuzz_expect(status != 422 || defects->n_found > 0, "what is wrong is said", refusal->detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    uint8_t choice = fuzz_byte(&input);
    struct parse_settings settings = fuzz_settings;
    struct defect_list defects;
    struct parse_refusal refusal;
    struct job_spec *spec;

    settings.json_room = 4096;
    defect_list_init(&defects);
    int rc = job_parse(&settings, choice & 1 ? PARSE_JOB : PARSE_GATHER,
                       fuzz_types[choice / 2 % FUZZ_N_TYPES], (const char *)input.bytes,
                       input.n_bytes, &defects, &refusal, &spec);
    fuzz_expect(rc == 0 || rc == 1, "there is memory", "");
    if (rc == 0) {
        check_spec(spec);
        job_spec_free(spec);
    } else {
        check_refusal(&refusal, &defects);
    }
    defect_list_done(&defects);
    return 0;
}
