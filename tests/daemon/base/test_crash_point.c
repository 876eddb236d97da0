#include "daemon/base/crash_point.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/death.h"

#ifdef CRASH_POINTS

/* In a child: nothing of it is left here. */
static void come_three_times(const char *wish)
{
    setenv("GATHERD_CRASH_AT", wish, 1);
    for (int i = 0; i < 3; i++) {
        crash_point("elsewhere");
        crash_point("here");
        fprintf(stderr, "%d;", i);
    }
    _Exit(0);
}

static void wish_for_the_point(void)
{
    fputs("before;", stderr);
    setenv("GATHERD_CRASH_AT", "here", 1);
    crash_point("here");
}

static void wish_for_the_third_time(void)
{
    come_three_times("here:3");
}

START_TEST(the_process_dies_at_the_point)
{
    assert_dies(wish_for_the_point, SIGKILL, "before;");
}
END_TEST

START_TEST(the_process_dies_when_it_comes_to_the_point_often_enough)
{
    assert_dies(wish_for_the_third_time, SIGKILL, "0;1;");
}
END_TEST

START_TEST(other_points_are_passed)
{
    setenv("GATHERD_CRASH_AT", "here", 1);
    crash_point("her");
    crash_point("here_and_there");
    crash_point("there");
    unsetenv("GATHERD_CRASH_AT");
    crash_point("here");
}
END_TEST

#endif

Suite *suite_crash_point(void);

Suite *suite_crash_point(void)
{
    Suite *suite = suite_create("daemon/base/crash_point");
    TCase *tcase = tcase_create("all");

#ifdef CRASH_POINTS
    tcase_add_test(tcase, the_process_dies_at_the_point);
    tcase_add_test(tcase, the_process_dies_when_it_comes_to_the_point_often_enough);
    tcase_add_test(tcase, other_points_are_passed);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}
