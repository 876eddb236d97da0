/* What goes into the run of an active job, and what comes out: claimed chunks become pieces,
 * results go to the recorder.
 *
 * A request that must not be repeated is sent only after the store knows that its chunk is being
 * sent. If that was known when the chunk was claimed, gatherd has died with it: what of it has no
 * result is `interrupted`. A chunk that brings gatherd down again and again, or is damaged, is
 * given up.
 */
#pragma once

#include "daemon/engine/active_job.h"

/* What the run of a job is told. */
struct run_owner job_feed_owner(struct active_job *job);

/* Takes a claim in. One of a job that has been stopped is for the store to forget.
 *
 * returns    0; -ENOMEM: it may be tried again
 */
CO_BLOCKS int job_feed_claim(struct active_job *job, const struct store_claim *claim);

/* The run has been stopped: finds what of the job may have been sent by a gatherd that then died,
 * which nobody has claimed since. It is `interrupted`, not never started.
 *
 * returns    0, -EIO, -ECANCELED
 */
CO_BLOCKS int job_feed_started(struct active_job *job);

/* gatherd is stopping, and the run is over: what may have been sent and must not be sent again
 * becomes `interrupted`. */
void job_feed_interrupt(struct active_job *job);
