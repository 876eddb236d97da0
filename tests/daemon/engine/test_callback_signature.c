#include "daemon/engine/callback_signature.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fault.h"

#define SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PAYLOAD "{\"test\": 2432232314}"

static const struct callback_message message = {
    .id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
    .timestamp = 1614265330,
    .body = PAYLOAD,
    .body_length = sizeof(PAYLOAD) - 1,
};

/* source Standard Webhooks: the vector of its libraries' tests */
START_TEST(the_signature_is_that_of_the_standard)
{
    char value[CALLBACK_SIGNATURE_SIZE];

    ck_assert_int_eq(callback_sign(SECRET, &message, value), 0);
    ck_assert_str_eq(value, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}
END_TEST

START_TEST(a_secret_without_the_prefix_is_the_key_itself)
{
    char raw[CALLBACK_SIGNATURE_SIZE], encoded[CALLBACK_SIGNATURE_SIZE];

    ck_assert_int_eq(callback_sign("secret", &message, raw), 0);
    ck_assert_int_eq(callback_sign("whsec_c2VjcmV0", &message, encoded), 0);
    ck_assert_str_eq(raw, encoded);
}
END_TEST

START_TEST(each_part_counts)
{
    struct callback_message other[] = {message, message, message};
    char value[CALLBACK_SIGNATURE_SIZE], changed[CALLBACK_SIGNATURE_SIZE];

    other[0].id = "msg_p5jXN8AQM9LWM0D4loKWxJeL";
    other[1].timestamp++;
    other[2].body_length--;
    ck_assert_int_eq(callback_sign(SECRET, &message, value), 0);
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
        ck_assert_int_eq(callback_sign(SECRET, &other[i], changed), 0);
        ck_assert_str_ne(changed, value);
    }
}
END_TEST

static const char *const no_keys[] = {"whsec_", "whsec_*", "whsec_c2VjcmV0=", "whsec_c2VjcmV"};

START_TEST(what_is_no_key_is_not_used)
{
    char value[CALLBACK_SIGNATURE_SIZE] = "untouched";

    ck_assert_int_eq(callback_sign(no_keys[_i], &message, value), -EINVAL);
    ck_assert_str_eq(value, "untouched");
}
END_TEST

START_TEST(without_memory_there_is_no_signature)
{
    char value[CALLBACK_SIGNATURE_SIZE];

    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = callback_sign(SECRET, &message, value);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
}
END_TEST

Suite *suite_callback_signature(void);

Suite *suite_callback_signature(void)
{
    Suite *suite = suite_create("daemon/engine/callback_signature");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, the_signature_is_that_of_the_standard);
    tcase_add_test(tcase, a_secret_without_the_prefix_is_the_key_itself);
    tcase_add_test(tcase, each_part_counts);
    tcase_add_loop_test(tcase, what_is_no_key_is_not_used, 0, sizeof(no_keys) / sizeof(*no_keys));
    tcase_add_test(tcase, without_memory_there_is_no_signature);
    suite_add_tcase(suite, tcase);
    return suite;
}
