#include "daemon/api/http_pace.h"

#include <check.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/runtime.h"

static const struct {
    int64_t elapsed_ms;
    uint64_t n_bytes;
    bool is_slow;
} paces[] = {
    {0, 0, false},      {999, 0, false},     {1000, 499, true},    {1000, 500, false},
    {1999, 500, false}, {10000, 4999, true}, {10000, 5000, false},
};

CO_TEST(who_has_moved_too_little_is_slow)
{
    struct http_pace pace;

    http_pace_begin(&pace, 7);
    ck_assert_int_eq(co_sleep(paces[_i].elapsed_ms * CO_MILLISECOND), 0);
    ck_assert_int_eq(http_pace_is_slow(&pace, 7 + paces[_i].n_bytes, CO_SECOND), paces[_i].is_slow);
    ck_assert(!http_pace_is_slow(&pace, 7, 11 * CO_SECOND));
}

CO_TEST(who_moves_unknown_numbers_is_not_slow)
{
    struct http_pace pace;

    http_pace_begin(&pace, _i == 0 ? 0 : HTTP_PACE_UNKNOWN);
    ck_assert_int_eq(co_sleep(100 * CO_SECOND), 0);
    ck_assert(!http_pace_is_slow(&pace, HTTP_PACE_UNKNOWN, CO_SECOND));
}

/* A listener, and the two ends of a connection to it. */
static void connect_over_tcp(int *ret_listener, int *ret_here, int *ret_there)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);

    *ret_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret_here = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(*ret_listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(*ret_listener, 1), 0);
    ck_assert_int_eq(getsockname(*ret_listener, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(connect(*ret_here, (struct sockaddr *)&address, length), 0);
    *ret_there = accept(*ret_listener, NULL, NULL);
}

/* Loopback acknowledges within write(). */
START_TEST(what_a_tcp_client_has_got_is_known)
{
    int listener, here, there;

    connect_over_tcp(&listener, &here, &there);
    uint64_t before = http_pace_n_acknowledged(here);
    ck_assert_int_eq(write(here, "0123456789", 10), 10);
    char bytes[10];
    ck_assert_int_eq(recv(there, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    ck_assert_int_eq(write(there, "x", 1), 1); /* carries the acknowledgement, if it was delayed */
    ck_assert_int_eq(read(here, bytes, 1), 1);
    ck_assert_uint_eq(http_pace_n_acknowledged(here) - before, 10);
    close(there);
    close(here);
    close(listener);
}
END_TEST

START_TEST(what_another_client_has_got_is_unknown)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_uint_eq(http_pace_n_acknowledged(fds[0]), HTTP_PACE_UNKNOWN);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

Suite *suite_http_pace(void);

Suite *suite_http_pace(void)
{
    Suite *suite = suite_create("http_pace");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, who_has_moved_too_little_is_slow, 0,
                        (int)(sizeof(paces) / sizeof(paces[0])));
    tcase_add_loop_test(tcase, who_moves_unknown_numbers_is_not_slow, 0, 2);
    tcase_add_test(tcase, what_a_tcp_client_has_got_is_known);
    tcase_add_test(tcase, what_another_client_has_got_is_unknown);
    suite_add_tcase(suite, tcase);
    return suite;
}
