/* Loops and fork(): nothing is checked where a task runs. The child forgets that a loop is running,
 * so what needs one finds none; and counts itself, so a loop knows that it is the parent's. */
#include <pthread.h>

#include "lib/co/runtime.h"

unsigned co_n_forks;

static bool lost_a_loop; /* this process is a child that was made while a loop ran */

static void in_child(void)
{
    co_n_forks++;
    lost_a_loop |= co_running_loop != NULL;
    co_running_loop = NULL;
}

int co_fork_watch(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool is_watched;
    int error = 0;

    pthread_mutex_lock(&lock);
    if (!is_watched)
        error = pthread_atfork(NULL, NULL, in_child);
    is_watched = error == 0;
    pthread_mutex_unlock(&lock);
    return -error;
}

void co_die_of_fork(void)
{
    co_die("a loop was used in a child that fork() had made of its process");
}

void co_die_outside_of_loops(void)
{
    if (lost_a_loop)
        co_die_of_fork();
    co_die("called outside of a running loop");
}
