/* Random URLs, and what must be so of every one that is accepted, whatever it looks like. */

#include "lib/net/url.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/url_flaw.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const seeds[] = {
    "http://example.com",
    "https://user:pass@example.com:8443/path/../x?query=1#fragment",
    "HTTP://EXAMPLE.com./%41?",
    "http://a@b@example.com/",
    "http://127.1:80/",
    "http://0x7f.0.0.1./",
    "http://2130706433/",
    "https://[2001:DB8::1]:443/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://fa\u00df.de/\u00fc",
    "http://\u2460.\uff12.3.4/",
    "http://%31%32%37.0.0.1/",
    "http:///example.com//a",
    "ftp://example.com/",
    "//example.com/a b",
    "../../x/./y?z",
};

static int parse(const char *text, struct co_url *ret_url)
{
    return co_url_parse(text, strlen(text), ret_url);
}

static void expect_sound(const struct co_url *url)
{
    const char *flaw = url_flaw(url);

    ck_assert_msg(flaw == NULL, "not so: %s: %s", flaw, url->text);
}

/* A seed with up to four pieces put in, or in the place of one or two bytes. */
static size_t mutated_url(struct random *random, char text[static 256])
{
    static const char *const pieces[] = {
        "http://", "https:", "//",     "/",      ".",      "..",   ":",      "@",
        "?",       "#",      "[",      "]",      "%",      "%2f",  "%40",    "0x",
        "0",       "1.",     "::",     "80",     "a",      " ",    ";",      "&",
        "\\",      "\uff0e", "\u3002", "\u2460", "\u00df", "\xc3", "\uff20", "\u00ad"};
    const char *seed = seeds[random_below(random, N_ELEMENTS(seeds))];
    size_t length = strlen(strcpy(text, seed));

    for (uint32_t n = random_below(random, 5); n > 0; n--) {
        size_t at = random_below(random, (uint32_t)length + 1);
        const char *piece = pieces[random_below(random, N_ELEMENTS(pieces))];
        size_t added = strlen(piece);
        size_t removed = random_below(random, 3);
        if (removed > length - at)
            removed = length - at;
        memmove(text + at + added, text + at + removed, length - at - removed);
        memcpy(text + at, piece, added);
        length += added - removed;
    }
    text[length] = '\0';
    return length;
}

START_TEST(an_accepted_url_means_one_thing_to_everybody)
{
    struct random random = {4};
    size_t n_accepted = 0;

    for (int i = 0; i < 30000; i++) {
        char text[256];
        struct co_url url;
        size_t length = mutated_url(&random, text);

        if (co_url_parse(text, length, &url) == 0) {
            n_accepted++;
            expect_sound(&url);
            co_url_done(&url);
        }
    }
    ck_assert_uint_gt(n_accepted, 3000);
}
END_TEST

START_TEST(an_accepted_reference_means_one_thing_to_everybody)
{
    struct random random = {5};
    size_t n_accepted = 0;

    for (int i = 0; i < 20000; i++) {
        char text[256];
        struct co_url base, url;
        size_t length = mutated_url(&random, text);
        size_t skipped = random_below(&random, (uint32_t)length + 1);

        if (parse(seeds[random_below(&random, N_ELEMENTS(seeds))], &base) != 0)
            continue;
        if (co_url_resolve(&base, text + skipped, length - skipped, &url) == 0) {
            n_accepted++;
            expect_sound(&url);
            co_url_done(&url);
        }
        co_url_done(&base);
    }
    ck_assert_uint_gt(n_accepted, 3000);
}
END_TEST

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_url_properties(void);

Suite *suite_url_properties(void)
{
    Suite *suite = suite_create("url_properties");
    TCase *tcase = tcase_create("url_properties");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, an_accepted_url_means_one_thing_to_everybody);
    tcase_add_test(tcase, an_accepted_reference_means_one_thing_to_everybody);
    suite_add_tcase(suite, tcase);
    return suite;
}
