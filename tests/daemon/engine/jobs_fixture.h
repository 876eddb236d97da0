/* Stored jobs for tests: a store in a directory of its own, an engine, and an origin that is asked
 * for real. */
#pragma once

#include "daemon/engine/jobs.h"

#include "tests/support/net.h"

enum { FIXTURE_CONCURRENCY = 100 };

struct jobs_fixture {
    struct net *net;
    struct egress *egress;
    struct engine *engine;
    struct store *store;
    struct jobs *jobs;
    struct parse_settings parse;
    struct store_options options; /* its path is directory/store */
    char directory[64];
    char path[80];
    unsigned n_crashes;
};

/* The clock that callbacks are sent by: an instant that goes on with wind(). */
int64_t jobs_fixture_now(void);

/* The origin answers "ok"; /busy 503, /large with 20000 bytes, /hang never, /moved with a redirect
 * to /. */
void jobs_fixture_begin(struct jobs_fixture *fixture, struct net *net);
void jobs_fixture_end(struct jobs_fixture *fixture);

/* As in runtime.h's CO_TEST(), with `net` and `jobs` (struct jobs_fixture). */
#define JOBS_TEST(name)                                                                            \
    static void name##_with(struct jobs_fixture *fixture, struct net *net);                        \
    NET_TEST(name)                                                                                 \
    {                                                                                              \
        struct jobs_fixture fixture;                                                               \
        jobs_fixture_begin(&fixture, net);                                                         \
        name##_with(&fixture, net);                                                                \
        jobs_fixture_end(&fixture);                                                                \
    }                                                                                              \
    static void name##_with(CK_ATTRIBUTE_UNUSED struct jobs_fixture *fixture,                      \
                            CK_ATTRIBUTE_UNUSED struct net *net)

/* Accepts a job of a document in which '@' is the origin's port. Owed a job_record_unref(). */
struct job_record *submit(struct jobs_fixture *fixture, const char *document);

/* The same as far as it goes. */
CO_BLOCKS int try_to_submit(struct jobs_fixture *fixture, const char *document,
                            struct job_record **ret_record);

/* Looks a job up anew: what it takes is not a reference of the caller's any more. */
struct job_record *renew(struct jobs_fixture *fixture, struct job_record *record);

/* The same until it has ended; checks that nothing is left undone. */
struct job_record *wait_for_end(struct jobs_fixture *fixture, struct job_record *record);

/* The same until so many of its items are being fetched. */
struct job_record *wait_until_running(struct jobs_fixture *fixture, struct job_record *record,
                                      size_t n);

/* The same until n of its items have a result. */
struct job_record *wait_until_finished(struct jobs_fixture *fixture, struct job_record *record,
                                       size_t n);

/* The outcome of an item in the store; -1: it has no result. */
int outcome_of(struct jobs_fixture *fixture, const struct job_record *record, uint32_t index);

/* As after kill -9 and a new start: what is not on disk is lost. Records are to be renewed. */
void crash(struct jobs_fixture *fixture);

/* Stops and starts again, in good order. */
void restart(struct jobs_fixture *fixture);

/* The same with damage done to the database meanwhile. */
void restart_damaged(struct jobs_fixture *fixture, const char *sql);

/* Runs SQL on the database that is in use, and returns the integer that it gives; 0: none. */
int64_t query_store(struct jobs_fixture *fixture, const char *sql);
