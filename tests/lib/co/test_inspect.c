/* The live tree of tasks, by co_tasks_visit() and as text. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { MAX_SEEN = 16 };

static struct co_task_info seen[MAX_SEEN];
static unsigned n_seen;

static int remember(void *arg, const struct co_task_info *info)
{
    (void)arg;
    ck_assert_uint_lt(n_seen, MAX_SEEN);
    seen[n_seen++] = *info;
    return 0;
}

static void look(void)
{
    n_seen = 0;
    assert_ok(co_tasks_visit(remember, NULL));
}

static const struct co_task_info *info_of(const char *name)
{
    look();
    for (unsigned i = 0; i < n_seen; i++)
        if (strcmp(seen[i].name, name) == 0)
            return &seen[i];
    ck_abort_msg("no task is named %s", name);
}

static int wait_for_event(void *event, void **result)
{
    (void)result;
    return co_event_wait(event);
}

static struct co_event never;

static struct co_task *start(const char *name, co_fn *fn, void *arg)
{
    struct co_task *task;

    assert_ok(co_create_task(name, fn, arg, &task));
    return task;
}

static struct co_task *start_waiter(const char *name)
{
    co_event_init(&never);
    return start(name, wait_for_event, &never);
}

static void stop(struct co_task *task)
{
    co_task_stop(task, "the test is over");
}

/* --- One task -----------------------------------------------------------------------------------
 */

CO_TEST(the_caller_is_seen_running)
{
    const struct co_task_info *main = info_of("main");

    ck_assert_uint_eq(n_seen, 1);
    ck_assert_uint_eq(main->id, 1);
    ck_assert_uint_eq(main->parent_id, 0);
    ck_assert_str_eq(main->state, "running");
    ck_assert_ptr_null(main->waits_for);
    ck_assert_ptr_null(main->cancelled);
    ck_assert_int_eq(main->deadline, CO_NEVER);
    ck_assert_uint_gt(main->stack_used, 0);
    ck_assert_uint_lt(main->stack_used, main->stack_size);
}

CO_TEST(a_task_that_was_started_is_seen_ready_and_then_parked)
{
    struct co_task *task = start_waiter("waiter");

    ck_assert_str_eq(info_of("waiter")->state, "ready");
    ck_assert_ptr_nonnull(strstr(info_of("waiter")->site, "test_inspect.c:"));
    assert_ok(co_sleep(CO_SECOND));
    const struct co_task_info *info = info_of("waiter");
    ck_assert_str_eq(info->state, "parked");
    ck_assert_str_eq(info->waits_for, "event");
    ck_assert_int_eq(co_now() - info->since, CO_SECOND);
    ck_assert_int_eq(info->fd, -1);
    ck_assert_uint_eq(info->waits_for_id, 0);
    ck_assert_uint_gt(info->stack_used, 0);
    stop(task);
}

static int read_byte(void *fd, void **result)
{
    char byte;

    (void)result;
    return (int)co_read(*(int *)fd, &byte, 1);
}

CO_TEST(a_task_that_waits_for_a_descriptor_shows_its_number)
{
    int ends[2];

    assert_ok(pipe2(ends, O_NONBLOCK));
    struct co_task *task = start("reader", read_byte, &ends[0]);
    settle();
    ck_assert_str_eq(info_of("reader")->waits_for, "readable fd");
    ck_assert_int_eq(info_of("reader")->fd, ends[0]);
    stop(task);
    co_close(ends[0]);
    co_close(ends[1]);
}

static int await(void *task, void **result)
{
    return co_task_await(task, result);
}

CO_TEST(a_task_that_joins_another_shows_which)
{
    struct co_task *waiter = start_waiter("waiter"), *joiner = start("joiner", await, waiter);

    settle();
    uint64_t id = info_of("waiter")->id;
    ck_assert_str_eq(info_of("joiner")->waits_for, "task");
    ck_assert_uint_eq(info_of("joiner")->waits_for_id, id);
    ck_assert_str_eq(info_of("joiner")->waits_for_name, "waiter");
    ck_assert(!info_of("joiner")->waits_in_circle);
    stop(joiner);
    stop(waiter);
}

static struct co_lock lock;

static int take_lock(void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_lock_acquire(&lock);
    if (rc == 0)
        co_lock_release(&lock);
    return rc;
}

CO_TEST(a_task_that_waits_for_a_lock_shows_who_holds_it)
{
    co_lock_init(&lock);
    assert_ok(co_lock_acquire(&lock));
    struct co_task *task = start("locker", take_lock, NULL);
    settle();
    ck_assert_str_eq(info_of("locker")->waits_for, "lock");
    ck_assert_str_eq(info_of("locker")->waits_for_name, "main");
    ck_assert_uint_eq(info_of("locker")->waits_for_id, info_of("main")->id);
    co_lock_release(&lock);
    stop(task);
}

/* --- Deadlines and cancels ----------------------------------------------------------------------
 */

CO_TEST(the_deadline_shown_is_the_nearest)
{
    struct co_scope outer, inner;

    co_scope_enter(&outer, 2 * CO_SECOND);
    co_scope_enter(&inner, 5 * CO_SECOND);
    ck_assert_int_eq(info_of("main")->deadline - co_now(), 2 * CO_SECOND);
    assert_ok(co_scope_exit(&inner, 0));
    co_scope_shield(&inner, 7 * CO_SECOND);
    ck_assert_int_eq(info_of("main")->deadline - co_now(), 7 * CO_SECOND);
    assert_ok(co_scope_exit(&inner, 0));
    assert_ok(co_scope_exit(&outer, 0));
    ck_assert_int_eq(info_of("main")->deadline, CO_NEVER);
}

CO_TEST(a_cancelled_task_shows_why_by_whom_and_where)
{
    struct co_task *task = start_waiter("waiter");

    co_cancel(task, "no longer needed");
    const struct co_task_info *info = info_of("waiter");
    ck_assert_str_eq(info->cancelled, "no longer needed");
    ck_assert_str_eq(info->cancelled_by, "main");
    ck_assert_ptr_nonnull(strstr(info->cancelled_at, "test_inspect.c:"));
    ck_assert_ptr_nonnull(strstr(info->cancelled_site, "test_inspect.c:"));
    stop(task);
}

CO_TEST(a_deadline_that_passed_is_nobodys_deed)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    ck_assert_int_eq(co_sleep(2 * CO_SECOND), -ECANCELED);
    const struct co_task_info *info = info_of("main");
    ck_assert_str_eq(info->cancelled, "its deadline passed");
    ck_assert_ptr_null(info->cancelled_by);
    ck_assert_ptr_null(info->cancelled_at);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
}

CO_TEST(behind_a_shield_a_task_is_not_shown_as_cancelled)
{
    struct co_scope outer, shield;

    co_scope_enter(&outer, CO_NEVER);
    co_scope_cancel(&outer, -ECANCELED, "a test");
    ck_assert_ptr_nonnull(info_of("main")->cancelled);
    co_scope_shield(&shield, CO_SECOND);
    ck_assert_ptr_null(info_of("main")->cancelled);
    assert_ok(co_scope_exit(&shield, 0));
    assert_ok(co_scope_exit(&outer, 0));
}

/* --- The tree -----------------------------------------------------------------------------------
 */

static int own_two_groups(void *arg, void **result)
{
    struct co_group outer, empty, inner;
    struct co_scope scope;

    (void)arg, (void)result;
    co_group_enter(&outer, CO_NEVER);
    co_scope_enter(&scope, CO_NEVER);
    co_group_enter(&empty, CO_NEVER);
    co_group_enter(&inner, CO_NEVER);
    assert_ok(co_group_spawn(&inner, "c", wait_for_event, &never, NULL));
    assert_ok(co_group_spawn(&outer, "a", wait_for_event, &never, NULL));
    assert_ok(co_group_spawn(&outer, "b", wait_for_event, &never, NULL));
    int rc = co_group_exit(&inner, 0);
    rc = co_group_exit(&empty, rc);
    rc = co_scope_exit(&scope, rc);
    return co_group_exit(&outer, rc);
}

static void assert_seen(unsigned i, const char *name, unsigned depth, uint64_t parent_id)
{
    ck_assert_uint_lt(i, n_seen);
    ck_assert_str_eq(seen[i].name, name);
    ck_assert_uint_eq(seen[i].depth, depth);
    ck_assert_uint_eq(seen[i].parent_id, parent_id);
}

CO_TEST(children_follow_their_parent_outer_groups_first)
{
    struct co_task *last, *owner = start("owner", own_two_groups, NULL);

    last = start_waiter("last");
    settle();
    look();
    ck_assert_uint_eq(n_seen, 6);
    uint64_t id = seen[1].id;
    assert_seen(0, "main", 0, 0);
    assert_seen(1, "owner", 0, 0);
    assert_seen(2, "a", 1, id);
    assert_seen(3, "b", 1, id);
    assert_seen(4, "c", 1, id);
    assert_seen(5, "last", 0, 0);
    stop(owner);
    stop(last);
}

static int stop_at_second(void *arg, const struct co_task_info *info)
{
    (void)info;
    return ++*(int *)arg == 2 ? -EINTR : 0;
}

CO_TEST(a_visit_ends_when_it_is_told_to)
{
    struct co_task *a = start_waiter("a"), *b = start_waiter("b");
    int n_visits = 0;

    ck_assert_int_eq(co_tasks_visit(stop_at_second, &n_visits), -EINTR);
    ck_assert_int_eq(n_visits, 2);
    stop(a);
    stop(b);
}

enum { DEEP = 2000, WIDE = 10000 };

static int nest(void *arg, void **result)
{
    intptr_t n_left = (intptr_t)arg;
    struct co_group group;

    (void)result;
    if (n_left == 0)
        return co_event_wait(&never);
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "nested", nest, (void *)(n_left - 1), NULL);
    return co_group_exit(&group, rc);
}

struct census {
    unsigned n_tasks;
    unsigned max_depth;
};

static int count(void *arg, const struct co_task_info *info)
{
    struct census *census = arg;

    census->n_tasks++;
    if (info->depth > census->max_depth)
        census->max_depth = info->depth;
    return 0;
}

CO_TEST(a_deep_tree_is_visited_to_its_end)
{
    struct census census = {0};

    co_event_init(&never);
    struct co_task *task = start("nested", nest, (void *)(intptr_t)DEEP);
    settle();
    assert_ok(co_tasks_visit(count, &census));
    ck_assert_uint_eq(census.max_depth, DEEP);
    ck_assert_uint_eq(census.n_tasks, DEEP + 2);
    stop(task);
}

CO_TEST(ten_thousand_tasks_are_visited_without_memory)
{
    struct census census = {0};
    struct co_group group;

    co_event_init(&never);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < WIDE; i++)
        assert_ok(co_group_spawn(&group, "one of many", wait_for_event, &never, NULL));
    settle();
    fault_arm_sticky(1);
    assert_ok(co_tasks_visit(count, &census));
    ck_assert(!fault_disarm());
    ck_assert_uint_eq(census.n_tasks, WIDE + 1);
    co_event_set(&never);
    assert_ok(co_group_exit(&group, 0));
}

/* --- As text ------------------------------------------------------------------------------------
 */

static char text[4096];

static const char *dump(void)
{
    FILE *file = fmemopen(text, sizeof(text), "w");

    ck_assert_ptr_nonnull(file);
    co_dump(file);
    fclose(file);
    return text;
}

static void assert_dumped(const char *words)
{
    ck_assert_msg(strstr(dump(), words) != NULL, "it said:\n%s", text);
}

CO_TEST(a_dump_is_a_tree_of_lines)
{
    struct co_task *owner = start("owner", own_two_groups, NULL);

    co_event_init(&never);
    settle();
    assert_ok(co_sleep(2500 * CO_MILLISECOND));
    assert_dumped("main  #1  running ");
    assert_dumped("\nowner  #2  waits 2.500 s for ");
    assert_dumped("\n  a  #4  waits 2.500 s for event ");
    assert_dumped("test_inspect.c:");
    stop(owner);
}

CO_TEST(a_dump_shows_deadline_and_cancel)
{
    struct co_task *task = start_waiter("waiter");
    struct co_scope scope;

    co_scope_enter(&scope, 1250 * CO_MILLISECOND);
    assert_dumped("main  #1  running, 1.250 s left ");
    assert_ok(co_scope_exit(&scope, 0));
    co_cancel(task, "no longer needed");
    assert_dumped(" by main: no longer needed ");
    stop(task);
}

static int await_slot(void *slot, void **result)
{
    return co_task_await(*(struct co_task **)slot, result);
}

CO_TEST(a_circle_of_tasks_is_marked_and_who_only_waits_for_it_is_not)
{
    struct co_task *b, *a = start("a", await_slot, &b);

    b = start("b", await, a);
    struct co_task *outsider = start("outsider", await, a);
    settle();
    ck_assert(info_of("a")->waits_in_circle);
    ck_assert(info_of("b")->waits_in_circle);
    ck_assert(!info_of("outsider")->waits_in_circle);
    assert_dumped("for task (#3 b) in a circle");
    assert_dumped("for task (#2 a)  ");
    stop(outsider);
    stop(b);
    stop(a);
}

CO_TEST(a_circle_of_one_is_a_circle)
{
    struct co_task *self;

    self = start("self", await_slot, &self);
    settle();
    ck_assert(info_of("self")->waits_in_circle);
    stop(self);
}

Suite *suite_co_inspect(void);

Suite *suite_co_inspect(void)
{
    Suite *suite = suite_create("co_inspect");
    TCase *one = tcase_create("one task"), *cancels = tcase_create("cancels");
    TCase *tree = tcase_create("tree"), *as_text = tcase_create("text");

    tcase_add_test(one, the_caller_is_seen_running);
    tcase_add_test(one, a_task_that_was_started_is_seen_ready_and_then_parked);
    tcase_add_test(one, a_task_that_waits_for_a_descriptor_shows_its_number);
    tcase_add_test(one, a_task_that_joins_another_shows_which);
    tcase_add_test(one, a_task_that_waits_for_a_lock_shows_who_holds_it);
    suite_add_tcase(suite, one);

    tcase_add_test(cancels, the_deadline_shown_is_the_nearest);
    tcase_add_test(cancels, a_cancelled_task_shows_why_by_whom_and_where);
    tcase_add_test(cancels, a_deadline_that_passed_is_nobodys_deed);
    tcase_add_test(cancels, behind_a_shield_a_task_is_not_shown_as_cancelled);
    suite_add_tcase(suite, cancels);

    tcase_add_test(tree, children_follow_their_parent_outer_groups_first);
    tcase_add_test(tree, a_visit_ends_when_it_is_told_to);
    tcase_add_test(tree, a_deep_tree_is_visited_to_its_end);
    tcase_add_test(tree, ten_thousand_tasks_are_visited_without_memory);
    suite_add_tcase(suite, tree);

    tcase_add_test(as_text, a_dump_is_a_tree_of_lines);
    tcase_add_test(as_text, a_dump_shows_deadline_and_cancel);
    tcase_add_test(as_text, a_circle_of_tasks_is_marked_and_who_only_waits_for_it_is_not);
    tcase_add_test(as_text, a_circle_of_one_is_a_circle);
    suite_add_tcase(suite, as_text);
    return suite;
}
