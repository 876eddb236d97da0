#include "daemon/engine/stored_head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/offload.h"

static int parse(const struct parse_settings *settings, const char *text, size_t length,
                 struct job_head **ret_head)
{
    struct parse_refusal refusal;
    struct defect_list defects;

    defect_list_init(&defects);
    int rc = job_head_parse(settings, text, length, &defects, &refusal, ret_head);
    defect_list_done(&defects);
    return rc > 0 ? -EBADMSG : rc;
}

int stored_head_read(struct store *store, const struct parse_settings *settings, int64_t number,
                     struct stored_head *ret_head)
{
    *ret_head = (struct stored_head){.text = NULL};
    int rc = store_read_head(store, number, &ret_head->text, &ret_head->length);

    return rc < 0 ? rc : parse(settings, ret_head->text, ret_head->length, &ret_head->head);
}

void stored_head_done(struct stored_head *head)
{
    free(head->text);
    job_head_free(head->head);
}

int stored_head_substitute(struct stored_head *head, const struct parse_settings *settings)
{
    static const char nothing[] = "{}";

    return parse(settings, nothing, strlen(nothing), &head->head);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

enum { LARGE = 64 * 1024 }; /* bytes of a chunk */

struct chunk_parsing {
    const struct job_head *head;
    const struct job_chunk *chunk;
    struct job_spec **ret_spec;
};

static int parse_on_thread(void *arg, void **ret_result)
{
    const struct chunk_parsing *parsing = arg;

    (void)ret_result;
    return job_chunk_parse(parsing->head, parsing->chunk, parsing->ret_spec);
}

int stored_chunk_parse(const struct job_head *head, const struct job_chunk *chunk,
                       struct job_spec **ret_spec)
{
    struct chunk_parsing parsing = {head, chunk, ret_spec};

    if (chunk->length < LARGE)
        return job_chunk_parse(head, chunk, ret_spec);
    int rc = co_to_thread(parse_on_thread, &parsing, NULL, NULL);
    return rc == -EAGAIN ? -ENOMEM : rc;
}
