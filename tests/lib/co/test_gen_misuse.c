/* What misuse of generators, and lack of memory, end in. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "lib/co/gen_stacks.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/gens.h"

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int resume_itself(struct co_gen *self, void *arg, void **result)
{
    (void)arg, (void)result;
    assert_step(co_gen_next(self, &value), -EALREADY, -1);
    assert_step(co_gen_send(self, co_int(1), &value), -EALREADY, -1);
    assert_step(co_gen_throw(self, -EIO, &value), -EALREADY, -1);
    ck_assert_int_eq(co_gen_close(self), -EALREADY);
    ck_assert(!co_gen_is_done(self));
    return co_gen_yield(self, NULL, NULL);
}

START_TEST(a_running_generator_cannot_be_resumed)
{
    struct co_gen *gen = make_gen(resume_itself, NULL);

    assert_next(gen, 1, 0);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

static int free_itself(struct co_gen *self, void *arg, void **result)
{
    (void)arg, (void)result;
    co_gen_free(self);
    return 0;
}

static void free_while_it_runs(void)
{
    (void)co_gen_next(make_gen(free_itself, NULL), NULL);
}

static void yield_before_the_start(void)
{
    (void)co_gen_yield(make_gen(count_to, NULL), NULL, NULL);
}

static void yield_while_suspended(void)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    (void)co_gen_next(gen, NULL);
    (void)co_gen_yield(gen, NULL, NULL);
}

static void yield_after_the_end(void)
{
    struct co_gen *gen = make_gen(count_to, co_int(0));

    (void)co_gen_next(gen, NULL);
    (void)co_gen_yield(gen, NULL, NULL);
}

static int yield_for_another(struct co_gen *self, void *another, void **result)
{
    (void)self, (void)result;
    return co_gen_yield(another, NULL, NULL);
}

static int resume_one_that_yields_for_us(struct co_gen *self, void *arg, void **result)
{
    (void)arg, (void)result;
    return co_gen_next(make_gen(yield_for_another, self), NULL);
}

static void yield_for_who_resumed(void)
{
    (void)co_gen_next(make_gen(resume_one_that_yields_for_us, NULL), NULL);
}

static void delegate_from_outside(void)
{
    (void)co_gen_yield_from(make_gen(count_to, NULL), make_gen(count_to, NULL), NULL);
}

static void *use_elsewhere(void *gen)
{
    (void)co_gen_next(gen, NULL);
    return NULL;
}

static void in_a_thread(void *(*fn)(void *), void *arg)
{
    pthread_t thread;

    pthread_create(&thread, NULL, fn, arg);
    pthread_join(thread, NULL);
}

static void use_in_another_thread(void)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    (void)co_gen_next(gen, NULL);
    in_a_thread(use_elsewhere, gen);
}

static void *make_elsewhere(void *ret_gen)
{
    struct co_gen **gen = ret_gen;

    *gen = make_gen(count_to, co_int(3));
    (void)co_gen_next(*gen, NULL);
    return NULL;
}

/* The second thread has its variables where the first had them. */
static void use_in_the_successor_of_a_thread(void)
{
    struct co_gen *gen;

    in_a_thread(make_elsewhere, &gen);
    in_a_thread(use_elsewhere, gen);
}

static const struct {
    void (*misuse)(void);
    const char *sentence;
} misuses[] = {
    {free_while_it_runs, "is freed, but it runs"},
    {yield_before_the_start, "which is not the one that runs"},
    {yield_while_suspended, "which is not the one that runs"},
    {yield_after_the_end, "which is not the one that runs"},
    {yield_for_who_resumed, "which is not the one that runs"},
    {delegate_from_outside, "which is not the one that runs"},
    {use_in_another_thread, "by a thread that did not make it"},
    {use_in_the_successor_of_a_thread, "by a thread that did not make it"},
};

START_TEST(misuse_ends_the_process_with_a_sentence)
{
    assert_dies(misuses[_i].misuse, SIGABRT, misuses[_i].sentence);
    assert_dies(misuses[_i].misuse, SIGABRT, "test_gen_misuse.c:");
}
END_TEST

/* --- Memory -------------------------------------------------------------------------------------
 */

static int make_and_start(struct co_gen **ret_gen)
{
    struct co_gen *gen;
    void *value = co_int(-1);
    int rc = co_gen_new(&gen, count_to, co_int(3));

    if (rc < 0)
        return rc;
    rc = co_gen_next(gen, &value);
    if (rc < 0) {
        ck_assert_ptr_eq(value, co_int(-1));
        ck_assert(!co_gen_is_done(gen));
        co_gen_free(gen);
        return rc;
    }
    *ret_gen = gen;
    return 0;
}

START_TEST(without_memory_a_generator_does_not_start_and_nothing_is_lost)
{
    struct co_gen *gen = NULL;
    size_t before = fault_live(), n = 1;

    for (;; n++) {
        fault_arm(n);
        int rc = make_and_start(&gen);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_ptr_null(gen);
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_uint_gt(n, 3);
    assert_next(gen, 1, 2);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_generator_that_could_not_start_can_be_started_later)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    fault_arm(1);
    assert_next(gen, -ENOMEM, -1);
    ck_assert(fault_disarm());
    assert_next(gen, 1, 1);
    co_gen_free(gen);
}
END_TEST

START_TEST(stacks_are_not_mapped_for_each_generator)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    assert_next(gen, 1, 1);
    co_gen_free(gen);
    for (int i = 0; i < 1000; i++) {
        gen = make_gen(count_to, co_int(3));
        fault_arm(1);
        assert_next(gen, 1, 1);
        ck_assert(!fault_disarm());
        co_gen_free(gen);
    }
}
END_TEST

START_TEST(a_generator_that_has_ended_holds_no_stack)
{
    struct co_gen *gen = make_gen(count_to, co_int(0));

    assert_next(gen, 0, 10);
    ck_assert_uint_eq(co_gen_stacks.n_taken, 0);
    ck_assert_uint_gt(co_gen_stacks.n_idle, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(when_a_burst_of_generators_is_over_their_stacks_are_given_back)
{
    enum { MANY = 1000 };
    static struct co_gen *gens[MANY];
    size_t before = fault_live();

    for (int i = 0; i < MANY; i++) {
        gens[i] = make_gen(count_to, co_int(i + 1));
        assert_next(gens[i], 1, 1);
    }
    for (int i = 0; i < MANY; i++)
        co_gen_free(gens[i]);
    ck_assert_uint_eq(co_gen_stacks.n_idle, 0);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

static void *count_in_thread(void *arg)
{
    struct co_gen *gen = make_gen(count_to, co_int(1));

    (void)arg;
    ck_assert_int_eq(co_gen_next(gen, NULL), 1);
    co_gen_free(gen);
    return NULL;
}

START_TEST(a_thread_that_ends_leaves_no_stacks)
{
    size_t before = fault_live();
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, count_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

Suite *suite_co_gen_misuse(void);

Suite *suite_co_gen_misuse(void)
{
    Suite *suite = suite_create("co_gen_misuse");
    TCase *misuse = tcase_create("misuse"), *memory = tcase_create("memory");

    tcase_add_checked_fixture(misuse, gens_set_up, gens_tear_down);
    tcase_add_test(misuse, a_running_generator_cannot_be_resumed);
    tcase_add_loop_test(misuse, misuse_ends_the_process_with_a_sentence, 0,
                        sizeof(misuses) / sizeof(*misuses));
    suite_add_tcase(suite, misuse);

    tcase_add_checked_fixture(memory, gens_set_up, gens_tear_down);
    tcase_add_test(memory, without_memory_a_generator_does_not_start_and_nothing_is_lost);
    tcase_add_test(memory, a_generator_that_could_not_start_can_be_started_later);
    tcase_add_test(memory, stacks_are_not_mapped_for_each_generator);
    tcase_add_test(memory, a_generator_that_has_ended_holds_no_stack);
    tcase_add_test(memory, when_a_burst_of_generators_is_over_their_stacks_are_given_back);
    tcase_add_test(memory, a_thread_that_ends_leaves_no_stacks);
    suite_add_tcase(suite, memory);
    return suite;
}
