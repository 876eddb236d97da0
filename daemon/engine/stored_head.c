#include "daemon/engine/stored_head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/offload.h"

/* Bytes that may take some milliseconds to read. */
enum { LARGE_HEAD = 16 * 1024, LARGE_CHUNK = 64 * 1024 };

static int compute(bool is_large, co_fn *fn, void *arg)
{
    int rc = is_large ? co_to_thread(fn, arg, NULL, NULL) : fn(arg, NULL);

    return rc == -EAGAIN ? -ENOMEM : rc;
}

/* --- The head --------------------------------------------------------------------------------- */

struct head_parsing {
    const struct parse_settings *settings;
    const char *text;
    size_t length;
    struct job_head **ret_head;
};

static int parse_head(void *arg, void **ret_result)
{
    const struct head_parsing *parsing = arg;
    struct parse_refusal refusal;
    struct defect_list defects;

    (void)ret_result;
    defect_list_init(&defects);
    int rc = job_head_parse(parsing->settings, parsing->text, parsing->length, &defects, &refusal,
                            parsing->ret_head);
    defect_list_done(&defects);
    return rc > 0 ? -EBADMSG : rc;
}

int stored_head_read(struct store *store, const struct parse_settings *settings, int64_t number,
                     struct stored_head *ret_head)
{
    *ret_head = (struct stored_head){.text = NULL};
    int rc = store_read_head(store, number, &ret_head->text, &ret_head->length);
    if (rc < 0)
        return rc;

    CO_CLEANUP(parse_settings_release)
    struct parse_settings held = parse_settings_hold(settings);
    struct head_parsing parsing = {
        .settings = &held,
        .text = ret_head->text,
        .length = ret_head->length,
        .ret_head = &ret_head->head,
    };
    return compute(parsing.length >= LARGE_HEAD, parse_head, &parsing);
}

void stored_head_done(struct stored_head *head)
{
    free(head->text);
    job_head_free(head->head);
}

int stored_head_substitute(struct stored_head *head, const struct parse_settings *settings)
{
    struct head_parsing parsing = {settings, "{}", strlen("{}"), &head->head};

    return parse_head(&parsing, NULL);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

struct chunk_parsing {
    const struct job_head *head;
    const struct job_chunk *chunk;
    struct job_spec **ret_spec;
};

static int parse_chunk(void *arg, void **ret_result)
{
    const struct chunk_parsing *parsing = arg;

    (void)ret_result;
    return job_chunk_parse(parsing->head, parsing->chunk, parsing->ret_spec);
}

int stored_chunk_parse(const struct job_head *head, const struct job_chunk *chunk,
                       struct job_spec **ret_spec)
{
    struct chunk_parsing parsing = {head, chunk, ret_spec};

    return compute(chunk->length >= LARGE_CHUNK, parse_chunk, &parsing);
}
