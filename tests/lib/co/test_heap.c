#include <check.h>
#include <stdlib.h>

#include "lib/co/heap.h"
#include "tests/support/random.h"

enum { N_NODES = 200 };

static struct co_heap_node *pop(struct co_heap *heap)
{
    struct co_heap_node *first = heap->root;

    co_heap_remove(heap, first);
    return first;
}

/* The oracle: what leaves first, by looking at all that is in. */
static struct co_heap_node *smallest(struct co_heap_node *nodes)
{
    struct co_heap_node *best = NULL;

    for (int i = 0; i < N_NODES; i++) {
        struct co_heap_node *node = &nodes[i];
        if (!co_heap_contains(node))
            continue;
        if (best == NULL || node->key < best->key ||
            (node->key == best->key && node->order < best->order))
            best = node;
    }
    return best;
}

START_TEST(any_mix_of_insertions_and_removals_leaves_the_smallest_on_top)
{
    struct random random = {(uint64_t)_i};
    struct co_heap_node nodes[N_NODES] = {0};
    struct co_heap heap = {0};
    size_t n_inside = 0;

    for (int step = 0; step < 5000; step++) {
        struct co_heap_node *node = &nodes[random_below(&random, N_NODES)];
        if (heap.root != NULL && random_below(&random, 4) == 0)
            node = heap.root;
        if (co_heap_contains(node)) {
            co_heap_remove(&heap, node);
            n_inside--;
        } else {
            co_heap_insert(&heap, node, random_below(&random, 20));
            n_inside++;
        }
        ck_assert_ptr_eq(heap.root, smallest(nodes));
        ck_assert_uint_eq(heap.n_nodes, n_inside);
    }
}
END_TEST

START_TEST(equal_keys_leave_in_order_of_insertion)
{
    struct co_heap_node nodes[N_NODES] = {0};
    struct co_heap heap = {0};

    for (int i = 0; i < N_NODES; i++)
        co_heap_insert(&heap, &nodes[i], 5);
    for (int i = 0; i < N_NODES; i++)
        ck_assert_ptr_eq(pop(&heap), &nodes[i]);
    ck_assert_ptr_null(heap.root);
}
END_TEST

START_TEST(removing_a_node_that_is_in_no_heap_does_nothing)
{
    struct co_heap_node inside = {0}, outside = {0};
    struct co_heap heap = {0};

    co_heap_insert(&heap, &inside, 1);
    co_heap_remove(&heap, &outside);
    ck_assert_ptr_eq(pop(&heap), &inside);
    co_heap_remove(&heap, &inside);
    ck_assert_uint_eq(heap.n_nodes, 0);
}
END_TEST

/* Each insertion makes another child of the root: the shape that recursion would overflow on. */
START_TEST(a_hundred_thousand_timeouts_leave_in_order)
{
    enum { MANY = 100000 };
    struct co_heap_node *nodes = calloc(MANY, sizeof(*nodes));
    struct co_heap heap = {0};

    for (int i = 0; i < MANY; i++)
        co_heap_insert(&heap, &nodes[i], i);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_eq(pop(&heap), &nodes[i]);
    free(nodes);
}
END_TEST

Suite *suite_co_heap(void);

Suite *suite_co_heap(void)
{
    Suite *suite = suite_create("co_heap");
    TCase *tcase = tcase_create("heap");

    tcase_add_loop_test(tcase, any_mix_of_insertions_and_removals_leaves_the_smallest_on_top, 0,
                        10);
    tcase_add_test(tcase, equal_keys_leave_in_order_of_insertion);
    tcase_add_test(tcase, removing_a_node_that_is_in_no_heap_does_nothing);
    tcase_add_test(tcase, a_hundred_thousand_timeouts_leave_in_order);
    suite_add_tcase(suite, tcase);
    return suite;
}
