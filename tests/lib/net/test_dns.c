#include "lib/net/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/limit.h"
#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_name names[] = {
    {.name = "ok.test", .addresses = {"192.0.2.1", "2001:db8::1"}, .ttl = 60},
    {.name = "mixed.test",
     .addresses = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"},
     .ttl = 60},
    {.name = "brief.test", .addresses = {"192.0.2.1"}, .ttl = 0},
    {.name = "long.test", .addresses = {"192.0.2.1"}, .ttl = 86400},
    {.name = "empty.test"},
    {.name = "gone.test", .rcode = 3},
    {.name = "broken.test", .rcode = 2},
    {.name = "silent.test", .is_silent = true},
    {.name = "half4.test",
     .addresses = {"192.0.2.1"},
     .failing_type = FAKE_DNS_A,
     .silent_type = FAKE_DNS_AAAA},
    {.name = "half6.test",
     .addresses = {"2001:db8::1"},
     .failing_type = FAKE_DNS_AAAA,
     .silent_type = FAKE_DNS_A},
    {0},
};

static struct co_dns_answer answer;

static void assert_addresses(const char *expected)
{
    char text[1024] = "";

    for (unsigned i = 0; i < answer.n_addresses; i++) {
        char address[CO_ADDRESS_TEXT_SIZE];
        ck_assert_uint_eq(answer.addresses[i].port, 0);
        strcat(i > 0 ? strcat(text, " ") : text, co_address_format(&answer.addresses[i], address));
    }
    ck_assert_str_eq(text, expected);
}

static int resolve(struct net *net, const char *name)
{
    net->server.names = names;
    answer = (struct co_dns_answer){0};
    return co_dns_resolve(net->dns, name, &answer);
}

NET_TEST(a_name_has_the_addresses_of_both_families)
{
    assert_ok(resolve(net, "ok.test"));
    assert_addresses("2001:db8::1 192.0.2.1");
    ck_assert_uint_eq(net->server.n_queries, 2);
}

NET_TEST(the_families_take_turns)
{
    assert_ok(resolve(net, "mixed.test"));
    assert_addresses("2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3");
}

NET_TEST(an_answer_is_kept_whatever_the_case_of_the_name)
{
    assert_ok(resolve(net, "ok.test"));
    assert_ok(resolve(net, "OK.test"));
    assert_addresses("2001:db8::1 192.0.2.1");
    ck_assert_uint_eq(net->server.n_queries, 2);
}

NET_TEST(too_many_addresses_are_cut_off)
{
    static char text[28][16]; /* as many as one packet holds */
    struct fake_name many[] = {{.name = "many.test", .ttl = 60}, {0}};

    for (unsigned i = 0; i < N_ELEMENTS(text); i++) {
        sprintf(text[i], "192.0.2.%u", i);
        many[0].addresses[i] = text[i];
    }
    net->server.names = many;
    assert_ok(co_dns_resolve(net->dns, "many.test", &answer));
    ck_assert_uint_eq(answer.n_addresses, CO_DNS_MAX_ADDRESSES);
    net->server.names = names;
}

static const struct {
    const char *name;
    int rc;
} failures[] = {
    {"gone.test", -ENOENT},  {"unheard-of.test", -ENOENT},
    {"empty.test", -ENOENT}, {"broken.test", -EIO},
    {"a..b", -ENOENT},       {"hidden.onion", -ENOENT},
};

NET_TEST(a_failure_is_told_and_remembered_for_a_while)
{
    ck_assert_int_eq(resolve(net, failures[_i].name), failures[_i].rc);
    unsigned n_queries = net->server.n_queries;
    ck_assert_int_eq(resolve(net, failures[_i].name), failures[_i].rc);
    ck_assert_uint_eq(net->server.n_queries, n_queries);
}

static const struct {
    const char *name;
    const struct fake_name later[2]; /* as it speaks */
    int rc;
} halves[] = {
    {"half4.test", {{.name = "half4.test", .failing_type = FAKE_DNS_A}}, -EIO},
    {"half6.test", {{.name = "half6.test", .failing_type = FAKE_DNS_AAAA}}, -EIO},
    {"half4.test", {{.name = "half4.test", .addresses = {"192.0.2.1"}, .ttl = 60}}, 0},
    {"half6.test", {{.name = "half6.test", .addresses = {"2001:db8::1"}, .ttl = 60}}, 0},
    {"half4.test", {{.name = "half4.test"}}, -ENOENT},
    {"half4.test", {{.name = "half4.test", .rcode = 3}}, -ENOENT},
};

struct lookup {
    struct net *net;
    const char *name;
};

static int look_up(void *arg, void **result)
{
    const struct lookup *lookup = arg;

    (void)result;
    return resolve(lookup->net, lookup->name);
}

/* The other family has nothing, and says so last. */
NET_TEST(a_family_that_cannot_be_asked_for_is_not_empty)
{
    struct lookup lookup = {net, halves[_i].name};
    struct co_task *task;

    assert_ok(co_create_task("half", look_up, &lookup, &task));
    while (net->server.unanswered == NULL || net->server.n_queries < 4) /* three are tries */
        assert_ok(co_sleep(0));
    net->server.names = halves[_i].later;
    fake_dns_speak(&net->server);
    ck_assert_int_eq(co_task_await(task, NULL), halves[_i].rc);
    ck_assert_uint_eq(answer.n_addresses, halves[_i].rc == 0);
    co_task_unref(task);
}

NET_TEST(a_failure_is_forgotten_after_5_s)
{
    static const struct fake_name now_there[] = {
        {.name = "gone.test", .addresses = {"192.0.2.9"}, .ttl = 60}, {0}};

    ck_assert_int_eq(resolve(net, "gone.test"), -ENOENT);
    wind(5 * CO_SECOND);
    assert_ok(co_sleep(0));
    settle();
    net->server.names = now_there;
    assert_ok(co_dns_resolve(net->dns, "gone.test", &answer));
    assert_addresses("192.0.2.9");
}

static const struct {
    const char *name;
    co_time kept; /* and no longer */
} lives[] = {
    {"brief.test", 5 * CO_SECOND}, {"ok.test", 60 * CO_SECOND}, {"long.test", 300 * CO_SECOND}};

NET_TEST(an_answer_is_kept_for_its_ttl_within_limits)
{
    assert_ok(resolve(net, lives[_i].name));
    unsigned n_queries = net->server.n_queries;
    wind(lives[_i].kept - 2 * CO_SECOND);
    settle();
    assert_ok(resolve(net, lives[_i].name));
    ck_assert_uint_eq(net->server.n_queries, n_queries);
    wind(3 * CO_SECOND);
    settle();
    assert_ok(resolve(net, lives[_i].name));
    ck_assert_uint_eq(net->server.n_queries, 2 * n_queries);
}

static const char *const local_names[] = {"localhost", "LocalHost", "localhost.", "a.localhost",
                                          "a.b.localhost."};

NET_TEST(localhost_is_never_asked_for)
{
    assert_ok(resolve(net, local_names[_i]));
    assert_addresses("::1 127.0.0.1");
    ck_assert_uint_eq(net->server.n_queries, 0);
}

NET_TEST(a_name_that_ends_in_localhost_is_another)
{
    ck_assert_int_eq(resolve(net, "notlocalhost"), -ENOENT);
    ck_assert_uint_gt(net->server.n_queries, 0);
}

static int resolve_ok(void *arg, void **result)
{
    struct co_dns_answer own;

    (void)result;
    return co_dns_resolve(((struct net *)arg)->dns, "ok.test", &own);
}

NET_TEST(tasks_that_ask_for_one_name_share_a_query)
{
    struct co_call calls[50];
    struct co_result results[N_ELEMENTS(calls)];

    net->server.names = names;
    for (unsigned i = 0; i < N_ELEMENTS(calls); i++)
        calls[i] = (struct co_call){"resolve", resolve_ok, net};
    assert_ok(co_gather(calls, N_ELEMENTS(calls), results, 0, CO_FAIL_FAST));
    ck_assert_uint_eq(net->server.n_queries, 2);
}

static int resolve_silent(void *arg, void **result)
{
    struct co_dns_answer own;

    (void)result;
    return co_dns_resolve(((struct net *)arg)->dns, "silent.test", &own);
}

static struct co_task *begin_silent(struct net *net)
{
    struct co_task *task;

    net->server.names = names;
    assert_ok(co_create_task("silent", resolve_silent, net, &task));
    settle();
    return task;
}

NET_TEST(nobody_waits_longer_than_the_timeout)
{
    struct co_task *task = begin_silent(net);

    wind(NET_DNS_TIMEOUT - 100 * CO_SECOND);
    settle();
    ck_assert(!co_task_is_done(task));
    wind(100 * CO_SECOND);
    ck_assert_int_eq(co_task_await(task, NULL), -ETIMEDOUT);
    co_task_unref(task);
}

NET_TEST(a_cancelled_waiter_leaves_the_query_to_the_others)
{
    static const struct fake_name speaking[] = {
        {.name = "silent.test", .addresses = {"192.0.2.7"}, .ttl = 60}, {0}};
    struct co_task *gives_up = begin_silent(net), *stays = begin_silent(net);

    co_cancel(gives_up, "test");
    ck_assert_int_eq(co_task_await(gives_up, NULL), -ECANCELED);
    net->server.names = speaking;
    fake_dns_speak(&net->server);
    assert_ok(co_task_await(stays, NULL));
    co_task_unref(gives_up);
    co_task_unref(stays);
}

NET_TEST(a_cancelled_caller_gets_no_answer)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, 0, "test");
    ck_assert_int_eq(co_dns_resolve(net->dns, "localhost", &answer), -ECANCELED);
    ck_assert_int_eq(resolve(net, "ok.test"), -ECANCELED);
    assert_ok(co_scope_exit(&scope, -ECANCELED));
    ck_assert_uint_eq(net->server.n_queries, 0);
}

NET_TEST(a_resolver_can_be_closed_while_a_query_is_under_way)
{
    struct co_task *task = begin_silent(net);

    co_cancel(task, "test");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    co_task_unref(task);
}

NET_TEST(names_beyond_the_limit_have_to_wait)
{
    struct co_dns_options options = {.servers = net->server.servers, .max_entries = 1};
    struct co_dns *wide = net->dns, *narrow;

    assert_ok(co_dns_new(&narrow, &options));
    net->dns = narrow;
    struct co_task *task = begin_silent(net);
    ck_assert_int_eq(resolve(net, "ok.test"), -ENOBUFS);
    co_cancel(task, "test");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    co_task_unref(task);
    co_dns_free(narrow);
    net->dns = wide;
}

NET_TEST(servers_that_cannot_be_read_are_refused)
{
    struct co_dns *dns;

    ck_assert_int_eq(co_dns_new(&dns, &(struct co_dns_options){.servers = "not an address"}),
                     -EINVAL);
    co_dns_free(NULL);
}

NET_TEST(a_resolver_is_made_whole_or_not_at_all)
{
    struct co_dns_options options = {.servers = net->server.servers};
    struct co_dns *dns;
    int rc = -ENOMEM;

    for (size_t n = 1; rc == -ENOMEM; n++) {
        size_t before = fault_live();
        fault_arm(n);
        rc = co_dns_new(&dns, &options);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    co_dns_free(dns);
}

NET_TEST(a_socket_that_the_kernel_has_no_room_for_is_watched_later)
{
    net->server.names = names;
    limit_arm(1);
    assert_ok(resolve(net, "ok.test"));
    ck_assert(limit_disarm());
    ck_assert_uint_eq(net->server.n_queries, 2);
}

NET_TEST(a_lookup_without_memory_is_forgotten)
{
    int rc = -ENOMEM;

    for (size_t n = 1; rc == -ENOMEM; n++) {
        fault_arm(n);
        rc = resolve(net, "ok.test");
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
    assert_ok(rc);
    assert_addresses("2001:db8::1 192.0.2.1");
}

static const struct {
    const char *name;
    enum co_dns_outcome outcome;
} ends[] = {
    {"ok.test", CO_DNS_ANSWERED},
    {"gone.test", CO_DNS_NOT_FOUND},
    {"broken.test", CO_DNS_FAILED},
};

NET_TEST(queries_are_counted_by_how_they_end)
{
    struct co_dns_stats stats;

    (void)resolve(net, ends[_i].name);
    co_dns_get_stats(net->dns, &stats);
    for (enum co_dns_outcome i = 0; i < CO_DNS_N_OUTCOMES; i++)
        ck_assert_uint_eq(stats.n_queries[i], i == ends[_i].outcome);
    ck_assert_uint_eq(stats.n_lookups, 1);
    ck_assert_uint_eq(stats.n_known, 0);
}

NET_TEST(lookups_of_a_known_name_are_counted)
{
    struct co_dns_stats stats;

    assert_ok(resolve(net, "ok.test"));
    assert_ok(resolve(net, "ok.test"));
    assert_ok(resolve(net, "localhost"));
    co_dns_get_stats(net->dns, &stats);
    ck_assert_uint_eq(stats.n_lookups, 2);
    ck_assert_uint_eq(stats.n_known, 1);
    ck_assert_uint_eq(stats.n_queries[CO_DNS_ANSWERED], 1);
    ck_assert_uint_eq(stats.n_cached, 1);
    ck_assert_str_eq(co_dns_outcome_name(CO_DNS_TIMED_OUT), "timed_out");
}

Suite *suite_dns(void);

Suite *suite_dns(void)
{
    Suite *suite = suite_create("dns");
    TCase *tcase = tcase_create("dns");

    tcase_add_test(tcase, a_name_has_the_addresses_of_both_families);
    tcase_add_test(tcase, the_families_take_turns);
    tcase_add_test(tcase, an_answer_is_kept_whatever_the_case_of_the_name);
    tcase_add_test(tcase, too_many_addresses_are_cut_off);
    tcase_add_loop_test(tcase, a_failure_is_told_and_remembered_for_a_while, 0,
                        N_ELEMENTS(failures));
    tcase_add_loop_test(tcase, a_family_that_cannot_be_asked_for_is_not_empty, 0,
                        N_ELEMENTS(halves));
    tcase_add_test(tcase, a_failure_is_forgotten_after_5_s);
    tcase_add_loop_test(tcase, an_answer_is_kept_for_its_ttl_within_limits, 0, N_ELEMENTS(lives));
    tcase_add_loop_test(tcase, localhost_is_never_asked_for, 0, N_ELEMENTS(local_names));
    tcase_add_test(tcase, a_name_that_ends_in_localhost_is_another);
    tcase_add_test(tcase, tasks_that_ask_for_one_name_share_a_query);
    tcase_add_test(tcase, nobody_waits_longer_than_the_timeout);
    tcase_add_test(tcase, a_cancelled_waiter_leaves_the_query_to_the_others);
    tcase_add_test(tcase, a_cancelled_caller_gets_no_answer);
    tcase_add_test(tcase, a_resolver_can_be_closed_while_a_query_is_under_way);
    tcase_add_test(tcase, names_beyond_the_limit_have_to_wait);
    tcase_add_test(tcase, servers_that_cannot_be_read_are_refused);
    tcase_add_test(tcase, a_resolver_is_made_whole_or_not_at_all);
    tcase_add_test(tcase, a_socket_that_the_kernel_has_no_room_for_is_watched_later);
    tcase_add_test(tcase, a_lookup_without_memory_is_forgotten);
    tcase_add_loop_test(tcase, queries_are_counted_by_how_they_end, 0, N_ELEMENTS(ends));
    tcase_add_test(tcase, lookups_of_a_known_name_are_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}
