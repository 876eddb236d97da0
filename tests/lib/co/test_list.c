#include <check.h>

#include "lib/co/base.h"
#include "lib/co/list.h"

struct item {
    struct co_list link;
    int value;
};

static void fill(struct co_list *list, struct item *items, int n, int first)
{
    co_list_init(list);
    for (int i = 0; i < n; i++) {
        items[i].value = first + i;
        co_list_append(list, &items[i].link);
    }
}

static int take_value(struct co_list *list)
{
    return co_container_of(co_list_take_first(list), struct item, link)->value;
}

START_TEST(nodes_leave_in_the_order_they_came_in)
{
    struct item items[3];
    struct co_list list;

    fill(&list, items, 3, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(take_value(&list), i);
    ck_assert(co_list_is_empty(&list));
}
END_TEST

START_TEST(a_node_is_inserted_before_another)
{
    struct item items[2], new = {.value = 7};
    struct co_list list;

    fill(&list, items, 2, 0);
    co_list_insert(&items[1].link, &new.link);
    ck_assert_int_eq(take_value(&list), 0);
    ck_assert_int_eq(take_value(&list), 7);
    ck_assert_int_eq(take_value(&list), 1);
}
END_TEST

START_TEST(removing_a_node_twice_is_harmless)
{
    struct item items[3];
    struct co_list list;

    fill(&list, items, 3, 0);
    co_list_remove(&items[1].link);
    co_list_remove(&items[1].link);
    ck_assert(!co_list_is_linked(&items[1].link));
    ck_assert_int_eq(take_value(&list), 0);
    ck_assert_int_eq(take_value(&list), 2);
    ck_assert(co_list_is_empty(&list));
}
END_TEST

START_TEST(all_nodes_move_behind_those_of_another_list)
{
    struct item items[4];
    struct co_list to, from;

    fill(&to, items, 2, 0);
    fill(&from, items + 2, 2, 2);
    co_list_move_all(&to, &from);
    ck_assert(co_list_is_empty(&from));
    co_list_move_all(&to, &from);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(take_value(&to), i);
}
END_TEST

Suite *suite_co_list(void);

Suite *suite_co_list(void)
{
    Suite *suite = suite_create("co_list");
    TCase *tcase = tcase_create("list");

    tcase_add_test(tcase, nodes_leave_in_the_order_they_came_in);
    tcase_add_test(tcase, a_node_is_inserted_before_another);
    tcase_add_test(tcase, removing_a_node_twice_is_harmless);
    tcase_add_test(tcase, all_nodes_move_behind_those_of_another_list);
    suite_add_tcase(suite, tcase);
    return suite;
}
