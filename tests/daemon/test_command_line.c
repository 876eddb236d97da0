#include "daemon/command_line.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/gatherd.h"

enum { MAX_ARGUMENTS = 8 };

static struct config config;
static struct command_line line;
static char *out_text, *err_text; /* what was said */
static int file = -1;
static char file_name[32];

static void set_up(void)
{
    ck_assert_int_eq(config_init(&config), 0);
}

static void tear_down(void)
{
    config_done(&config);
    free(out_text);
    free(err_text);
    out_text = err_text = NULL;
    if (file >= 0)
        close(file);
    file = -1;
}

static void write_file(const char *content)
{
    file = memfd_create("configuration", MFD_CLOEXEC);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, content, strlen(content)), (ssize_t)strlen(content));
    snprintf(file_name, sizeof(file_name), "/proc/self/fd/%d", file);
}

/* Reads a command line that ends in NULL. "FILE" stands for the file's name. */
static int read_line(const char *const *arguments)
{
    char *argv[MAX_ARGUMENTS + 2] = {(char[]){"gatherd"}};
    int argc = 1;
    size_t size;
    FILE *out = stdout, *err = stderr;

    for (; *arguments != NULL; arguments++)
        argv[argc++] = strcmp(*arguments, "FILE") == 0 ? file_name : (char *)*arguments;
    stdout = open_memstream(&out_text, &size);
    stderr = open_memstream(&err_text, &size);
    int status = command_line_read(argc, argv, &line, &config);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    return status;
}

static const struct {
    const char *arguments[MAX_ARGUMENTS];
    int status;
    enum command command;
    const char *says; /* on stderr; "": nothing */
} lines[] = {
    {{NULL}, 0, COMMAND_SERVE, ""},
    {{"--check-config", NULL}, 0, COMMAND_CHECK_CONFIG, ""},
    {{"--print-config", NULL}, 0, COMMAND_PRINT_CONFIG, ""},
    {{"--version", NULL}, 0, COMMAND_NOTHING, ""},
    {{"--help", NULL}, 0, COMMAND_NOTHING, ""},
    {{"--help", "--set", "nonsense", NULL}, 0, COMMAND_NOTHING, ""},
    {{"--set", "fetch.concurrency=7", NULL}, 0, COMMAND_SERVE, ""},
    {{"--set=fetch.concurrency=7", "--check-config", NULL}, 0, COMMAND_CHECK_CONFIG, ""},
    {{"--set", "fetch.concurency=7", NULL}, EXIT_STATUS_CONFIG, COMMAND_SERVE, "fetch.concurrency"},
    {{"--set", "fetch.concurrency=x", "--check-config", NULL},
     EXIT_STATUS_CONFIG,
     COMMAND_CHECK_CONFIG,
     "fetch.concurrency: 'x'"},
    {{"--config", "/nonexistent/gatherd.conf", NULL},
     EXIT_STATUS_CONFIG,
     COMMAND_SERVE,
     "/nonexistent/gatherd.conf"},
    {{"--nonsense", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "--help"},
    {{"-x", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "--help"},
    {{"--set", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "--help"},
    {{"https://example.com/", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "https://example.com/"},
    {{"--", "-x", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "-x"},
    {{"backup", "b.db", NULL}, 0, COMMAND_BACKUP, ""},
    {{"--set", "store.path=/s", "backup", "b.db", NULL}, 0, COMMAND_BACKUP, ""},
    {{"backup", "b.db", "--set", "store.path=/s", NULL}, 0, COMMAND_BACKUP, ""},
    {{"backup", "b.db", "--print-config", NULL}, 0, COMMAND_PRINT_CONFIG, ""},
    {{"backup", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "no FILE after 'backup'"},
    {{"backup", "a", "b", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "unexpected argument 'b'"},
    {{"reload", "17", NULL}, 0, COMMAND_RELOAD, ""},
    {{"reload", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "no PID after 'reload'"},
    {{"restore", "a", NULL}, EXIT_STATUS_USAGE, COMMAND_SERVE, "unexpected argument 'restore'"},
};

START_TEST(every_line_has_its_status_and_command)
{
    ck_assert_int_eq(read_line(lines[_i].arguments), lines[_i].status);
    if (lines[_i].status == 0)
        ck_assert_int_eq(line.command, lines[_i].command);
    if (lines[_i].status == 0 && line.command == COMMAND_BACKUP)
        ck_assert_str_eq(line.argument, "b.db");
    if (lines[_i].status == 0 && line.command == COMMAND_RELOAD)
        ck_assert_str_eq(line.argument, "17");
    ck_assert_msg(strstr(err_text, lines[_i].says) != NULL, "%s", err_text);
    if (lines[_i].says[0] == '\0')
        ck_assert_str_eq(err_text, "");
}
END_TEST

START_TEST(version_and_help_are_said_on_stdout)
{
    ck_assert_int_eq(read_line((const char *[]){"--version", NULL}), 0);
    ck_assert_ptr_eq(strstr(out_text, "gatherd " PACKAGE_VERSION "\n"), out_text);
    free(out_text);
    free(err_text);
    ck_assert_int_eq(read_line((const char *[]){"--help", NULL}), 0);
    for (const char *const *option =
             (const char *[]){"--config", "--set", "--check-config", "--print-config", "--version",
                              "backup FILE", NULL};
         *option != NULL; option++)
        ck_assert_msg(strstr(out_text, *option) != NULL, "%s", *option);
}
END_TEST

START_TEST(values_are_set)
{
    ck_assert_int_eq(read_line((const char *[]){"--set", "fetch.concurrency=7", "--set",
                                                "jobs.ttl_ms=5s", NULL}),
                     0);
    ck_assert_uint_eq(config.fetch.concurrency, 7);
    ck_assert_uint_eq(config.jobs.ttl_ms, 5000);
}
END_TEST

START_TEST(a_later_value_replaces_an_earlier_one)
{
    read_line(
        (const char *[]){"--set", "fetch.concurrency=7", "--set", "fetch.concurrency=8", NULL});
    ck_assert_uint_eq(config.fetch.concurrency, 8);
}
END_TEST

START_TEST(set_comes_after_the_file_wherever_it_stands)
{
    write_file("[fetch]\nconcurrency = 3\nmax_redirects = 4\n");
    ck_assert_int_eq(
        read_line((const char *[]){"--set", "fetch.concurrency=7", "--config", "FILE", NULL}), 0);
    ck_assert_uint_eq(config.fetch.concurrency, 7);
    ck_assert_uint_eq(config.fetch.max_redirects, 4);
}
END_TEST

START_TEST(everything_that_is_wrong_is_said_at_once)
{
    write_file("[fetch]\nconcurrency = no\n");
    ck_assert_int_eq(read_line((const char *[]){"--config", "FILE", "--set", "log.level=loud",
                                                "--set", "api.nothing=1", NULL}),
                     EXIT_STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err_text, "fetch.concurrency"));
    ck_assert_ptr_nonnull(strstr(err_text, "log.level"));
    ck_assert_ptr_nonnull(strstr(err_text, "api.nothing"));
}
END_TEST

START_TEST(a_line_can_be_read_again)
{
    for (int i = 0; i < 2; i++) {
        free(out_text);
        free(err_text);
        ck_assert_int_eq(read_line((const char *[]){"--check-config", NULL}), 0);
        ck_assert_int_eq(line.command, COMMAND_CHECK_CONFIG);
    }
}
END_TEST

Suite *suite_command_line(void);

Suite *suite_command_line(void)
{
    Suite *suite = suite_create("daemon/command_line");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_line_has_its_status_and_command, 0,
                        sizeof(lines) / sizeof(*lines));
    tcase_add_test(tcase, version_and_help_are_said_on_stdout);
    tcase_add_test(tcase, values_are_set);
    tcase_add_test(tcase, a_later_value_replaces_an_earlier_one);
    tcase_add_test(tcase, set_comes_after_the_file_wherever_it_stands);
    tcase_add_test(tcase, everything_that_is_wrong_is_said_at_once);
    tcase_add_test(tcase, a_line_can_be_read_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
