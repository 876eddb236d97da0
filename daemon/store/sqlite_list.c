#include <errno.h>
#include <string.h>

#include "daemon/store/sqlite_damage.h"
#include "daemon/store/sqlite_keeping.h"

enum { MAX_DAMAGED = 8 };

struct list_op {
    struct store_op op;
    const struct store_query *query;
    size_t limit;
    struct job_record **records;
    size_t n_records;
    bool more;
    struct damaged_job damaged[MAX_DAMAGED]; /* the first of those that are */
    size_t n_damaged;
};

static void bind_label(sqlite3_stmt *statement, int i, const struct job_label *label)
{
    sqlite_bind_string(statement, i, label->key);
    sqlite_bind_string(statement, i + 1, label->value);
}

/* Numbers grow as ids do. returns 0, -errno */
static int find_end(struct sqlite_connection *connection, const char *before, int64_t *ret_end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_NUMBER_BEFORE);
    int64_t number = -1;

    *ret_end = INT64_MAX;
    if (before == NULL)
        return 0;
    sqlite_bind_string(statement, 1, before);
    int rc = sqlite_get(statement, &number);
    *ret_end = number + 1;
    return rc < 0 ? rc : 0;
}

/* What leads to the fewest rows: a label, or else the status. The rest is looked at in each. */
static sqlite3_stmt *begin(struct sqlite_connection *connection, const struct store_query *query,
                           int64_t before)
{
    sqlite3_stmt *statement;

    if (query->n_labels > 0) {
        statement = sqlite_statement(connection, STATEMENT_JOBS_OF_LABEL);
        sqlite_bind(statement, before);
        bind_label(statement, 2, &query->labels[0]);
        sqlite_bind_tenant(statement, 4, query->tenant);
    } else if (query->by_status) {
        statement = sqlite_statement(connection, STATEMENT_JOBS_OF_STATUS);
        sqlite_bind(statement, before, query->status);
        sqlite_bind_tenant(statement, 3, query->tenant);
    } else {
        statement = sqlite_statement(connection, STATEMENT_JOBS_BEFORE);
        sqlite_bind(statement, before);
        sqlite_bind_tenant(statement, 2, query->tenant);
    }
    return statement;
}

/* returns 1, 0: it has not; -errno */
static int has_label(struct sqlite_connection *connection, int64_t job,
                     const struct job_label *label)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_HAS_LABEL);

    sqlite_bind(statement, job);
    bind_label(statement, 2, label);
    int rc = sqlite_next(statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc;
}

/* returns 1, 0: it does not; -errno */
static int matches(struct sqlite_connection *connection, const struct store_query *query,
                   sqlite3_stmt *statement)
{
    int64_t number = sqlite3_column_int64(statement, 0);
    int rc = 1;

    if (query->by_status && sqlite3_column_int64(statement, 2) != query->status)
        return 0;
    for (size_t i = 1; i < query->n_labels && rc == 1; i++)
        rc = has_label(connection, number, &query->labels[i]);
    return rc;
}

static void leave_out(struct list_op *list, sqlite3_stmt *statement)
{
    if (list->n_damaged < MAX_DAMAGED)
        sqlite_damaged_job(statement, &list->damaged[list->n_damaged++]);
}

/* returns 1: go on; 0: there are more than were asked for; -errno */
static int take(struct list_op *list, sqlite3_stmt *statement)
{
    if (list->n_records == list->limit) {
        list->more = true;
        return 0;
    }
    int rc = sqlite_record(statement, &list->records[list->n_records]);
    if (rc == STORE_DAMAGED_CONTENT)
        leave_out(list, statement);
    else if (rc == 0)
        list->n_records++;
    else
        return rc;
    return 1;
}

static int apply_list(struct sqlite_connection *connection, struct store_op *op)
{
    struct list_op *list = co_container_of(op, struct list_op, op);
    int64_t end;
    int rc = find_end(connection, list->query->before, &end);

    if (rc < 0)
        return rc;
    sqlite3_stmt *statement = begin(connection, list->query, end);
    while ((rc = sqlite_next(statement)) == 1) {
        rc = matches(connection, list->query, statement);
        if (rc == 1)
            rc = take(list, statement);
        else if (rc == 0)
            continue;
        if (rc <= 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

int store_list(struct store *store, const struct store_query *query, size_t limit,
               struct job_record **ret_records, bool *ret_more)
{
    struct list_op list = {
        .op.apply = apply_list, .query = query, .limit = limit, .records = ret_records};

    int rc = store_read_with(store, &list.op);
    for (size_t i = 0; i < list.n_damaged; i++)
        store_say_damaged_job(store, &list.damaged[i]);
    if (rc < 0) {
        for (size_t i = 0; i < list.n_records; i++)
            job_record_unref(ret_records[i]);
        return rc;
    }
    *ret_more = list.more;
    return (int)list.n_records;
}
