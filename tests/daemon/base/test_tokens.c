#include "daemon/base/tokens.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* SHA-256 of "abc" and of "", FIPS 180-4. */
#define HASH_OF_ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HASH_OF_EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct tokens *tokens;
static struct err err;
static int file = -1;
static char path[32];

static void set_up(void)
{
    tokens = NULL;
    err = (struct err){""};
}

static void tear_down(void)
{
    tokens_free(tokens);
    if (file >= 0)
        close(file);
    file = -1;
}

static void write_file(const char *text)
{
    if (file >= 0)
        close(file);
    file = memfd_create("tokens", MFD_CLOEXEC);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(fchmod(file, 0600), 0);
    ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static int load(const char *text)
{
    write_file(text);
    return tokens_load(&tokens, path, &err);
}

START_TEST(token_is_found_by_what_its_hash_is_of)
{
    struct token *token = NULL;

    ck_assert_int_eq(load("# who may\n\n  other " HASH_OF_EMPTY " admin\r\n"
                          "\tci\t" HASH_OF_ABC " submit,read tenant=web requests_per_second=20 "
                          "queued_items=1000000"),
                     0);
    ck_assert_int_eq(tokens_find(tokens, "abc", &token), 0);
    ck_assert_str_eq(token->name, "ci");
    ck_assert_str_eq(token->tenant, "web");
    ck_assert_uint_eq(token->requests_per_second, 20);
    ck_assert_uint_eq(token->queued_items, 1000000);
    ck_assert_uint_eq(token->line, 4);
}
END_TEST

START_TEST(whoever_shows_something_else_is_nobody)
{
    struct token *token = NULL;
    static const char *const shown[] = {"",     "ab",  "abcd", "ABC", HASH_OF_ABC, &HASH_OF_ABC[7],
                                        " abc", "abc "};

    ck_assert_int_eq(load("ci " HASH_OF_ABC " read\n"), 0);
    for (size_t i = 0; i < N_ELEMENTS(shown); i++)
        ck_assert_int_eq(tokens_find(tokens, shown[i], &token), -ENOENT);
    ck_assert_ptr_null(token);
}
END_TEST

START_TEST(token_has_the_rights_it_was_given_and_no_others)
{
    static const struct {
        const char *rights;
        unsigned mask;
    } table[] = {
        {"submit", 1 << RIGHT_SUBMIT},
        {"read", 1 << RIGHT_READ},
        {"admin", 1 << RIGHT_ADMIN},
        {"read,read", 1 << RIGHT_READ},
        {"submit,read,admin", 1 << RIGHT_SUBMIT | 1 << RIGHT_READ | 1 << RIGHT_ADMIN},
    };

    for (size_t i = 0; i < N_ELEMENTS(table); i++) {
        struct token token;
        char line[256];
        snprintf(line, sizeof(line), "a " HASH_OF_ABC " %s", table[i].rights);
        ck_assert_int_eq(token_parse(line, &token, NULL), 0);
        ck_assert_uint_eq(token.rights, table[i].mask);
        ck_assert(token_may(&token, NO_RIGHT));
        ck_assert_str_eq(token.tenant, "");
        ck_assert_uint_eq(token.requests_per_second, 0);
        for (enum token_right right = 0; right < N_RIGHTS; right++)
            ck_assert_int_eq(token_may(&token, right), (table[i].mask & 1U << right) != 0);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *says;
} mistakes[] = {
    {"CANARY", "NAME sha256:HASH RIGHTS"},
    {"a", "NAME sha256:HASH RIGHTS"},
    {"a " HASH_OF_ABC, "NAME sha256:HASH RIGHTS"},
    {".CANARY " HASH_OF_ABC " read", "a name is"},
    {"CAN/ARY " HASH_OF_ABC " read", "a name is"},
    {"a CANARY read", "sha256:"},
    {"a sha256:CANARY read", "sha256:"},
    {"a SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read", "sha256:"},
    {"a sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD read", "sha256:"},
    {"a " HASH_OF_ABC "0 read", "sha256:"},
    {"a " HASH_OF_ABC " CANARY", "the rights are"},
    {"a " HASH_OF_ABC " read,", "the rights are"},
    {"a " HASH_OF_ABC " ,read", "the rights are"},
    {"a " HASH_OF_ABC " read, submit", "the rights are"},
    {"a " HASH_OF_ABC " read CANARY", "behind the rights"},
    {"a " HASH_OF_ABC " read CANARY=1", "behind the rights"},
    {"a " HASH_OF_ABC " read tenant", "behind the rights"},
    {"a " HASH_OF_ABC " read tenant=", "a tenant is"},
    {"a " HASH_OF_ABC " read tenant=CAN/ARY", "a tenant is"},
    {"a " HASH_OF_ABC " read tenant=a tenant=CANARY", "tenant is there twice"},
    {"a " HASH_OF_ABC " read queued_items=5 queued_items=CANARY", "queued_items is there twice"},
    {"a " HASH_OF_ABC " read queued_items=CANARY", "a quota is"},
    {"a " HASH_OF_ABC " read queued_items=0", "a quota is"},
    {"a " HASH_OF_ABC " read requests_per_second=-1", "a quota is"},
    {"a " HASH_OF_ABC " read requests_per_second=1000001", "a quota is"},
};

START_TEST(mistake_is_told_by_its_line_and_never_quoted)
{
    char text[256], place[64];

    snprintf(text, sizeof(text), "# CANARY\n\n%s\n", mistakes[_i].text);
    ck_assert_int_eq(load(text), -EINVAL);
    snprintf(place, sizeof(place), "api.tokens_file: %s:3: ", path);
    ck_assert_msg(strncmp(err.message, place, strlen(place)) == 0, "%s", err.message);
    ck_assert_msg(strstr(err.message, mistakes[_i].says) != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.message, "CANARY") == NULL, "%s", err.message);
    ck_assert_ptr_null(tokens);
}
END_TEST

START_TEST(name_or_hash_given_twice_is_told_with_both_lines)
{
    ck_assert_int_eq(load("a " HASH_OF_ABC " read\n#\na " HASH_OF_EMPTY " read\n"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, ":3: this name was given in line 1 already"));
    err = (struct err){""};
    ck_assert_int_eq(load("a " HASH_OF_ABC " read\nb " HASH_OF_ABC " read\n"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, ":2: this hash was given in line 1 already"));
}
END_TEST

START_TEST(file_without_tokens_is_a_mistake)
{
    ck_assert_int_eq(load("# none yet\n"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "gatherd token new"));
}
END_TEST

START_TEST(no_file_is_no_tokens)
{
    ck_assert_int_eq(tokens_load(&tokens, "", &err), 0);
    ck_assert_ptr_null(tokens);
    tokens_free(NULL);
}
END_TEST

START_TEST(file_that_cannot_be_read_is_named)
{
    ck_assert_int_eq(tokens_load(&tokens, "/nonexistent/tokens", &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/tokens"));
    err = (struct err){""};
    write_file("a " HASH_OF_ABC " read");
    ck_assert_int_eq(fchmod(file, 0602), 0);
    ck_assert_int_eq(tokens_load(&tokens, path, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "others may"));
}
END_TEST

START_TEST(thousand_tokens_are_read_and_no_more)
{
    size_t size = (TOKENS_MAX + 1) * 100;
    char *text = malloc(size);
    struct token *token;
    size_t used = 0;

    for (unsigned i = 0; i < TOKENS_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, "t%u sha256:%064x read\n", i, i);
    ck_assert_int_eq(load(text), 0);
    ck_assert_int_eq(tokens_find(tokens, "abc", &token), -ENOENT);
    tokens_free(tokens);
    snprintf(text + used, size - used, "last " HASH_OF_ABC " read\n");
    ck_assert_int_eq(load(text), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, ":1001: there are more than 1000"));
    free(text);
}
END_TEST

START_TEST(every_failing_allocation_is_reported)
{
    write_file("a " HASH_OF_ABC " read\n");
    for (size_t n = 1;; n++) {
        size_t live_before = fault_live();
        fault_arm(n);
        int rc = tokens_load(&tokens, path, NULL);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live_before);
    }
    ck_assert_ptr_nonnull(tokens);
}
END_TEST

START_TEST(tokens_that_replace_others_go_on_with_their_buckets)
{
    struct tokens *before;
    struct token *token;

    ck_assert_int_eq(load("ci " HASH_OF_ABC " read\nother " HASH_OF_EMPTY " read"), 0);
    ck_assert_int_eq(tokens_find(tokens, "abc", &token), 0);
    token->use = (struct token_use){.next = 17, .n_gathering = 4};
    before = tokens;
    ck_assert_int_eq(load("new " HASH_OF_EMPTY " read\nci " HASH_OF_ABC " read"), 0);
    tokens_take_over(tokens, before);
    refcount_ref(token->owner);
    tokens_free(before);
    ck_assert_str_eq(token->name, "ci"); /* it is kept */
    refcount_unref(token->owner);
    ck_assert_int_eq(tokens_find(tokens, "abc", &token), 0);
    ck_assert_int_eq(token->use.next, 17);
    ck_assert_uint_eq(token->use.n_gathering, 0);
    ck_assert_int_eq(tokens_find(tokens, "", &token), 0);
    ck_assert_int_eq(token->use.next, 0);
    tokens_take_over(tokens, NULL);
    tokens_take_over(NULL, tokens);
}
END_TEST

Suite *suite_tokens(void);

Suite *suite_tokens(void)
{
    Suite *suite = suite_create("daemon/base/tokens");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, token_is_found_by_what_its_hash_is_of);
    tcase_add_test(tcase, whoever_shows_something_else_is_nobody);
    tcase_add_test(tcase, token_has_the_rights_it_was_given_and_no_others);
    tcase_add_loop_test(tcase, mistake_is_told_by_its_line_and_never_quoted, 0,
                        N_ELEMENTS(mistakes));
    tcase_add_test(tcase, name_or_hash_given_twice_is_told_with_both_lines);
    tcase_add_test(tcase, file_without_tokens_is_a_mistake);
    tcase_add_test(tcase, no_file_is_no_tokens);
    tcase_add_test(tcase, file_that_cannot_be_read_is_named);
    tcase_add_test(tcase, thousand_tokens_are_read_and_no_more);
    tcase_add_test(tcase, every_failing_allocation_is_reported);
    tcase_add_test(tcase, tokens_that_replace_others_go_on_with_their_buckets);
    suite_add_tcase(suite, tcase);
    return suite;
}
