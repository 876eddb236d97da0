/* Runs every suite of suites.def; with an argument such as 2/3, the second of three parts of them,
 * so that slow runs can go beside each other. Check itself reads CK_FORK, CK_RUN_SUITE, CK_RUN_CASE
 * and CK_VERBOSITY from the environment.
 *
 * With CK_FORK=no all tests share this process, and the first that fails ends it: there is no way
 * back from a coroutine. So each says its name as it begins. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fault.h"

#define SUITE(name) Suite *name(void);
#include "tests/suites.def"
#undef SUITE

#define SUITE(name) name,
static Suite *(*const suites[])(void) = {
#include "tests/suites.def"
    NULL,
};
#undef SUITE

/* Seconds, for tests that have no limit of their own. It is there to end what hangs; the machine
 * may be as slow as it likes. */
#define TIMEOUT "60"

static bool is_forking;

/* Check calls this before each test; the linker brings the call here. */
void __real_tcase_fn_start(const char *name, const char *file, int line);
void __wrap_tcase_fn_start(const char *name, const char *file, int line);
void __wrap_tcase_fn_start(const char *name, const char *file, int line)
{
    if (!is_forking) {
        printf("test %s\n", name);
        fflush(stdout);
    }
    __real_tcase_fn_start(name, file, line);
}

static void fail_for_good(const char *file, int line, const char *sentence)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, sentence);
    _Exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    size_t part = 1, n_parts = 1;

    if (argc > 1 &&
        (sscanf(argv[1], "%zu/%zu", &part, &n_parts) != 2 || part < 1 || part > n_parts)) {
        fprintf(stderr, "usage: %s [PART/PARTS]\n", argv[0]);
        return EXIT_FAILURE;
    }
    setenv("CK_DEFAULT_TIMEOUT", TIMEOUT, 0);
    for (size_t i = part - 1; i < sizeof(suites) / sizeof(*suites) - 1; i += n_parts)
        srunner_add_suite(runner, suites[i]());
    is_forking = srunner_fork_status(runner) == CK_FORK;
    if (!is_forking)
        fault_on_failed_assertion(fail_for_good);
    srunner_run_all(runner, CK_ENV);

    int n_failed = srunner_ntests_failed(runner);
    int n_passed = srunner_ntests_run(runner) - n_failed;
    srunner_free(runner);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed == 0 && n_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
