#include "tests/support/intake_twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/intake_private.h"

#include "tests/support/spec_dump.h"

static char flaw[4096];

static const char *say(const char *sentence, const char *a, const char *b)
{
    snprintf(flaw, sizeof(flaw), "%s:\n%.1900s\nand not\n%.1900s", sentence, a, b);
    return flaw;
}

/* --- Chunks ----------------------------------------------------------------------------------- */

struct kept_chunk {
    struct job_chunk chunk;
    char *lines;
};

struct taken {
    struct kept_chunk *chunks;
    size_t n_chunks;
};

static int keep_chunk(void *arg, const struct job_chunk *chunk)
{
    struct taken *taken = arg;
    struct kept_chunk *kept;

    taken->chunks = realloc(taken->chunks, (taken->n_chunks + 1) * sizeof(*kept));
    kept = &taken->chunks[taken->n_chunks++];
    kept->chunk = *chunk;
    kept->lines = malloc(chunk->length);
    memcpy(kept->lines, chunk->lines, chunk->length);
    kept->chunk.lines = kept->lines;
    return 0;
}

static void taken_done(struct taken *taken)
{
    for (size_t i = 0; i < taken->n_chunks; i++)
        free(taken->chunks[i].lines);
    free(taken->chunks);
}

static void free_text(char **text)
{
    free(*text);
}

static const char *item_flaw(const struct job_spec *got, size_t at, const struct job_spec *want,
                             size_t index)
{
    CO_CLEANUP(free_text) char *a = spec_dump_item(got, at), *b = spec_dump_item(want, index);

    return strcmp(a, b) == 0 ? NULL : say("an item is read back as", a, b);
}

static const char *chunk_flaw(const struct job_head *head, const struct job_chunk *chunk,
                              const struct job_spec *want)
{
    CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;
    uint32_t max = chunk->is_unsafe ? UNSAFE_CHUNK_ITEMS : CHUNK_ITEMS;
    const char *found = NULL;

    if (chunk->n_items == 0 || chunk->n_items > max ||
        chunk->first + chunk->n_items > want->n_items)
        return "a chunk has a number of items that it may not have";
    if (job_chunk_parse(head, chunk, &spec) != 0)
        return "a chunk cannot be read back";
    for (uint32_t i = 0; found == NULL && i < chunk->n_items; i++)
        found = item_flaw(spec, i, want, chunk->first + i)
                    ?: request_is_safe(job_spec_request(spec, i)) == chunk->is_unsafe
                       ? "a chunk is not as safe as its requests"
                       : NULL;
    return found;
}

static const char *chunks_flaw(const struct job_head *head, const struct taken *taken,
                               const struct job_spec *want)
{
    const char *found = NULL;
    uint32_t next = 0;

    for (size_t i = 0; found == NULL && i < taken->n_chunks; i++) {
        const struct job_chunk *chunk = &taken->chunks[i].chunk;
        found = chunk->first == next ? chunk_flaw(head, chunk, want) : "chunks do not follow";
        next = chunk->first + chunk->n_items;
    }
    return found ?: next == want->n_items ? NULL : "items are missing";
}

/* --- What is said ----------------------------------------------------------------------------- */

static void write_defects(FILE *out, const struct defect_list *list)
{
    fprintf(out, "%llu defects\n", (unsigned long long)list->n_found);
    for (size_t i = 0; i < list->n_defects; i++)
        fprintf(out, "%s %s %s\n", list->defects[i].pointer, list->defects[i].code,
                list->defects[i].detail);
}

static char *dump_refusal(int rc, const struct parse_refusal *refusal,
                          const struct defect_list *defects)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fprintf(out, "%d\n", rc);
    if (rc == 1)
        fprintf(out, "%d %s %s\n", refusal->status, refusal->code, refusal->detail);
    if (rc == 1 && refusal->status == 422)
        write_defects(out, defects);
    fclose(out);
    return text;
}

static const char *head_flaw(const struct intake *intake, const struct job_head *head,
                             const struct job_spec *want)
{
    CO_CLEANUP(free_text)
    char *a = spec_dump_head(job_head_spec(head)), *b = spec_dump_head(want),
         *c = spec_dump_head(intake_head_spec(intake));

    if (intake_n_items(intake) != want->n_items)
        return "the number of items is another";
    if (strcmp(c, b) != 0)
        return say("the head says", c, b);
    return strcmp(a, b) == 0 ? NULL : say("the head is read back as", a, b);
}

static const char *accepted_flaw(const struct parse_settings *settings, const struct intake *intake,
                                 const struct taken *taken, const struct job_spec *want)
{
    CO_CLEANUP(job_head_freep) struct job_head *head = NULL;
    struct parse_refusal refusal;
    struct defect_list defects;
    const char *text;
    size_t length;

    defect_list_init(&defects);
    intake_head(intake, &text, &length);
    int rc = job_head_parse(settings, text, length, &defects, &refusal, &head);
    defect_list_done(&defects);
    if (rc != 0)
        return say("the head cannot be read back", text, refusal.detail);
    return head_flaw(intake, head, want) ?: chunks_flaw(head, taken, want);
}

/* --- Both of them ----------------------------------------------------------------------------- */

/* Each slice in a block of its own: whatever is read behind it is found. */
static int take_in(struct intake *intake, const struct intake_twin *twin, size_t *ret_n_read)
{
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && at < twin->length) {
        size_t n = twin->next_slice(twin->arg), left = twin->length - at;
        n = n < left ? n : left;
        char *slice = malloc(n);
        memcpy(slice, twin->bytes + at, n);
        rc = intake_write(intake, slice, n);
        free(slice);
        at += n;
    }
    *ret_n_read = at;
    return rc ?: intake_end(intake);
}

/* What job_parse() says of the first bytes. To be freed. */
static char *parse_so_far(const struct parse_settings *settings, const struct intake_twin *twin,
                          size_t length, struct job_spec **ret_spec)
{
    struct parse_refusal refusal;
    struct defect_list defects;

    defect_list_init(&defects);
    int rc = job_parse(settings, PARSE_JOB, twin->content_type, twin->bytes, length, &defects,
                       &refusal, ret_spec);
    char *text = dump_refusal(rc, &refusal, &defects);
    defect_list_done(&defects);
    return text;
}

/* What is wrong in two ways may be refused for the one that is seen first: then some beginning of
 * the document is refused for it. */
static bool is_of_a_prefix(const struct parse_settings *settings, const struct intake_twin *twin,
                           size_t n_read, const char *got)
{
    bool is_same = false;

    for (size_t n = n_read; !is_same && n > 0; n--) {
        CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;
        CO_CLEANUP(free_text) char *said = parse_so_far(settings, twin, n, &spec);
        is_same = strcmp(said, got) == 0;
    }
    return is_same;
}

static const char *refusal_flaw(const struct parse_settings *settings,
                                const struct intake_twin *twin, size_t n_read, const char *got,
                                const char *want)
{
    bool is_accepted = strtol(got, NULL, 10) == 0, should_be = strtol(want, NULL, 10) == 0;

    if (strcmp(got, want) == 0)
        return NULL;
    if (twin->is_streamed && strstr(got, "misplaced_member") != NULL)
        return NULL;
    if (!is_accepted && !should_be && strstr(got, "too_many_items") != NULL)
        return NULL; /* whatever is wrong with what follows */
    if (!is_accepted && !should_be && is_of_a_prefix(settings, twin, n_read, got))
        return NULL;
    return say("it is refused so", got, want);
}

const char *intake_twin_flaw(const struct parse_settings *settings, const struct intake_twin *twin)
{
    CO_CLEANUP(intake_freep) struct intake *intake = NULL;
    CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;
    CO_CLEANUP(taken_done) struct taken taken = {0};
    const struct intake_sink sink = {.put = keep_chunk, .arg = &taken};
    size_t n_read;

    CO_CLEANUP(free_text) char *want = parse_so_far(settings, twin, twin->length, &spec);
    if (intake_new(&intake, settings, twin->content_type, &sink) < 0)
        return "there is no memory";
    if (twin->is_streamed)
        intake->held_max = 0;
    int rc = take_in(intake, twin, &n_read);
    CO_CLEANUP(free_text)
    char *got = dump_refusal(rc, intake_refusal(intake), intake_defects(intake));
    return refusal_flaw(settings, twin, n_read, got, want)
               ?: rc == 0 ? accepted_flaw(settings, intake, &taken, spec)
                          : NULL;
}
