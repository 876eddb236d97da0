#include "daemon/store/sqlite_private.h"

/* A job's texts are written before it has a number, as it is being received; so they are kept by
 * upload, and job.upload leads to them. What is queued has no rows: turn.next is the first item
 * that was never claimed. chunk has what was: in flight, or given back.
 *
 * Instants are microseconds since 1970; NULL: never.
 *
 * chunk_data.crc32c is of the lines in what version 1 has written; see sqlite_chunk.c. */
static const char version_1[] =
    "CREATE TABLE job("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " upload INTEGER NOT NULL,"
    " status INTEGER NOT NULL," /* enum job_status */
    " rest INTEGER NOT NULL,"   /* enum job_rest */
    " weight INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " started_at INTEGER,"
    " ended_at INTEGER,"
    " expires_at INTEGER,"
    " deadline_at INTEGER,"
    " ttl_us INTEGER NOT NULL,"
    " version INTEGER NOT NULL,"
    " name TEXT,"
    " labels TEXT," /* a JSON object */
    " n_items INTEGER NOT NULL,"
    " tally BLOB,"      /* NULL: nothing has finished */
    " key TEXT,"        /* Idempotency-Key */
    " fingerprint BLOB" /* of the document that came with it */
    ") STRICT;"
    "CREATE UNIQUE INDEX job_key ON job(key) WHERE key IS NOT NULL;"
    "CREATE INDEX job_status ON job(status, number);"
    "CREATE INDEX job_ended ON job(ended_at) WHERE ended_at IS NOT NULL;"
    "CREATE INDEX job_expires ON job(expires_at) WHERE expires_at IS NOT NULL;"
    "CREATE INDEX job_deadline ON job(deadline_at)"
    " WHERE deadline_at IS NOT NULL AND ended_at IS NULL;"

    "CREATE TABLE label("
    " key TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " job INTEGER NOT NULL,"
    " PRIMARY KEY(key, value, job)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX label_job ON label(job);"

    "CREATE TABLE head(job INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;"

    "CREATE TABLE chunk_data("
    " upload INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " n_items INTEGER NOT NULL,"
    " skip INTEGER NOT NULL,"
    " is_unsafe INTEGER NOT NULL,"
    " crc32c INTEGER NOT NULL,"
    " lines BLOB NOT NULL,"
    " PRIMARY KEY(upload, first)" /* with rowids: long rows fill pages better in such a table */
    ") STRICT;"

    /* A job is in here while it has something that can be claimed in its turn. */
    "CREATE TABLE turn("
    " job INTEGER PRIMARY KEY,"
    " pass INTEGER NOT NULL,"
    " next INTEGER NOT NULL" /* item; that and all after it were never claimed */
    ") STRICT;"
    "CREATE INDEX turn_order ON turn(pass, job);"

    "CREATE TABLE chunk("
    " job INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " n_items INTEGER NOT NULL,"
    " data INTEGER NOT NULL,"      /* chunk_data.first */
    " state INTEGER NOT NULL,"     /* enum chunk_state */
    " tries INTEGER NOT NULL,"     /* claims since there was a new result */
    " n_results INTEGER NOT NULL," /* that there were at the last claim */
    " started INTEGER NOT NULL,"   /* enum chunk_started */
    " PRIMARY KEY(job, first)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX chunk_aside ON chunk(state, job, first) WHERE state <> 0;"

    "CREATE TABLE result("
    " job INTEGER NOT NULL,"
    " idx INTEGER NOT NULL,"
    " outcome INTEGER NOT NULL,"  /* enum outcome */
    " shape_of INTEGER NOT NULL," /* shape.idx */
    " has_body INTEGER NOT NULL,"
    " row BLOB NOT NULL,"
    " PRIMARY KEY(job, idx)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX result_failed ON result(job, outcome, idx) WHERE outcome <> 0;"

    "CREATE TABLE shape("
    " job INTEGER NOT NULL,"
    " idx INTEGER NOT NULL,"
    " shape BLOB NOT NULL,"
    " PRIMARY KEY(job, idx)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE result_body("
    " job INTEGER NOT NULL,"
    " idx INTEGER NOT NULL,"
    " body BLOB NOT NULL,"
    " PRIMARY KEY(job, idx)"
    ") STRICT, WITHOUT ROWID;"

    /* Items in the order in which they were completed, a row for each commit. */
    "CREATE TABLE completion("
    " job INTEGER NOT NULL,"
    " first_seq INTEGER NOT NULL,"
    " items BLOB NOT NULL," /* varints: 1 + index; 0: the number was used by a late result */
    " PRIMARY KEY(job, first_seq)"
    ") STRICT, WITHOUT ROWID;"

    /* Whose rows are nobody's any more, and are deleted bit by bit; and uploads that are being
     * received, which are if nothing becomes of them. */
    "CREATE TABLE trash("
    " upload INTEGER PRIMARY KEY,"
    " job INTEGER," /* NULL: it has not become one */
    " is_receiving INTEGER NOT NULL"
    ") STRICT;";

/* Old bodies have no checksum. */
static const char version_2[] = "ALTER TABLE result_body ADD COLUMN crc32c INTEGER";

/* Whatever clients ask for, they ask for it of one tenant. */
static const char version_3[] =
    "ALTER TABLE job ADD COLUMN tenant TEXT NOT NULL DEFAULT '';"
    "DROP INDEX job_key;"
    "CREATE UNIQUE INDEX job_key ON job(tenant, key) WHERE key IS NOT NULL;"
    "DROP INDEX job_status;"
    "CREATE INDEX job_status ON job(tenant, status, number, ended_at, n_items);" /* also for their
                                                                                    sum */
    "CREATE INDEX job_tenant ON job(tenant, number);";

/* A callback may outlive its job, so it has what it needs of it. */
static const char version_4[] =
    "ALTER TABLE job ADD COLUMN has_callback INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE callback("
    " job INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE," /* of the job */
    " tenant TEXT NOT NULL,"
    " url TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " secret_ref TEXT,"
    " state INTEGER NOT NULL," /* enum callback_state */
    " payload BLOB,"           /* while it is pending */
    " n_attempts INTEGER NOT NULL DEFAULT 0,"
    " attempts TEXT NOT NULL DEFAULT ''," /* JSON objects, with a comma between them */
    " due_at INTEGER,"                    /* NULL unless it is pending */
    " forget_at INTEGER"                  /* once it is settled and the job is gone */
    ") STRICT;"
    "CREATE INDEX callback_due ON callback(due_at, host) WHERE due_at IS NOT NULL;"
    "CREATE INDEX callback_host ON callback(host, due_at) WHERE due_at IS NOT NULL;"
    "CREATE INDEX callback_forget ON callback(forget_at) WHERE forget_at IS NOT NULL;";

/* wake: when there is something to do for it. The document of its jobs is apart, as it may be long,
 * and the rest of the row is written with every run. */
static const char version_5[] =
    "CREATE TABLE schedule("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " tenant TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " labels TEXT,"
    " every_us INTEGER NOT NULL," /* 0: by cron */
    " cron TEXT,"
    " jitter_us INTEGER NOT NULL,"
    " overlap INTEGER NOT NULL," /* enum schedule_overlap */
    " is_paused INTEGER NOT NULL,"
    " max_queued INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " next_due INTEGER," /* NULL: it is paused */
    " next_at INTEGER,"  /* that with its jitter */
    " waiting INTEGER,"
    " running INTEGER NOT NULL DEFAULT 0," /* schedule_run.number */
    " n_runs INTEGER NOT NULL DEFAULT 0,"
    " wake INTEGER AS (iif(running = 0 AND waiting IS NOT NULL, waiting, next_at))"
    ") STRICT;"
    "CREATE INDEX schedule_tenant ON schedule(tenant, number);"
    "CREATE INDEX schedule_wake ON schedule(wake) WHERE wake IS NOT NULL;"
    "CREATE INDEX schedule_running ON schedule(number) WHERE running <> 0;"

    "CREATE TABLE schedule_job(schedule INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;"

    "CREATE TABLE schedule_run("
    " schedule INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " due_at INTEGER NOT NULL,"
    " n_due INTEGER NOT NULL,"
    " started_at INTEGER,"
    " ended_at INTEGER,"
    " state INTEGER NOT NULL," /* enum schedule_run_state */
    " code TEXT,"
    " job INTEGER NOT NULL," /* job.number, also when that has been forgotten */
    " job_id TEXT,"
    " n_items INTEGER NOT NULL DEFAULT 0,"
    " n_success INTEGER NOT NULL DEFAULT 0,"
    " p50_us INTEGER NOT NULL DEFAULT -1,"
    " p99_us INTEGER NOT NULL DEFAULT -1,"
    " counts TEXT," /* a JSON object */
    " PRIMARY KEY(schedule, number)"
    ") STRICT, WITHOUT ROWID;"

    /* Items of the runs that have ended in a span of time that begins at bucket. */
    "CREATE TABLE schedule_tally("
    " schedule INTEGER NOT NULL,"
    " width_us INTEGER NOT NULL,"
    " bucket INTEGER NOT NULL,"
    " n_items INTEGER NOT NULL,"
    " n_success INTEGER NOT NULL,"
    " PRIMARY KEY(schedule, width_us, bucket)"
    ") STRICT, WITHOUT ROWID;";

/* Runs that have not ended, by their jobs. */
static const char version_6[] =
    "CREATE INDEX schedule_run_unended ON schedule_run(job) WHERE state = 0";

/* Lists go on behind an id: a number would tell how many schedules others have. */
static const char version_7[] = "DROP INDEX schedule_tenant;"
                                "CREATE INDEX schedule_tenant ON schedule(tenant, id);";

static const char version_8[] = "ALTER TABLE schedule ADD COLUMN key TEXT;" /* Idempotency-Key */
                                "ALTER TABLE schedule ADD COLUMN fingerprint BLOB;"
                                "CREATE UNIQUE INDEX schedule_key ON schedule(tenant, key)"
                                " WHERE key IS NOT NULL;";

/* decided_at: when it was decided when it is due; NULL: by an older version. */
static const char version_9[] =
    "ALTER TABLE callback ADD COLUMN decided_at INTEGER;"
    "DROP INDEX callback_host;"
    "CREATE INDEX callback_lane ON callback(tenant, host, due_at) WHERE due_at IS NOT NULL;";

const char *const sqlite_versions[SQLITE_N_VERSIONS] = {
    version_1, version_2, version_3, version_4, version_5,
    version_6, version_7, version_8, version_9,
};
