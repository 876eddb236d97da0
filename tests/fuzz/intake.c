/* A client's document, taken in as a job: the first byte chooses its type and how it is read, the
 * second the slices in which it comes, the rest is the body. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/intake_twin.h"
#include "tests/support/random.h"

enum { SLICE_MAX = 64 };

static size_t next_slice(void *arg)
{
    return 1 + random_below(arg, SLICE_MAX) % (1 + random_below(arg, SLICE_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    uint8_t choice = fuzz_byte(&input);
    struct random random = {fuzz_byte(&input)};
    const struct intake_twin twin = {
        .content_type = fuzz_types[choice / 2 % FUZZ_N_TYPES],
        .bytes = (const char *)input.bytes,
        .length = input.n_bytes,
        .next_slice = next_slice,
        .arg = &random,
        .is_streamed = choice & 1,
    };
    const char *flaw = intake_twin_flaw(&fuzz_settings, &twin);

    fuzz_expect(flaw == NULL, "it is as job_parse() has it", flaw);
    return 0;
}
