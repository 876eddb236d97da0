#include "daemon/client/input_curl_line.h"

#include <errno.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_separator(char c)
{
    return c == '=' || c == ':';
}

static struct input_line behind(struct input_line text, size_t n)
{
    return (struct input_line){text.text + n, text.length - n};
}

/* --- The option ------------------------------------------------------------------------------- */

static size_t name_length(struct input_line text, bool is_dashed)
{
    size_t n = 0;

    while (n < text.length && !is_space(text.text[n]) && (is_dashed || !is_separator(text.text[n])))
        n++;
    return n;
}

/* Behind dashes there are no separators but blanks. */
static struct input_line skip_separators(struct input_line text, bool is_dashed)
{
    size_t n = 0;

    while (n < text.length &&
           (is_space(text.text[n]) || (!is_dashed && is_separator(text.text[n]))))
        n++;
    return behind(text, n);
}

struct input_line curl_line_read_name(struct input_line text, struct curl_line *line)
{
    size_t n_dashes = 0;

    while (n_dashes < 2 && n_dashes < text.length && text.text[n_dashes] == '-')
        n_dashes++;
    text = behind(text, n_dashes);
    line->is_letter = n_dashes == 1;
    line->name = text.text;
    line->name_length = name_length(text, n_dashes > 0);
    if (line->is_letter && line->name_length > 1)
        line->name_length = 1; /* "-XPUT" */
    return skip_separators(behind(text, line->name_length), n_dashes > 0);
}

/* --- Its value -------------------------------------------------------------------------------- */

static int refuse(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return -EINVAL;
}

static char unescaped(char c)
{
    static const char letters[] = "tnrv", meanings[] = "\t\n\r\v";
    const char *at = memchr(letters, c, sizeof(letters) - 1);

    if (at != NULL)
        c = meanings[at - letters];
    return c;
}

/* Behind the opening quote. */
static int read_quoted(struct input_line *text, struct buffer *value, const char **ret_problem)
{
    size_t i = 0;

    while (i < text->length && text->text[i] != '"') {
        bool is_escape = text->text[i] == '\\' && i + 1 < text->length;
        char c = text->text[i + is_escape];
        if (is_escape)
            c = unescaped(c);
        int rc = buffer_append_byte(value, c);
        if (rc < 0)
            return rc;
        i += is_escape ? 2 : 1;
    }
    if (i == text->length)
        return refuse(ret_problem, "the closing quote is missing");
    *text = behind(*text, i + 1);
    return 0;
}

static int read_word(struct input_line *text, struct buffer *value)
{
    size_t n = name_length(*text, true);
    int rc = buffer_append(value, text->text, n);

    *text = behind(*text, n);
    return rc;
}

static int read_value(struct input_line *text, struct curl_line *line, const char **ret_problem)
{
    line->has_value = text->length > 0 && text->text[0] != '#';
    if (!line->has_value)
        return 0;
    if (text->text[0] != '"')
        return read_word(text, &line->value);
    *text = behind(*text, 1);
    return read_quoted(text, &line->value, ret_problem);
}

static int check_end(struct input_line text, struct curl_line *line, const char **ret_problem)
{
    text = input_line_trim(text);
    if (line->has_value && text.length > 0 && text.text[0] != '#')
        return refuse(ret_problem, "a value with spaces has to be in double quotes");
    if (line->value.len > 0 && memchr(line->value.data, '\0', line->value.len) != NULL)
        return refuse(ret_problem, "there is a NUL in it");
    int rc = buffer_append_byte(&line->value, '\0');
    line->value.len -= rc == 0;
    return rc;
}

int curl_line_read(struct input_line text, struct curl_line *line, const char **ret_problem)
{
    line->value.len = 0;
    text = curl_line_read_name(text, line);
    int rc = read_value(&text, line, ret_problem);
    if (rc == 0)
        rc = check_end(text, line, ret_problem);
    return rc != -EMSGSIZE ? rc : refuse(ret_problem, "the value is too long");
}
