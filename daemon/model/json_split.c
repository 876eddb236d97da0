#include "daemon/model/json_split.h"

#include <string.h>

enum { ELEMENT_ROOM_KEPT = 64 * 1024 };

/* --- Places ----------------------------------------------------------------------------------- */

static struct text_place advance(struct text_place place, const char *text, const char *end)
{
    const char *newline;

    while (text < end && (newline = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        place.line++;
        place.column = 0;
        text = newline + 1;
    }
    for (; text < end; text++)
        place.column += ((unsigned char)*text & 0xc0) != 0x80;
    return place;
}

static struct text_place place_of(const struct json_split *split, const char *at)
{
    return advance(split->place, split->slice, at);
}

static struct text_place place_in_head(const struct json_split *split)
{
    const struct text_place start = {.line = 1};

    return advance(start, split->head.data, split->head.data + split->head.len);
}

struct text_place json_split_place(const struct json_split *split)
{
    return split->element.len > 0 ? split->element_place : place_of(split, split->start);
}

/* --- The head --------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_value(char c)
{
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
    const char *digit = memchr(digits, c, sizeof(digits) - 1);

    return digit != NULL ? (int)(digit - digits) / 2 : -1;
}

/* Reads a character of a key: as it is, or \u0075. returns what it is if it is ASCII; else -1 */
static int key_character(const char **at, const char *end)
{
    int code = 0;

    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return *(*at)++;
    for (int i = 2; i < 6; i++) {
        int digit = hex_value((*at)[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    *at += 6;
    return code < 0x80 ? code : -1;
}

static bool key_is(const struct json_split *split, const char *name)
{
    const char *at = split->key, *end = at + split->key_length;

    while (at < end && *name != '\0')
        if (key_character(&at, end) != *name++)
            return false;
    return at == end && *name == '\0';
}

static bool begins_requests(const struct json_split *split, char c)
{
    if (c != '[' || split->is_broken || split->n_cuts == JSON_SPLIT_CUTS_MAX)
        return false;
    return split->last == '\0' || (split->depth == 1 && split->last == ':' &&
                                   (key_is(split, "requests") || key_is(split, "urls")));
}

static void begin_requests(struct json_split *split, const char *at)
{
    split->cuts[split->n_cuts++] =
        (struct text_cut){.here = place_in_head(split), .there = place_of(split, at)};
    split->n_elements = 0;
    split->state = SPLIT_FIRST;
}

static void read_token(struct json_split *split, char c)
{
    if (c == '"') {
        split->in_string = true;
        split->in_key = split->depth == 1 && (split->last == '{' || split->last == ',');
        if (split->in_key)
            split->key_length = 0;
    } else if (c == '[' || c == '{') {
        split->depth++;
    } else if ((c == ']' || c == '}') && split->depth > 0) {
        split->depth--;
    }
    split->last = c;
}

static void read_string(struct json_split *split, char c)
{
    bool is_escaped = split->is_escaped;

    split->is_escaped = !is_escaped && c == '\\';
    if (c == '"' && !is_escaped)
        split->in_string = false;
    else if (split->in_key && split->key_length < JSON_SPLIT_KEY_MAX)
        split->key[split->key_length++] = c;
}

static int read_head(struct json_split *split, const char **at, const char *end)
{
    while (*at < end && split->state == SPLIT_HEAD) {
        char c = *(*at)++;
        bool begins = !split->in_string && begins_requests(split, c);
        int rc = buffer_append_byte(&split->head, c);
        if (rc < 0)
            return rc;
        if (split->in_string)
            read_string(split, c);
        else if (!is_space(c))
            read_token(split, c);
        if (begins)
            begin_requests(split, *at);
    }
    return 0;
}

/* --- Elements --------------------------------------------------------------------------------- */

static int hand_out(struct json_split *split, const char *end)
{
    size_t n = (size_t)(end - split->start);
    const char *text = split->start;

    if (n > split->element.max - split->element.len)
        return -EMSGSIZE;
    if (split->element.len > 0) {
        int rc = buffer_append(&split->element, split->start, n);
        if (rc < 0)
            return rc;
        text = split->element.data;
        n = split->element.len;
    }
    int rc = split->take(split->arg, text, n);
    split->element.len = 0;
    if (split->element.cap > ELEMENT_ROOM_KEPT)
        buffer_done(&split->element);
    split->n_elements++;
    split->state = SPLIT_AFTER;
    return rc;
}

/* Returns what follows the closing quote; NULL: it is not in this slice. */
static const char *find_string_end(struct json_split *split, const char *at, const char *end)
{
    for (; at < end; at++) {
        if (split->is_escaped)
            split->is_escaped = false;
        else if (*at == '\\')
            split->is_escaped = true;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

static int read_element_string(struct json_split *split, const char **at, const char *end)
{
    const char *behind = find_string_end(split, *at, end);

    *at = behind ?: end;
    return behind != NULL ? hand_out(split, behind) : 0;
}

static int read_nested(struct json_split *split, const char **at, const char *end)
{
    while (*at < end) {
        if (split->in_string) {
            const char *behind = find_string_end(split, *at, end);
            split->in_string = behind == NULL;
            *at = behind ?: end;
            continue;
        }
        char c = *(*at)++;
        if (c == '"')
            split->in_string = true;
        else if (c == '[' || c == '{')
            split->n_nested++;
        else if ((c == ']' || c == '}') && --split->n_nested == 0)
            return hand_out(split, *at);
    }
    return 0;
}

static bool ends_scalar(char c)
{
    return is_space(c) || memchr(",:\"[]{}", c, 7) != NULL;
}

static int read_scalar(struct json_split *split, const char **at, const char *end)
{
    while (*at < end && !ends_scalar(**at))
        (*at)++;
    return *at < end ? hand_out(split, *at) : 0;
}

static void begin_element(struct json_split *split, const char **at)
{
    char c = **at;
    bool is_nested = c == '[' || c == '{';

    split->start = *at;
    split->state = is_nested ? SPLIT_NESTED : c == '"' ? SPLIT_STRING : SPLIT_SCALAR;
    split->n_nested = is_nested;
    *at += is_nested || c == '"';
}

/* --- Between elements ------------------------------------------------------------------------- */

static struct text_cut *last_cut(struct json_split *split)
{
    return &split->cuts[split->n_cuts - 1];
}

static void end_requests(struct json_split *split, const char *at)
{
    last_cut(split)->there = place_of(split, at);
    split->state = SPLIT_HEAD;
}

/* Has the head say what is wrong. `before`: such as what is before `at`, to a reader of the head */
static int break_off(struct json_split *split, const char *at, const char *before)
{
    int rc = buffer_append(&split->head, before, strlen(before));

    if (rc < 0)
        return rc;
    last_cut(split)->here = place_in_head(split);
    end_requests(split, at);
    split->is_broken = true;
    return 0;
}

static int read_between(struct json_split *split, const char **at, const char *end)
{
    bool may_begin = split->state != SPLIT_AFTER, may_end = split->state != SPLIT_NEXT;
    const char *before = may_begin && may_end ? "" : may_end ? "\"\"" : "\"\",";

    while (*at < end && is_space(**at))
        (*at)++;
    if (*at == end)
        return 0;
    if (may_end && **at == ']') {
        end_requests(split, *at);
    } else if (!may_begin && **at == ',') {
        split->state = SPLIT_NEXT;
        (*at)++;
    } else if (may_begin && memchr(",:]}", **at, 4) == NULL) {
        begin_element(split, at);
    } else {
        return break_off(split, *at, before);
    }
    return 0;
}

/* --- Slices ----------------------------------------------------------------------------------- */

typedef int state_fn(struct json_split *split, const char **at, const char *end);

static state_fn *const states[N_SPLIT_STATES] = {
    [SPLIT_HEAD] = read_head,     [SPLIT_FIRST] = read_between,
    [SPLIT_NEXT] = read_between,  [SPLIT_AFTER] = read_between,
    [SPLIT_NESTED] = read_nested, [SPLIT_STRING] = read_element_string,
    [SPLIT_SCALAR] = read_scalar,
};

static bool is_in_element(const struct json_split *split)
{
    return split->state >= SPLIT_STRING;
}

static int keep_part(struct json_split *split, const char *end)
{
    if (split->element.len == 0)
        split->element_place = place_of(split, split->start);
    return buffer_append(&split->element, split->start, (size_t)(end - split->start));
}

int json_split_write(struct json_split *split, const char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n;
    int rc = 0;

    split->slice = split->start = bytes;
    while (rc == 0 && at < end)
        rc = states[split->state](split, &at, end);
    if (rc == 0 && is_in_element(split))
        rc = keep_part(split, end);
    split->place = place_of(split, end);
    split->slice = split->start = NULL;
    return rc;
}

int json_split_end(struct json_split *split)
{
    if (split->state != SPLIT_HEAD)
        last_cut(split)->there = split->place;
    return is_in_element(split) ? hand_out(split, split->start) : 0;
}

void json_split_init(struct json_split *split, size_t head_max, size_t element_max,
                     json_split_fn *take, void *arg)
{
    *split = (struct json_split){.take = take, .arg = arg, .place = {.line = 1}};
    buffer_init(&split->head, head_max);
    buffer_init(&split->element, element_max);
}

void json_split_done(struct json_split *split)
{
    buffer_done(&split->head);
    buffer_done(&split->element);
}
