#include "tests/fuzz/fuzz.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/parse.h"

const char *const fuzz_types[FUZZ_N_TYPES] = {
    "application/json", "application/x-ndjson", "text/uri-list", "text/plain", "image/png", NULL};

static const struct co_http_header headers[] = {{"User-Agent", "gatherd/fuzz"}};

const struct parse_settings fuzz_settings = {
    .max_items = 1000,
    .max_arena_bytes = 16 << 20,
    .json_room = 16 << 20,
    .max_capture_bytes = 1 << 20,
    .max_redirects = 20,
    .max_attempts = 10,
    .defaults =
        {
            .method = "GET",
            .headers = headers,
            .n_headers = sizeof(headers) / sizeof(headers[0]),
            .timeout_us = 30000000,
            .follow_redirects = true,
            .max_redirects = 10,
            .capture_max_bytes = 65536,
        },
};

/* As the daemon does. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    job_parse_init();
    return 0;
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->n_bytes == 0)
        return 0;
    input->n_bytes--;
    return *input->bytes++;
}

char *fuzz_line(struct fuzz_input *input)
{
    char *line = malloc(input->n_bytes + 1), *end = line;
    uint8_t byte;

    fuzz_expect(line != NULL, "there is memory", "");
    while (input->n_bytes > 0 && (byte = fuzz_byte(input)) != '\n')
        if (byte != '\0')
            *end++ = (char)byte;
    *end = '\0';
    return line;
}

void fuzz_expect(int holds, const char *sentence, const char *about)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s: %s\n", sentence, about);
    abort();
}
