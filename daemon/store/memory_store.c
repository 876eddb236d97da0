/* Jobs in memory: a list by age. Looking one up walks it, which is fine for the thousands it may
 * hold; the store on disk has an index. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/memory_store.h"

struct memory_store {
    struct memory_store_options options;
    struct ulid_source ids;
    struct co_list jobs; /* oldest first */
    size_t n_jobs;
};

static struct job *job_of(struct co_list *link)
{
    return co_container_of(link, struct job, link);
}

int memory_store_new(struct memory_store **ret_store, const struct memory_store_options *options)
{
    struct memory_store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return -ENOMEM;
    store->options = *options;
    co_list_init(&store->jobs);
    *ret_store = store;
    return 0;
}

static void forget(struct memory_store *store, struct job *job)
{
    co_list_remove(&job->link);
    store->n_jobs--;
    job_unref(job);
}

void memory_store_free(struct memory_store *store)
{
    if (store == NULL)
        return;
    while (!co_list_is_empty(&store->jobs))
        forget(store, job_of(store->jobs.next));
    free(store);
}

static bool is_full(const struct memory_store *store)
{
    const struct result_budget *budget = store->options.budget;

    return store->n_jobs >= store->options.max_jobs || budget->used >= budget->max;
}

/* returns false: every job is still needed */
static bool forget_oldest_ended(struct memory_store *store)
{
    for (struct co_list *i = store->jobs.next; i != &store->jobs; i = i->next) {
        if (job_has_ended(job_of(i))) {
            forget(store, job_of(i));
            return true;
        }
    }
    return false;
}

int memory_store_add(struct memory_store *store, struct job_spec *spec, struct job **ret_job)
{
    while (is_full(store))
        if (!forget_oldest_ended(store))
            return -ENOSPC;

    struct job *job;
    int rc = job_new(spec, &store->ids, store->options.default_ttl_us, store->options.budget, &job);
    if (rc < 0)
        return rc;
    co_list_append(&store->jobs, &job->link);
    store->n_jobs++;
    *ret_job = job_ref(job);
    return 0;
}

int memory_store_find(struct memory_store *store, const char *id, struct job **ret_job)
{
    for (struct co_list *i = store->jobs.previous; i != &store->jobs; i = i->previous) {
        if (strcmp(job_of(i)->id, id) == 0) {
            *ret_job = job_ref(job_of(i));
            return 0;
        }
    }
    return -ENOENT;
}

static bool has_label(const struct job_spec *spec, const struct job_label *wanted)
{
    for (size_t i = 0; i < spec->n_labels; i++)
        if (strcmp(spec->labels[i].key, wanted->key) == 0)
            return strcmp(spec->labels[i].value, wanted->value) == 0;
    return false;
}

static bool matches(const struct job *job, const struct memory_store_query *query)
{
    if (query->before != NULL && strcmp(job->id, query->before) >= 0)
        return false;
    if (query->by_status && job->status != query->status)
        return false;
    for (size_t i = 0; i < query->n_labels; i++)
        if (!has_label(job->spec, &query->labels[i]))
            return false;
    return true;
}

int memory_store_list(struct memory_store *store, const struct memory_store_query *query,
                      size_t limit, struct job **ret_jobs, bool *ret_more)
{
    size_t n = 0;

    *ret_more = false;
    for (struct co_list *i = store->jobs.previous; i != &store->jobs; i = i->previous) {
        if (!matches(job_of(i), query))
            continue;
        if (n == limit) {
            *ret_more = true;
            break;
        }
        ret_jobs[n++] = job_ref(job_of(i));
    }
    return (int)n;
}

int memory_store_remove(struct memory_store *store, struct job *job)
{
    if (!co_list_is_linked(&job->link))
        return -ENOENT;
    forget(store, job);
    return 0;
}

int64_t memory_store_expire(struct memory_store *store, int64_t now)
{
    int64_t next = JOB_NEVER;

    for (struct co_list *i = store->jobs.next; i != &store->jobs;) {
        struct job *job = job_of(i);
        i = i->next;
        if (!job_has_ended(job))
            continue;
        if (job->expires_at <= now)
            forget(store, job);
        else if (next == JOB_NEVER || job->expires_at < next)
            next = job->expires_at;
    }
    return next;
}
