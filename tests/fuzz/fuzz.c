#include "tests/fuzz/fuzz.h"

#include <locale.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

void fuzz_file_open(struct fuzz_file *file, const void *bytes, size_t n_bytes)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_expect(file->fd >= 0 && fchmod(file->fd, S_IRUSR) == 0 &&
                    write(file->fd, bytes, n_bytes) == (ssize_t)n_bytes,
                "there is a file", "");
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

void fuzz_file_close(struct fuzz_file *file)
{
    close(file->fd);
}

static void compile(const char *pattern, regex_t *ret_expression)
{
    locale_t bytes = newlocale(LC_ALL_MASK, "C", NULL), before = uselocale(bytes);

    fuzz_expect(regcomp(ret_expression, pattern, REG_EXTENDED | REG_NOSUB) == 0,
                "it is an expression", pattern);
    uselocale(before);
    freelocale(bytes);
}

/* Compiling takes longer than all else. */
bool fuzz_matches(const char *text, const char *pattern)
{
    enum { N_PATTERNS = 32 };
    static struct {
        const char *pattern;
        regex_t expression;
    } known[N_PATTERNS];
    size_t i = 0;

    while (i < N_PATTERNS && known[i].pattern != NULL && known[i].pattern != pattern)
        i++;
    fuzz_expect(i < N_PATTERNS, "there is room for the expression", pattern);
    if (known[i].pattern == NULL)
        compile(pattern, &known[i].expression);
    known[i].pattern = pattern;
    return regexec(&known[i].expression, text, 0, NULL, 0) == 0;
}

void fuzz_expect(int holds, const char *sentence, const char *about)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s: %s\n", sentence, about);
    abort();
}
