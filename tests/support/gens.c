#include "tests/support/gens.h"

#include <errno.h>

#include "lib/co/gen_stacks.h"
#include "tests/support/runtime.h"

static struct holdings before;

void gens_set_up(void)
{
    trace[0] = '\0';
    before = holdings_now();
}

void gens_tear_down(void)
{
    co_gen_stacks_release();
    holdings_assert_unchanged(before);
}

struct co_gen *make_gen_at(co_gen_fn *fn, void *arg, const char *site)
{
    struct co_gen *gen;

    assert_ok(co_gen_new_at(&gen, fn, arg, site));
    return gen;
}

int count_to(struct co_gen *self, void *end, void **result)
{
    for (intptr_t i = 1; i <= (intptr_t)end; i++) {
        int rc = co_gen_yield(self, co_int(i), NULL);
        if (rc < 0)
            return rc;
    }
    *result = co_int(10);
    return 0;
}

int echo(struct co_gen *self, void *first, void **result)
{
    void *item = first;
    int rc;

    (void)result;
    do
        rc = co_gen_yield(self, item, &item);
    while (rc == 0);
    return rc;
}

int survive(struct co_gen *self, void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    do {
        note('s');
        rc = co_gen_yield(self, co_int(-rc), NULL);
    } while (rc < 0);
    return 0;
}

int end_with(struct co_gen *self, void *rc, void **result)
{
    int thrown = co_gen_yield(self, co_int(1), NULL);

    note(thrown == -ECANCELED ? 'c' : '?');
    *result = co_int(10);
    return (int)(intptr_t)rc;
}
