#include "daemon/base/credentials.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct credentials *credentials;
static struct err err;
static char folder[64], secrets_path[96], certs_path[96];

static void set_up(void)
{
    credentials = NULL;
    err = (struct err){0};
    strcpy(folder, P_tmpdir "/test_credentials.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    sprintf(secrets_path, "%s/secrets", folder);
    sprintf(certs_path, "%s/certs", folder);
    ck_assert_int_eq(mkdir(certs_path, 0700), 0);
}

static int remove_it(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static void tear_down(void)
{
    credentials_free(credentials);
    ck_assert_int_eq(nftw(folder, remove_it, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

static int load_bytes(const void *bytes, size_t length)
{
    credentials_free(credentials);
    credentials = NULL;
    err = (struct err){0};
    write_file(secrets_path, bytes, length);
    return credentials_load(&credentials, secrets_path, "", &err);
}

static int load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static void must_load(const char *text)
{
    int rc = load(text);

    ck_assert_msg(rc == 0, "%d: %s", rc, err.message);
}

/* What the message says behind the setting and the path. */
static const char *complaint(void)
{
    static const char setting[] = "fetch.secrets_file: ";
    const char *path = err.message + strlen(setting);

    ck_assert_mem_eq(err.message, setting, strlen(setting));
    ck_assert_mem_eq(path, secrets_path, strlen(secrets_path));
    return path + strlen(secrets_path) + 1;
}

/* --- Secrets ---------------------------------------------------------------------------------- */

START_TEST(secrets_are_found_by_name)
{
    must_load("# all there are\r\n"
              "\n"
              "  \t \n"
              "zebra = last\n"
              "api-token=abc = def==  \r\n"
              "\tHook_1.x \t a.example *.b.example =  two words\t#5 \n"
              "  # not = this\n"
              "no-newline = \xc3\xa9");
    ck_assert_str_eq(credentials_secret(credentials, "api-token"), "abc = def==");
    ck_assert_str_eq(credentials_secret(credentials, "Hook_1.x"), "two words\t#5");
    ck_assert_str_eq(credentials_secret(credentials, "no-newline"), "\xc3\xa9");
    ck_assert_str_eq(credentials_secret(credentials, "zebra"), "last");
    ck_assert_ptr_null(credentials_secret(credentials, "Zebra"));
    ck_assert_ptr_null(credentials_secret(credentials, "not"));
    ck_assert_ptr_null(credentials_secret(credentials, ""));
    ck_assert_ptr_null(credentials_certificate(credentials, "zebra"));
}
END_TEST

START_TEST(nothing_is_found_where_there_is_nothing)
{
    must_load("");
    ck_assert_ptr_null(credentials_secret(credentials, "a"));
    credentials_free(credentials);
    ck_assert_int_eq(credentials_load(&credentials, "", "", NULL), 0);
    ck_assert_ptr_null(credentials_secret(credentials, "a"));
    ck_assert_ptr_null(credentials_certificate(credentials, "a"));
    ck_assert_ptr_null(credentials_secret(NULL, "a"));
    ck_assert_ptr_null(credentials_certificate(NULL, "a"));
    ck_assert(!credentials_may_go_to(NULL, "a", "b"));
    credentials_free(NULL);
}
END_TEST

START_TEST(byte_order_mark_is_skipped)
{
    must_load("\xef\xbb\xbf"
              "a = b\n");
    ck_assert_str_eq(credentials_secret(credentials, "a"), "b");
}
END_TEST

START_TEST(the_longest_names_and_values_are_read)
{
    static char text[SECRET_NAME_MAX + SECRET_VALUE_MAX + 2];

    memset(text, 'n', sizeof(text) - 1);
    text[SECRET_NAME_MAX] = '=';
    must_load(text);
    text[SECRET_NAME_MAX] = '\0';
    ck_assert_uint_eq(strlen(credentials_secret(credentials, text)), SECRET_VALUE_MAX);
}
END_TEST

static const struct {
    const char *hosts, *host;
    bool may;
} destinations[] = {
    {"", "anywhere.example", true},
    {"a.example", "a.example", true},
    {"A.Example.", "a.example", true},
    {"a.example", "b.a.example", false},
    {"a.example", "ba.example", false},
    {"a.example", "example", false},
    {"*.a.example", "b.a.example", true},
    {"*.a.example", "c.b.a.example", true},
    {"*.a.example", "a.example", false},
    {"*.a.example", "ba.example", false},
    {"*.a.example", ".a.example", false},
    {"x.example *.a.example a.example", "a.example", true},
    {"x.example *.a.example a.example", "y.example", false},
    {"127.1", "127.0.0.1", true},
    {"[::1]", "::1", true},
    {"127.0.0.1", "::1", false},
};

START_TEST(a_secret_with_hosts_goes_nowhere_else)
{
    char text[200];

    sprintf(text, "other no.example = x\na %s = b\n", destinations[_i].hosts);
    must_load(text);
    ck_assert_int_eq(credentials_may_go_to(credentials, "a", destinations[_i].host),
                     destinations[_i].may);
    ck_assert(!credentials_may_go_to(credentials, "b", destinations[_i].host));
}
END_TEST

/* --- Files that are wrong --------------------------------------------------------------------- */

#define LETTERS_65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_RULE  "a name is made of 1 to 64 letters, digits and -._ and does not begin with a dot"
#define HOST_RULE                                                                                  \
    "a host is a name such as api.example.com (in ASCII), all names below one, such as "           \
    "*.example.com, or an IP address"

static const struct {
    const char *text, *complaint;
} broken[] = {
    {"hunter2", "1: this is not NAME [HOST...] = VALUE"},
    {"a = b\n\n# c\nhunter2 hunter2\n", "4: this is not NAME [HOST...] = VALUE"},
    {"= hunter2", "1: " NAME_RULE},
    {"  = hunter2", "1: " NAME_RULE},
    {"hunter2! = hunter2", "1: " NAME_RULE},
    {"a/hunter2 = hunter2", "1: " NAME_RULE},
    {".hunter2 = hunter2", "1: " NAME_RULE},
    {"caf\xc3\xa9 = hunter2", "1: " NAME_RULE},
    {LETTERS_65 " = hunter2", "1: " NAME_RULE},
    {"a = b\nc =", "2: the value is missing"},
    {"a = \t \r\nb = c", "1: the value is missing"},
    {"a = hunter2\x01", "1: the value has a control character"},
    {"a = hunter2\rhunter2", "1: the value has a control character"},
    {"a = hunter2\x7f", "1: the value has a control character"},
    {"a hunter2! = b", "1: " HOST_RULE},
    {"a * = b", "1: " HOST_RULE},
    {"a *. = b", "1: " HOST_RULE},
    {"a a.example *.127.0.0.1 = b", "1: " HOST_RULE},
    {"a *.*.example = b", "1: " HOST_RULE},
    {"a a.*.example = b", "1: " HOST_RULE},
    {"a a.example:443 = b", "1: " HOST_RULE},
    {"a https://a.example = b", "1: " HOST_RULE},
    {"a 256.0.0.1 = b", "1: " HOST_RULE},
    {"hunter2 = b\nc = d\nhunter2 = e\n", "3: this name was given in line 1 already"},
    {"z=1\nz=2\na=1\na=2\n", "4: this name was given in line 3 already"},
};

START_TEST(a_bad_line_is_told_by_its_number_and_never_quoted)
{
    ck_assert_int_eq(load(broken[_i].text), -EINVAL);
    ck_assert_str_eq(complaint(), broken[_i].complaint);
    ck_assert_ptr_null(strstr(err.message, "hunter2"));
    ck_assert_ptr_null(credentials);
}
END_TEST

START_TEST(a_nul_character_is_told)
{
    static const char text[] = "a = b\nc = d\0e \nf = g\n";

    ck_assert_int_eq(load_bytes(text, sizeof(text) - 1), -EINVAL);
    ck_assert_str_eq(complaint(), "2: the line has a NUL character");
}
END_TEST

START_TEST(a_value_that_is_too_long_is_told)
{
    static char text[SECRET_VALUE_MAX + 10] = "\na=";

    memset(text + 3, 'v', SECRET_VALUE_MAX + 1);
    ck_assert_int_eq(load(text), -EINVAL);
    ck_assert_str_eq(complaint(), "2: the value is longer than 16 KiB");
}
END_TEST

START_TEST(too_many_hosts_are_told)
{
    char text[500] = "a";

    for (int i = 0; i < 101; i++)
        strcat(text, " b");
    strcat(text, " = c");
    ck_assert_int_eq(load(text), -EINVAL);
    ck_assert_str_eq(complaint(), "1: a secret has at most 100 hosts");
}
END_TEST

START_TEST(ten_thousand_secrets_are_read_and_no_more)
{
    static char text[200000];
    char *end = text, name[20];

    for (int i = 0; i < SECRETS_MAX; i++)
        end += sprintf(end, "n%d = %d\n", (i * 7919) % SECRETS_MAX, i);
    must_load(text);
    for (int i = 0; i < SECRETS_MAX; i++) {
        sprintf(name, "n%d", (i * 7919) % SECRETS_MAX);
        ck_assert_int_eq(atoi(credentials_secret(credentials, name)), i);
    }
    strcpy(end, "\n\nx = y\n");
    ck_assert_int_eq(load(text), -EINVAL);
    ck_assert_str_eq(complaint(), "10003: there are more than 10000 secrets");
}
END_TEST

START_TEST(a_file_that_is_too_large_is_told)
{
    must_load("a = b");
    ck_assert_int_eq(truncate(secrets_path, 16 * 1024 * 1024 + 1), 0);
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, "", &err), -EFBIG);
    ck_assert_str_eq(complaint(), " it is larger than 16 MiB");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, "", &err), -ENOENT);
    ck_assert_str_eq(complaint(), " No such file or directory");
}
END_TEST

START_TEST(a_directory_is_no_file)
{
    ck_assert_int_eq(mkdir(secrets_path, 0700), 0);
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, "", &err), -EINVAL);
    ck_assert_str_eq(complaint(), " this is not a file");
}
END_TEST

START_TEST(a_fifo_is_refused_without_waiting_for_a_writer)
{
    ck_assert_int_eq(mkfifo(secrets_path, 0600), 0);
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, "", &err), -EINVAL);
    ck_assert_str_eq(complaint(), " this is not a file");
}
END_TEST

static const struct {
    mode_t mode;
    bool is_good;
} modes[] = {
    {0400, true},  {0600, true},  {0640, true},  {0440, true},  {0740, true},
    {0620, false}, {0604, false}, {0602, false}, {0601, false}, {0666, false},
};

START_TEST(others_must_have_no_part_in_the_file)
{
    must_load("a = b");
    ck_assert_int_eq(chmod(secrets_path, modes[_i].mode), 0);
    credentials_free(credentials);
    credentials = NULL;
    int rc = credentials_load(&credentials, secrets_path, "", &err);
    ck_assert_int_eq(rc, modes[_i].is_good ? 0 : -EPERM);
    if (rc < 0)
        ck_assert_str_eq(complaint(),
                         " others may read or change it; chmod g-w,o= takes that from them");
}
END_TEST

START_TEST(the_file_belongs_to_nobody_else)
{
    must_load("a = b");
    if (chown(secrets_path, 12345, (gid_t)-1) < 0)
        return; /* only root can make such a file */
    credentials_free(credentials);
    credentials = NULL;
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, "", &err), -EPERM);
    ck_assert_str_eq(complaint(), " it belongs to another user, who could change it");
}
END_TEST

/* --- Certificates ----------------------------------------------------------------------------- */

static void add_certificate(const char *file)
{
    char path[200];

    sprintf(path, "%s/%s", certs_path, file);
    write_file(path, "PEM", 3);
}

START_TEST(certificates_are_the_pem_files_of_the_directory)
{
    static const char *const files[] = {"a.pem", "a-b.pem", "B_1.x.pem", "z.pem"};
    static const char *const others[] = {"a.crt",   ".hidden.pem", ".pem",
                                         "b c.pem", "pem",         "d.pem~"};
    char path[200];

    for (size_t i = 0; i < N_ELEMENTS(files); i++)
        add_certificate(files[i]);
    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        add_certificate(others[i]);
    ck_assert_int_eq(credentials_load(&credentials, "", certs_path, &err), 0);
    for (size_t i = 0; i < N_ELEMENTS(files); i++) {
        char name[20] = "";

        memcpy(name, files[i], strlen(files[i]) - 4);
        sprintf(path, "%s/%s", certs_path, files[i]);
        ck_assert_str_eq(credentials_certificate(credentials, name), path);
    }
    ck_assert_ptr_null(credentials_certificate(credentials, "a.pem"));
    ck_assert_ptr_null(credentials_certificate(credentials, "../certs/a"));
    ck_assert_ptr_null(credentials_certificate(credentials, ".hidden"));
    ck_assert_ptr_null(credentials_certificate(credentials, ""));
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_told)
{
    ck_assert_int_eq(credentials_load(&credentials, "", "/nonexistent", &err), -ENOENT);
    ck_assert_str_eq(err.message, "fetch.certs_dir: /nonexistent: No such file or directory");
    ck_assert_ptr_null(credentials);
}
END_TEST

START_TEST(a_certificate_that_cannot_be_read_is_told)
{
    char path[200], expected[300];

    sprintf(path, "%s/a.pem", certs_path);
    ck_assert_int_eq(symlink("/nonexistent", path), 0);
    ck_assert_int_eq(credentials_load(&credentials, "", certs_path, &err), -ENOENT);
    sprintf(expected, "fetch.certs_dir: %s: No such file or directory", path);
    ck_assert_str_eq(err.message, expected);
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

static const char *watched;
static size_t n_watched;
static bool was_freed;

static void look_at(const void *block)
{
    if (block != watched)
        return;
    was_freed = true;
    for (size_t i = 0; i < n_watched; i++)
        ck_assert_int_eq(watched[i], 0);
}

START_TEST(values_are_wiped_when_it_is_freed)
{
    static const char text[] = "a=hunter2\nb = hunter3\n";

    must_load(text);
    watched = credentials_secret(credentials, "a") - strlen("a=");
    n_watched = strlen(text);
    fault_on_free(look_at);
    credentials_free(credentials);
    fault_on_free(NULL);
    credentials = NULL;
    ck_assert(was_freed);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static const char text[] = "a b.example *.c.example = d\ne = f\n";

    write_file(secrets_path, text, strlen(text));
    for (int i = 0; i < 5; i++) {
        char file[] = "0.pem";

        file[0] = (char)('0' + i);
        add_certificate(file);
    }
    for (size_t n = 1;; n++) {
        size_t before = fault_live();

        err = (struct err){0};
        fault_arm(n);
        int rc = credentials_load(&credentials, secrets_path, certs_path, &err);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_str_eq(err.message, "out of memory");
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_str_eq(credentials_secret(credentials, "e"), "f");
}
END_TEST

START_TEST(random_files_do_no_harm)
{
    static const char pieces[][9] = {"a", "b ", " = ",  "=",    "\n",      "\n",
                                     "#", "*.", "x.y ", "\r",   "\t",      "\x01",
                                     ".", "\\", "-",    "::1 ", "hunter2", "\xff"};
    struct random random = {3};

    for (int round = 0; round < 300; round++) {
        char text[1000] = "";

        for (uint32_t n = random_below(&random, 40); n > 0; n--)
            strcat(text, pieces[random_below(&random, N_ELEMENTS(pieces))]);
        int rc = load(text);
        ck_assert(rc == 0 || rc == -EINVAL);
        ck_assert_int_eq(rc == 0, err.message[0] == '\0');
        ck_assert_ptr_null(strstr(err.message, "hunter2"));
    }
}
END_TEST

Suite *suite_credentials(void);

Suite *suite_credentials(void)
{
    Suite *suite = suite_create("daemon/base/credentials");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, secrets_are_found_by_name);
    tcase_add_test(tcase, nothing_is_found_where_there_is_nothing);
    tcase_add_test(tcase, byte_order_mark_is_skipped);
    tcase_add_test(tcase, the_longest_names_and_values_are_read);
    tcase_add_loop_test(tcase, a_secret_with_hosts_goes_nowhere_else, 0, N_ELEMENTS(destinations));
    tcase_add_loop_test(tcase, a_bad_line_is_told_by_its_number_and_never_quoted, 0,
                        N_ELEMENTS(broken));
    tcase_add_test(tcase, a_nul_character_is_told);
    tcase_add_test(tcase, a_value_that_is_too_long_is_told);
    tcase_add_test(tcase, too_many_hosts_are_told);
    tcase_add_test(tcase, ten_thousand_secrets_are_read_and_no_more);
    tcase_add_test(tcase, a_file_that_is_too_large_is_told);
    tcase_add_test(tcase, a_file_that_is_not_there_is_told);
    tcase_add_test(tcase, a_directory_is_no_file);
    tcase_add_test(tcase, a_fifo_is_refused_without_waiting_for_a_writer);
    tcase_add_loop_test(tcase, others_must_have_no_part_in_the_file, 0, N_ELEMENTS(modes));
    tcase_add_test(tcase, the_file_belongs_to_nobody_else);
    tcase_add_test(tcase, certificates_are_the_pem_files_of_the_directory);
    tcase_add_test(tcase, a_directory_that_is_not_there_is_told);
    tcase_add_test(tcase, a_certificate_that_cannot_be_read_is_told);
    tcase_add_test(tcase, values_are_wiped_when_it_is_freed);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, random_files_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
