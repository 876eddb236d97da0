#include <errno.h>
#include <time.h>

#include "daemon/store/sqlite_keeping.h"

static struct store_op *op_of(struct co_list *link)
{
    return co_container_of(link, struct store_op, link);
}

/* Whether an operation has come to an end of its own, and if that is a failure, changed nothing. */
static bool is_outcome(int rc)
{
    return rc >= 0 || rc == -ENOENT || rc == -EEXIST || rc == STORE_DAMAGED_CONTENT;
}

/* After these nothing more is tried. */
static bool is_fatal(int rc)
{
    return rc == -EIO || rc == -EBADMSG;
}

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static int begin(struct sqlite_connection *connection)
{
    connection->pending = (struct sqlite_counts){0};
    connection->forgotten.n = connection->forgotten.n_committed;
    return sqlite_run(sqlite_statement(connection, STATEMENT_BEGIN_WRITE));
}

/* An error may have rolled back by itself. A rollback cannot fail otherwise than by having nothing
 * to do: what it undoes is in memory. */
static void roll_back(struct sqlite_connection *connection)
{
    if (!sqlite3_get_autocommit(connection->database))
        sqlite_run(sqlite_statement(connection, STATEMENT_ROLLBACK));
}

static int commit(struct sqlite_connection *connection)
{
    int64_t began_at = clock_us();
    int rc = sqlite_run(sqlite_statement(connection, STATEMENT_COMMIT));

    if (rc < 0)
        return rc;
    connection->last_commit_us = clock_us() - began_at;
    connection->counts.n_commits++;
    connection->counts.n_results += connection->pending.n_results;
    connection->counts.n_late_results += connection->pending.n_late_results;
    connection->counts.n_jobs += connection->pending.n_jobs;
    connection->counts.n_callbacks += connection->pending.n_callbacks;
    connection->counts.upload_bytes += connection->pending.upload_bytes;
    connection->forgotten.n_committed = connection->forgotten.n;
    return 0;
}

static int apply_all(struct sqlite_connection *connection, struct co_list *group)
{
    for (struct co_list *i = group->next; i != group; i = i->next) {
        struct store_op *op = op_of(i);
        op->rc = op->apply(connection, op);
        if (!is_outcome(op->rc))
            return op->rc;
    }
    return 0;
}

/* One transaction. returns 0: each has its rc; -errno: nothing was done */
static int run_group(struct sqlite_connection *connection, struct co_list *group)
{
    int rc = begin(connection);

    if (rc == 0)
        rc = apply_all(connection, group);
    if (rc == 0)
        rc = commit(connection);
    if (rc < 0) {
        sqlite_note_failure(connection);
        roll_back(connection);
    }
    return rc;
}

static int run_alone(struct sqlite_connection *connection, struct store_op *op)
{
    struct co_list *rest = op->link.next;
    struct co_list alone = CO_LIST_INIT(alone);

    co_list_remove(&op->link);
    co_list_append(&alone, &op->link);
    int rc = run_group(connection, &alone);
    co_list_remove(&op->link);
    co_list_append(rest, &op->link);
    if (rc < 0)
        op->rc = rc;
    return rc;
}

/* One by one, so that who is to blame fails alone. returns the worst that came of it */
static int run_each(struct sqlite_connection *connection, struct co_list *group)
{
    int worst = 0;

    for (struct co_list *i = group->next; i != group; i = i->next) {
        struct store_op *op = op_of(i);
        if (is_fatal(worst)) {
            op->rc = worst;
            continue;
        }
        int rc = run_alone(connection, op);
        if (rc < 0)
            worst = rc;
    }
    return worst;
}

int sqlite_run_writes(struct sqlite_connection *connection, struct co_list *group)
{
    int rc = run_group(connection, group);

    if (rc == 0)
        return 0;
    if (!is_fatal(rc))
        return run_each(connection, group);
    for (struct co_list *i = group->next; i != group; i = i->next)
        op_of(i)->rc = rc;
    return rc;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int read_one(struct sqlite_connection *connection, struct store_op *op)
{
    int rc = sqlite_run(sqlite_statement(connection, STATEMENT_BEGIN_READ));

    if (rc == 0)
        rc = op->apply(connection, op);
    if (!is_outcome(rc))
        sqlite_note_failure(connection);
    roll_back(connection);
    return rc;
}

int sqlite_run_reads(struct sqlite_connection *connection, struct co_list *group)
{
    int worst = 0;

    for (struct co_list *i = group->next; i != group; i = i->next) {
        struct store_op *op = op_of(i);
        op->rc = read_one(connection, op);
        if (is_fatal(op->rc))
            worst = op->rc;
    }
    return worst;
}
