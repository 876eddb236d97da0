/* What gdb steps through in test_unwinding: every kind of switch, between tasks and generators. */
#include "lib/co/co.h"

static int yield_and_sleep(struct co_gen *self, void *arg, void **result)
{
    int rc = co_gen_yield(self, arg, NULL);

    (void)result;
    if (rc == 0)
        rc = co_sleep(0);
    return rc < 0 ? rc : co_gen_yield(self, arg, NULL);
}

static int delegate(struct co_gen *self, void *inner, void **result)
{
    return co_gen_yield_from(self, inner, result);
}

static int take_all(struct co_gen *gen)
{
    int rc;

    do
        rc = co_gen_next(gen, NULL);
    while (rc > 0);
    return rc;
}

static int take_from_generators(void *arg, void **result)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *inner = NULL;
    CO_CLEANUP(co_gen_freep) struct co_gen *outer = NULL;
    int rc = co_gen_new(&inner, yield_and_sleep, arg);

    (void)result;
    if (rc == 0)
        rc = co_gen_new(&outer, delegate, inner);
    return rc < 0 ? rc : take_all(outer);
}

static int start_both(void *arg, void **result)
{
    struct co_group group;
    int rc = 0;

    (void)result;
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = co_group_spawn(&group, "takes", take_from_generators, arg, NULL);
    return co_group_exit(&group, rc);
}

int main(void)
{
    return co_run(start_both, NULL, NULL) < 0;
}
