#include "lib/co/lock.h"

#include <errno.h>

#include "lib/co/runtime.h"

static const struct co_task *owner_of(const void *lock)
{
    return ((const struct co_lock *)lock)->owner;
}

static const struct co_wait_kind waits_for_lock = {.word = "lock", .holder = owner_of};
static const struct co_wait_kind waits_for_notification = {.word = "condition"};

void co_lock_init(struct co_lock *lock)
{
    co_waitq_init(&lock->waiters);
    lock->owner = NULL;
}

static void give(struct co_lock *lock, struct co_task *task)
{
    lock->owner = task;
    task->n_locks++;
}

int co_lock_acquire(struct co_lock *lock)
{
    struct co_task *self = co_running();

    if (lock->owner == self)
        return -EDEADLK;
    if (lock->owner != NULL)
        return co_park(&lock->waiters, &waits_for_lock, lock); /* 0: it was given to us */

    int rc = co_check_cancelled();
    if (rc == 0)
        give(lock, self);
    return rc;
}

static void assert_held(const struct co_lock *lock, const char *what)
{
    const struct co_task *self = co_running();

    if (lock->owner == NULL)
        co_die("task %s (%s) %s a lock that nobody holds", self->name, self->site, what);
    if (lock->owner != self)
        co_die("task %s (%s) %s a lock that task %s (%s) holds", self->name, self->site, what,
               lock->owner->name, lock->owner->site);
}

static void pass_on(struct co_lock *lock)
{
    struct co_task *next = co_waitq_first(&lock->waiters);

    lock->owner->n_locks--;
    lock->owner = NULL;
    if (next == NULL)
        return;
    give(lock, next);
    co_unpark(next, 0);
}

void co_lock_release(struct co_lock *lock)
{
    assert_held(lock, "releases");
    pass_on(lock);
}

void co_condition_init(struct co_condition *condition)
{
    co_waitq_init(&condition->waiters);
}

static void get_back(struct co_lock *lock)
{
    if (lock->owner == NULL)
        give(lock, co_running());
    else
        (void)co_park_uncancellable(&lock->waiters, &waits_for_lock, lock);
}

int co_condition_wait(struct co_condition *condition, struct co_lock *lock)
{
    assert_held(lock, "waits for a condition with");
    /* Who is cancelled already must not even let the lock go: that would be an effect. */
    int rc = co_check_cancelled();
    if (rc < 0)
        return rc;

    pass_on(lock);
    rc = co_park(&condition->waiters, &waits_for_notification, condition);
    get_back(lock);
    return rc;
}

void co_condition_notify(struct co_condition *condition, size_t n)
{
    while (n-- > 0 && co_unpark_first(&condition->waiters, 0))
        continue;
}

void co_condition_notify_all(struct co_condition *condition)
{
    co_unpark_all(&condition->waiters, 0);
}
