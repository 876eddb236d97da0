#include "tests/fuzz/http_answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/fuzz/fuzz.h"

#define ANSWER_START "HTTP/1."

enum { LINE_MAX_BYTES = 10 * 1024 };

struct answer {
    int status;
    unsigned n_lengths, n_codings;
    unsigned long long length;
    unsigned long number; /* of the mark; 0: it has none */
    bool is_to_head;
    bool closes;
};

struct reading {
    const char *at, *end;
    const struct http_answers_limits *limits;
    char line[LINE_MAX_BYTES]; /* the last one, without its end */
    size_t n_answers, n_interims;
    unsigned long number; /* the highest so far */
    bool is_closed;
};

static size_t n_left(const struct reading *reading)
{
    return (size_t)(reading->end - reading->at);
}

/* Nothing more is looked at then. */
static bool end_early(struct reading *reading)
{
    fuzz_expect(reading->limits->may_end_early, "an answer is whole", reading->line);
    reading->at = reading->end;
    return false;
}

/* returns  false: it has ended early */
static bool skip(struct reading *reading, unsigned long long n)
{
    if (n > n_left(reading))
        return end_early(reading);
    reading->at += n;
    return true;
}

static bool is_visible(unsigned char byte)
{
    return (byte >= ' ' && byte != 0x7f) || byte == '\t';
}

static bool take_line(struct reading *reading)
{
    const char *end = memmem(reading->at, n_left(reading), "\r\n", 2);

    if (end == NULL)
        return end_early(reading);
    size_t n = (size_t)(end - reading->at);
    fuzz_expect(n < sizeof(reading->line), "a line has an end", "");
    memcpy(reading->line, reading->at, n);
    reading->line[n] = '\0';
    for (size_t i = 0; i < n; i++)
        fuzz_expect(is_visible((unsigned char)reading->line[i]), "a line is text", reading->line);
    reading->at = end + 2;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool read_status_line(struct reading *reading, struct answer *answer)
{
    if (!take_line(reading))
        return false;
    const char *line = reading->line;
    fuzz_expect(strncmp(line, "HTTP/1.1 ", 9) == 0 && is_digit(line[9]) && is_digit(line[10]) &&
                    is_digit(line[11]) && line[12] == ' ',
                "an answer begins with a status line", line);
    answer->status = atoi(line + 9);
    fuzz_expect(answer->status >= 100 && answer->status <= 599, "a status has a class", line);
    return true;
}

static void note_length(struct answer *answer, const char *value)
{
    fuzz_expect(value[0] != '\0' && strlen(value) < 19 &&
                    strspn(value, "0123456789") == strlen(value),
                "a length is a number", value);
    answer->length = strtoull(value, NULL, 10);
    answer->n_lengths++;
}

static void note_coding(struct answer *answer, const char *value)
{
    fuzz_expect(strcasecmp(value, "chunked") == 0, "the only coding is chunks", value);
    answer->n_codings++;
}

static void note_connection(struct answer *answer, const char *value)
{
    answer->closes |= strcasecmp(value, "close") == 0;
}

static void note_mark(struct answer *answer, const char *value)
{
    char *method;

    fuzz_expect(answer->number == 0, "a request has one answer", value);
    answer->number = strtoul(value, &method, 10);
    answer->is_to_head = strcmp(method, " HEAD") == 0;
}

static void read_field(struct answer *answer, char *line)
{
    static const struct {
        const char *name;
        void (*note)(struct answer *answer, const char *value);
    } known[] = {
        {"Content-Length", note_length},
        {"Transfer-Encoding", note_coding},
        {"Connection", note_connection},
        {HTTP_ANSWERS_MARK, note_mark},
    };
    char *colon = strchr(line, ':');

    fuzz_expect(colon != NULL && colon != line &&
                    strcspn(line, " \t(),/;<=>?@[\\]{}\"") > (size_t)(colon - line),
                "a field has a name", line);
    *colon = '\0';
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(line, known[i].name) == 0)
            known[i].note(answer, value);
}

static bool read_fields(struct reading *reading, struct answer *answer)
{
    for (;;) {
        if (!take_line(reading))
            return false;
        if (reading->line[0] == '\0')
            return true;
        read_field(answer, reading->line);
    }
}

static bool begins_answer(const struct reading *reading)
{
    size_t n = strlen(ANSWER_START);

    return n_left(reading) >= n && memcmp(reading->at, ANSWER_START, n) == 0;
}

/* No body that the server makes up itself looks like an answer. */
static bool is_to_head(const struct reading *reading, const struct answer *answer)
{
    if (answer->number != 0)
        return answer->is_to_head;
    return reading->limits->may_be_head && (n_left(reading) == 0 || begins_answer(reading));
}

static bool skip_chunk(struct reading *reading, unsigned long long *ret_length)
{
    if (!take_line(reading))
        return false;
    size_t n_digits = strspn(reading->line, "0123456789abcdefABCDEF");
    fuzz_expect(n_digits > 0 && n_digits < 16 && reading->line[n_digits] == '\0',
                "a chunk has a length", reading->line);
    *ret_length = strtoull(reading->line, NULL, 16);
    if (*ret_length > 0 && !skip(reading, *ret_length))
        return false;
    if (!take_line(reading))
        return false;
    fuzz_expect(reading->line[0] == '\0', "a chunk ends where it says", reading->line);
    return true;
}

static void skip_chunks(struct reading *reading)
{
    unsigned long long length;

    while (skip_chunk(reading, &length) && length > 0)
        continue;
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static void check_framing(const struct answer *answer)
{
    fuzz_expect(answer->n_lengths + answer->n_codings <= 1, "there is one framing", "");
    fuzz_expect((answer->status >= 200 && answer->status != 204) ||
                    answer->n_lengths + answer->n_codings == 0,
                "what has no body has no framing", "");
}

static void skip_body(struct reading *reading, const struct answer *answer)
{
    if (has_no_body(answer->status) || is_to_head(reading, answer))
        return;
    if (answer->n_codings > 0) {
        skip_chunks(reading);
    } else if (answer->n_lengths > 0) {
        skip(reading, answer->length);
    } else {
        fuzz_expect(answer->closes, "what has no length ends the connection", "");
        reading->at = reading->end;
    }
}

static void count(struct reading *reading, const struct answer *answer)
{
    if (answer->status < 200) {
        fuzz_expect(answer->status == 100, "no protocol is switched", "");
        reading->n_interims++;
        return;
    }
    reading->n_answers++;
    reading->is_closed = answer->closes;
    if (answer->number == 0)
        return;
    fuzz_expect(answer->number > reading->number, "answers are in the order of requests", "");
    reading->number = answer->number;
}

/* libmicrohttpd before 1.0 does that with those that it makes up itself. */
static void skip_second_head(struct reading *reading, const char *first)
{
    size_t length = (size_t)(reading->at - first);

    if (n_left(reading) >= length && memcmp(reading->at, first, length) == 0)
        reading->at += length;
}

static void read_answer(struct reading *reading)
{
    const char *start = reading->at;
    struct answer answer = {0};

    fuzz_expect(!reading->is_closed, "nothing follows what closes the connection", reading->at);
    if (!read_status_line(reading, &answer) || !read_fields(reading, &answer))
        return;
    if (answer.closes && answer.number == 0)
        skip_second_head(reading, start);
    check_framing(&answer);
    count(reading, &answer);
    skip_body(reading, &answer);
}

void http_answers_check(const char *text, size_t n, const struct http_answers_limits *limits)
{
    struct reading reading = {.at = text, .end = text + n, .limits = limits};

    while (reading.at < reading.end)
        read_answer(&reading);
    fuzz_expect(reading.n_answers <= limits->max_answers, "there is an answer per request", "");
    fuzz_expect(reading.n_interims <= limits->max_interims, "who is told to go on has asked", "");
}
