#include "daemon/store/sqlite_private.h"

#include <assert.h>
#include <errno.h>

/* What a group is no larger than, but for its last operation. It keeps a commit short, and what
 * comes with it from waiting. */
enum { GROUP_MAX_ROWS = 4096, GROUP_MAX_BYTES = 4 << 20 };

/* --- Asking ----------------------------------------------------------------------------------- */

static void submit(struct store_worker *worker, struct store_op *op)
{
    co_list_append(&worker->queues[op->priority], &op->link);
    co_event_set(&worker->wake);
}

/* A cancelled caller must wait, too: what it asked for is its memory. */
static int wait_for(struct store_op *op)
{
    struct co_scope shield;

    co_scope_shield(&shield, CO_NEVER);
    int rc = co_scope_exit(&shield, co_event_wait(&op->is_done));
    assert(rc == 0);
    return op->rc == STORE_DAMAGED_CONTENT ? -EBADMSG : op->rc;
}

static int ask(struct store_worker *worker, struct store_op *op)
{
    co_event_init(&op->is_done);
    op->finished = NULL;
    submit(worker, op);
    return wait_for(op);
}

int store_write(struct store *store, struct store_op *op)
{
    return ask(&store->writer, op);
}

int store_read_with(struct store *store, struct store_op *op)
{
    return ask(&store->reader, op);
}

void store_submit(struct store *store, struct store_op *op)
{
    submit(&store->writer, op);
}

/* --- Groups ----------------------------------------------------------------------------------- */

static struct co_list *next_queue(struct store_worker *worker)
{
    for (size_t i = 0; i < N_STORE_PRIORITIES; i++)
        if (!co_list_is_empty(&worker->queues[i]))
            return &worker->queues[i];
    return NULL;
}

/* Each priority gets one operation in at least, so that none starves. */
static void take_group(struct store_worker *worker, struct co_list *group)
{
    size_t n_rows = 0, n_bytes = 0;

    for (size_t i = 0; i < N_STORE_PRIORITIES; i++) {
        struct co_list *queue = &worker->queues[i];
        bool is_first = true;
        while (!co_list_is_empty(queue) &&
               (is_first || (n_rows < GROUP_MAX_ROWS && n_bytes < GROUP_MAX_BYTES))) {
            struct store_op *op = co_container_of(co_list_take_first(queue), struct store_op, link);
            n_rows += op->n_rows;
            n_bytes += op->n_bytes;
            co_list_append(group, &op->link);
            is_first = false;
        }
    }
}

static void fail_group(struct co_list *group, int rc)
{
    for (struct co_list *i = group->next; i != group; i = i->next)
        co_container_of(i, struct store_op, link)->rc = rc;
}

static void finish_group(struct co_list *group)
{
    while (!co_list_is_empty(group)) {
        struct store_op *op = co_container_of(co_list_take_first(group), struct store_op, link);
        if (op->finished != NULL)
            op->finished(op);
        else
            co_event_set(&op->is_done);
    }
}

/* --- The task --------------------------------------------------------------------------------- */

struct group_run {
    struct store_worker *worker;
    struct co_list group;
    int rc;
};

static int run_on_thread(void *arg, void **ret_result)
{
    struct group_run *run = arg;

    (void)ret_result;
    run->rc = run->worker->run(&run->worker->connection, &run->group);
    return 0;
}

/* returns what came of it; without memory for a thread nothing was begun */
static int run_group(struct group_run *run)
{
    struct store_worker *worker = run->worker;

    if (worker->store->health == STORE_FAILED)
        run->rc = -EIO;
    else if (co_to_thread(run_on_thread, run, NULL, NULL) < 0)
        run->rc = -ENOMEM;
    else
        return run->rc;
    fail_group(&run->group, run->rc);
    return run->rc;
}

static int checkpoint_on_thread(void *arg, void **ret_result)
{
    (void)ret_result;
    return store_checkpoint(arg);
}

static void note_writes(struct store *store)
{
    const struct sqlite_connection *writer = &store->writer.connection;

    store->stats.n_commits = writer->counts.n_commits;
    store->stats.n_results = writer->counts.n_results;
    store->stats.n_late_results = writer->counts.n_late_results;
    store->stats.last_commit_us = writer->last_commit_us;
    store->stats.n_jobs = (uint64_t)writer->counts.n_jobs;
    store->stats.n_callbacks = (uint64_t)writer->counts.n_callbacks;
}

/* Who waits is told before the checkpoint begins. */
static void checkpoint_if_due(struct store *store)
{
    if (store->health == STORE_FAILED || !store_checkpoint_is_due(store))
        return;
    int rc = co_to_thread(checkpoint_on_thread, &store->writer.connection, NULL, NULL);
    if (rc < 0 && rc != -ENOMEM && rc != -EAGAIN)
        store_group_ended(store, rc);
}

static void serve(struct store_worker *worker)
{
    struct group_run run = {.worker = worker};
    bool writes = worker->connection.role == SQLITE_WRITER;

    co_list_init(&run.group);
    take_group(worker, &run.group);
    int rc = run_group(&run);
    if (writes)
        note_writes(worker->store);
    if (writes || rc < 0)
        store_group_ended(worker->store, rc);
    finish_group(&run.group);
    if (writes)
        store_tell_forgotten(worker->store);
    if (writes)
        checkpoint_if_due(worker->store);
}

static int wait_for_work(struct store_worker *worker)
{
    while (next_queue(worker) == NULL) {
        if (worker->is_stopping)
            return -ECANCELED;
        co_event_clear(&worker->wake);
        int rc = co_event_wait(&worker->wake);
        assert(rc == 0);
    }
    return 0;
}

/* Who has waited for a group may have more for the next. */
static void give_a_turn(void)
{
    int rc = co_sleep(0);
    assert(rc == 0);
}

static int work(void *arg, void **ret_result)
{
    struct store_worker *worker = arg;
    struct co_scope shield;

    (void)ret_result;
    co_scope_shield(&shield, CO_NEVER);
    while (wait_for_work(worker) == 0) {
        serve(worker);
        give_a_turn();
    }
    return co_scope_exit(&shield, 0);
}

int store_worker_start(struct store_worker *worker, struct store *store, const char *name,
                       int (*run)(struct sqlite_connection *, struct co_list *))
{
    worker->store = store;
    worker->run = run;
    worker->is_stopping = false;
    for (size_t i = 0; i < N_STORE_PRIORITIES; i++)
        co_list_init(&worker->queues[i]);
    co_event_init(&worker->wake);
    return co_create_task(name, work, worker, &worker->task);
}

void store_worker_stop(struct store_worker *worker)
{
    if (worker->task == NULL)
        return;
    worker->is_stopping = true;
    co_event_set(&worker->wake);
    co_task_stop(co_take(worker->task), "the store is closed");
}
