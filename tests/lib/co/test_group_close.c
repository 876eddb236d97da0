/* Closing a group with a grace; all else about groups is in test_group.c. */

#include <errno.h>
#include <string.h>

#include "tests/support/runtime.h"

enum { LATE = -EHOSTDOWN }; /* what leaving a group returns whose grace ran out */

/* Serves until its group closes, then has some more to do. Notes that it heard, and how that ended.
 */
struct service {
    struct co_group *group;
    co_time rest;
};

static int serve(void *arg, void **result)
{
    const struct service *service = arg;
    int rc = co_group_wait_closing(service->group);

    (void)result;
    note(rc == 0 ? 'h' : '-');
    if (rc == 0)
        rc = co_sleep(service->rest);
    note(rc == 0 ? 'e' : 'c');
    return rc;
}

static void start_service(struct service *service, struct co_group *group, co_time rest)
{
    *service = (struct service){group, rest};
    assert_ok(co_group_spawn(group, "service", serve, service, NULL));
}

CO_TEST(closing_a_group_tells_its_tasks_and_cancels_those_that_take_longer_than_the_grace)
{
    struct co_group group;
    struct service prompt, slow;

    co_group_enter(&group, CO_NEVER);
    start_service(&prompt, &group, CO_SECOND);
    start_service(&slow, &group, 5 * CO_SECOND);
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_str_eq(trace, "");
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), LATE);
    ck_assert_str_eq(trace, "hhec");
    ck_assert_int_eq(now_ms(), 3000);
    ck_assert_str_eq(group.scope.why, "closing time");
    ck_assert_str_eq(group.scope.cancelled_by, "main");
    ck_assert_ptr_nonnull(strstr(group.scope.cancelled_at, "test_group_close.c:"));
}

CO_TEST(a_group_whose_tasks_end_within_the_grace_was_not_cancelled)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 7), 7);
    ck_assert_str_eq(trace, "he");
    ck_assert_int_eq(now_ms(), 1000);
}

CO_TEST(a_deadline_sooner_than_the_grace_stays)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_SECOND);
    start_service(&service, &group, 5 * CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), -ETIMEDOUT);
    ck_assert_str_eq(trace, "hc");
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_ptr_null(group.scope.cancelled_by);
}

CO_TEST(a_deadline_later_than_the_grace_does_not_prolong_it)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, 10 * CO_SECOND);
    start_service(&service, &group, 5 * CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), LATE);
    ck_assert_int_eq(now_ms(), 2000);
}

CO_TEST(a_cancel_cuts_the_grace_short)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 5 * CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    assert_ok(co_sleep(CO_SECOND));
    co_group_cancel(&group, -ENOSPC, "no time for that");
    ck_assert_int_eq(co_group_exit(&group, 0), -ENOSPC);
    ck_assert_str_eq(trace, "hc");
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_str_eq(group.scope.why, "no time for that");
}

CO_TEST(a_cancel_from_outside_cuts_the_grace_short_too)
{
    struct co_scope scope;
    struct co_group group;
    struct service service;

    co_scope_enter(&scope, CO_SECOND);
    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 5 * CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    int rc = co_group_exit(&group, 0);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_str_eq(trace, "hc");
    ck_assert_int_eq(now_ms(), 1000);
}

static int fail_later(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_sleep(CO_SECOND));
    return -EIO;
}

CO_TEST(a_failure_within_the_grace_cancels_the_others_at_once)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 5 * CO_SECOND);
    assert_ok(co_group_spawn(&group, "failing", fail_later, NULL, NULL));
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    ck_assert_int_eq(now_ms(), 1000);
}

CO_TEST(without_grace_closing_is_cancelling)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 5 * CO_SECOND);
    assert_ok(co_sleep(CO_SECOND));
    co_group_close(&group, 0, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), LATE);
    ck_assert_int_eq(now_ms(), 1000);
}

CO_TEST(with_endless_grace_nobody_is_cancelled)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 3600 * CO_SECOND);
    co_group_close(&group, CO_NEVER, LATE, "closing time");
    assert_ok(co_group_exit(&group, 0));
    ck_assert_str_eq(trace, "he");
}

CO_TEST(closing_again_changes_nothing)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, 5 * CO_SECOND);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    co_group_close(&group, CO_SECOND, -EIO, "sooner");
    co_group_close(&group, 0, -EIO, "now");
    ck_assert_int_eq(co_group_exit(&group, 0), LATE);
    ck_assert_int_eq(now_ms(), 2000);
    ck_assert_str_eq(group.scope.why, "closing time");
}

CO_TEST(a_cancelled_group_is_not_closed_any_more)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    start_service(&service, &group, CO_SECOND);
    co_group_cancel(&group, -ENOSPC, "full");
    co_group_close(&group, CO_SECOND, LATE, "closing time");
    ck_assert_int_eq(co_group_exit(&group, 0), -ENOSPC);
    ck_assert_str_eq(trace, "-c");
}

CO_TEST(who_is_spawned_into_a_closing_group_hears_of_it_at_once)
{
    struct co_group group;
    struct service service;

    co_group_enter(&group, CO_NEVER);
    co_group_close(&group, 2 * CO_SECOND, LATE, "closing time");
    start_service(&service, &group, CO_SECOND);
    assert_ok(co_group_exit(&group, 0));
    ck_assert_str_eq(trace, "he");
}

Suite *suite_co_group_close(void);

Suite *suite_co_group_close(void)
{
    Suite *suite = suite_create("co_group_close");
    TCase *tcase = tcase_create("close");

    tcase_add_test(
        tcase, closing_a_group_tells_its_tasks_and_cancels_those_that_take_longer_than_the_grace);
    tcase_add_test(tcase, a_group_whose_tasks_end_within_the_grace_was_not_cancelled);
    tcase_add_test(tcase, a_deadline_sooner_than_the_grace_stays);
    tcase_add_test(tcase, a_deadline_later_than_the_grace_does_not_prolong_it);
    tcase_add_test(tcase, a_cancel_cuts_the_grace_short);
    tcase_add_test(tcase, a_cancel_from_outside_cuts_the_grace_short_too);
    tcase_add_test(tcase, a_failure_within_the_grace_cancels_the_others_at_once);
    tcase_add_test(tcase, without_grace_closing_is_cancelling);
    tcase_add_test(tcase, with_endless_grace_nobody_is_cancelled);
    tcase_add_test(tcase, closing_again_changes_nothing);
    tcase_add_test(tcase, a_cancelled_group_is_not_closed_any_more);
    tcase_add_test(tcase, who_is_spawned_into_a_closing_group_hears_of_it_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
