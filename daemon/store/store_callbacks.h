/* Callbacks in the store: whom an ended job tells of its end, what it says, and what came of that.
 *
 * A job has its callback from its acceptance on. The commit that ends the job brings what is to be
 * sent, and makes it due; so both survive together, or neither. While it is due, now or later, it
 * stays even if its job is forgotten for want of room or by age, as long as not too many do
 * (STORE_CALLBACKS_KEPT); who deletes a job deletes its callback, too. One that is settled goes
 * with its job, or at forget_at if that is gone.
 *
 * Calls and errors are as in store.h.
 */
#pragma once

#include "daemon/model/callback.h"
#include "daemon/store/store.h"

/* That are pending: with more, those whose job goes go with it. */
enum { STORE_CALLBACKS_KEPT = 10000 };

struct store_callback {
    char id[JOB_ID_SIZE]; /* of its job */
    enum callback_state state;
    const char *url;
    const char *secret_ref; /* NULL: nothing is signed */
    const char *payload;    /* while it is pending; else NULL */
    size_t payload_length;
    unsigned n_attempts;
    const char *attempts; /* the texts of those, with a comma between them */
    int64_t due_at;       /* JOB_NEVER unless it is pending */
    struct arena arena;   /* what they point to */
};

/* By the number of its job, or by its id, whether the job is there or not. Owed one
 * store_callback_done(), whatever is returned.
 *
 * returns    0, -ENOENT
 */
CO_BLOCKS int store_callback_read(struct store *store, int64_t job,
                                  struct store_callback *ret_callback);
CO_BLOCKS int store_callback_find(struct store *store, const char *tenant, const char *id,
                                  struct store_callback *ret_callback);
void store_callback_done(struct store_callback *callback);

enum { CALLBACK_TENANT_SIZE = 65, CALLBACK_HOST_SIZE = 256 };

/* Those of a tenant that go to one host. */
struct store_callback_lane {
    char tenant[CALLBACK_TENANT_SIZE];
    char host[CALLBACK_HOST_SIZE];
};

/* One to be sent. */
struct store_callback_due {
    int64_t job;
    struct store_callback_lane lane;
};

struct store_callback_query {
    int64_t now;
    size_t max; /* at a time, those that are being sent included; a tenant has no more of these
                   places than are free: alone half of them */
    size_t max_per_host;
    struct store_callback_lane *from; /* at first all zeros: what was looked at last */
};

/* Finds what can be sent now, the earliest first; a bounded number is looked at.
 *
 * sending    has room for max; the n_sending that are being sent, to which others are added
 * ret_next   when there may be more; JOB_NEVER: when one of those has ended
 * returns    how many there are in sending
 */
CO_BLOCKS int store_callbacks_due(struct store *store, const struct store_callback_query *query,
                                  struct store_callback_due *sending, size_t n_sending,
                                  int64_t *ret_next);

/* For who finds that the clock says less than before, or may: what was to wait from an instant on
 * that is yet to come, by more than a second, is due now. */
CO_BLOCKS int store_callbacks_clock_set_back(struct store *store, int64_t now);

/* What came of an attempt. */
struct store_callback_note {
    int64_t job;
    int64_t now;
    enum callback_state state; /* from now on */
    int64_t due_at;            /* if that is pending */
    int64_t forget_at;         /* if it is not, and the job is gone */
    const char *text;          /* of the attempt, a JSON object */
};

/* returns 0; -ENOENT: it was dropped, or is not pending */
CO_BLOCKS int store_callback_note(struct store *store, const struct store_callback_note *note);
