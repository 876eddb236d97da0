#include "lib/net/dns_cache.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"

static struct co_dns_cache cache;

static void open_cache(size_t max_entries)
{
    ck_assert_int_eq(co_dns_cache_init(&cache, max_entries), 0);
}

static struct co_dns_entry *take(const char *name)
{
    struct co_dns_entry *entry = NULL;

    ck_assert_int_eq(co_dns_cache_take(&cache, name, &entry), 0);
    ck_assert_int_eq(strcasecmp(entry->name, name), 0);
    return entry;
}

/* Looks at an entry; a new one has no time yet. */
static bool touch(const char *name)
{
    struct co_dns_entry *entry = take(name);
    bool was_known = entry->expires_at != 0;

    entry->expires_at = 1;
    co_dns_cache_release(&cache, entry);
    return was_known;
}

START_TEST(a_name_is_found_again_in_either_case)
{
    open_cache(4);
    ck_assert(!touch("one.example"));
    ck_assert(touch("one.example"));
    ck_assert(touch("ONE.Example"));
    ck_assert(!touch("one.example2"));
    co_dns_cache_done(&cache);
}
END_TEST

START_TEST(the_least_recently_used_name_makes_room)
{
    open_cache(2);
    touch("a");
    touch("b");
    touch("a");
    touch("c");
    ck_assert(touch("a"));
    ck_assert(!touch("b"));
    ck_assert(!touch("c"));
    ck_assert_uint_eq(cache.n_entries, 2);
    co_dns_cache_done(&cache);
}
END_TEST

START_TEST(a_held_entry_stays)
{
    open_cache(2);
    struct co_dns_entry *held = take("held");

    touch("a");
    touch("b");
    touch("c");
    ck_assert_ptr_eq(take("held"), held);
    co_dns_cache_release(&cache, held);
    touch("d");
    ck_assert_ptr_eq(take("held"), held);
    co_dns_cache_done(&cache);
}
END_TEST

START_TEST(there_is_no_room_when_every_entry_is_held)
{
    struct co_dns_entry *entry;

    open_cache(2);
    take("a");
    entry = take("b");
    ck_assert_int_eq(co_dns_cache_take(&cache, "c", &entry), -ENOBUFS);
    co_dns_cache_release(&cache, entry);
    ck_assert(!touch("c"));
    co_dns_cache_done(&cache);
}
END_TEST

/* The model is an array ordered by use. */
START_TEST(it_does_as_a_list_ordered_by_use)
{
    enum { MAX = 8, NAMES = 20, STEPS = 4000 };
    struct random random = {(uint64_t)_i};
    unsigned known[MAX], n_known = 0;

    open_cache(MAX);
    for (int step = 0; step < STEPS; step++) {
        char name[16];
        unsigned number = random_below(&random, NAMES), at = 0;
        sprintf(name, "n%u", number);
        while (at < n_known && known[at] != number)
            at++;
        ck_assert_int_eq(touch(name), at < n_known);
        if (at == n_known && n_known < MAX)
            n_known++;
        else if (at == n_known)
            at = 0;
        memmove(&known[at], &known[at + 1], (n_known - at - 1) * sizeof(known[0]));
        known[n_known - 1] = number;
    }
    co_dns_cache_done(&cache);
}
END_TEST

START_TEST(a_failed_allocation_leaves_the_cache_as_it_was)
{
    struct co_dns_entry *entry;

    fault_arm(1);
    ck_assert_int_eq(co_dns_cache_init(&cache, 4), -ENOMEM);
    fault_disarm();
    co_dns_cache_done(&cache);

    open_cache(4);
    touch("a");
    fault_arm(1);
    ck_assert_int_eq(co_dns_cache_take(&cache, "b", &entry), -ENOMEM);
    ck_assert(fault_disarm());
    ck_assert_uint_eq(cache.n_entries, 1);
    ck_assert(touch("a"));
    co_dns_cache_done(&cache);
}
END_TEST

Suite *suite_dns_cache(void);

Suite *suite_dns_cache(void)
{
    Suite *suite = suite_create("dns_cache");
    TCase *tcase = tcase_create("dns_cache");

    tcase_add_test(tcase, a_name_is_found_again_in_either_case);
    tcase_add_test(tcase, the_least_recently_used_name_makes_room);
    tcase_add_test(tcase, a_held_entry_stays);
    tcase_add_test(tcase, there_is_no_room_when_every_entry_is_held);
    tcase_add_loop_test(tcase, it_does_as_a_list_ordered_by_use, 0, 4);
    tcase_add_test(tcase, a_failed_allocation_leaves_the_cache_as_it_was);
    suite_add_tcase(suite, tcase);
    return suite;
}
