#include "daemon/client/terminal.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const variables[] = {
    "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"};
static char *before[N_ELEMENTS(variables)];
static char *term_before;
static int controller, pty;

static void set_width(unsigned short width)
{
    const struct winsize size = {.ws_col = width, .ws_row = 24};

    ck_assert_int_eq(ioctl(controller, TIOCSWINSZ, &size), 0);
}

static void put_back(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static char *take_away(const char *name)
{
    const char *value = getenv(name);
    char *copy = value != NULL ? strdup(value) : NULL;

    unsetenv(name);
    return copy;
}

static void set_up(void)
{
    for (size_t i = 0; i < N_ELEMENTS(variables); i++)
        before[i] = take_away(variables[i]);
    term_before = take_away("TERM");
    setenv("TERM", "xterm", 1);
    controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(controller, 0);
    ck_assert(grantpt(controller) == 0 && unlockpt(controller) == 0);
    pty = open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(pty, 0);
    set_width(100);
}

static void tear_down(void)
{
    close(pty);
    close(controller);
    for (size_t i = 0; i < N_ELEMENTS(variables); i++) {
        put_back(variables[i], before[i]);
        free(before[i]);
    }
    put_back("TERM", term_before);
    free(term_before);
}

static struct terminal look_at(int fd)
{
    struct terminal terminal;

    terminal_init(&terminal, fd);
    return terminal;
}

static struct terminal look_at_file(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct terminal terminal = look_at(fd);

    close(fd);
    return terminal;
}

START_TEST(terminal_has_a_width_and_colours)
{
    struct terminal terminal = look_at(pty);

    ck_assert(terminal.is_terminal && terminal.can_redraw && terminal.has_colours);
    ck_assert_uint_eq(terminal.width, 100);
}
END_TEST

START_TEST(file_has_neither)
{
    struct terminal terminal = look_at_file();

    ck_assert(!terminal.is_terminal && !terminal.can_redraw && !terminal.has_colours);
    ck_assert_uint_eq(terminal.width, 0);
}
END_TEST

START_TEST(width_is_measured_again_when_asked)
{
    struct terminal terminal = look_at(pty);

    set_width(60);
    ck_assert_uint_eq(terminal.width, 100);
    terminal_measure(&terminal);
    ck_assert_uint_eq(terminal.width, 60);
}
END_TEST

START_TEST(terminal_that_does_not_tell_its_width_is_taken_for_a_usual_one)
{
    set_width(0);
    ck_assert_uint_eq(look_at(pty).width, 80);
}
END_TEST

START_TEST(columns_say_the_width_of_anything)
{
    setenv("COLUMNS", "72", 1);
    ck_assert_uint_eq(look_at(pty).width, 72);
    ck_assert_uint_eq(look_at_file().width, 72);
}
END_TEST

START_TEST(columns_that_are_no_number_say_nothing)
{
    setenv("COLUMNS", "wide", 1);
    ck_assert_uint_eq(look_at(pty).width, 100);
    setenv("COLUMNS", "-1", 1);
    ck_assert_uint_eq(look_at(pty).width, 100);
}
END_TEST

static const struct {
    const char *name, *value;
    bool on_terminal, in_file;
} colours[] = {
    {"NO_COLOR", "1", false, false},      {"NO_COLOR", "", true, false},
    {"CLICOLOR", "0", false, false},      {"CLICOLOR_FORCE", "1", true, true},
    {"CLICOLOR_FORCE", "0", true, false}, {"TERM", "dumb", false, false},
    {"TERM", "", false, false},
};

START_TEST(environment_decides_about_colours)
{
    setenv(colours[_i].name, colours[_i].value, 1);
    ck_assert_int_eq(look_at(pty).has_colours, colours[_i].on_terminal);
    ck_assert_int_eq(look_at_file().has_colours, colours[_i].in_file);
}
END_TEST

START_TEST(who_wants_no_colours_is_stronger_than_who_forces_them)
{
    setenv("CLICOLOR_FORCE", "1", 1);
    setenv("NO_COLOR", "1", 1);
    ck_assert(!look_at(pty).has_colours);
}
END_TEST

START_TEST(tones_are_empty_without_colours)
{
    struct terminal plain = look_at_file(), colourful = look_at(pty);

    for (enum tone tone = TONE_STRONG; tone < N_TONES; tone++) {
        ck_assert_str_eq(terminal_tone(&plain, tone), "");
        ck_assert_str_eq(terminal_tone_end(&plain, tone), "");
        ck_assert_str_ne(terminal_tone(&colourful, tone), "");
        ck_assert_str_eq(terminal_tone_end(&colourful, tone), "\033[0m");
    }
    ck_assert_str_eq(terminal_tone(&colourful, TONE_PLAIN), "");
    ck_assert_str_eq(terminal_tone_end(&colourful, TONE_PLAIN), "");
}
END_TEST

START_TEST(locale_of_the_user_says_whether_it_is_utf8)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    ck_assert(look_at(pty).is_utf8);
    setenv("LC_ALL", "C", 1);
    ck_assert(!look_at(pty).is_utf8);
    setenv("LC_ALL", "no_such.locale", 1);
    ck_assert(!look_at(pty).is_utf8);
}
END_TEST

Suite *suite_terminal(void);

Suite *suite_terminal(void)
{
    Suite *suite = suite_create("daemon/client/terminal");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, terminal_has_a_width_and_colours);
    tcase_add_test(tcase, file_has_neither);
    tcase_add_test(tcase, width_is_measured_again_when_asked);
    tcase_add_test(tcase, terminal_that_does_not_tell_its_width_is_taken_for_a_usual_one);
    tcase_add_test(tcase, columns_say_the_width_of_anything);
    tcase_add_test(tcase, columns_that_are_no_number_say_nothing);
    tcase_add_loop_test(tcase, environment_decides_about_colours, 0, N_ELEMENTS(colours));
    tcase_add_test(tcase, who_wants_no_colours_is_stronger_than_who_forces_them);
    tcase_add_test(tcase, tones_are_empty_without_colours);
    tcase_add_test(tcase, locale_of_the_user_says_whether_it_is_utf8);
    suite_add_tcase(suite, tcase);
    return suite;
}
