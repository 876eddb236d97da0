/* Which callbacks can be sent now.
 *
 * They go in the order of their time, as long as hosts and tenants have not had their share. If
 * that leaves places free, and behind so many in front there may be others that could have them,
 * those of each tenant to each host are a lane, and lanes are gone through in turn: some in one
 * look, the next ones in the next. So a look is never long, and nobody is passed over for good.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/store/sqlite_callback.h"

enum { LOOK_AT = 64 }; /* rows by time, and lanes */

#define GO_ON_AFTER_US INT64_C(1000000)

struct due_op {
    struct store_op op;
    const struct store_callback_query *query;
    struct store_callback_due *sending;
    size_t n_before, n;
    int64_t next;
};

static bool is_full(const struct due_op *due)
{
    return due->n >= due->query->max;
}

static size_t n_to_host(const struct due_op *due, const char *host)
{
    size_t n = 0;

    for (size_t i = 0; i < due->n; i++)
        n += strcmp(due->sending[i].lane.host, host) == 0;
    return n;
}

static size_t n_of_tenant(const struct due_op *due, const char *tenant)
{
    size_t n = 0;

    for (size_t i = 0; i < due->n; i++)
        n += strcmp(due->sending[i].lane.tenant, tenant) == 0;
    return n;
}

static bool is_sending(const struct due_op *due, int64_t job)
{
    for (size_t i = 0; i < due->n; i++)
        if (due->sending[i].job == job)
            return true;
    return false;
}

/* However many tenants want more than there is, a place is left for the next one.
 *
 * source  Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches */
static bool tenant_has_its_share(const struct due_op *due, const char *tenant)
{
    return n_of_tenant(due, tenant) >= due->query->max - due->n;
}

static bool may_go(const struct due_op *due, const struct store_callback_due *row)
{
    return !is_sending(due, row->job) &&
           n_to_host(due, row->lane.host) < due->query->max_per_host &&
           !tenant_has_its_share(due, row->lane.tenant);
}

static void look_again_at(struct due_op *due, int64_t instant)
{
    if (due->next == JOB_NEVER || instant < due->next)
        due->next = instant;
}

static void copy_text(sqlite3_stmt *statement, int i, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, i);

    snprintf(out, size, "%s", text != NULL ? text : "");
}

/* Takes the row of a statement if it can go. returns false: its time has not come */
static bool take_row(struct due_op *due, sqlite3_stmt *statement, struct store_callback_due *row)
{
    int64_t due_at = sqlite3_column_int64(statement, 1);

    row->job = sqlite3_column_int64(statement, 0);
    copy_text(statement, 2, row->lane.tenant, sizeof(row->lane.tenant));
    copy_text(statement, 3, row->lane.host, sizeof(row->lane.host));
    if (due_at > due->query->now) {
        look_again_at(due, due_at);
        return false;
    }
    if (may_go(due, row))
        due->sending[due->n++] = *row;
    return true;
}

/* returns 1: there may be more; 0; -errno */
static int take_earliest(struct sqlite_connection *reader, struct due_op *due)
{
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_CALLBACKS_BY_TIME);
    struct store_callback_due row;
    int rc = 1;

    for (int i = 0; i < LOOK_AT && !is_full(due); i++) {
        rc = sqlite_next(statement);
        if (rc < 1)
            return rc;
        if (!take_row(due, statement, &row)) {
            rc = 0;
            break;
        }
    }
    sqlite3_reset(statement);
    return rc;
}

/* A blob comes after all texts: so those of a tenant that can have no more are passed over. */
static sqlite3_stmt *find_next_lane(struct sqlite_connection *reader, const struct due_op *due,
                                    const struct store_callback_lane *before)
{
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_CALLBACK_OF_NEXT_LANE);

    sqlite_bind_string(statement, 1, before->tenant);
    if (tenant_has_its_share(due, before->tenant))
        sqlite3_bind_zeroblob(statement, 2, 0);
    else
        sqlite_bind_string(statement, 2, before->host);
    return statement;
}

/* returns 1; 0: that was the last one, and the first is next; -errno */
static int take_of_next_lane(struct sqlite_connection *reader, struct due_op *due)
{
    struct store_callback_lane *from = due->query->from;
    const struct store_callback_lane before = *from;
    sqlite3_stmt *statement = find_next_lane(reader, due, &before);
    struct store_callback_due row = {.lane = {.host = ""}};
    int rc = sqlite_next(statement);

    if (rc == 1)
        (void)take_row(due, statement, &row);
    *from = row.lane;
    sqlite3_reset(statement);
    return rc;
}

static int take_of_lanes(struct sqlite_connection *reader, struct due_op *due)
{
    bool from_the_first = due->query->from->host[0] == '\0';
    int rc = 1;

    for (int i = 0; rc == 1 && i < LOOK_AT && !is_full(due); i++)
        rc = take_of_next_lane(reader, due);
    if (rc == 1 || !from_the_first)
        look_again_at(due, due->query->now + GO_ON_AFTER_US);
    return rc < 0 ? rc : 0;
}

static int apply_due(struct sqlite_connection *reader, struct store_op *op)
{
    struct due_op *due = co_container_of(op, struct due_op, op);

    due->n = due->n_before;
    due->next = JOB_NEVER;
    int rc = take_earliest(reader, due);
    return rc == 1 && !is_full(due) ? take_of_lanes(reader, due) : rc < 0 ? rc : 0;
}

int store_callbacks_due(struct store *store, const struct store_callback_query *query,
                        struct store_callback_due *sending, size_t n_sending, int64_t *ret_next)
{
    struct due_op due = {
        .op = {.apply = apply_due},
        .query = query,
        .sending = sending,
        .n_before = n_sending,
    };
    int rc = store_read_with(store, &due.op);

    if (rc < 0)
        return rc;
    *ret_next = due.next;
    return (int)due.n;
}
