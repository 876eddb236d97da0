#include "daemon/base/config_file.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct config config;
static char complaints[8192]; /* one to a line, without the name of the file */

static void set_up(void)
{
    complaints[0] = '\0';
    ck_assert_int_eq(config_init(&config), 0);
}

static void tear_down(void)
{
    config_done(&config);
}

static void note_complaint(void *arg, const char *message)
{
    const char *path = arg;
    size_t used = strlen(complaints);

    ck_assert_mem_eq(message, path, strlen(path));
    message += strlen(path) + 1; /* the colon */
    message += *message == ' ';
    snprintf(complaints + used, sizeof(complaints) - used, "%s\n", message);
}

static int load_bytes(struct config *into, const char *bytes, size_t len)
{
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);

    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int rc = config_load_file(into, path, note_complaint, path);
    close(fd);
    return rc;
}

static int load(const char *text)
{
    return load_bytes(&config, text, strlen(text));
}

/* The caller frees it. */
static char *print(const struct config *from)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    ck_assert_int_eq(config_print(from, out), 0);
    fclose(out);
    return text;
}

START_TEST(values_of_all_types_are_set)
{
    ck_assert_int_eq(load("# comment\n"
                          "[api]\n"
                          "listen = 127.0.0.1:1 [::1]:2 ; comment\n"
                          "max_body_bytes=1M\n"
                          "\n"
                          "[fetch]\n"
                          "  timeout_ms : 5s\r\n"
                          "user_agent = a/1 (b; c)\n"
                          "[log]\n"
                          "level = debug"),
                     0);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(config.api.listen.n, 2);
    ck_assert_str_eq(config.api.listen.items[1], "[::1]:2");
    ck_assert_uint_eq(config.api.max_body_bytes, 1 << 20);
    ck_assert_uint_eq(config.fetch.timeout_ms, 5000);
    ck_assert_str_eq(config.fetch.user_agent, "a/1 (b; c)");
    ck_assert_uint_eq(config.log.level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(probe_modules_are_sections_of_their_own)
{
    ck_assert_int_eq(load("[probe.login]\n"
                          "method = POST\n"
                          "headers =\n"
                          "    Accept: text/html;q=0.5\n"
                          "    # not this one\n"
                          "    X-A: b c = d\n"
                          "[probe.http_2xx]\n"
                          "fail_if_ssl = true\n"
                          "[probe.login]\n"
                          "fail_if_body_matches_regexp = ^a = (b|c)\n"),
                     0);
    ck_assert_str_eq(complaints, "");
    const struct config_probe *login = config_probe_find(config.probes, "login");
    ck_assert_ptr_nonnull(login);
    ck_assert_str_eq(login->method, "POST");
    ck_assert_uint_eq(login->headers.n, 2);
    ck_assert_str_eq(login->headers.items[1], "X-A: b c = d");
    ck_assert_str_eq(login->fail_if_body_matches_regexp.items[0], "^a = (b|c)");
    ck_assert_uint_eq(login->fail_if_ssl, 0);
    ck_assert_uint_eq(config_probe_find(config.probes, "http_2xx")->fail_if_ssl, 1);
    ck_assert_ptr_null(config_probe_find(config.probes, "log"));
}
END_TEST

START_TEST(module_without_a_section_has_the_defaults)
{
    const struct config_probe *usual = config_probe_find(config.probes, CONFIG_PROBE_DEFAULT);

    ck_assert_ptr_nonnull(usual);
    ck_assert_ptr_null(usual->next);
    ck_assert_str_eq(usual->method, "GET");
    ck_assert_str_eq(usual->valid_status_codes.items[0], "2xx");
    ck_assert_uint_eq(usual->follow_redirects, 1);
}
END_TEST

START_TEST(another_file_may_set_again_what_one_has_set)
{
    ck_assert_int_eq(load("[log]\nlevel = debug\n[probe.a]\nmethod = PUT\n"), 0);
    ck_assert_int_eq(load("[log]\nlevel = error\n[probe.a]\nmethod = HEAD\n"), 0);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(config.log.level, LOG_LEVEL_ERROR);
    ck_assert_str_eq(config_probe_find(config.probes, "a")->method, "HEAD");
}
END_TEST

START_TEST(byte_order_mark_is_skipped)
{
    ck_assert_int_eq(load("\xef\xbb\xbf[log]\nlevel = error\n"), 0);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(config.log.level, LOG_LEVEL_ERROR);
}
END_TEST

START_TEST(list_goes_on_in_indented_lines)
{
    ck_assert_int_eq(load("[egress]\n"
                          "allow =\n"
                          "    10.0.0.0/8\n"
                          "# the lab\n"
                          "\t127.0.0.0/8 ::1/128 ; loopback\n"
                          "\n"
                          "    # home\n"
                          "    [::2]\n"
                          "deny = 10.1.0.0/16\n"),
                     0);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(config.egress.allow.n, 4);
    ck_assert_str_eq(config.egress.allow.items[0], "10.0.0.0/8");
    ck_assert_str_eq(config.egress.allow.items[2], "::1/128");
    ck_assert_str_eq(config.egress.allow.items[3], "[::2]");
    ck_assert_uint_eq(config.egress.deny.n, 1);
}
END_TEST

#define LETTERS_100                                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                           \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *file, *complaints;
} broken[] = {
    {"[log]\nlevel = loud\n", "2: log.level: 'loud' is not one of error, warning, info, debug\n"},
    {"[log]\nlevle = info\n", "2: log.levle: there is no such setting; did you mean log.level?\n"},
    {"[lgo]\nlevel = info\n", "2: lgo.level: there is no such setting; did you mean log.level?\n"},
    {"level = info\n", "1: level: there is no such setting; did you mean log.level?\n"},
    {"[log]\nlevel = info\n\n[log]\nlevel = info\n", "5: log.level: was set in line 2 already\n"},
    {"[log]\nnonsense\n", "2: this is neither `key = value` nor [section]\n"},
    {"[log\n", "1: this is neither `key = value` nor [section]\n"},
    {"[log ;]\nlevel = info\n", "1: this is neither `key = value` nor [section]\n"
                                "2: level: there is no such setting; did you mean log.level?\n"},
    {"[log]\nlevel = info\n[fetch ; comment]\n",
     "3: this is neither `key = value` nor [section]\n"},
    {"= 5\n", "1: : there is no such setting\n"},
    {"[probe.a]\nmethodd = GET\n",
     "2: probe.a.methodd: probe modules have no such setting; did you mean method?\n"},
    {"[probe.a]\nmethod = GET\nmethod = PUT\n", "3: probe.a.method: was set in line 2 already\n"},
    {"[probe]\nmethod = GET\n",
     "2: probe.method: a setting of a probe module is [probe.MODULE] and its key\n"},
    {"[probe.a b]\nmethod = GET\n", "2: probe.a b.method: the name of a probe module has 1 to 40 "
                                    "letters, digits, _ and -\n"},
    {"[probe.a]\nfail_if_ssl = yes\n", "2: probe.a.fail_if_ssl: 'yes' is not one of false, true\n"},
    {"nonsense", "1: this is neither `key = value` nor [section]\n"},
    {"[api]\nmax_items = 5\n  6\n",
     "3: api.max_items: is no list, so it cannot go on in an indented line\n"},
    {"[api]\nallowed_hosts = a\n  max_items = 5\n",
     "3: api.allowed_hosts: a list cannot contain a '='\n"},
    {"[log]\n#" LETTERS_100 LETTERS_100 "\nlevel = x\n",
     "2: this line has more than 198 bytes\n"
     "3: log.level: 'x' is not one of error, warning, info, debug\n"},
    /* All that is wrong, not only the first. */
    {"[api]\nmax_items = 0\nwhat?\nmax_bodi_bytes = 1M\n[fetch]\nconcurrency = many\n",
     "2: api.max_items: '0' is out of range, which is 1 to 100000000\n"
     "3: this is neither `key = value` nor [section]\n"
     "4: api.max_bodi_bytes: there is no such setting; did you mean api.max_body_bytes?\n"
     "6: fetch.concurrency: 'many' is not a whole number\n"},
};

START_TEST(everything_that_is_wrong_is_told_with_its_line)
{
    ck_assert_int_eq(load(broken[_i].file), -EINVAL);
    ck_assert_str_eq(complaints, broken[_i].complaints);
}
END_TEST

START_TEST(nul_byte_is_told)
{
    static const char file[] = "[log]\nlev\0el = info\nlevel = x\n";

    ck_assert_int_eq(load_bytes(&config, file, sizeof(file) - 1), -EINVAL);
    ck_assert_str_eq(complaints, "2: this line contains a NUL byte\n"
                                 "3: log.level: 'x' is not one of error, warning, info, debug\n");
}
END_TEST

START_TEST(file_that_is_not_there_is_told)
{
    char path[] = "/nonexistent/gatherd.conf";

    ck_assert_int_eq(config_load_file(&config, path, note_complaint, path), -ENOENT);
    ck_assert_str_eq(complaints, "No such file or directory\n");
}
END_TEST

START_TEST(directory_is_no_file)
{
    char path[] = "/";

    ck_assert_int_eq(config_load_file(&config, path, note_complaint, path), -EISDIR);
    ck_assert_str_eq(complaints, "Is a directory\n");
}
END_TEST

START_TEST(empty_file_changes_nothing)
{
    char *before = print(&config);

    ck_assert_int_eq(load(""), 0);
    char *after = print(&config);
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
}
END_TEST

/* A text for each setting that is not its default; a_long_word reaches the limits of a line. */
static const char *other_value(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_COUNT:
        return "13";
    case SETTING_SIZE:
        return setting->min > 1048577 ? "16777217" : "1048577";
    case SETTING_DURATION:
        return "12345";
    case SETTING_TEXT:
        return "a=b; [c] #" LETTERS_100;
    case SETTING_LIST:
        if (strcmp(setting->name, "fetch.proxies") == 0)
            return "http://u:p@a:1 https://b";
        if (strcmp(setting->name, "api.allowed_origins") == 0)
            return "http://a:1 https://b";
        return setting->check == NULL ? "[a]:1 b;d " LETTERS_100 " " LETTERS_100 " e"
                                      : "127.0.0.1:1 [::1]:2 127.0.0.1:3";
    case SETTING_LINES:
        return "X-A: b;c =[d]\\.e #f";
    case SETTING_CHOICE:
        return setting->choices[0];
    }
    return "";
}

static void set_other_value(const char *prefix, const char *name, const struct setting *setting)
{
    char assignment[512];
    struct err err = {0};

    snprintf(assignment, sizeof(assignment), "%s%s=%s", prefix, name, other_value(setting));
    ck_assert_msg(config_set(&config, assignment, &err) == 0, "%s", err.message);
}

static void set_other_values(void)
{
    for (size_t i = 0; i < config_n_settings; i++)
        set_other_value("", config_settings[i].name, &config_settings[i]);
    for (size_t i = 0; i < config_probe_n_settings; i++)
        set_other_value("probe.any-1.", strchr(config_probe_settings[i].name, '.') + 1,
                        &config_probe_settings[i]);
}

static void assert_printed_reads_back(void)
{
    struct config read_back;
    char *printed = print(&config);

    ck_assert_int_eq(config_init(&read_back), 0);
    ck_assert_int_eq(load_bytes(&read_back, printed, strlen(printed)), 0);
    ck_assert_str_eq(complaints, "");
    char *printed_again = print(&read_back);
    ck_assert_str_eq(printed_again, printed);
    free(printed);
    free(printed_again);
    config_done(&read_back);
}

START_TEST(printed_defaults_read_back)
{
    assert_printed_reads_back();
}
END_TEST

START_TEST(printed_values_read_back)
{
    set_other_values();
    assert_printed_reads_back();
}
END_TEST

START_TEST(longest_values_read_back)
{
    char assignment[512];

    for (size_t i = 0; i < config_n_settings; i++) {
        enum setting_type type = config_settings[i].type;

        if ((type != SETTING_TEXT && type != SETTING_LIST) || config_settings[i].check != NULL)
            continue;
        memset(assignment, 'a', sizeof(assignment));
        int len = snprintf(assignment, sizeof(assignment), "%s=", config_settings[i].name);
        assignment[len] = 'a';
        assignment[len + 160] = '\0';
        ck_assert_int_eq(config_set(&config, assignment, NULL), 0);
    }
    assert_printed_reads_back();
}
END_TEST

START_TEST(printed_lines_are_short)
{
    char *printed = print(&config);

    for (const char *line = printed; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
    free(printed);
}
END_TEST

START_TEST(print_says_when_nobody_can_take_it)
{
    FILE *out = fopen("/dev/full", "w");

    ck_assert_int_eq(config_print(&config, out), -EIO);
    fclose(out);
}
END_TEST

START_TEST(random_files_do_no_harm)
{
    static const char *const pieces[] = {
        "[",       "]",       "api",    "listen",    "=",         ":",  " ",   "\n",
        "\n",      "\n",      "  ",     ";",         "#",         "\"", "log", "level = info\n",
        "[log]\n", "[api]\n", "listen", "egress",    "max_items", "5",  "\\",  "\xef\xbb\xbf",
        "\xff",    "\t",      "\r\n",   LETTERS_100,
    };
    struct random random = {1};

    for (int round = 0; round < 500; round++) {
        char file[4096] = "";
        size_t len = 0;

        for (uint32_t n = random_below(&random, 30); n > 0; n--) {
            const char *piece = pieces[random_below(&random, N_ELEMENTS(pieces))];

            memcpy(file + len, piece, strlen(piece));
            len += strlen(piece);
        }
        if (len > 0 && random_below(&random, 4) == 0)
            file[random_below(&random, (uint32_t)len)] = '\0';
        struct config any;
        complaints[0] = '\0';
        ck_assert_int_eq(config_init(&any), 0);
        int rc = load_bytes(&any, file, len);
        ck_assert_int_eq(rc, complaints[0] == '\0' ? 0 : -EINVAL);
        config_done(&any);
    }
}
END_TEST

START_TEST(failed_allocation_is_told_and_leaks_nothing)
{
    static const char file[] =
        "[api]\nallowed_hosts = " LETTERS_100 " a b c\nallowed_origins = a://d\n  a://e\n";

    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct config another;

        complaints[0] = '\0';
        ck_assert_int_eq(config_init(&another), 0);
        another.arena.next = another.arena.end; /* so that the first string takes a new chunk */
        fault_arm(n);
        int rc = load_bytes(&another, file, sizeof(file) - 1);
        bool failed = fault_disarm();
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        ck_assert_int_eq(complaints[0] != '\0', failed);
        config_done(&another);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
}
END_TEST

/* --- Drop-ins --------------------------------------------------------------------------------- */

static char directory[32];

static void write_file(const char *name, const char *text)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* As they are read. */
static const char *const names_in_order[] = {
    "x.conf",          "x.conf.d/20-late.conf", "x.conf.d/3.conf",    "x.conf.d/B.conf",
    "x.conf.d/a.conf", "x.conf.d/a.conf.conf",  "x.conf.d/ab c.conf", "x.conf.d/\xc3\xa4.conf"};
static const char *const names_not_read[] = {"x.conf.d/ignored", "x.conf.d/.hidden.conf",
                                             "x.conf.d/.conf", "x.conf.d/a.conf~", "x.conf.d"};

static void make_directory(void)
{
    char path[64];

    set_up();
    strcpy(directory, "/tmp/gatherd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/x.conf.d", directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void remove_files(const char *const *names, size_t n)
{
    char path[96];

    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        (void)remove(path);
    }
}

static void remove_directory(void)
{
    remove_files(names_in_order, N_ELEMENTS(names_in_order));
    remove_files(names_not_read, N_ELEMENTS(names_not_read));
    ck_assert_int_eq(rmdir(directory), 0);
    tear_down();
}

static int load_all(void)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/x.conf", directory);
    return config_load(&config, path, note_complaint, directory);
}

START_TEST(drop_ins_are_read_behind_the_file_by_name)
{
    write_file("x.conf", "[api]\nmax_items = 1\nmax_connections = 1\n[fetch]\nconcurrency = 1\n");
    write_file("x.conf.d/20-late.conf", "[api]\nmax_items = 2\nmax_connections = 2\n");
    write_file("x.conf.d/3.conf", "[api]\nmax_items = 3\n");
    write_file("x.conf.d/ignored", "[api]\nmax_items = 4\n");
    write_file("x.conf.d/.hidden.conf", "[api]\nmax_items = 5\n");
    ck_assert_int_eq(load_all(), 0);
    ck_assert_str_eq(complaints, "");
    ck_assert_uint_eq(config.api.max_items, 3);
    ck_assert_uint_eq(config.api.max_connections, 2);
    ck_assert_uint_eq(config.fetch.concurrency, 1);
}
END_TEST

START_TEST(their_order_is_that_of_the_bytes_of_their_names)
{
    char expected[sizeof(complaints)] = "";

    for (size_t i = N_ELEMENTS(names_in_order); i-- > 0;)
        write_file(names_in_order[i], "?");
    for (size_t i = 0; i < N_ELEMENTS(names_not_read) - 1; i++)
        write_file(names_not_read[i], "?");
    ck_assert_int_eq(load_all(), -EINVAL);
    for (size_t i = 0; i < N_ELEMENTS(names_in_order); i++)
        sprintf(expected + strlen(expected), "%s:1: this is neither `key = value` nor [section]\n",
                names_in_order[i]);
    ck_assert_str_eq(complaints, expected);
}
END_TEST

START_TEST(one_that_cannot_be_read_does_not_keep_others_from_it)
{
    char path[64];

    write_file("x.conf", "[api]\nmax_items = 1\n");
    snprintf(path, sizeof(path), "%s/x.conf.d/20-late.conf", directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/x.conf.d/3.conf", directory);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    write_file("x.conf.d/a.conf", "[api]\nmax_items = 7\n");
    ck_assert_int_eq(load_all(), -EISDIR);
    ck_assert_str_eq(complaints, "x.conf.d/20-late.conf: Is a directory\n"
                                 "x.conf.d/3.conf: No such file or directory\n");
    ck_assert_uint_eq(config.api.max_items, 7);
}
END_TEST

START_TEST(a_file_in_place_of_their_directory_is_not_read)
{
    char path[64];

    write_file("x.conf", "[api]\nmax_items = 1\n");
    snprintf(path, sizeof(path), "%s/x.conf.d", directory);
    ck_assert_int_eq(rmdir(path), 0);
    write_file("x.conf.d", "?");
    ck_assert_int_eq(load_all(), 0);
    ck_assert_uint_eq(config.api.max_items, 1);
}
END_TEST

START_TEST(what_is_wrong_in_all_of_them_is_told)
{
    write_file("x.conf", "[api]\nmax_items = a\n");
    write_file("x.conf.d/20-late.conf", "[api]\nmax_items = b\n");
    write_file("x.conf.d/3.conf", "[api]\nmax_items = 7\n");
    ck_assert_int_eq(load_all(), -EINVAL);
    ck_assert_str_eq(complaints,
                     "x.conf:2: api.max_items: 'a' is not a whole number\n"
                     "x.conf.d/20-late.conf:2: api.max_items: 'b' is not a whole number\n");
    ck_assert_uint_eq(config.api.max_items, 7);
}
END_TEST

START_TEST(drop_ins_do_not_replace_a_file_that_is_not_there)
{
    write_file("x.conf.d/3.conf", "[api]\nmax_items = 7\n");
    ck_assert_int_eq(load_all(), -ENOENT);
    ck_assert_str_eq(complaints, "x.conf: No such file or directory\n");
}
END_TEST

Suite *suite_config_file(void);

Suite *suite_config_file(void)
{
    Suite *suite = suite_create("daemon/base/config_file");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, values_of_all_types_are_set);
    tcase_add_test(tcase, probe_modules_are_sections_of_their_own);
    tcase_add_test(tcase, module_without_a_section_has_the_defaults);
    tcase_add_test(tcase, another_file_may_set_again_what_one_has_set);
    tcase_add_test(tcase, byte_order_mark_is_skipped);
    tcase_add_test(tcase, list_goes_on_in_indented_lines);
    tcase_add_loop_test(tcase, everything_that_is_wrong_is_told_with_its_line, 0,
                        N_ELEMENTS(broken));
    tcase_add_test(tcase, nul_byte_is_told);
    tcase_add_test(tcase, file_that_is_not_there_is_told);
    tcase_add_test(tcase, directory_is_no_file);
    tcase_add_test(tcase, empty_file_changes_nothing);
    tcase_add_test(tcase, printed_defaults_read_back);
    tcase_add_test(tcase, printed_values_read_back);
    tcase_add_test(tcase, longest_values_read_back);
    tcase_add_test(tcase, printed_lines_are_short);
    tcase_add_test(tcase, print_says_when_nobody_can_take_it);
    tcase_add_test(tcase, random_files_do_no_harm);
    tcase_add_test(tcase, failed_allocation_is_told_and_leaks_nothing);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("drop_ins");
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, drop_ins_are_read_behind_the_file_by_name);
    tcase_add_test(tcase, their_order_is_that_of_the_bytes_of_their_names);
    tcase_add_test(tcase, one_that_cannot_be_read_does_not_keep_others_from_it);
    tcase_add_test(tcase, a_file_in_place_of_their_directory_is_not_read);
    tcase_add_test(tcase, what_is_wrong_in_all_of_them_is_told);
    tcase_add_test(tcase, drop_ins_do_not_replace_a_file_that_is_not_there);
    suite_add_tcase(suite, tcase);
    return suite;
}
