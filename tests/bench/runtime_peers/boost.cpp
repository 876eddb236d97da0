/* Boost.Context: fcontext for the bare switch, callcc() for the rest. It has no scheduler. */
#include <boost/context/continuation.hpp>
#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include <csetjmp>
#include <csignal>
#include <utility>
#include <vector>

#include "measure.h"

using boost::context::callcc;
using boost::context::continuation;
using boost::context::fixedsize_stack;
using boost::context::pooled_fixedsize_stack;
using boost::context::protected_fixedsize_stack;
using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

enum { POOLED = 1000, MANY = 100000, ROUNDS = 400 };

static fcontext_t other;

static void jump_back_for_ever(transfer_t from)
{
    for (;;)
        from = jump_fcontext(from.fctx, nullptr);
}

static void jump_there_and_back(unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        other = jump_fcontext(other, nullptr).fctx;
}

static double measure_switch()
{
    alignas(64) static char stack[64 * 1024];

    other = make_fcontext(stack + sizeof(stack), sizeof(stack), jump_back_for_ever);
    return fastest(ROUNDS, 50000, jump_there_and_back);
}

static continuation resume_for_ever(continuation &&caller)
{
    for (;;)
        caller = caller.resume();
    return std::move(caller);
}

static continuation resume_once(continuation &&caller)
{
    caller = caller.resume();
    return std::move(caller);
}

static continuation generator;

static void take_from_generator(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        generator = generator.resume();
}

static double measure_generator()
{
    generator = callcc(resume_for_ever);
    return fastest(ROUNDS, 20000, take_from_generator);
}

/* callcc() enters at once: made, parked and continued to the end, with all of them live. */
static void make_and_finish(unsigned n)
{
    static pooled_fixedsize_stack stacks(fixedsize_stack::traits_type::default_size(), POOLED);
    static std::vector<continuation> live(POOLED);

    for (unsigned i = 0; i < n; i++)
        live[i] = callcc(std::allocator_arg, stacks, resume_once);
    for (unsigned i = 0; i < n; i++)
        live[i] = live[i].resume();
}

static double measure_spawn()
{
    return fastest(ROUNDS, POOLED, make_and_finish);
}

static double measure_parked()
{
    double before = memory_bytes();
    std::vector<continuation> live;

    for (unsigned i = 0; i < MANY; i++)
        live.push_back(callcc(std::allocator_arg, fixedsize_stack(), resume_once));
    return (memory_bytes() - before) / MANY;
}

/* As many with a guard page as can be had: Boost.Context aborts when it is refused one. */
static std::vector<continuation> guarded;
static sigjmp_buf refused;

static void note_refusal(int)
{
    siglongjmp(refused, 1);
}

static void make_guarded()
{
    guarded.reserve(MANY);
    signal(SIGABRT, note_refusal);
    if (sigsetjmp(refused, 1) == 0)
        while (guarded.size() < MANY)
            guarded.push_back(callcc(std::allocator_arg, protected_fixedsize_stack(), resume_once));
}

static double measure_guards()
{
    make_guarded();
    return double(guarded.size());
}

static double measure_mappings()
{
    make_guarded();
    return double(count_mappings());
}

static const struct figure figures[] = {
    {"switch_ns", measure_switch},         {"generator_next_ns", measure_generator},
    {"spawn_join_ns", measure_spawn},      {"parked_task_bytes", measure_parked},
    {"tasks_with_guards", measure_guards}, {"guard_mappings", measure_mappings},
};

int main(int argc, char **argv)
{
    int status = answer(figures, sizeof(figures) / sizeof(*figures), argc, argv);

    fflush(stdout);
    _Exit(status); /* the contexts that still stand are dropped as they are */
}
