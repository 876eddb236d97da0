/* The power goes at each sync of a short story, and what was acknowledged must be there afterwards,
 * whatever the disk has made of the rest.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/story.h"
#include "tests/support/power_cut_vfs.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"
#include "tests/support/vfs_shim.h"

/* Tells as much as there is time for. The directory of the store is what is left then. */
static void tell_until_cut(size_t n, uint64_t seed, const char *synchronous, struct story *story)
{
    struct store_options options = scratch_options;
    struct store *store = NULL;

    options.path = scratch_path("before");
    mkdir(scratch_path("store"), 0700);
    power_cut_install();
    power_cut_arm(n, seed, scratch_path("store"));
    int rc = store_open_as(&store, &options, synchronous, NULL);
    ck_assert(rc == 0 || rc == -EIO);
    if (rc == 0)
        rc = story_tell(store, story);
    ck_assert(rc == 0 || rc == -EIO);
    if (rc == 0)
        store_close(co_take(store));
    if (!power_cut_has_happened())
        power_cut_now();
    store_close(store);
    power_cut_remove();
}

static bool knows(const struct story *story)
{
    struct store_options options = scratch_options;
    struct store *store;

    options.path = scratch_path("store");
    if (store_open(&store, &options, NULL) < 0)
        return false;
    bool is_known = story_is_known(store, story) && story_goes_on(store);
    store_close(store);
    return is_known && scratch_sql("SELECT count(*) FROM pragma_integrity_check "
                                   "WHERE integrity_check <> 'ok'") == 0;
}

/* What is left on disk. */
static bool is_sound(const struct story *story)
{
    static const struct vfs_hooks none;

    vfs_shim_install(&none); /* spares the syncs */
    bool is_known = knows(story);
    vfs_shim_remove();
    return is_known;
}

struct outcome_of_cuts {
    unsigned n_cuts;
    unsigned n_losses;
    unsigned n_breaches; /* losses when something had been acknowledged */
};

/* With the power going at every step-th sync there is, until the whole story was told. */
static struct outcome_of_cuts cut_everywhere(uint64_t seed, const char *synchronous, unsigned step)
{
    struct outcome_of_cuts outcome = {0};
    struct story story;

    do {
        story = (struct story){0};
        scratch_set_up();
        outcome.n_cuts += step;
        tell_until_cut(outcome.n_cuts, seed + outcome.n_cuts, synchronous, &story);
        if (!is_sound(&story)) {
            outcome.n_losses++;
            outcome.n_breaches += story.n_told > 0;
            printf("lost at sync %u, seed %llu, after %zu steps\n", outcome.n_cuts,
                   (unsigned long long)seed, story.n_told);
        }
        scratch_tear_down();
    } while (story.n_told < story_n_steps);
    return outcome;
}

CO_TEST(power_cut_at_any_sync_loses_nothing)
{
    struct outcome_of_cuts outcome = cut_everywhere((uint64_t)_i * 1000, "FULL", every(5));

    ck_assert_uint_eq(outcome.n_losses, 0);
    ck_assert_uint_gt(outcome.n_cuts, story_n_steps);
}

/* The test above would find it if commits were not synced, and not only since there are fewer
 * syncs, or since a database that is still being made may be spoilt. */
CO_TEST(without_syncs_what_was_acknowledged_is_lost)
{
    unsigned n_breaches = 0;

    for (uint64_t seed = 1; seed <= 5; seed++)
        n_breaches += cut_everywhere(seed, "NORMAL", 1).n_breaches;
    ck_assert_uint_gt(n_breaches, 0);
}

Suite *suite_sqlite_power_cut(void);

Suite *suite_sqlite_power_cut(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_power_cut");
    TCase *tcase = tcase_create("all");
    int n_seeds = (int)scaled(10);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, scratch_silence, scratch_end_silence);
    tcase_add_loop_test(tcase, power_cut_at_any_sync_loses_nothing, 0, n_seeds > 0 ? n_seeds : 1);
    tcase_add_test(tcase, without_syncs_what_was_acknowledged_is_lost);
    suite_add_tcase(suite, tcase);
    return suite;
}
