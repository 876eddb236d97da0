/* The bucket has one watch of each job, and that one is in a ring with all others of its job: so
 * waking one job's does not go over another's, and nothing has to be allocated. */
#include "daemon/engine/job_watch.h"

#include <errno.h>

#include "lib/co/scope.h"

/* Numbers count up, so they spread by themselves. */
static size_t bucket_of(int64_t number)
{
    return (uint64_t)number % JOB_WATCH_BUCKETS;
}

static struct job_watch *find(const struct job_watches *watches, int64_t number)
{
    struct job_watch *watch = watches->buckets[bucket_of(number)];

    while (watch != NULL && watch->number != number)
        watch = watch->next;
    return watch;
}

static void begin(struct job_watches *watches, struct job_watch *watch, int64_t number,
                  bool only_end)
{
    struct job_watch **bucket = &watches->buckets[bucket_of(number)];
    struct job_watch *first = find(watches, number);

    *watch = (struct job_watch){.watches = watches, .number = number, .only_end = only_end};
    co_list_init(&watch->ring);
    co_event_init(&watch->changed);
    watches->n_watches++;
    if (first != NULL) {
        co_list_append(&first->ring, &watch->ring);
        return;
    }
    watch->next = *bucket;
    *bucket = watch;
}

void job_watch_begin(struct job_watches *watches, struct job_watch *watch, int64_t number)
{
    begin(watches, watch, number, false);
}

void job_watch_begin_for_end(struct job_watches *watches, struct job_watch *watch, int64_t number)
{
    begin(watches, watch, number, true);
}

static struct job_watch *watch_of(struct co_list *ring)
{
    return co_container_of(ring, struct job_watch, ring);
}

/* Another watch of the job, if there is one, takes its place in the bucket. */
static void leave_bucket(struct job_watch *watch)
{
    struct job_watch **at = &watch->watches->buckets[bucket_of(watch->number)];

    while (*at != NULL && *at != watch)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = watch->next;
    if (co_list_is_linked(&watch->ring)) {
        struct job_watch *successor = watch_of(watch->ring.next);
        successor->next = watch->next;
        *at = successor;
    }
}

void job_watch_end(struct job_watch *watch)
{
    leave_bucket(watch);
    co_list_remove(&watch->ring);
    job_record_unref(watch->record);
    watch->watches->n_watches--;
}

int job_watch_wait(struct job_watch *watch)
{
    int rc = watch->watches->are_closed ? co_checkpoint() : co_event_wait(&watch->changed);

    if (rc == 0)
        co_event_clear(&watch->changed);
    return rc == 0 && watch->watches->are_closed ? -ESHUTDOWN : rc;
}

/* --- Waking ----------------------------------------------------------------------------------- */

static void keep(struct job_watch *watch, struct job_record *record)
{
    if (watch->record == record)
        return;
    job_record_unref(watch->record);
    watch->record = record != NULL ? job_record_ref(record) : NULL;
}

static void wake(struct job_watch *watch, struct job_record *record)
{
    if (watch->only_end && record != NULL && !job_record_has_ended(record))
        return;
    keep(watch, record);
    co_event_set(&watch->changed);
}

void job_watches_wake(const struct job_watches *watches, int64_t number, struct job_record *record)
{
    struct job_watch *first = find(watches, number);

    if (first == NULL)
        return;
    wake(first, record);
    for (struct co_list *at = first->ring.next; at != &first->ring; at = at->next)
        wake(watch_of(at), record);
}

static void wake_ring(struct job_watch *first)
{
    co_event_set(&first->changed);
    for (struct co_list *at = first->ring.next; at != &first->ring; at = at->next)
        co_event_set(&watch_of(at)->changed);
}

void job_watches_close(struct job_watches *watches)
{
    watches->are_closed = true;
    for (size_t i = 0; i < JOB_WATCH_BUCKETS; i++)
        for (struct job_watch *first = watches->buckets[i]; first != NULL; first = first->next)
            wake_ring(first);
}
