/* Runs a fuzz target on files, without libFuzzer: those that are named, or all of its corpus, of
 * which make says where the sources are, and what seeds.py has made for it where make runs. So a
 * crash that was found once never comes back unseen. */
#include <err.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1024 * 1024 };

static void run_file(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "re");

    if (file == NULL)
        err(EXIT_FAILURE, "%s", path);
    size_t n_bytes = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);

    /* A block of just that size: whatever is read behind it is found. */
    uint8_t *input = malloc(n_bytes + (n_bytes == 0));
    if (input == NULL)
        err(EXIT_FAILURE, "%s", path);
    memcpy(input, bytes, n_bytes);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(input, n_bytes);
    free(input);
}

/* returns  how many there are: 0, if there is no such folder */
static int run_folder(const char *path)
{
    char pattern[PATH_MAX];
    glob_t found = {0};

    snprintf(pattern, sizeof(pattern), "%s/*", path);
    glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_file(found.gl_pathv[i]);
    int n = (int)found.gl_pathc;
    globfree(&found);
    return n;
}

static int run_corpus(const char *program)
{
    const char *sources = getenv("srcdir"), *slash = strrchr(program, '/');
    const char *target = slash != NULL ? slash + 1 : program;
    char path[PATH_MAX / 2];

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", sources != NULL ? sources : ".",
             target);
    int n = run_folder(path);
    if (n == 0)
        errx(EXIT_FAILURE, "there is nothing in %s", path);
    snprintf(path, sizeof(path), "tests/fuzz/seeds/%s", target);
    return n + run_folder(path);
}

int main(int argc, char **argv)
{
    int n_passed = argc - 1;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc == 1)
        n_passed = run_corpus(argv[0]);
    printf("%d passed, 0 failed\n", n_passed);
    return n_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
