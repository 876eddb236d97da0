#include "tests/fuzz/fuzz.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/parse.h"

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
