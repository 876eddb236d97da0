/* Jobs whose records cannot be read: what can be done with them all the same. */
#include <errno.h>
#include <stdio.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_damage.h"

/* How long a job that was given up is there to be noticed. */
#define GIVEN_UP_TTL_US (INT64_C(24) * 3600 * 1000000)

/* --- Saying so -------------------------------------------------------------------------------- */

void sqlite_damaged_job(sqlite3_stmt *statement, struct damaged_job *ret_job)
{
    const unsigned char *id = sqlite3_column_text(statement, 1);

    ret_job->number = sqlite3_column_int64(statement, 0);
    snprintf(ret_job->id, sizeof(ret_job->id), "%s", id != NULL ? (const char *)id : "");
}

static bool was_said(const struct store_damage *damage, int64_t number)
{
    for (size_t i = 0; i < damage->n_said; i++)
        if (damage->said[i] == number)
            return true;
    return false;
}

/* There is little to be gained from more of them. */
void store_say_damaged_job(struct store *store, const struct damaged_job *job)
{
    struct store_damage *damage = &store->damage;

    if (damage->n_said == STORE_DAMAGE_SAID || was_said(damage, job->number))
        return;
    damage->said[damage->n_said++] = job->number;
    log_event(EVENT_JOB_DAMAGED, LOG_FIELDS({"job_id", job->id}, {"path", store->file}),
              "the record of job %s is damaged in %s: it is not listed. DELETE /v1/jobs/%s forgets "
              "it",
              job->id, store->file, job->id);
}

/* --- Giving one up ---------------------------------------------------------------------------- */

struct give_up_op {
    struct store_op op;
    int64_t number;
    int64_t now;
    struct damaged_job job; /* its number: 0: it had ended */
    int64_t n_pending;
};

static int count_pending(struct sqlite_connection *writer, struct give_up_op *give_up)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_JOB_BY_NUMBER);

    give_up->n_pending = 0;
    sqlite_bind(statement, give_up->number);
    int rc = sqlite_next(statement);
    if (rc == 1)
        rc = sqlite_add_pending(statement, &give_up->n_pending);
    sqlite3_reset(statement);
    return rc;
}

/* The rest of the record stays as it is: nobody shall take it for a sound one. */
static int end_record(struct sqlite_connection *writer, struct give_up_op *give_up)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_JOB_GIVE_UP);
    int rc;

    give_up->job.number = 0;
    sqlite_bind(statement, give_up->number, give_up->now, give_up->now + GIVEN_UP_TTL_US);
    while ((rc = sqlite_next(statement)) == 1)
        sqlite_damaged_job(statement, &give_up->job);
    return rc;
}

static int apply_give_up(struct sqlite_connection *writer, struct store_op *op)
{
    struct give_up_op *give_up = co_container_of(op, struct give_up_op, op);
    int rc = count_pending(writer, give_up);

    if (rc == 0)
        rc = end_record(writer, give_up);
    if (rc == 0)
        rc = sqlite_callback_give_up(writer, give_up->number);
    return rc < 0 ? rc : sqlite_drop_chunks(writer, give_up->number);
}

int store_give_up(struct store *store, int64_t number, int64_t now)
{
    struct give_up_op give_up = {
        .op = {.apply = apply_give_up, .priority = STORE_KEEPING, .n_rows = 2},
        .number = number,
        .now = now,
    };
    int rc = store_write(store, &give_up.op);

    if (rc < 0 || give_up.job.number == 0)
        return rc;
    store->stats.n_given_up++;
    store->stats.n_pending_given_up += (uint64_t)give_up.n_pending;
    log_event(EVENT_JOB_GIVEN_UP, LOG_FIELDS({"job_id", give_up.job.id}),
              "job %s is given up: its record is damaged", give_up.job.id);
    return 0;
}

/* --- Forgetting one --------------------------------------------------------------------------- */

struct number_op {
    struct store_op op;
    const char *tenant;
    const char *id;
    int64_t number;
};

static int apply_find_number(struct sqlite_connection *reader, struct store_op *op)
{
    struct number_op *find = co_container_of(op, struct number_op, op);
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_NUMBER_OF_JOB);

    sqlite_bind_string(statement, 1, find->id);
    sqlite_bind_tenant(statement, 2, find->tenant);
    int rc = sqlite_get(statement, &find->number);
    return rc < 0 ? rc : rc == 1 ? 0 : -ENOENT;
}

int store_forget_damaged(struct store *store, const char *tenant, const char *id)
{
    struct number_op find = {.op.apply = apply_find_number, .tenant = tenant, .id = id};
    int rc = store_read_with(store, &find.op);

    if (rc == 0)
        rc = store_give_up(store, find.number, instant_now());
    return rc < 0 ? rc : store_forget(store, find.number);
}
