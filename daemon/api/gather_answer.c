#include "daemon/api/gather_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json_writer.h"

/* The answer is a sequence of pieces: the head, then the rows with a comma between them, then the
 * tail. They are sent where they lie, without ever being put together. */
struct gather_answer {
    struct job_spec *spec;
    struct result_set results;
    struct buffer head;
    size_t piece;  /* the one to be sent next */
    size_t offset; /* in it */
};

static const char tail[] = "]}\n";

static size_t n_pieces(const struct gather_answer *answer)
{
    return 1 + 2 * answer->spec->n_items;
}

static const char *get_piece(const struct gather_answer *answer, size_t i, size_t *ret_length)
{
    if (i == 0) {
        *ret_length = answer->head.len;
        return answer->head.data;
    }
    if (i % 2 == 1) {
        const struct result_row *row = &answer->results.rows[i / 2];
        *ret_length = row->length;
        return row->json;
    }
    bool is_last = i == n_pieces(answer) - 1;
    *ret_length = is_last ? strlen(tail) : 1;
    return is_last ? tail : ",";
}

static uint64_t length_of(const struct gather_answer *answer)
{
    uint64_t total = 0;
    size_t length;

    for (size_t i = 0; i < n_pieces(answer); i++) {
        get_piece(answer, i, &length);
        total += length;
    }
    return total;
}

/* Reads are in sequence, so the position is known without being looked up. */
static ssize_t read_answer(void *arg, uint64_t position, char *bytes, size_t max)
{
    struct gather_answer *answer = arg;
    size_t n = 0;

    (void)position;
    while (n < max && answer->piece < n_pieces(answer)) {
        size_t length;
        const char *piece = get_piece(answer, answer->piece, &length);
        size_t part = length - answer->offset < max - n ? length - answer->offset : max - n;
        memcpy(bytes + n, piece + answer->offset, part);
        n += part;
        answer->offset += part;
        if (answer->offset == length) {
            answer->piece++;
            answer->offset = 0;
        }
    }
    return (ssize_t)n;
}

static void free_answer(void *arg)
{
    struct gather_answer *answer = arg;

    result_set_done(&answer->results);
    job_spec_free(answer->spec);
    buffer_done(&answer->head);
    free(answer);
}

void gather_answer_freep(struct gather_answer **answer)
{
    if (*answer != NULL)
        free_answer(*answer);
}

int gather_answer_new(struct gather_answer **ret_answer, struct job_spec *spec,
                      struct result_budget *budget)
{
    struct gather_answer *answer = calloc(1, sizeof(*answer));

    if (answer == NULL) {
        job_spec_free(spec);
        return -ENOMEM;
    }
    answer->spec = spec;
    buffer_init(&answer->head, SIZE_MAX);
    int rc = result_set_init(&answer->results, spec, NULL, budget);
    if (rc < 0) {
        free_answer(answer);
        return rc;
    }
    *ret_answer = answer;
    return 0;
}

struct result_set *gather_answer_results(struct gather_answer *answer)
{
    return &answer->results;
}

/* The object up to the '[' of its results, which come as pieces. */
static int write_head(struct gather_answer *answer, int64_t elapsed_us)
{
    static const char results[] = ",\"results\":[";
    struct json_writer w;

    jw_init(&w, &answer->head);
    jw_object_begin(&w);
    jw_key(&w, "object");
    jw_text(&w, "gather");
    jw_key(&w, "elapsed_ms");
    jw_ms(&w, elapsed_us);
    jw_key(&w, "counts");
    tally_render_counts(&answer->results.tally, 0, &w);
    jw_key(&w, "stats");
    tally_render_stats(&answer->results.tally, &w);
    jw_object_end(&w);
    int rc = jw_finish(&w);
    if (rc < 0)
        return rc;
    answer->head.len--; /* the object goes on */
    return buffer_append(&answer->head, results, strlen(results));
}

int gather_answer_send(struct http_exchange *exchange, struct gather_answer *answer,
                       int64_t elapsed_us)
{
    int rc = write_head(answer, elapsed_us);

    if (rc == 0) {
        const struct http_body_source source = {
            .read = read_answer,
            .done = free_answer,
            .arg = answer,
            .length = length_of(answer),
        };
        rc = http_answer_source(exchange, 200, "application/json", &source);
    }
    if (rc < 0)
        free_answer(answer);
    return rc;
}
