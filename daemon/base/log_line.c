#include "daemon/base/log_line.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/utf8.h"

#define CUT_MARK "... [cut]"

enum {
    CHARACTER_MAX = 4, /* bytes of UTF-8 */
    ESCAPED_MAX = 4 * CHARACTER_MAX,
    QUOTED_MAX = 2 * ESCAPED_MAX,
};

void log_line_put(struct log_line *line, const char *bytes, size_t n)
{
    assert(n <= sizeof(line->bytes) - line->len);
    memcpy(line->bytes + line->len, bytes, n);
    line->len += n;
}

void log_line_put_string(struct log_line *line, const char *text)
{
    log_line_put(line, text, strlen(text));
}

struct range {
    uint32_t first, last;
};

/* Controls, and what makes a terminal break lines or show text in another order than it has. The
 * backslash is here so that escapes can be told from text. */
static bool is_harmful(uint32_t code_point)
{
    static const struct range harmful[] = {
        {0, 0x1f},        {'\\', '\\'},     {0x7f, 0x9f},     {0x61c, 0x61c},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
    };

    for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++)
        if (code_point >= harmful[i].first && code_point <= harmful[i].last)
            return true;
    return false;
}

static size_t escape(char *out, const char *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";

    if (bytes[0] == '\\') {
        memcpy(out, "\\\\", 2);
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        memcpy(out + 4 * i, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
    }
    return 4 * n;
}

/* ret_n_out  bytes of out
 * returns    how many bytes of text they stand for */
static size_t escape_first(const char *text, size_t len, char out[ESCAPED_MAX], size_t *ret_n_out)
{
    uint32_t code_point;
    size_t n = utf8_decode(text, len, &code_point);

    if (n > 0 && !is_harmful(code_point)) {
        memcpy(out, text, n);
        *ret_n_out = n;
        return n;
    }
    n = n > 0 ? n : 1;
    *ret_n_out = escape(out, text, n);
    return n;
}

/* No control character is left to be quoted. */
static size_t quote(const char *text, size_t len, char out[QUOTED_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            out[n++] = '\\';
        out[n++] = text[i];
    }
    return n;
}

void log_line_put_text(struct log_line *line, const char *text, size_t max,
                       enum log_quoting quoting)
{
    size_t end = line->len + max - strlen(CUT_MARK), len = strlen(text), n;

    for (size_t i = 0; i < len; i += n) {
        char escaped[ESCAPED_MAX], quoted[QUOTED_MAX];
        const char *out = escaped;
        size_t n_out;

        n = escape_first(text + i, len - i, escaped, &n_out);
        if (quoting == LOG_JSON) {
            n_out = quote(escaped, n_out, quoted);
            out = quoted;
        }
        if (line->len + n_out > end) {
            log_line_put_string(line, CUT_MARK);
            return;
        }
        log_line_put(line, out, n_out);
    }
}
