#include "daemon/engine/agenda.h"

#include <check.h>
#include <errno.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"

enum { N_NUMBERS = 40, N_STEPS = 2000 };

static struct agenda agenda;

START_TEST(first_time_comes_first)
{
    ck_assert_int_eq(agenda_init(&agenda, 4), 0);
    ck_assert_int_eq(agenda_time(&agenda), CO_NEVER);
    agenda_set(&agenda, 0, 30);
    agenda_set(&agenda, 1, 10);
    agenda_set(&agenda, 2, 20);
    ck_assert_int_eq(agenda_time(&agenda), 10);
    ck_assert_uint_eq(agenda_take(&agenda), 1);
    ck_assert_uint_eq(agenda_take(&agenda), 2);
    ck_assert_uint_eq(agenda_take(&agenda), 0);
    ck_assert_int_eq(agenda_time(&agenda), CO_NEVER);
    agenda_done(&agenda);
}
END_TEST

START_TEST(time_can_be_changed)
{
    ck_assert_int_eq(agenda_init(&agenda, 2), 0);
    agenda_set(&agenda, 0, 30);
    agenda_set(&agenda, 1, 10);
    agenda_set(&agenda, 0, 5);
    ck_assert_uint_eq(agenda_take(&agenda), 0);
    ck_assert_uint_eq(agenda_take(&agenda), 1);
    agenda_done(&agenda);
}
END_TEST

/* --- Next to an oracle that looks at everything each time ------------------------------------- */

static co_time times[N_NUMBERS];

static uint32_t first_of_all(void)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < N_NUMBERS; i++)
        if (times[i] < times[first])
            first = i;
    return first;
}

static void take_a_step(struct random *random)
{
    uint32_t number = random_below(random, N_NUMBERS);

    switch (random_below(random, 4)) {
    case 0:
    case 1:
        times[number] = random_below(random, 20);
        agenda_set(&agenda, number, times[number]);
        break;
    case 2:
        times[number] = CO_NEVER;
        agenda_remove(&agenda, number);
        break;
    default:
        if (agenda_time(&agenda) == CO_NEVER)
            break;
        number = first_of_all();
        ck_assert_uint_eq(agenda_take(&agenda), number);
        times[number] = CO_NEVER;
    }
}

START_TEST(it_does_what_a_slow_oracle_says)
{
    struct random random = {(uint64_t)_i};

    ck_assert_int_eq(agenda_init(&agenda, N_NUMBERS), 0);
    for (size_t i = 0; i < N_NUMBERS; i++)
        times[i] = CO_NEVER;
    for (int step = 0; step < N_STEPS; step++) {
        take_a_step(&random);
        ck_assert_int_eq(agenda_time(&agenda), times[first_of_all()]);
        uint32_t any = random_below(&random, N_NUMBERS);
        ck_assert_int_eq(agenda_contains(&agenda, any), times[any] != CO_NEVER);
    }
    agenda_done(&agenda);
}
END_TEST

START_TEST(agenda_there_is_no_memory_for_is_not_made)
{
    fault_arm(1);
    ck_assert_int_eq(agenda_init(&agenda, 10), -ENOMEM);
    fault_disarm();
    agenda_done(&agenda);
}
END_TEST

Suite *suite_agenda(void);

Suite *suite_agenda(void)
{
    Suite *suite = suite_create("daemon/engine/agenda");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, first_time_comes_first);
    tcase_add_test(tcase, time_can_be_changed);
    tcase_add_loop_test(tcase, it_does_what_a_slow_oracle_says, 0, 5);
    tcase_add_test(tcase, agenda_there_is_no_memory_for_is_not_made);
    suite_add_tcase(suite, tcase);
    return suite;
}
