/* Random rules in a world of 16 addresses and 3 ports, against a judge who gives every rule marks
 * and takes the best. */

#include "daemon/engine/egress.h"

#include <check.h>
#include <stdio.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_RULES = 6 };

struct random_rule {
    uint32_t network, prefix, port; /* network: the last byte */
    char text[32];
};

static struct random_rule random_rule(struct random *random)
{
    struct random_rule rule = {.prefix = 28 + random_below(random, 5)};

    rule.network = random_below(random, 16) & ~((1U << (32 - rule.prefix)) - 1);
    rule.port = (const uint32_t[]){0, 80, 25}[random_below(random, 3)];
    int length = snprintf(rule.text, sizeof(rule.text), "93.0.0.%u/%u", rule.network, rule.prefix);
    if (rule.port)
        snprintf(rule.text + length, sizeof(rule.text) - (size_t)length, ":%u", rule.port);
    return rule;
}

static uint32_t marks(const struct random_rule *rule, bool denies, uint32_t host, uint32_t port)
{
    uint32_t size = 1U << (32 - rule->prefix);
    bool applies = host >= rule->network && host < rule->network + size &&
                   (rule->port == 0 || rule->port == port);

    return applies ? 100 * rule->prefix + (rule->port ? 10 : 0) + denies : 0;
}

static bool judge_blocks(const struct random_rule rules[MAX_RULES], uint32_t n_allow, uint32_t host,
                         uint32_t port)
{
    uint32_t best = 0, best_at = 0;

    for (uint32_t i = 0; i < MAX_RULES; i++) {
        uint32_t mark = marks(&rules[i], i >= n_allow, host, port);
        if (mark > best) {
            best = mark;
            best_at = i;
        }
    }
    if (best > 0 && best_at >= n_allow)
        return true;
    return port == 25 && !(best > 0 && rules[best_at].port == 25);
}

static struct egress *policy_of(const struct random_rule rules[MAX_RULES], uint32_t n_allow)
{
    const char *texts[MAX_RULES];
    struct egress *egress;

    for (size_t i = 0; i < MAX_RULES; i++)
        texts[i] = rules[i].text;
    ck_assert_int_eq(
        egress_new(&egress, texts, n_allow, texts + n_allow, MAX_RULES - n_allow, NULL), 0);
    return egress;
}

START_TEST(random_rules_are_weighed_as_described)
{
    static const uint16_t ports[] = {80, 25, 443};
    struct random random = {7};

    for (int round = 0; round < 2000; round++) {
        struct random_rule rules[MAX_RULES];
        for (size_t i = 0; i < MAX_RULES; i++)
            rules[i] = random_rule(&random);
        uint32_t n_allow = random_below(&random, MAX_RULES + 1);
        struct egress *egress = policy_of(rules, n_allow);

        for (uint32_t i = 0; i < 16 * N_ELEMENTS(ports); i++) {
            struct co_address address = {
                .family = AF_INET,
                .bytes = {93, 0, 0, (uint8_t)(i % 16)},
                .port = ports[i / 16],
            };
            bool blocked = egress_check_address(egress, &address) != NULL;
            if (blocked != judge_blocks(rules, n_allow, i % 16, address.port))
                ck_abort_msg("round %d, 93.0.0.%u:%u", round, i % 16, address.port);
        }
        egress_free(egress);
    }
}
END_TEST

Suite *suite_egress_rules(void);

Suite *suite_egress_rules(void)
{
    Suite *suite = suite_create("egress_rules");
    TCase *tcase = tcase_create("egress_rules");

    tcase_add_test(tcase, random_rules_are_weighed_as_described);
    suite_add_tcase(suite, tcase);
    return suite;
}
