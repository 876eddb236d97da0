/* What has no index can still be iterated: a table of users, as a list of our own, and its
 * iterator.
 *
 * The first member of an iterator of your own is a struct co_iter; everything that takes iterators
 * takes it then. */
#include <errno.h>
#include <string.h>

#include "lib/examples/example.h"

struct user {
    const char *name;
    int age;
    const struct user *next;
};

struct user_iter {
    struct co_iter iter;
    const struct user *user;
};

static int next_name(struct co_iter *iter, void **ret_name)
{
    struct user_iter *self = co_container_of(iter, struct user_iter, iter);

    if (self->user == NULL)
        return 0;
    *ret_name = (void *)self->user->name;
    self->user = self->user->next;
    return 1;
}

static int find_age(const struct user *user, const char *name, int *ret_age)
{
    for (; user != NULL; user = user->next)
        if (strcmp(user->name, name) == 0) {
            *ret_age = user->age;
            return 0;
        }
    return -ENOENT;
}

static int square(void *arg, void *number, void **ret_square)
{
    (void)arg;
    *ret_square = co_int((long)number * (long)number);
    return 0;
}

static void print_squares(void)
{
    struct co_iter_range numbers;
    struct co_iter_map squares;
    void *items[3];

    co_iter_range_init(&numbers, 1, 4, 1);
    co_iter_map_init(&squares, &numbers.iter, square, NULL);
    ssize_t n = co_iter_collect(&squares.iter, items, 3);
    print_list(items, n);
    co_iter_done(&squares.iter);
}

int main(void)
{
    const struct user females = {"females", 32, NULL}, males = {"males", 23, &females};
    struct user_iter users = {.iter.next = next_name, .user = &males};
    void *name;
    int age;

    if (find_age(&males, "1", &age) == -ENOENT)
        puts("KeyError: 1");
    print_squares();
    while (co_iter_next(&users.iter, &name) > 0)
        puts(name);
    return 0;
}
