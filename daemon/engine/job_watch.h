/* Waiting for a job to change, whether it is being worked on or only in the store.
 *
 * A watch is woken when something about its job has been committed: results, a change of status,
 * its end; and when it has been forgotten. It lives with who waits, on a task's stack for example.
 * Nothing is lost between reading and waiting if the job is read after the watch has begun:
 *
 *     struct job_watch watch;
 *
 *     job_watch_begin(jobs_watches(jobs), &watch, number);
 *     while ((rc = read_the_job()) == 0 && it_is_not_yet_as_wanted())
 *         rc = job_watch_wait(&watch);
 *     job_watch_end(&watch);
 *
 * Thousands of watches on one job cost a look-up for it, and a few stores for each. Beginning one
 * needs no memory, so it cannot fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"
#include "lib/co/list.h"
#include "lib/co/sync.h"

#include "daemon/model/job_record.h"

enum { JOB_WATCH_BUCKETS = 1024 };

/* All of them. All zeros: none. */
struct job_watches {
    bool are_closed;
    struct job_watch *buckets[JOB_WATCH_BUCKETS]; /* of each watched job one watch, by number */
    size_t n_watches;
};

struct job_watch {
    struct job_watches *watches;
    int64_t number;
    struct job_watch *next; /* in the bucket: of another job */
    struct co_list ring;    /* of all watches of this job */
    bool only_end;
    struct job_record *record; /* as of the last commit that woke it; NULL: none has, or the job
                                  was forgotten. Owned */
    struct co_event changed;
};

/* number     of the job; it need not exist */
void job_watch_begin(struct job_watches *watches, struct job_watch *watch, int64_t number);

/* One that is woken only by the job's end, or when it has been forgotten. */
void job_watch_begin_for_end(struct job_watches *watches, struct job_watch *watch, int64_t number);

void job_watch_end(struct job_watch *watch);

/* Waits until something has been committed since the watch began, or since this returned last. What
 * it was is for the caller to find out; that may be that the job is not there any more.
 *
 * returns    0; -ESHUTDOWN: gatherd is being stopped, so nobody should wait; -ECANCELED
 * suspends   unless there has been something
 */
CO_BLOCKS int job_watch_wait(struct job_watch *watch);

/* For who commits: wakes those who watch a job.
 *
 * record     of the job, which they get a reference to; NULL: it was forgotten
 */
void job_watches_wake(const struct job_watches *watches, int64_t number, struct job_record *record);

/* For who stops the daemon: ends all waiting, now and later. */
void job_watches_close(struct job_watches *watches);
