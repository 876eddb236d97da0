#include "daemon/base/setting.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"

static const size_t value_sizes[] = {
    [SETTING_COUNT] = sizeof(uint64_t),          [SETTING_SIZE] = sizeof(uint64_t),
    [SETTING_DURATION] = sizeof(uint64_t),       [SETTING_TEXT] = sizeof(const char *),
    [SETTING_LIST] = sizeof(struct string_list), [SETTING_LINES] = sizeof(struct string_list),
    [SETTING_CHOICE] = sizeof(unsigned),
};

struct word {
    const char *text;
    size_t len;
};

static struct word trim(const char *text)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text);

    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
        len--;
    return (struct word){text, len};
}

/* A word that begins with ';' or '#' begins a comment: inih sees to that in a setting's first line
 * only. */
static bool next_word(const char **text, struct word *ret_word)
{
    const char *start = *text + strspn(*text, BLANKS);
    size_t len = strcspn(start, BLANKS);

    *text = start + len;
    *ret_word = (struct word){start, len};
    return len > 0 && *start != ';' && *start != '#';
}

static int out_of_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "out of memory");
}

static int parse_number(const struct setting *setting, struct word word, uint64_t *ret_number,
                        struct err *err)
{
    enum quantity kind = (enum quantity)setting->type;
    char range[SETTING_RANGE_SIZE];
    uint64_t number;
    int rc = quantity_parse(kind, word.text, word.len, &number);

    if (rc == -EINVAL)
        return err_set(err, rc, "'%.*s' is not %s", (int)word.len, word.text,
                       quantity_description(kind));
    if (rc == 0 && number >= setting->min && number <= setting->max) {
        *ret_number = number;
        return 0;
    }
    setting_format_range(setting, range);
    return err_set(err, -EINVAL, "'%.*s' is out of range, which is %s", (int)word.len, word.text,
                   range);
}

/* What a line of a config file cannot carry is refused wherever it comes from, so that every value
 * can be printed as one. */
static int check_characters(struct word word, struct err *err)
{
    for (size_t i = 0; i < word.len; i++) {
        if (iscntrl((unsigned char)word.text[i]))
            return err_set(err, -EINVAL, "contains a control character");
        if (word.text[i] == ';' && (i == 0 || word.text[i - 1] == ' '))
            return err_set(err, -EINVAL, "contains a ';' after a blank, where it begins a comment");
    }
    return 0;
}

static int parse_text(const struct setting *setting, struct word word, struct arena *arena,
                      const char **ret_text, struct err *err)
{
    if (word.len < setting->min || word.len > setting->max)
        return err_set(err, -EINVAL, "has %zu characters, not %" PRIu64 " to %" PRIu64, word.len,
                       setting->min, setting->max);
    int rc = check_characters(word, err);
    if (rc < 0)
        return rc;
    char *copy = arena_copy(arena, word.text, word.len);
    if (copy == NULL)
        return out_of_memory(err);
    *ret_text = copy;
    return 0;
}

static size_t count_words(const char *text)
{
    struct word word;
    size_t n = 0;

    while (next_word(&text, &word))
        n++;
    return n;
}

static int copy_list_word(const struct setting *setting, struct word word, struct arena *arena,
                          const char **ret_copy, struct err *err)
{
    if (word.len > SETTING_WORD_LEN_MAX)
        return err_set(err, -EINVAL, "a word has %zu characters, of at most %d", word.len,
                       SETTING_WORD_LEN_MAX);
    /* No list here needs one. A setting that is indented by mistake has one. */
    if (memchr(word.text, '=', word.len) != NULL)
        return err_set(err, -EINVAL, "a list cannot contain a '='");
    int rc = check_characters(word, err);
    if (rc < 0)
        return rc;
    *ret_copy = arena_copy(arena, word.text, word.len);
    if (*ret_copy == NULL)
        return out_of_memory(err);
    return setting->check != NULL ? setting->check(*ret_copy, err) : 0;
}

/* The list's items are replaced, not changed: on failure it is what it was. */
static int add_words(const struct setting *setting, const char *text, struct arena *arena,
                     struct string_list *list, struct err *err)
{
    size_t n = list->n + count_words(text);
    if (n > setting->max)
        return err_set(err, -EINVAL, "has more than %" PRIu64 " entries", setting->max);
    const char **items = arena_calloc(arena, n, sizeof(*items));
    if (items == NULL)
        return out_of_memory(err);

    for (size_t i = 0; i < list->n; i++)
        items[i] = list->items[i];
    struct word word;
    for (size_t i = list->n; next_word(&text, &word); i++) {
        int rc = copy_list_word(setting, word, arena, &items[i], err);
        if (rc < 0)
            return rc;
    }
    *list = (struct string_list){items, n};
    return 0;
}

static int parse_list(const struct setting *setting, const char *text, struct arena *arena,
                      struct string_list *ret_list, struct err *err)
{
    struct string_list list = {0};
    int rc = add_words(setting, text, arena, &list, err);

    if (rc < 0)
        return rc;
    if (list.n < setting->min)
        return err_set(err, -EINVAL, "needs at least %" PRIu64 " entry", setting->min);
    *ret_list = list;
    return 0;
}

/* An empty line adds nothing, and neither does a comment. */
static int add_line(const struct setting *setting, const char *text, struct arena *arena,
                    struct string_list *list, struct err *err)
{
    struct word line = trim(text);
    const char *copy = NULL;

    if (line.len == 0 || *line.text == ';' || *line.text == '#')
        return 0;
    if (list->n == setting->max)
        return err_set(err, -EINVAL, "has more than %" PRIu64 " lines", setting->max);
    const struct setting one = {.min = 1, .max = SETTING_WORD_LEN_MAX};
    int rc = parse_text(&one, line, arena, &copy, err);
    if (rc == 0 && setting->check != NULL)
        rc = setting->check(copy, err);
    if (rc < 0)
        return rc;
    const char **items = arena_calloc(arena, list->n + 1, sizeof(*items));
    if (items == NULL)
        return out_of_memory(err);
    for (size_t i = 0; i < list->n; i++)
        items[i] = list->items[i];
    items[list->n] = copy;
    *list = (struct string_list){items, list->n + 1};
    return 0;
}

static int parse_lines(const struct setting *setting, const char *text, struct arena *arena,
                       struct string_list *ret_list, struct err *err)
{
    struct string_list list = {0};
    int rc = add_line(setting, text, arena, &list, err);

    if (rc == 0)
        *ret_list = list;
    return rc;
}

static int parse_choice(const struct setting *setting, struct word word, unsigned *ret_choice,
                        struct err *err)
{
    char range[SETTING_RANGE_SIZE];

    for (unsigned i = 0; setting->choices[i] != NULL; i++)
        if (strlen(setting->choices[i]) == word.len &&
            memcmp(setting->choices[i], word.text, word.len) == 0) {
            *ret_choice = i;
            return 0;
        }
    setting_format_range(setting, range);
    return err_set(err, -EINVAL, "'%.*s' is not %s", (int)word.len, word.text, range);
}

int setting_parse(const struct setting *setting, const char *text, struct arena *arena,
                  void *values, struct err *err)
{
    void *value = (char *)values + setting->offset;

    switch (setting->type) {
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        return parse_number(setting, trim(text), value, err);
    case SETTING_TEXT:
        return parse_text(setting, trim(text), arena, value, err);
    case SETTING_LIST:
        return parse_list(setting, text, arena, value, err);
    case SETTING_LINES:
        return parse_lines(setting, text, arena, value, err);
    case SETTING_CHOICE:
        return parse_choice(setting, trim(text), value, err);
    }
    __builtin_unreachable();
}

int setting_parse_more(const struct setting *setting, const char *text, struct arena *arena,
                       void *values, struct err *err)
{
    struct string_list *list = (void *)((char *)values + setting->offset);

    if (setting->type == SETTING_LIST)
        return add_words(setting, text, arena, list, err);
    if (setting->type == SETTING_LINES)
        return add_line(setting, text, arena, list, err);
    return err_set(err, -EINVAL, "is no list, so it cannot go on in an indented line");
}

static void print_number(const struct setting *setting, uint64_t number, FILE *out)
{
    char text[QUANTITY_TEXT_SIZE];

    quantity_format((enum quantity)setting->type, number, text);
    fputs(text, out);
}

/* Who may read the output need not know the password in a URL. */
static void print_word(const char *word, FILE *out)
{
    const char *scheme_end = strstr(word, "://");
    const char *at_sign = scheme_end != NULL ? strrchr(scheme_end, '@') : NULL;

    if (at_sign != NULL)
        fprintf(out, "%.*s://***%s", (int)(scheme_end - word), word, at_sign);
    else
        fputs(word, out);
}

static void print_list(const struct string_list *list, const char *separator, FILE *out)
{
    for (size_t i = 0; i < list->n; i++) {
        fputs(i > 0 ? separator : "", out);
        print_word(list->items[i], out);
    }
}

void setting_print(const struct setting *setting, const void *values, const char *separator,
                   FILE *out)
{
    const void *value = (const char *)values + setting->offset;

    switch (setting->type) {
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        print_number(setting, *(const uint64_t *)value, out);
        break;
    case SETTING_TEXT:
        fputs(*(const char *const *)value, out);
        break;
    case SETTING_LIST:
    case SETTING_LINES:
        print_list(value, separator, out);
        break;
    case SETTING_CHOICE:
        fputs(setting->choices[*(const unsigned *)value], out);
        break;
    }
}

/* --- Two of them ------------------------------------------------------------------------------ */

static bool is_same_list(const struct string_list *list, const struct string_list *other)
{
    for (size_t i = 0; list->n == other->n && i < list->n; i++)
        if (strcmp(list->items[i], other->items[i]) != 0)
            return false;
    return list->n == other->n;
}

bool setting_is_same(const struct setting *setting, const void *values, const void *others)
{
    const void *value = (const char *)values + setting->offset;
    const void *other = (const char *)others + setting->offset;

    switch (setting->type) {
    case SETTING_TEXT:
        return strcmp(*(const char *const *)value, *(const char *const *)other) == 0;
    case SETTING_LIST:
    case SETTING_LINES:
        return is_same_list(value, other);
    default:
        return memcmp(value, other, value_sizes[setting->type]) == 0;
    }
}

void setting_copy(const struct setting *setting, const void *from, void *to)
{
    memcpy((char *)to + setting->offset, (const char *)from + setting->offset,
           value_sizes[setting->type]);
}

/* --- The range -------------------------------------------------------------------------------- */

static void format_choices(const char *const *choices, char *out, size_t size)
{
    size_t len = 0;

    for (; *choices != NULL && len < size; choices++)
        len +=
            (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "one of ", *choices);
}

void setting_format_range(const struct setting *setting, char out[SETTING_RANGE_SIZE])
{
    char min[QUANTITY_TEXT_SIZE], max[QUANTITY_TEXT_SIZE];

    out[0] = '\0';
    if (setting->type == SETTING_CHOICE) {
        format_choices(setting->choices, out, SETTING_RANGE_SIZE);
    } else if (setting->type <= SETTING_DURATION) {
        quantity_format((enum quantity)setting->type, setting->min, min);
        quantity_format((enum quantity)setting->type, setting->max, max);
        snprintf(out, SETTING_RANGE_SIZE, "%s to %s", min, max);
    }
}
