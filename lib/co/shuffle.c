/* An order that a seed decides, for tests. Tasks that need another order than first come, first
 * served to be right are right with a thousand of them; those that need none to go wrong are found.
 *
 * A list is shuffled as a pack of cards is: dealt into two piles by the toss of a coin, one put on
 * the other, again and again. No memory is needed, and the error halves with each round.
 *
 * source  Bayer, Diaconis: Trailing the dovetail shuffle to its lair (1992); Marsaglia: Xorshift
 *         RNGs (2003)
 */
#include "lib/co/runtime.h"

enum { ROUNDS = 20 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool toss(uint64_t *state)
{
    return next_random(state) >> 63;
}

static unsigned riffle(struct co_list *tasks, uint64_t *state)
{
    struct co_list heads = CO_LIST_INIT(heads), tails = CO_LIST_INIT(tails);
    unsigned n = 0;

    for (; !co_list_is_empty(tasks); n++)
        co_list_append(toss(state) ? &heads : &tails, co_list_take_first(tasks));
    co_list_move_all(tasks, &heads);
    co_list_move_all(tasks, &tails);
    return n;
}

unsigned co_shuffle(struct co_list *tasks, uint64_t *state)
{
    unsigned n = 0;

    for (int i = 0; i < ROUNDS; i++)
        n = riffle(tasks, state);
    return n;
}
