#include "tests/daemon/store/story.h"

#include <check.h>
#include <errno.h>

#include "tests/daemon/store/scratch.h"

enum { LONG = 300, SHORT = 20, CHUNK = 256 };

static int take_long(struct store *store, struct story *story)
{
    return take_job(store, LONG, "a key", &story->long_job);
}

static int claim(struct store *store, struct story *story)
{
    int rc = claim_all(store);

    (void)story;
    return rc < 0 ? rc : 0;
}

static int finish_first(struct store *store, struct story *story)
{
    return finish_items(store, story->long_job, 0, CHUNK);
}

static int take_short(struct store *store, struct story *story)
{
    return take_job(store, SHORT, NULL, &story->short_job);
}

static int finish_second(struct store *store, struct story *story)
{
    return finish_items(store, story->long_job, CHUNK, LONG - CHUNK);
}

static int finish_short(struct store *store, struct story *story)
{
    return finish_items(store, story->short_job, 0, SHORT);
}

static int end_long(struct store *store, struct story *story)
{
    return end_job(store, story->long_job, 1, 2);
}

static int forget_short(struct store *store, struct story *story)
{
    return store_forget(store, story->short_job);
}

static int sweep(struct store *store, struct story *story)
{
    int64_t next;

    (void)story;
    return store_sweep(store, 1, &next);
}

enum {
    STEP_TAKE_LONG,
    STEP_FINISH_FIRST = 2,
    STEP_TAKE_SHORT,
    STEP_FINISH_SECOND = 5,
    STEP_FINISH_SHORT,
    STEP_END_LONG,
    STEP_FORGET_SHORT
};

static int (*const steps[])(struct store *, struct story *) = {
    take_long,     claim,        finish_first, take_short,   claim,
    finish_second, finish_short, end_long,     forget_short, sweep,
};

const size_t story_n_steps = sizeof(steps) / sizeof(*steps);

int story_tell_step(struct store *store, struct story *story)
{
    int rc = steps[story->n_told](store, story);

    story->n_told += rc == 0;
    return rc;
}

int story_tell(struct store *store, struct story *story)
{
    int rc = 0;

    while (rc == 0 && story->n_told < story_n_steps)
        rc = story_tell_step(store, story);
    return rc;
}

/* --- What is known of it ---------------------------------------------------------------------- */

static bool was_told(const struct story *story, size_t step)
{
    return story->n_told > step;
}

static bool is_job(struct store *store, int64_t number, bool *ret_has_ended)
{
    struct job_record *record;
    int rc = store_find_number(store, number, &record);

    ck_assert(rc == 0 || rc == -ENOENT);
    if (rc < 0)
        return false;
    *ret_has_ended = job_record_has_ended(record);
    job_record_unref(record);
    return true;
}

static bool is_long_known(struct store *store, const struct story *story)
{
    int n_results = was_told(story, STEP_FINISH_SECOND)  ? LONG
                    : was_told(story, STEP_FINISH_FIRST) ? CHUNK
                                                         : 0;
    bool has_ended = false;

    return is_job(store, story->long_job, &has_ended) &&
           count_results(store, story->long_job) >= n_results &&
           (has_ended || !was_told(story, STEP_END_LONG));
}

/* While it is being forgotten nobody can tell whether it was. */
static bool is_short_known(struct store *store, const struct story *story)
{
    bool has_ended, is_there = is_job(store, story->short_job, &has_ended);

    if (was_told(story, STEP_FORGET_SHORT))
        return !is_there;
    if (was_told(story, STEP_FORGET_SHORT - 1) && !is_there)
        return true;
    return is_there &&
           (!was_told(story, STEP_FINISH_SHORT) || count_results(store, story->short_job) == SHORT);
}

/* 0: there is no such job, or it has ended */
static int n_unfinished(struct store *store, int64_t number, int n_items)
{
    bool has_ended;

    if (!is_job(store, number, &has_ended) || has_ended)
        return 0;
    return n_items - count_results(store, number);
}

bool story_goes_on(struct store *store)
{
    int n_long = n_unfinished(store, 1, LONG); /* numbers go by acceptance */
    int n_short = n_unfinished(store, 2, SHORT);

    return claim_all(store) == n_long + n_short;
}

bool story_is_known(struct store *store, const struct story *story)
{
    return (!was_told(story, STEP_TAKE_LONG) || is_long_known(store, story)) &&
           (!was_told(story, STEP_TAKE_SHORT) || is_short_known(store, story));
}
