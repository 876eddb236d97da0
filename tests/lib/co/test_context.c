#include <check.h>
#include <execinfo.h>
#include <stdlib.h>

#include "lib/co/context.h"
#include "lib/co/stack.h"
#include "tests/support/random.h"

static struct co_stack_pool stacks;
static struct co_context outside;

static void set_up(void)
{
    co_stack_pool_init(&stacks, 64 * 1024);
}

static struct co_stack *take_stack(void)
{
    struct co_stack *stack;

    ck_assert_int_eq(co_stack_take(&stacks, &stack), 0);
    return stack;
}

static void put_stack(struct co_stack *stack)
{
    co_stack_put(&stacks, stack);
    co_stack_pool_done(&stacks);
}

/* Goes to a new context on the stack and comes back when that leaves for good. */
static void visit(const struct co_stack *stack, void (*entry)(void *), void *arg)
{
    struct co_context inside;

    co_context_make(&inside, stack->low, stack->size, entry, arg);
    co_context_switch(&outside, &inside);
}

static void note_argument(void *arg)
{
    co_context_arrived();
    *(int *)arg = 42;
    co_context_exit_to(&outside, 0);
}

START_TEST(a_new_context_gets_its_argument_when_it_is_first_switched_to)
{
    struct co_stack *stack = take_stack();
    struct co_context inside;
    int argument = 0;

    co_context_make(&inside, stack->low, stack->size, note_argument, &argument);
    ck_assert_int_eq(argument, 0);
    co_context_switch(&outside, &inside);
    ck_assert_int_eq(argument, 42);
    put_stack(stack);
}
END_TEST

struct pair {
    struct co_context inside;
    int received;
};

static void double_numbers(void *arg)
{
    struct pair *pair = arg;

    co_context_arrived();
    for (int number = 1; number < 100; number = 2 * pair->received)
        pair->received = co_context_give(&pair->inside, &outside, number);
    co_context_exit_to(&outside, -1);
}

START_TEST(a_number_given_along_arrives_on_the_other_side)
{
    struct co_stack *stack = take_stack();
    struct pair pair = {.received = 0};

    co_context_make(&pair.inside, stack->low, stack->size, double_numbers, &pair);
    ck_assert_int_eq(co_context_give(&outside, &pair.inside, 5), 1);
    for (int number = 2; number < 50; number++) {
        ck_assert_int_eq(co_context_give(&outside, &pair.inside, number), 2 * number);
        ck_assert_int_eq(pair.received, number);
    }
    ck_assert_int_eq(co_context_give(&outside, &pair.inside, 50), -1);
    put_stack(stack);
}
END_TEST

static void note_frame(void *arg)
{
    co_context_arrived();
    *(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0);
    co_context_exit_to(&outside, 0);
}

START_TEST(frames_are_aligned_and_inside_the_stack_whatever_its_size)
{
    struct co_stack *stack = take_stack();
    struct co_stack cut = {.low = stack->low, .size = stack->size - (size_t)_i};
    uintptr_t frame = 0;

    visit(&cut, note_frame, &frame);
    ck_assert_uint_eq(frame % 16, 0);
    ck_assert_uint_gt(frame, (uintptr_t)cut.low);
    ck_assert_uint_lt(frame, (uintptr_t)cut.low + cut.size);
    put_stack(stack);
}
END_TEST

/* Without the mark at the bottom an unwinder walks off the stack, and debuggers and profilers with
 * it. */
static void count_frames(void *arg)
{
    void *frames[64];

    co_context_arrived();
    *(int *)arg = backtrace(frames, 64);
    co_context_exit_to(&outside, 0);
}

START_TEST(a_backtrace_ends_at_the_bottom_of_the_stack)
{
    struct co_stack *stack = take_stack();
    int n_frames = 0;

    visit(stack, count_frames, &n_frames);
    ck_assert_int_ge(n_frames, 1);
    ck_assert_int_lt(n_frames, 10);
    put_stack(stack);
}
END_TEST

enum { N_VALUES = 8, N_ROUNDS = 500 * 1000 };

struct side {
    struct co_context context;
    struct side *other;
    double doubles[N_VALUES];
    uint64_t words[N_VALUES];
};

/* More values in use across each switch than there are registers to keep them in. */
static void count_up(struct side *self)
{
    double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    uint64_t p = 1, q = 2, r = 3, s = 4, t = 5, u = 6, v = 7, w = 8;

    for (int i = 0; i < N_ROUNDS; i++) {
        co_context_switch(&self->context, &self->other->context);
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8;
        p += 1, q += 2, r += 3, s += 4, t += 5, u += 6, v += 7, w += 8;
    }

    const double doubles[] = {a, b, c, d, e, f, g, h};
    const uint64_t words[] = {p, q, r, s, t, u, v, w};
    for (int i = 0; i < N_VALUES; i++) {
        self->doubles[i] = doubles[i];
        self->words[i] = words[i];
    }
}

static void count_up_inside(void *arg)
{
    struct side *self = arg;

    co_context_arrived();
    /* Half a round behind the other side, so that it is never left with the same values. */
    count_up(self);
    co_context_exit_to(&self->other->context, 0);
}

START_TEST(integers_and_doubles_survive_a_million_switches)
{
    struct co_stack *stack = take_stack();
    struct side inside = {0}, main = {.other = &inside};

    inside.other = &main;
    co_context_make(&inside.context, stack->low, stack->size, count_up_inside, &inside);
    count_up(&main);
    co_context_switch(&main.context, &inside.context);
    for (int i = 0; i < N_VALUES; i++) {
        ck_assert_double_eq(main.doubles[i], (i + 1) * (N_ROUNDS + 1.0));
        ck_assert_double_eq(inside.doubles[i], main.doubles[i]);
        ck_assert_uint_eq(main.words[i], ((uint64_t)i + 1) * (N_ROUNDS + 1));
        ck_assert_uint_eq(inside.words[i], main.words[i]);
    }
    put_stack(stack);
}
END_TEST

/* --- The assembly against the portable switch ---------------------------------------------------
 */

#if defined(__x86_64__) || defined(__aarch64__)

enum { N_PLACES = 6, N_STEPS = 2000 }; /* place 0 is the thread's own stack */

struct implementation {
    int (*switch_stacks)(void **save_sp, void *load_sp, int number);
    void *(*prepare)(void *low, size_t size, void (*entry)(void *), void *arg);
};

static const struct implementation assembly = {co_switch_asm, co_switch_asm_prepare};
static const struct implementation jumping = {co_switch_asm_jump, co_switch_asm_prepare};
static const struct implementation portable = {co_switch_portable, co_switch_portable_prepare};

struct walk {
    const struct implementation *implementation;
    struct random random;
    void *places[N_PLACES];
    int n_steps;
    uint64_t trace; /* a digest of who was where, with what in their variables */
};

struct walker {
    struct walk *walk;
    unsigned place;
};

static void digest(struct walk *walk, uint64_t value)
{
    walk->trace = (walk->trace ^ value) * UINT64_C(0x100000001b3);
}

static void wander(struct walk *walk, unsigned here)
{
    uint64_t visits = here, product = here + 3;
    double sum = here;

    while (walk->n_steps < N_STEPS) {
        walk->n_steps++;
        digest(walk, visits++);
        digest(walk, product *= 2654435761);
        digest(walk, (uint64_t)(sum += 1.5));
        unsigned next = random_below(&walk->random, N_PLACES);
        if (next != here)
            digest(walk, (uint64_t)walk->implementation->switch_stacks(
                             &walk->places[here], walk->places[next], walk->n_steps));
    }
}

static void wander_for_good(void *arg)
{
    const struct walker *walker = arg;

    wander(walker->walk, walker->place);
    walker->walk->implementation->switch_stacks(&walker->walk->places[walker->place],
                                                walker->walk->places[0], 0);
    abort();
}

static uint64_t trace_of(const struct implementation *implementation, uint64_t seed)
{
    struct walk walk = {.implementation = implementation, .random = {seed}};
    struct walker walkers[N_PLACES];
    struct co_stack *taken[N_PLACES];

    for (unsigned i = 1; i < N_PLACES; i++) {
        taken[i] = take_stack();
        walkers[i] = (struct walker){&walk, i};
        walk.places[i] =
            implementation->prepare(taken[i]->low, taken[i]->size, wander_for_good, &walkers[i]);
    }
    wander(&walk, 0);
    for (unsigned i = 1; i < N_PLACES; i++)
        co_stack_put(&stacks, taken[i]);
    return walk.trace;
}

START_TEST(all_switches_walk_the_same_way)
{
    uint64_t seed = (uint64_t)_i;

    ck_assert_uint_eq(trace_of(&assembly, seed), trace_of(&portable, seed));
    ck_assert_uint_eq(trace_of(&jumping, seed), trace_of(&portable, seed));
    ck_assert_uint_ne(trace_of(&assembly, seed), trace_of(&assembly, seed + 1));
    co_stack_pool_done(&stacks);
}
END_TEST

#endif

Suite *suite_co_context(void);

Suite *suite_co_context(void)
{
    Suite *suite = suite_create("co_context");
    TCase *tcase = tcase_create("context");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_new_context_gets_its_argument_when_it_is_first_switched_to);
    tcase_add_test(tcase, a_number_given_along_arrives_on_the_other_side);
    tcase_add_loop_test(tcase, frames_are_aligned_and_inside_the_stack_whatever_its_size, 0, 33);
    tcase_add_test(tcase, a_backtrace_ends_at_the_bottom_of_the_stack);
    tcase_add_test(tcase, integers_and_doubles_survive_a_million_switches);
#if defined(__x86_64__) || defined(__aarch64__)
    tcase_add_loop_test(tcase, all_switches_walk_the_same_way, 0, 20);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}
