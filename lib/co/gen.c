/* Two generators are special in a chain of delegation: the outermost, its root, which is the one
 * that can be resumed, and the innermost, which is the one that is continued by that and yields.
 * They know each other; those in between only know who delegates to them. So an item costs the same
 * however long the chain is, and when the innermost ends it continues the one before.
 *
 * Each side of a switch leaves its result where the other wants it, and does nothing after the
 * switch: that is what makes it fast, see co_context_give(). */
#include "lib/co/gen.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/gen_stacks.h"
#include "lib/co/runtime.h"

enum { MAX_CLOSES = 8 }; /* of a generator that is freed, and goes on yielding */

enum gen_state {
    GEN_NEW,       /* not entered; has no stack yet */
    GEN_SUSPENDED, /* stands at a yield, its own or that of the innermost */
    GEN_RUNNING,
    GEN_DELEGATED, /* to by another one, until it ends */
    GEN_ENDED,     /* has no stack any more */
};

struct co_gen {
    /* What an item touches. */
    enum gen_state state;
    struct co_context context; /* where the body stands */
    struct co_context resumer; /* of a running root: who wants an item */
    void **ret_value;          /* of a running root: where they want it, or NULL */
    void **ret_sent;           /* while it stands at a yield of its own: likewise */
    struct co_gen *innermost;  /* of a root: the end of its chain, or itself */
    struct co_gen *root;       /* of an innermost */
    char *low;                 /* its stack */
    size_t size;               /* 0: it has none */
    uint64_t thread;           /* that made it, by its number */

    struct co_gen *outer;   /* delegates to it; NULL: it is a root */
    struct co_gen *closing; /* of a running root: the generator that is being closed, or NULL */
    struct co_stack *stack;
    co_gen_fn *fn;
    void *arg;
    void *result; /* once ended */
    const char *site;
};

int co_gen_new_at(struct co_gen **ret_gen, co_gen_fn *fn, void *arg, const char *site)
{
    struct co_gen *gen = malloc(sizeof(*gen));

    if (gen == NULL)
        return -ENOMEM;
    *gen = (struct co_gen){
        .state = GEN_NEW,
        .innermost = gen,
        .root = gen,
        .thread = co_gen_thread_number(),
        .fn = fn,
        .arg = arg,
        .site = site,
    };
    *ret_gen = gen;
    return 0;
}

/* The stack is put back while we may still stand on it: nobody can take it before we have left. */
static void end(struct co_gen *gen)
{
    gen->state = GEN_ENDED;
    gen->size = 0;
    if (gen->stack != NULL)
        co_stack_put(&co_gen_stacks, co_take(gen->stack));
}

__attribute__((noreturn)) static void return_to_resumer(struct co_gen *self, int rc)
{
    if (rc == 0 && self->ret_value != NULL)
        *self->ret_value = self->result;
    co_context_exit_to(&self->resumer, rc);
}

/* PEP 380: one that delegates is closed after what it delegates to, unless that fails. */
__attribute__((noreturn)) static void return_to_outer(struct co_gen *self, int rc)
{
    struct co_gen *root = self->root, *outer = co_take(self->outer);

    if (root->closing == self) {
        root->closing = outer;
        if (rc == 0)
            rc = -ECANCELED;
    }
    root->innermost = outer;
    outer->root = root;
    co_context_exit_to(&outer->context, rc);
}

static void run_body(void *arg)
{
    struct co_gen *self = arg;

    co_context_arrived();
    int rc = self->fn(self, self->arg, &self->result);
    end(self);
    if (rc > 0)
        rc = 0;
    if (self->outer != NULL)
        return_to_outer(self, rc);
    return_to_resumer(self, rc);
}

static int give_stack(struct co_gen *gen)
{
    int rc = co_gen_stacks_take(&gen->stack);

    if (rc < 0)
        return rc;
    gen->stack->name = "generator";
    gen->stack->site = gen->site;
    gen->low = gen->stack->low;
    gen->size = gen->stack->size;
    co_context_make(&gen->context, gen->low, gen->size, run_body, gen);
    return 0;
}

/* --- Resuming -----------------------------------------------------------------------------------
 */

static void check_thread(const struct co_gen *gen)
{
    if (gen->thread != co_gen_thread)
        co_die("the generator made at %s is used by a thread that did not make it", gen->site);
}

static bool can_be_resumed(const struct co_gen *gen)
{
    return gen->state == GEN_SUSPENDED && gen->thread == co_gen_thread;
}

static int resume(struct co_gen *gen, int thrown, void **ret_value)
{
    gen->state = GEN_RUNNING;
    gen->ret_value = ret_value;
    return co_context_give(&gen->resumer, &gen->innermost->context, thrown);
}

static int start(struct co_gen *gen, void **ret_value)
{
    int rc = give_stack(gen);

    return rc < 0 ? rc : resume(gen, 0, ret_value);
}

static int find_ended(void **ret_value)
{
    if (ret_value != NULL)
        *ret_value = NULL;
    return 0;
}

__attribute__((noinline)) static int resume_unsuspended(struct co_gen *gen, const void *value,
                                                        void **ret_value)
{
    check_thread(gen);
    if (gen->state == GEN_ENDED)
        return find_ended(ret_value);
    if (gen->state != GEN_NEW)
        return -EALREADY;
    return value != NULL ? -EINVAL : start(gen, ret_value);
}

static inline int resume_with(struct co_gen *gen, void *value, void **ret_value)
{
    if (!can_be_resumed(gen))
        return resume_unsuspended(gen, value, ret_value);
    if (gen->innermost->ret_sent != NULL)
        *gen->innermost->ret_sent = value;
    return resume(gen, 0, ret_value);
}

int co_gen_next(struct co_gen *gen, void **ret_value)
{
    return resume_with(gen, NULL, ret_value);
}

int co_gen_send(struct co_gen *gen, void *value, void **ret_value)
{
    return resume_with(gen, value, ret_value);
}

static int throw_at_yield(struct co_gen *gen, int error, void **ret_value)
{
    gen->closing = error == -ECANCELED ? gen->innermost : NULL;
    int rc = resume(gen, error, ret_value);
    gen->closing = NULL;
    return rc;
}

int co_gen_throw(struct co_gen *gen, int error, void **ret_value)
{
    check_thread(gen);
    if (error >= 0)
        return -EINVAL;
    if (gen->state == GEN_SUSPENDED)
        return throw_at_yield(gen, error, ret_value);
    if (gen->state != GEN_NEW && gen->state != GEN_ENDED)
        return -EALREADY;
    end(gen);
    return error;
}

/* --- The end ------------------------------------------------------------------------------------
 */

int co_gen_close(struct co_gen *gen)
{
    int rc = co_gen_throw(gen, -ECANCELED, NULL);

    if (rc > 0)
        return -EBUSY;
    return rc == -ECANCELED ? 0 : rc;
}

bool co_gen_is_done(const struct co_gen *gen)
{
    return gen->state == GEN_ENDED;
}

/* Whoever it delegates to is whole, and stays the caller's. */
static void stop_delegating(struct co_gen *gen)
{
    struct co_gen *inner = gen->innermost;

    if (inner == gen)
        return;
    while (inner->outer != gen)
        inner = inner->outer;
    inner->outer = NULL;
    inner->state = GEN_SUSPENDED;
    inner->innermost = gen->innermost;
    inner->innermost->root = inner;
}

static void drop(struct co_gen *gen)
{
    co_warn("the generator made at %s was closed %d times and goes on: it is dropped as it stands",
            gen->site, MAX_CLOSES);
    stop_delegating(gen);
    end(gen);
}

void co_gen_free(struct co_gen *gen)
{
    if (gen == NULL)
        return;
    if (gen->state == GEN_RUNNING || gen->state == GEN_DELEGATED)
        co_die("the generator made at %s is freed, but it runs or another one delegates to it",
               gen->site);
    for (int i = 0; i < MAX_CLOSES && !co_gen_is_done(gen); i++)
        (void)co_gen_close(gen);
    if (!co_gen_is_done(gen))
        drop(gen);
    free(gen);
    co_gen_stacks_settle();
}

void co_gen_freep(struct co_gen **gen)
{
    co_gen_free(*gen);
}

/* --- For the body -------------------------------------------------------------------------------
 */

__attribute__((noreturn, cold)) static void die_outside(const struct co_gen *gen)
{
    co_die("a yield of the generator made at %s, which is not the one that runs", gen->site);
}

/* Whoever stands on a generator's stack is its body, or was called by it. */
static inline void check_is_running(const struct co_gen *self)
{
    size_t height = (size_t)((char *)__builtin_frame_address(0) - self->low);

    if (height >= self->size)
        die_outside(self);
}

int co_gen_yield(struct co_gen *self, void *value, void **ret_sent)
{
    struct co_gen *root = self->root;

    check_is_running(self);
    self->ret_sent = ret_sent;
    if (root->ret_value != NULL)
        *root->ret_value = value;
    root->state = GEN_SUSPENDED;
    return co_context_give(&self->context, &root->resumer, 1);
}

static int make_ready(struct co_gen *inner)
{
    if (inner->state == GEN_NEW)
        return give_stack(inner);
    if (inner->state != GEN_SUSPENDED)
        return -EALREADY;
    if (inner->innermost->ret_sent != NULL)
        *inner->innermost->ret_sent = NULL;
    return 0;
}

/* Puts the chain of `inner` at the end of that of `self`, and continues it. */
static int delegate(struct co_gen *self, struct co_gen *inner)
{
    struct co_gen *root = self->root, *innermost = inner->innermost;

    inner->state = GEN_DELEGATED;
    inner->outer = self;
    root->innermost = innermost;
    innermost->root = root;
    return co_context_give(&self->context, &innermost->context, 0);
}

int co_gen_yield_from(struct co_gen *self, struct co_gen *inner, void **ret_result)
{
    check_is_running(self);
    check_thread(inner);
    if (inner->state == GEN_ENDED)
        return find_ended(ret_result);
    int rc = make_ready(inner);
    if (rc == 0)
        rc = delegate(self, inner);
    if (rc == 0 && ret_result != NULL)
        *ret_result = inner->result;
    return rc;
}
