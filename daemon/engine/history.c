#include "daemon/engine/history.h"

#include <errno.h>
#include <stdlib.h>

struct history_entry {
    struct result_attempt *attempts;
    unsigned n_attempts;
    int64_t started_at;
};

static int make_entries(struct history *history, size_t n_items)
{
    if (history->entries != NULL)
        return 0;
    history->entries = calloc(n_items, sizeof(*history->entries));
    if (history->entries == NULL)
        return -ENOMEM;
    history->n_entries = n_items;
    return 0;
}

static int add_attempt(struct result *result, int64_t pause_us)
{
    struct result_attempt *attempts =
        realloc(result->attempts, (result->n_attempts + 1) * sizeof(*attempts));

    if (attempts == NULL)
        return -ENOMEM;
    result->attempts = attempts;
    attempts[result->n_attempts++] = (struct result_attempt){
        .outcome = result->outcome,
        .status = result->response.status,
        .error_code = result->error.code,
        .started_at = result->attempt_started_at,
        .total_us = result->total_us,
        .backoff_us = pause_us,
    };
    return 0;
}

int history_keep(struct history *history, size_t n_items, size_t index, struct result *result,
                 int64_t pause_us)
{
    int rc = make_entries(history, n_items);

    if (rc == 0)
        rc = add_attempt(result, pause_us);
    if (rc < 0)
        return rc;
    history->entries[index] = (struct history_entry){
        .attempts = result->attempts,
        .n_attempts = result->n_attempts,
        .started_at = result->started_at,
    };
    result->attempts = NULL;
    result->n_attempts = 0;
    return 0;
}

void history_take(struct history *history, size_t index, struct result *result)
{
    if (history->entries == NULL)
        return;
    struct history_entry *entry = &history->entries[index];
    result->attempts = entry->attempts;
    result->n_attempts = entry->n_attempts;
    result->started_at = entry->started_at;
    *entry = (struct history_entry){0};
}

bool history_contains(const struct history *history, size_t index)
{
    return history->entries != NULL && history->entries[index].attempts != NULL;
}

void history_done(struct history *history)
{
    for (size_t i = 0; i < history->n_entries; i++)
        free(history->entries[i].attempts);
    free(history->entries);
    *history = (struct history){0};
}
