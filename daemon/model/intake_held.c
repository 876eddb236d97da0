/* What is held until it is known what it is; of JSON all of it, if it is not large. */
#include "daemon/model/intake_private.h"

#include <errno.h>
#include <string.h>

#include "daemon/model/parse_lines.h"

/* --- What it is ------------------------------------------------------------------------------- */

static const char *held_text(const struct intake *intake)
{
    return intake->held.data ?: "";
}

/* Passes over blanks for good. returns what follows; NULL: nothing so far */
static const char *skip_blanks(struct intake *intake)
{
    const char *held = held_text(intake);

    while (intake->n_skipped < intake->held.len &&
           memchr(" \t\r\n", held[intake->n_skipped], 4) != NULL)
        intake->n_skipped++;
    return intake->n_skipped < intake->held.len ? held + intake->n_skipped : NULL;
}

/* The end of the line that begins there; NULL: it is not there so far. */
static const char *find_line_end(struct intake *intake, const char *line)
{
    const char *searched = held_text(intake) + intake->n_searched;
    const char *end = held_text(intake) + intake->held.len;
    const char *from = searched > line ? searched : line;

    intake->n_searched = intake->held.len;
    return memchr(from, '\n', (size_t)(end - from));
}

enum guess { IS_UNKNOWN, IS_JSON, IS_LINES };

static int guess_list(struct intake *intake, bool is_end, enum guess *ret_guess)
{
    const char *start = skip_blanks(intake);

    if (start != NULL)
        *ret_guess = parse_looks_like_json(start, 1) ? IS_JSON : IS_LINES;
    else if (is_end)
        *ret_guess = IS_LINES;
    return 0;
}

static int guess_ndjson(struct intake *intake, bool is_end, enum guess *ret_guess)
{
    const char *line = skip_blanks(intake);
    const char *end = line != NULL ? find_line_end(intake, line) : NULL;
    bool is_ndjson;

    if (line == NULL && is_end)
        *ret_guess = IS_LINES;
    if (line == NULL || (end == NULL && !is_end))
        return 0;
    if (end == NULL)
        end = held_text(intake) + intake->held.len;
    int rc = parse_is_ndjson(&intake->reader, line, (size_t)(end - line), &is_ndjson);
    *ret_guess = is_ndjson ? IS_LINES : IS_JSON;
    return rc;
}

static int guess_json(struct intake *intake, bool is_end, enum guess *ret_guess)
{
    (void)intake, (void)is_end;
    *ret_guess = IS_JSON;
    return 0;
}

typedef int guess_fn(struct intake *intake, bool is_end, enum guess *ret_guess);

static guess_fn *const guesses[] = {
    [FORMAT_JSON] = guess_json,
    [FORMAT_NDJSON] = guess_ndjson,
    [FORMAT_LIST] = guess_list,
    [FORMAT_UNKNOWN] = guess_json,
};

/* --- Going on --------------------------------------------------------------------------------- */

/* Reads what is held in the mode it is for. */
static int go_on(struct intake *intake)
{
    struct buffer held = intake->held;

    buffer_init(&intake->held, 0);
    int rc = held.len > 0 ? intake->mode->write(intake, held.data, held.len) : 0;
    buffer_done(&held);
    return rc;
}

static int decide(struct intake *intake, bool is_end)
{
    enum guess guess = IS_UNKNOWN;
    int rc = guesses[intake->format](intake, is_end, &guess);

    if (rc < 0)
        return rc;
    if (guess == IS_LINES)
        return intake_begin_lines(intake) ?: go_on(intake);
    if (guess == IS_JSON)
        intake->format = intake->format == FORMAT_UNKNOWN ? FORMAT_UNKNOWN : FORMAT_JSON;
    if (guess == IS_JSON && intake->held.len > intake->held_max)
        return intake_begin_json(intake) ?: go_on(intake);
    return 0;
}

static int write_held(struct intake *intake, const char *bytes, size_t n)
{
    size_t room = intake->held.max - intake->held.len;
    size_t n_taken = n < room ? n : room;
    int rc = buffer_append(&intake->held, bytes, n_taken);

    rc = rc ?: decide(intake, n_taken < n);
    if (rc == 0 && n_taken < n)
        rc = intake->mode->write(intake, bytes + n_taken, n - n_taken);
    return rc;
}

static int end_held(struct intake *intake)
{
    int rc = decide(intake, true);

    if (rc == 0 && intake->mode == &intake_held)
        rc = intake_begin_json(intake)
                 ?: intake_look_ahead(intake, held_text(intake), intake->held.len)
                 ?: go_on(intake);
    return rc ?: intake->mode->end(intake);
}

const struct intake_mode intake_held = {.write = write_held, .end = end_held};
