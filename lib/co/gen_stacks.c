#include "lib/co/gen_stacks.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { KEPT_STACKS = 64 }; /* while no generator is left: what is mapped at once */

_Thread_local struct co_stack_pool co_gen_stacks;
_Thread_local uint64_t co_gen_thread;

/* Runs something when a thread ends that is not the first; that one ends with the program. */
static struct {
    pthread_once_t once;
    pthread_key_t key;
    int rc;
} thread_end = {.once = PTHREAD_ONCE_INIT};

uint64_t co_gen_thread_number(void)
{
    static _Atomic uint64_t n_threads;

    if (co_gen_thread == 0)
        co_gen_thread = ++n_threads;
    return co_gen_thread;
}

static bool is_in_use(void)
{
    return co_gen_stacks.slot_size != 0;
}

void co_gen_stacks_release(void)
{
    if (is_in_use() && co_gen_stacks.n_taken == 0)
        co_stack_pool_done(&co_gen_stacks);
}

static void release(void *pool)
{
    (void)pool;
    co_gen_stacks_release();
}

static void make_key(void)
{
    thread_end.rc = pthread_key_create(&thread_end.key, release);
}

__attribute__((destructor)) static void release_at_exit(void)
{
    co_gen_stacks_release();
}

static int begin_use(void)
{
    pthread_once(&thread_end.once, make_key);
    if (thread_end.rc != 0 || pthread_setspecific(thread_end.key, &co_gen_stacks) != 0)
        return -ENOMEM;
    co_stack_pool_init(&co_gen_stacks, 0);
    return 0;
}

int co_gen_stacks_take(struct co_stack **ret_stack)
{
    int rc = is_in_use() ? 0 : begin_use();

    return rc < 0 ? rc : co_stack_take(&co_gen_stacks, ret_stack);
}

void co_gen_stacks_settle(void)
{
    if (co_gen_stacks.n_idle > KEPT_STACKS)
        co_gen_stacks_release();
}

bool co_gen_stacks_trim(void)
{
    return is_in_use() && co_stack_pool_trim(&co_gen_stacks);
}

const struct co_stack *co_gen_stacks_find(const void *address)
{
    return is_in_use() ? co_stack_pool_find(&co_gen_stacks, address) : NULL;
}
