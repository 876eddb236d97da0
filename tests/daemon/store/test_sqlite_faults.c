/* A short story, told to a store on a disk that fails: at each of its writes and syncs once. */
#include <check.h>
#include <errno.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/story.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

static void set_up(void)
{
    scratch_silence();
    scratch_set_up();
    fault_vfs_install();
}

static void tear_down(void)
{
    fault_vfs_remove();
    scratch_tear_down();
    scratch_end_silence();
}

static int open_on(struct store **ret_store)
{
    struct store_options options = scratch_options;

    options.path = scratch_path("store");
    return store_open(ret_store, &options, NULL);
}

static void expect_story(const struct story *story)
{
    struct store *store = open_store();

    ck_assert(story_is_known(store, story));
    store_close(store);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM pragma_integrity_check "
                                 "WHERE integrity_check <> 'ok'"),
                     0);
}

/* --- I/O errors ------------------------------------------------------------------------------- */

/* Nothing succeeds any more, and nothing is even tried. */
static void expect_failed(struct store *store, struct story story)
{
    int64_t next;

    ck_assert_int_eq(store_health(store), STORE_FAILED);
    ck_assert(store_health_changed(store)->is_set);
    ck_assert_int_eq(story_tell_step(store, &story), -EIO);
    ck_assert_int_eq(take_job(store, 1, NULL, &next), -EIO);
    ck_assert_int_eq(store_sweep(store, 0, &next), -EIO);
    store_close(store);
    ck_assert_uint_eq(fault_vfs_n_after(), 0);
}

/* returns whether the n-th call failed; it was not so many otherwise */
static bool tell_with_failure(size_t n, struct story *story)
{
    struct store *store = NULL;

    fault_vfs_arm(n);
    int rc = open_on(&store);
    if (rc == 0)
        rc = story_tell(store, story);
    ck_assert(rc == 0 || rc == -EIO);
    if (rc == -EIO && store != NULL)
        expect_failed(store, *story);
    else
        store_close(store);
    return fault_vfs_disarm();
}

CO_TEST(after_an_io_error_nothing_is_tried_and_all_that_was_acknowledged_is_there)
{
    bool has_failed = true;

    for (size_t n = 1; has_failed; n += every(7)) {
        struct story story = {0};
        has_failed = tell_with_failure(n, &story);
        expect_story(&story);
        scratch_tear_down();
        scratch_set_up();
    }
}

/* --- Full disks ------------------------------------------------------------------------------- */

static void wait_for_space(struct store *store)
{
    ck_assert_int_eq(store_health(store), STORE_FULL);
    fault_vfs_fill_at(0);
    co_event_clear(store_health_changed(store));
    assert_ok(co_event_wait(store_health_changed(store)));
    ck_assert_int_eq(store_health(store), STORE_OK);
}

/* Each step that fails is told again when there is space. returns whether the disk was ever full */
static bool tell_with_full_disk(size_t n, struct story *story)
{
    struct store *store = NULL;

    fault_vfs_fill_at(n);
    if (open_on(&store) == -ENOSPC) {
        fault_vfs_fill_at(0);
        assert_ok(open_on(&store));
    }
    int rc = story_tell(store, story);
    bool was_full = rc == -ENOSPC;
    if (was_full) {
        ck_assert(story_is_known(store, story));
        wait_for_space(store);
        rc = story_tell(store, story);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert(story_is_known(store, story));
    fault_vfs_fill_at(0);
    store_close(store);
    return was_full;
}

/* Several slices of one. */
static struct store_upload *receive_much(struct store *store)
{
    static const char line[] = "http://a/";
    struct store_upload *upload;

    assert_ok(store_upload_new(store, &upload));
    for (uint32_t i = 0; i < 20000; i++) {
        const struct job_chunk chunk = {
            .first = i, .n_items = 1, .lines = line, .length = sizeof(line) - 1};
        assert_ok(store_upload_add(upload, &chunk));
    }
    return upload;
}

CO_TEST(upload_that_ends_while_the_disk_is_full_leaves_nothing_behind)
{
    struct store *store;
    int64_t next;

    assert_ok(open_on(&store));
    struct store_upload *upload = receive_much(store);
    fault_vfs_fill_at(1);
    store_upload_free(upload);
    assert_ok(co_event_wait(store_health_changed(store)));
    wait_for_space(store);
    do {
        assert_ok(store_sweep(store, 0, &next));
    } while (next != JOB_NEVER);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM trash"), 0);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM chunk_data"), 0);
    store_close(store);
}

CO_TEST(full_disk_loses_nothing_and_work_goes_on_when_there_is_space_again)
{
    size_t n_in_a_row = 0;

    /* First it may be full only while the store is opened, at the end only while it is closed. */
    for (size_t n = 1, n_full = 0; n_in_a_row * every(7) < 40; n += every(7)) {
        struct story story = {0};
        bool was_full = tell_with_full_disk(n, &story);
        n_full += was_full;
        n_in_a_row = was_full || n_full == 0 ? 0 : n_in_a_row + 1;
        expect_story(&story);
        scratch_tear_down();
        scratch_set_up();
    }
}

CO_TEST(full_store_takes_no_jobs_but_can_be_read_and_swept)
{
    struct story story = {0};
    struct store *store = open_store();
    int64_t number, next;

    assert_ok(story_tell(store, &story));
    fault_vfs_fill_at(1);
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -ENOSPC);
    ck_assert_int_eq(store_health(store), STORE_FULL);
    ck_assert_int_eq(count_results(store, story.long_job), 300);
    ck_assert_int_eq(store_overdue(store, 0, 1, &number, &next), 0);
    settle();
    ck_assert(!scratch_has("store/gatherd.ballast"));
    wait_for_space(store);
    ck_assert(scratch_has("store/gatherd.ballast"));
    assert_ok(take_job(store, 1, NULL, &number));
    store_close(store);
}

/* The ballast is what makes room for that. */
CO_TEST(what_has_expired_is_forgotten_while_the_disk_is_full)
{
    struct story story = {0};
    struct store *store = open_store();
    int64_t number, next;

    assert_ok(story_tell(store, &story));
    fault_vfs_fill_at(1);
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -ENOSPC);
    settle();
    fault_vfs_fill_at(0);
    ck_assert_int_eq(store_health(store), STORE_FULL);
    assert_ok(store_sweep(store, 2, &next));
    ck_assert(!story_is_known(store, &story));
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -ENOSPC);
    store_close(store);
}

CO_TEST(with_little_space_left_no_jobs_are_taken_and_the_store_is_fine)
{
    struct store_options options = scratch_options;
    struct story story = {0};
    struct store *store = open_store();
    int64_t number;

    for (int i = 0; i < 2; i++)
        assert_ok(story_tell_step(store, &story));
    store_close(store);
    options.path = scratch_path("store");
    options.min_free_bytes = UINT64_MAX / 2;
    assert_ok(store_open(&store, &options, NULL));
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -ENOSPC);
    ck_assert_int_eq(store_health(store), STORE_OK);
    ck_assert_int_eq(claim_all(store), 300);
    assert_ok(finish_items(store, story.long_job, 0, 256));
    store_close(store);
}

Suite *suite_sqlite_faults(void);

Suite *suite_sqlite_faults(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_faults");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase,
                   after_an_io_error_nothing_is_tried_and_all_that_was_acknowledged_is_there);
    tcase_add_test(tcase, upload_that_ends_while_the_disk_is_full_leaves_nothing_behind);
    tcase_add_test(tcase, full_disk_loses_nothing_and_work_goes_on_when_there_is_space_again);
    tcase_add_test(tcase, full_store_takes_no_jobs_but_can_be_read_and_swept);
    tcase_add_test(tcase, what_has_expired_is_forgotten_while_the_disk_is_full);
    tcase_add_test(tcase, with_little_space_left_no_jobs_are_taken_and_the_store_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
