#include "daemon/client/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/client/commands.h"

enum { WORDS_MAX = 160 };

static struct options options;
static int n_words;
static char *words[WORDS_MAX];
static char line[2048];

/* As of `gatherctl get`, with words between single spaces; what is said is of no interest here. */
static int read_line(const char *text)
{
    int argc = 1, saved = dup(STDERR_FILENO);

    snprintf(line, sizeof(line), "%s", text);
    words[0] = (char *)"get";
    for (char *at = strtok(line, " "); at != NULL && argc < WORDS_MAX - 1; at = strtok(NULL, " "))
        words[argc++] = at;
    words[argc] = NULL;
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    int rc = options_read("get", command_find("get")->options, argc, words, &options, &n_words);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    return rc;
}

START_TEST(words_and_options_may_be_mixed)
{
    ck_assert_int_eq(read_line("http://a/ --repeat 3 http://b/ -k"), 0);
    ck_assert_int_eq(n_words, 2);
    ck_assert_str_eq(words[1], "http://a/");
    ck_assert_str_eq(words[2], "http://b/");
    ck_assert_uint_eq(options.repeat, 3);
    ck_assert(options.is_insecure);
}
END_TEST

START_TEST(two_dashes_end_options)
{
    ck_assert_int_eq(read_line("-- --json"), 0);
    ck_assert_int_eq(n_words, 1);
    ck_assert_str_eq(words[1], "--json");
    ck_assert_int_eq(options.format, OUTPUT_TABLE);
}
END_TEST

START_TEST(options_that_are_repeated_keep_their_order)
{
    ck_assert_int_eq(read_line("-H a:1 --header=b:2"), 0);
    ck_assert_uint_eq(options.headers.n, 2);
    ck_assert_str_eq(options.headers.items[0], "a:1");
    ck_assert_str_eq(options.headers.items[1], "b:2");
}
END_TEST

START_TEST(no_more_texts_are_taken_than_there_is_room_for)
{
    char many[1024] = "";

    for (int i = 0; i < OPTION_TEXTS_MAX; i++)
        strcat(many, "-H a:1 ");
    ck_assert_int_eq(read_line(many), 0);
    strcat(many, "-H a:1 ");
    ck_assert_int_eq(read_line(many), -EINVAL);
}
END_TEST

static const struct {
    const char *text;
    uint64_t ms; /* 0: it is refused */
} durations[] = {
    {"5", 5000},     {"500ms", 500}, {"2m", 120000},
    {"1h", 3600000}, {"0", 0},       {"-1", 0},
    {"soon", 0},     {"1.5s", 0},    {"99999999999999999999", 0},
};

START_TEST(bare_numbers_are_seconds)
{
    char text[64];

    snprintf(text, sizeof(text), "--timeout=%s", durations[_i].text);
    ck_assert_int_eq(read_line(text), durations[_i].ms != 0 ? 0 : -EINVAL);
    if (durations[_i].ms != 0)
        ck_assert_uint_eq(options.timeout_ms, durations[_i].ms);
}
END_TEST

static const char *const wrong[] = {
    "--repat 3", "--repeat", "--repeat 0", "--repeat x", "--json=1", "-Z", "--status done", "-f",
};

START_TEST(what_makes_no_sense_is_refused)
{
    ck_assert_int_eq(read_line(wrong[_i]), -EINVAL);
}
END_TEST

START_TEST(last_form_of_output_counts)
{
    ck_assert_int_eq(read_line("--json --csv"), 0);
    ck_assert_int_eq(options.format, OUTPUT_CSV);
}
END_TEST

/* A letter that two options of a command had would be the first one's. */
START_TEST(no_command_has_a_letter_twice)
{
    for (size_t i = 0; i < n_option_rows; i++)
        for (size_t k = i + 1; k < n_option_rows; k++)
            for (size_t c = 0; c < n_commands; c++)
                if (option_rows[i].letter != '\0' && option_rows[i].group & commands[c].options &&
                    option_rows[k].group & commands[c].options)
                    ck_assert_msg(option_rows[i].letter != option_rows[k].letter, "%s: -%c",
                                  commands[c].name, option_rows[i].letter);
}
END_TEST

START_TEST(every_command_says_what_it_is_for)
{
    for (size_t i = 0; i < n_commands; i++) {
        ck_assert_ptr_nonnull(commands[i].about);
        ck_assert_ptr_nonnull(strstr(commands[i].examples, commands[i].name));
        ck_assert_int_eq(commands[i].examples[strlen(commands[i].examples) - 1], '\n');
    }
}
END_TEST

Suite *suite_options(void);

Suite *suite_options(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_test(tcase, words_and_options_may_be_mixed);
    tcase_add_test(tcase, two_dashes_end_options);
    tcase_add_test(tcase, options_that_are_repeated_keep_their_order);
    tcase_add_test(tcase, no_more_texts_are_taken_than_there_is_room_for);
    tcase_add_loop_test(tcase, bare_numbers_are_seconds, 0,
                        sizeof(durations) / sizeof(durations[0]));
    tcase_add_loop_test(tcase, what_makes_no_sense_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_test(tcase, last_form_of_output_counts);
    tcase_add_test(tcase, no_command_has_a_letter_twice);
    tcase_add_test(tcase, every_command_says_what_it_is_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
