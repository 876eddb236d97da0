/* Runs every suite of suites.def; with an argument such as 2/3, the second of three parts of them,
 * so that slow runs can go beside each other. Check itself reads CK_FORK, CK_RUN_SUITE, CK_RUN_CASE
 * and CK_VERBOSITY from the environment. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SUITE(name) Suite *name(void);
#include "tests/suites.def"
#undef SUITE

#define SUITE(name) name,
static Suite *(*const suites[])(void) = {
#include "tests/suites.def"
    NULL,
};
#undef SUITE

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    size_t part = 1, n_parts = 1;

    if (argc > 1 &&
        (sscanf(argv[1], "%zu/%zu", &part, &n_parts) != 2 || part < 1 || part > n_parts)) {
        fprintf(stderr, "usage: %s [PART/PARTS]\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (size_t i = part - 1; i < sizeof(suites) / sizeof(*suites) - 1; i += n_parts)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_ENV);

    int n_failed = srunner_ntests_failed(runner);
    int n_passed = srunner_ntests_run(runner) - n_failed;
    srunner_free(runner);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed == 0 && n_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
