/* A program of somebody else's: see test_install. It is C and C++. */

#include <libgather/co.h>
#include <stdio.h>

static int up_to_three(struct co_gen *self, void *arg, void **ret_result)
{
    int rc = 0;

    for (intptr_t i = 1; i <= 3 && rc == 0; i++)
        rc = co_gen_yield(self, co_int(i), NULL);
    *ret_result = arg;
    return rc;
}

static int sum(void *arg, void **ret_result)
{
    intptr_t total = 0;
    struct co_gen *numbers;
    void *item;

    (void)arg;
    int rc = co_gen_new(&numbers, up_to_three, NULL);
    if (rc < 0)
        return rc;
    while ((rc = co_gen_next(numbers, &item)) > 0)
        total += (intptr_t)item;
    co_gen_free(numbers);
    *ret_result = co_int(total);
    return rc;
}

static int say(void *arg, void **ret_result)
{
    for (int i = 0; i < 3; i++) {
        printf("%s%d ", (const char *)arg, i);
        int rc = co_sleep(CO_MILLISECOND);
        if (rc < 0)
            return rc;
    }
    *ret_result = NULL;
    return 0;
}

static int run(void *arg, void **ret_result)
{
    static char a[] = "a", b[] = "b";
    struct co_group group;
    void *total = NULL;

    (void)arg, (void)ret_result;
    co_group_enter(&group, CO_SECOND);
    int rc = co_group_spawn(&group, "a", say, a, NULL);
    if (rc == 0)
        rc = co_group_spawn(&group, "b", say, b, NULL);
    rc = co_group_exit(&group, rc);
    if (rc == 0)
        rc = co_timeout(CO_SECOND, sum, NULL, &total);
    printf("%d\n", (int)(intptr_t)total);
    return rc;
}

int main(void)
{
    return co_run(run, NULL, NULL) < 0;
}
