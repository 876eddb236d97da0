#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/limit.h"
#include "tests/support/runtime.h"

/* What a thread is at: it says when it has begun, and ends when it may. */
struct job {
    sem_t begun;
    sem_t may_end;
    int rc;
    pthread_t thread;
    int n_abandoned;
};

static void job_init(struct job *job)
{
    *job = (struct job){.rc = 7};
    sem_init(&job->begun, 0, 0);
    sem_init(&job->may_end, 0, 0);
}

static void sem_take(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        continue;
}

static int work(void *arg, void **result)
{
    struct job *job = arg;

    job->thread = pthread_self();
    sem_post(&job->begun);
    sem_take(&job->may_end);
    *result = job;
    return job->rc;
}

static void note_abandoned(void *arg)
{
    struct job *job = arg;

    job->n_abandoned++;
}

/* Those who offload have waited for something before, as most tasks have. */
static struct co_event go = {.waiters = {CO_LIST_INIT(go.waiters.tasks)}};

/* All is never quiet while a thread is at work. */
static void let_others_park(void)
{
    for (int i = 0; i < 10; i++)
        assert_ok(co_sleep(0));
}

static void let_go(void)
{
    let_others_park();
    co_event_set(&go);
    co_event_clear(&go);
    let_others_park();
}

static int offload(void *arg, void **result)
{
    assert_ok(co_event_wait(&go));
    return co_to_thread(work, arg, result, NULL);
}

static int offload_abandonable(void *arg, void **result)
{
    assert_ok(co_event_wait(&go));
    return co_to_thread(work, arg, result, note_abandoned);
}

/* Returns when a thread is at work on the job. */
static struct co_task *start(co_fn *fn, struct job *job)
{
    struct co_task *task;

    job_init(job);
    assert_ok(co_create_task("offload", fn, job, &task));
    let_go();
    sem_take(&job->begun);
    return task;
}

static unsigned count_jobs(void)
{
    struct co_loop_stats stats;

    co_loop_stats(&stats);
    return stats.n_jobs;
}

/* --- Results ------------------------------------------------------------------------------------
 */

CO_TEST(work_is_done_on_another_thread_while_tasks_run)
{
    struct job job;
    struct co_task *task = start(offload, &job);
    void *result = NULL;

    for (int i = 0; i < 10; i++)
        assert_ok(co_sleep(0));
    ck_assert(!co_task_is_done(task));
    ck_assert(!pthread_equal(job.thread, pthread_self()));
    sem_post(&job.may_end);
    ck_assert_int_eq(co_task_await(task, &result), 7);
    ck_assert_ptr_eq(result, &job);
    co_task_unref(task);
}

CO_TEST(a_failure_in_a_thread_is_returned_without_a_result)
{
    struct job job;
    struct co_task *task = start(offload, &job);
    void *result = NULL;

    job.rc = -EIO;
    sem_post(&job.may_end);
    ck_assert_int_eq(co_task_await(task, &result), -EIO);
    ck_assert_ptr_null(result);
    co_task_unref(task);
}

CO_TEST(as_many_jobs_as_there_may_be_threads_run_beside_each_other)
{
    enum { N_THREADS = 4 }; /* the default */
    struct job jobs[N_THREADS];
    struct co_task *tasks[N_THREADS];

    for (int i = 0; i < N_THREADS; i++) {
        job_init(&jobs[i]);
        assert_ok(co_create_task("offload", offload, &jobs[i], &tasks[i]));
    }
    let_go();
    for (int i = 0; i < N_THREADS; i++)
        sem_take(&jobs[i].begun);
    for (int i = 0; i < N_THREADS; i++) {
        sem_post(&jobs[i].may_end);
        ck_assert_int_eq(co_task_await(tasks[i], NULL), 7);
        co_task_unref(tasks[i]);
    }
}

/* A thread that was woken for one job is not yet idle for the next. */
CO_TEST(a_second_job_does_not_wait_for_the_thread_that_was_woken_for_the_first)
{
    struct job warm_up, a, b;
    struct co_task *tasks[3];

    tasks[0] = start(offload, &warm_up);
    sem_post(&warm_up.may_end);
    ck_assert_int_eq(co_task_await(tasks[0], NULL), 7);
    job_init(&a);
    job_init(&b);
    assert_ok(co_create_task("a", offload, &a, &tasks[1]));
    assert_ok(co_create_task("b", offload, &b, &tasks[2]));
    let_go();
    sem_take(&a.begun);
    sem_take(&b.begun);
    sem_post(&a.may_end);
    sem_post(&b.may_end);
    for (int i = 1; i < 3; i++)
        ck_assert_int_eq(co_task_await(tasks[i], NULL), 7);
    for (int i = 0; i < 3; i++)
        co_task_unref(tasks[i]);
}

static int add_one(void *arg, void **result)
{
    (void)result;
    return ++*(int *)arg;
}

static int offload_often(void *arg, void **result)
{
    int n = 0;

    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(co_to_thread(add_one, &n, result, NULL), i + 1);
    *(int *)arg += n;
    return 0;
}

CO_TEST(no_completion_is_lost)
{
    enum { N_TASKS = 8 };
    struct co_group group;
    int n = 0;

    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < N_TASKS; i++)
        assert_ok(co_group_spawn(&group, "often", offload_often, &n, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(n, N_TASKS * 2000);
    ck_assert_uint_le(co_loop_current()->inbox.n_wakes, N_TASKS * 2000);
}

static int count_open_signals(void *arg, void **result)
{
    sigset_t blocked;

    (void)arg, (void)result;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return !sigismember(&blocked, SIGTERM) + !sigismember(&blocked, SIGINT) +
           !sigismember(&blocked, SIGCHLD);
}

CO_TEST(no_signal_is_delivered_to_a_thread)
{
    ck_assert_int_eq(co_to_thread(count_open_signals, NULL, NULL, NULL), 0);
    ck_assert_int_eq(count_open_signals(NULL, NULL), 3);
}

/* --- Time ---------------------------------------------------------------------------------------
 */

static int sleep_a_day(void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_sleep(24 * 3600 * CO_SECOND);
    note('!');
    return rc;
}

CO_TEST(the_clock_stands_still_while_a_thread_is_at_work)
{
    struct job job;
    struct co_task *task = start(offload, &job), *sleeper;

    assert_ok(co_create_task("sleeper", sleep_a_day, NULL, &sleeper));
    let_others_park();
    sem_post(&job.may_end);
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(now_ms(), 0);
    assert_ok(co_task_await(sleeper, NULL));
    co_task_unref(task);
    co_task_unref(sleeper);
}

/* --- Cancelling ---------------------------------------------------------------------------------
 */

CO_TEST(work_that_cannot_be_abandoned_is_waited_for)
{
    struct job job;
    struct co_task *task = start(offload, &job);

    co_cancel(task, "enough");
    let_others_park();
    ck_assert(!co_task_is_done(task));
    sem_post(&job.may_end);
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    co_task_unref(task);
}

CO_TEST(abandoned_work_gives_its_argument_away_when_it_is_done)
{
    struct job job;
    struct co_task *task = start(offload_abandonable, &job);

    co_cancel(task, "enough");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(job.n_abandoned, 0);
    ck_assert_uint_eq(count_jobs(), 1);
    sem_post(&job.may_end);
    settle();
    ck_assert_int_eq(job.n_abandoned, 1);
    co_task_unref(task);
}

CO_TEST(work_that_is_done_in_time_is_not_abandoned)
{
    struct job job;
    struct co_task *task = start(offload_abandonable, &job);

    sem_post(&job.may_end);
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    ck_assert_int_eq(job.n_abandoned, 0);
    co_task_unref(task);
}

static void wait_until_finished(void)
{
    while (co_inbox_is_empty(&co_loop_current()->inbox))
        continue;
}

static void end_turn(void)
{
    co_loop_current()->n_batch = 0;
    co_reschedule();
}

/* The task is cancelled, and before it runs its work turns out to be done. */
CO_TEST(work_that_is_done_in_the_turn_of_the_cancel_is_not_abandoned)
{
    struct job job;
    struct co_task *task = start(offload_abandonable, &job);

    sem_post(&job.may_end);
    wait_until_finished();
    co_cancel(task, "in the same turn");
    end_turn();
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    ck_assert_int_eq(job.n_abandoned, 0);
    co_task_unref(task);
}

static int offload_cancelled(void *arg, void **result)
{
    struct co_scope scope;

    co_scope_enter(&scope, 0);
    int rc = co_to_thread(work, arg, result, note_abandoned);
    return co_scope_exit(&scope, rc);
}

CO_TEST(work_that_is_cancelled_from_the_start_is_not_begun)
{
    struct job job;
    void *result;

    job_init(&job);
    ck_assert_int_eq(offload_cancelled(&job, &result), -ETIMEDOUT);
    ck_assert_int_eq(job.n_abandoned, 1);
    ck_assert_int_eq(sem_trywait(&job.begun), -1);
    ck_assert_uint_eq(count_jobs(), 0);
}

static struct job left_behind;

static int leave_behind(void *arg, void **result)
{
    struct co_task *task = start(offload_abandonable, &left_behind);

    (void)arg, (void)result;
    co_task_unref(task);
    return 0;
}

static void *let_end(void *arg)
{
    sem_post(&left_behind.may_end);
    return arg;
}

START_TEST(a_loop_that_is_freed_waits_for_the_work_it_left_behind)
{
    struct holdings before = holdings_now();
    struct co_loop *loop;
    pthread_t thread;

    assert_ok(co_loop_new(&loop, NULL));
    assert_ok(co_loop_run_until_complete(loop, leave_behind, NULL, NULL));
    ck_assert_int_eq(left_behind.n_abandoned, 0);
    pthread_create(&thread, NULL, let_end, NULL);
    co_loop_free(loop);
    ck_assert_int_eq(left_behind.n_abandoned, 1);
    pthread_join(thread, NULL);
    holdings_assert_unchanged(before);
}
END_TEST

/* --- Faults and misuse --------------------------------------------------------------------------
 */

static void offload_with_a_fault(int n)
{
    int entered = 0;

    fault_arm((size_t)n);
    int rc = co_to_thread(add_one, &entered, NULL, NULL);
    bool failed = fault_disarm();
    ck_assert_int_eq(rc, failed ? -ENOMEM : 1);
    ck_assert_int_eq(entered, !failed);
    ck_assert_int_eq(co_to_thread(add_one, &entered, NULL, NULL), entered);
}

START_TEST(without_memory_work_is_not_begun_and_works_later)
{
    runtime_run(offload_with_a_fault, _i);
}
END_TEST

CO_TEST(work_is_refused_when_no_thread_can_be_made_and_works_later)
{
    int entered = 0;

    limit_arm(1);
    int rc = co_to_thread(add_one, &entered, NULL, NULL);
    ck_assert(limit_disarm());
    ck_assert_int_eq(rc, -EAGAIN);
    ck_assert_int_eq(entered, 0);
    ck_assert_uint_eq(count_jobs(), 0);
    ck_assert_int_eq(co_to_thread(add_one, &entered, NULL, NULL), 1);
}

/* The one thread there is does the work when it has time. */
CO_TEST(work_waits_for_a_thread_when_no_other_can_be_made)
{
    struct job a, b;
    struct co_task *first = start(offload, &a), *second;

    job_init(&b);
    assert_ok(co_create_task("b", offload, &b, &second));
    limit_arm(1);
    let_go();
    ck_assert(limit_disarm());
    sem_post(&a.may_end);
    ck_assert_int_eq(co_task_await(first, NULL), 7);
    sem_post(&b.may_end);
    ck_assert_int_eq(co_task_await(second, NULL), 7);
    ck_assert(pthread_equal(a.thread, b.thread));
    co_task_unref(first);
    co_task_unref(second);
}

static int sleep_in_a_thread(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(1);
}

static int offload_a_sleep(void *arg, void **result)
{
    return co_to_thread(sleep_in_a_thread, arg, result, NULL);
}

static void use_the_library_in_a_thread(void)
{
    (void)co_run(offload_a_sleep, NULL, NULL);
}

START_TEST(a_thread_that_uses_the_library_ends_the_process)
{
    assert_dies(use_the_library_in_a_thread, SIGABRT, "called outside of a running loop");
}
END_TEST

Suite *suite_co_offload(void);

Suite *suite_co_offload(void)
{
    Suite *suite = suite_create("co_offload");
    TCase *result = tcase_create("result"), *cancel = tcase_create("cancel");
    TCase *fault = tcase_create("fault");

    tcase_add_test(result, work_is_done_on_another_thread_while_tasks_run);
    tcase_add_test(result, a_failure_in_a_thread_is_returned_without_a_result);
    tcase_add_test(result, as_many_jobs_as_there_may_be_threads_run_beside_each_other);
    tcase_add_test(result, a_second_job_does_not_wait_for_the_thread_that_was_woken_for_the_first);
    tcase_add_test(result, no_completion_is_lost);
    tcase_add_test(result, no_signal_is_delivered_to_a_thread);
    tcase_add_test(result, the_clock_stands_still_while_a_thread_is_at_work);
    suite_add_tcase(suite, result);

    tcase_add_test(cancel, work_that_cannot_be_abandoned_is_waited_for);
    tcase_add_test(cancel, abandoned_work_gives_its_argument_away_when_it_is_done);
    tcase_add_test(cancel, work_that_is_done_in_time_is_not_abandoned);
    tcase_add_test(cancel, work_that_is_done_in_the_turn_of_the_cancel_is_not_abandoned);
    tcase_add_test(cancel, work_that_is_cancelled_from_the_start_is_not_begun);
    tcase_add_test(cancel, a_loop_that_is_freed_waits_for_the_work_it_left_behind);
    suite_add_tcase(suite, cancel);

    tcase_add_loop_test(fault, without_memory_work_is_not_begun_and_works_later, 1, 5);
    tcase_add_test(fault, work_is_refused_when_no_thread_can_be_made_and_works_later);
    tcase_add_test(fault, work_waits_for_a_thread_when_no_other_can_be_made);
    tcase_add_test(fault, a_thread_that_uses_the_library_ends_the_process);
    suite_add_tcase(suite, fault);
    return suite;
}
