#include "daemon/client/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/runtime.h"

enum { SECONDS_OF_TRIES = 30 };

static struct client client;
static char said[1024];

static void make_client(void)
{
    client = (struct client){.command = command_find("get"), .server.name = "here"};
}

/* What call() says on stderr is in said then. returns what it returns */
static int listen_to(int (*call)(const void *arg), const void *arg)
{
    FILE *heard = tmpfile();
    int saved = dup(STDERR_FILENO);

    ck_assert_ptr_nonnull(heard);
    fflush(stderr);
    dup2(fileno(heard), STDERR_FILENO);
    int status = call(arg);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(heard);
    said[fread(said, 1, sizeof(said) - 1, heard)] = '\0';
    fclose(heard);
    return status;
}

static int try_until_it_is_too_late(const void *response)
{
    unsigned n_tries = 0;
    int status;

    while ((status = client_try_later(&client, &n_tries, response)) == CLIENT_OK)
        ;
    return status;
}

static int fail_for_want_of_memory(const void *response)
{
    return client_call_failed(&client, -ENOMEM, response);
}

static void expect(const struct co_http_response *response, const char *sentence)
{
    ck_assert_int_eq(listen_to(try_until_it_is_too_late, response), CLIENT_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(said, sentence));
    ck_assert_ptr_null(strstr(said, "(null)"));
    ck_assert_int_eq(now_ms(), 1000 * SECONDS_OF_TRIES);
}

CO_TEST(who_does_not_answer_for_half_a_minute_cannot_be_reached)
{
    expect(&(struct co_http_response){.error = CO_HTTP_CONNECT_REFUSED, .message = "Refused."},
           "gatherd at here cannot be reached: Refused.\n");
}

CO_TEST(who_refuses_for_half_a_minute_is_quoted)
{
    char problem[] = "{\"code\": \"draining\", \"detail\": \"gatherd is being stopped.\"}";

    expect(
        &(struct co_http_response){.status = 503, .body = problem, .body_length = strlen(problem)},
        "gatherctl: gatherd is being stopped. (503 draining)\n");
}

CO_TEST(who_leaves_again_and_again_is_said_to)
{
    expect(
        &(struct co_http_response){.status = 200, .error = CO_HTTP_RECV_RESET, .message = "Reset."},
        "gatherd at here has left in between: Reset.\n");
}

CO_TEST(answers_without_an_end_are_told)
{
    expect(&(struct co_http_response){.status = 200},
           "gatherd at here has left in between: its answer has no end\n");
}

CO_TEST(lack_of_memory_is_not_taken_for_a_server_that_is_away)
{
    ck_assert_int_eq(listen_to(fail_for_want_of_memory, &(struct co_http_response){.status = 0}),
                     CLIENT_OUTPUT);
    ck_assert_str_eq(said, "gatherctl get: Cannot allocate memory\n");
}

Suite *suite_commands(void);

Suite *suite_commands(void)
{
    Suite *suite = suite_create("daemon/client/commands");
    TCase *tcase = tcase_create("commands");

    tcase_add_checked_fixture(tcase, make_client, NULL);
    tcase_add_test(tcase, who_does_not_answer_for_half_a_minute_cannot_be_reached);
    tcase_add_test(tcase, who_refuses_for_half_a_minute_is_quoted);
    tcase_add_test(tcase, who_leaves_again_and_again_is_said_to);
    tcase_add_test(tcase, answers_without_an_end_are_told);
    tcase_add_test(tcase, lack_of_memory_is_not_taken_for_a_server_that_is_away);
    suite_add_tcase(suite, tcase);
    return suite;
}
