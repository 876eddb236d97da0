/* What a debugger needs to find the tasks of a process, or of what is left of one, without running
 * code in it. gdb.py beside this file reads it. */
#include <pthread.h>
#include <unistd.h>

#include "lib/co/inspect.h"
#include "lib/co/runtime.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct co_list running = CO_LIST_INIT(running); /* loops; under the lock */

void co_debug_add(struct co_loop *loop)
{
    loop->thread_id = gettid();
    pthread_mutex_lock(&lock);
    co_list_append(&running, &loop->running);
    pthread_mutex_unlock(&lock);
}

void co_debug_remove(struct co_loop *loop)
{
    pthread_mutex_lock(&lock);
    co_list_remove(&loop->running);
    pthread_mutex_unlock(&lock);
}

struct field {
    const char *name;
    size_t offset;
};

#define FIELD(type, member)                                                                        \
    {                                                                                              \
#type "." #member, offsetof(struct type, member)                                           \
    }

static const struct field fields[] = {
    FIELD(co_list, next),       FIELD(co_loop, running),    FIELD(co_loop, current),
    FIELD(co_loop, root),       FIELD(co_loop, now),        FIELD(co_loop, thread_id),
    FIELD(co_group, scope),     FIELD(co_group, children),  FIELD(co_scope, outer),
    FIELD(co_scope, kind),      FIELD(co_task, context.sp), FIELD(co_task, scope),
    FIELD(co_task, root),       FIELD(co_task, sibling),    FIELD(co_task, state),
    FIELD(co_task, waits_for),  FIELD(co_task, since),      FIELD(co_task, id),
    FIELD(co_task, name),       FIELD(co_task, site),       FIELD(co_wait_kind, word),
    FIELD(co_wait_kind, is_fd), FIELD(co_task, waits_on),
};

/* Fields are found by name, so there may be new ones in any place. The version changes when one
 * gets another meaning, or a constant another value: enum co_task_state, enum co_scope_kind, or the
 * frame that a context's stack pointer points to. */
struct co_debug {
    uint32_t version;
    uint32_t n_fields;
    const struct field *fields;
    const struct co_list *running;
    const char *frame; /* "x86_64", "aarch64", or "ucontext" */
};

const struct co_debug co_debug = {
    .version = 1,
    .n_fields = sizeof(fields) / sizeof(*fields),
    .fields = fields,
    .running = &running,
#if defined(__x86_64__) && !defined(CO_SWITCH_PORTABLE)
    .frame = "x86_64",
#elif defined(__aarch64__) && !defined(CO_SWITCH_PORTABLE)
    .frame = "aarch64",
#else
    .frame = "ucontext",
#endif
};
