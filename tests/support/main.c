/* Runs every suite of suites.def. Check itself reads CK_FORK, CK_RUN_SUITE, CK_RUN_CASE and
 * CK_VERBOSITY from the environment. */

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

int main(void)
{
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; suites[i] != NULL; i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_ENV);

    int n_failed = srunner_ntests_failed(runner);
    int n_passed = srunner_ntests_run(runner) - n_failed;
    srunner_free(runner);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed == 0 && n_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
