/* What may be asked of a loop from another thread. */
#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

struct call {
    struct co_message message;
    void (*fn)(void *arg);
    void *arg;
};

static void make_call(struct co_message *message)
{
    struct call *call = co_container_of(message, struct call, message);
    struct call made = *call;

    free(call);
    made.fn(made.arg);
}

static void forget_call(struct co_message *message)
{
    free(co_container_of(message, struct call, message));
}

int co_loop_call(struct co_loop *loop, void (*fn)(void *arg), void *arg)
{
    co_loop_check_process(loop);
    struct call *call = malloc(sizeof(*call));
    if (call == NULL)
        return -ENOMEM;
    *call = (struct call){
        .message = {.deliver = make_call, .discard = forget_call},
        .fn = fn,
        .arg = arg,
    };
    co_inbox_post(&loop->inbox, &call->message);
    return 0;
}

void co_loop_stop(struct co_loop *loop)
{
    co_loop_check_process(loop);
    atomic_store(&loop->must_stop, true);
    co_inbox_wake(&loop->inbox);
}
