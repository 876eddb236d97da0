/* One key of the configuration, as a row of a table: its type, its range, and how it reads as text.
 *
 * The value lives at an offset in a struct that the table's owner chose. Its C type follows from
 * the type of the setting. Strings live in an arena, so replacing a value takes no care. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/base/quantity.h"

enum {
    SETTING_WORD_LEN_MAX = 160, /* of a word of a list; inih reads lines of up to 198 bytes */
    SETTING_RANGE_SIZE = 128,
};

struct string_list {
    const char *const *items;
    size_t n;
};

enum setting_type {
    SETTING_COUNT = QUANTITY_COUNT,       /* uint64_t */
    SETTING_SIZE = QUANTITY_SIZE,         /* uint64_t, bytes */
    SETTING_DURATION = QUANTITY_DURATION, /* uint64_t, milliseconds */
    SETTING_TEXT,                         /* const char *, not NULL */
    SETTING_LIST,                         /* struct string_list, of words */
    SETTING_LINES,                        /* struct string_list, of lines, which may have blanks */
    SETTING_CHOICE,                       /* an enum, or unsigned: the index into choices */
};

struct setting {
    const char *name; /* "section.key" */
    enum setting_type type;
    size_t offset;
    uint64_t min, max; /* of a number, of the length of a text, of the entries of a list */
    int (*check)(const char *word, struct err *err); /* each entry of a list; NULL: any will do */
    const char *const *choices;                      /* ends with NULL */
    const char *default_text;
    bool needs_restart; /* a reload does not change it */
    const char *help;
};

/* Read a value from text into values, the struct that offset belongs to. Blanks around it do not
 * count.
 *
 * returns    0
 *            -EINVAL, -ENOMEM: the old value stays; err says what is wrong with the new one */
int setting_parse(const struct setting *setting, const char *text, struct arena *arena,
                  void *values, struct err *err);

/* Read more words for a list, or one more line. Returns as setting_parse(); -EINVAL for other
 * types. */
int setting_parse_more(const struct setting *setting, const char *text, struct arena *arena,
                       void *values, struct err *err);

/* Write the value so that setting_parse() reads the same one from it, with the separator between
 * the entries of a list. Only userinfo in a URL becomes ***. */
void setting_print(const struct setting *setting, const void *values, const char *separator,
                   FILE *out);

/* Compare, and copy, a value of two structs of values. What a text or a list points to is shared.
 */
bool setting_is_same(const struct setting *setting, const void *values, const void *others);
void setting_copy(const struct setting *setting, const void *from, void *to);

/* Say which values are possible, if that is more than the type says: "1K to 4G", "one of a, b";
 * otherwise "". */
void setting_format_range(const struct setting *setting, char out[SETTING_RANGE_SIZE]);
