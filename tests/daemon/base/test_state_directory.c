#include "daemon/base/state_directory.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fault.h"

static const struct {
    const char *configured;
    const char *given, *state, *home; /* $STATE_DIRECTORY, $XDG_STATE_HOME, $HOME; NULL: unset */
    const char *of_root, *of_others;  /* NULL: none */
} cases[] = {
    {"/data", "/var/lib/a", "/state", "/home/a", "/data", "/data"},
    {"data", NULL, NULL, NULL, "data", "data"},
    {"", "/var/lib/a", "/state", "/home/a", "/var/lib/a", "/var/lib/a"},
    {"", "/var/lib/a:/var/lib/b", NULL, NULL, "/var/lib/a", "/var/lib/a"},
    {"", NULL, "/state", "/home/a", "/var/lib/gatherd", "/state/gatherd"},
    {"", "", "relative", "/home/a", "/var/lib/gatherd", "/home/a/.local/state/gatherd"},
    {"", NULL, NULL, "/home/a", "/var/lib/gatherd", "/home/a/.local/state/gatherd"},
    {"", NULL, NULL, NULL, "/var/lib/gatherd", NULL},
};

static void set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void set_environment(int i)
{
    set("STATE_DIRECTORY", cases[i].given);
    set("XDG_STATE_HOME", cases[i].state);
    set("HOME", cases[i].home);
}

static void expect(int i, const char *expected)
{
    struct err err = {""};
    char *path = NULL;
    int rc = state_directory(cases[i].configured, &path, &err);

    ck_assert_int_eq(rc, expected != NULL ? 0 : -EINVAL);
    if (expected != NULL)
        ck_assert_str_eq(path, expected);
    else
        ck_assert_ptr_nonnull(strstr(err.message, "store.path"));
    free(path);
}

START_TEST(what_is_nearest_counts)
{
    set_environment(_i);
    if (geteuid() == 0) {
        expect(_i, cases[_i].of_root);
        ck_assert_int_eq(seteuid(65534), 0);
        expect(_i, cases[_i].of_others);
        ck_assert_int_eq(seteuid(0), 0);
    } else {
        expect(_i, cases[_i].of_others);
    }
}
END_TEST

START_TEST(path_there_is_no_memory_for_is_not_made)
{
    char *path;

    fault_arm(1);
    ck_assert_int_eq(state_directory("/data", &path, NULL), -ENOMEM);
    ck_assert(fault_disarm());
}
END_TEST

static char *saved[3];
static const char *const names[] = {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};

static void save(void)
{
    for (int i = 0; i < 3; i++)
        saved[i] = getenv(names[i]) != NULL ? strdup(getenv(names[i])) : NULL;
}

static void restore(void)
{
    for (int i = 0; i < 3; i++) {
        set(names[i], saved[i]);
        free(saved[i]);
    }
}

Suite *suite_state_directory(void);

Suite *suite_state_directory(void)
{
    Suite *suite = suite_create("daemon/base/state_directory");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, save, restore);
    tcase_add_loop_test(tcase, what_is_nearest_counts, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tcase, path_there_is_no_memory_for_is_not_made);
    suite_add_tcase(suite, tcase);
    return suite;
}
