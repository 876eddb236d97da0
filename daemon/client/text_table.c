#include "daemon/client/text_table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/client/shown_text.h"

enum {
    GAP = 2, /* between columns */
    CELLS_MIN = 256,
    LEFT_OUT = SIZE_MAX >> 1, /* the width of a column that is */
};

struct text_cell {
    size_t offset; /* in the table's text */
    uint32_t length;
    uint32_t width;
    enum tone tone;
};

void text_table_init(struct text_table *table, const struct text_column *columns, size_t n_columns,
                     const struct terminal *terminal)
{
    assert(n_columns <= TEXT_COLUMNS_MAX);
    *table = (struct text_table){.columns = columns, .n_columns = n_columns, .terminal = terminal};
    buffer_init(&table->text, UINT32_MAX);
    for (size_t i = 0; i < n_columns; i++)
        table->widths[i] = strlen(columns[i].title);
}

void text_table_done(struct text_table *table)
{
    buffer_done(&table->text);
    free(table->cells);
}

/* --- Cells ------------------------------------------------------------------------------------ */

static int make_room(struct text_table *table)
{
    if (table->n_cells < table->cells_max)
        return 0;

    size_t max = table->cells_max > 0 ? 2 * table->cells_max : CELLS_MIN;
    struct text_cell *cells = reallocarray(table->cells, max, sizeof(*cells));
    if (cells == NULL)
        return -ENOMEM;
    table->cells = cells;
    table->cells_max = max;
    return 0;
}

static void keep(struct text_table *table, enum tone tone, size_t offset)
{
    size_t length = table->text.len - offset;
    size_t width = shown_text_width(table->text.data + offset, length);
    size_t *widest = &table->widths[table->n_cells % table->n_columns];

    *widest = width > *widest ? width : *widest;
    table->cells[table->n_cells++] =
        (struct text_cell){offset, (uint32_t)length, (uint32_t)width, tone};
}

void text_table_cell(struct text_table *table, enum tone tone, const char *text, size_t length)
{
    size_t offset = table->text.len;

    if (table->rc == 0)
        table->rc = make_room(table);
    if (table->rc == 0)
        table->rc = shown_text_append(&table->text, text, length, table->terminal->is_utf8);
    if (table->rc == 0)
        keep(table, tone, offset);
}

void text_table_text(struct text_table *table, enum tone tone, const char *text)
{
    text_table_cell(table, tone, text != NULL ? text : "-", text != NULL ? strlen(text) : 1);
}

void text_table_uint(struct text_table *table, enum tone tone, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    text_table_text(table, tone, digits);
}

size_t text_table_n_rows(const struct text_table *table)
{
    return table->n_cells / table->n_columns;
}

/* --- Widths ----------------------------------------------------------------------------------- */

static size_t width_of_line(const struct text_table *table, const size_t *widths)
{
    size_t total = 0;

    for (size_t i = 0; i < table->n_columns; i++)
        if (widths[i] != LEFT_OUT)
            total += widths[i] + (total > 0 ? GAP : 0);
    return total;
}

static size_t width_without(const struct text_column *column, size_t width, size_t excess)
{
    if (column->min_width == 0)
        return LEFT_OUT;
    if (width <= column->min_width)
        return width;
    return width - column->min_width > excess ? width - excess : column->min_width;
}

/* What does not fit when all have given way that can, does not. */
static void fit(const struct text_table *table, size_t *ret_widths)
{
    size_t max = table->terminal->width;

    memcpy(ret_widths, table->widths, sizeof(table->widths));
    if (max == 0)
        return;
    for (size_t turn = 1; turn <= table->n_columns; turn++)
        for (size_t i = 0; i < table->n_columns; i++) {
            size_t total = width_of_line(table, ret_widths);
            if (total > max && table->columns[i].gives_way == turn)
                ret_widths[i] = width_without(&table->columns[i], ret_widths[i], total - max);
        }
}

/* --- Lines ------------------------------------------------------------------------------------ */

struct line {
    const struct terminal *terminal;
    struct buffer *out;
    size_t n_spaces; /* owed to what comes next: so no line ends with one */
    int rc;
};

static void put(struct line *line, const char *text, size_t length)
{
    if (line->rc == 0)
        line->rc = buffer_append(line->out, text, length);
}

static void put_spaces(struct line *line)
{
    static const char spaces[] = "                                ";
    size_t most = sizeof(spaces) - 1;

    for (; line->n_spaces > most; line->n_spaces -= most)
        put(line, spaces, most);
    put(line, spaces, line->n_spaces);
    line->n_spaces = 0;
}

/* A text cut to its first columns, the last of which then says so. */
static void put_cut(struct line *line, const char *text, size_t length, size_t width)
{
    const char *more = line->terminal->is_utf8 ? "\u2026" : "~";
    size_t fitting = shown_text_fit(text, length, width - 1);

    put(line, text, fitting);
    put(line, more, strlen(more));
    line->n_spaces = width - 1 - shown_text_width(text, fitting);
}

static void put_text(struct line *line, const char *text, const struct text_cell *cell,
                     size_t width)
{
    const char *tone = terminal_tone(line->terminal, cell->tone);
    const char *tone_end = terminal_tone_end(line->terminal, cell->tone);

    put_spaces(line);
    put(line, tone, strlen(tone));
    if (cell->width > width)
        put_cut(line, text, cell->length, width);
    else
        put(line, text, cell->length);
    put(line, tone_end, strlen(tone_end));
}

static void put_cell(struct line *line, const struct text_column *column, const char *text,
                     const struct text_cell *cell, size_t width)
{
    size_t padding = cell->width < width ? width - cell->width : 0;

    if (column->is_right)
        line->n_spaces += padding;
    if (cell->length > 0)
        put_text(line, text, cell, width);
    line->n_spaces += (column->is_right ? 0 : padding) + GAP;
}

static void put_titles(const struct text_table *table, struct line *line, const size_t *widths)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *title = table->columns[i].title;
        uint32_t length = (uint32_t)strlen(title);
        const struct text_cell cell = {.length = length, .width = length, .tone = TONE_STRONG};
        if (widths[i] != LEFT_OUT)
            put_cell(line, &table->columns[i], title, &cell, widths[i]);
    }
}

static void put_row(const struct text_table *table, struct line *line,
                    const struct text_cell *cells, const size_t *widths)
{
    for (size_t i = 0; i < table->n_columns; i++)
        if (widths[i] != LEFT_OUT)
            put_cell(line, &table->columns[i], table->text.data + cells[i].offset, &cells[i],
                     widths[i]);
}

static void end_line(struct line *line)
{
    put(line, "\n", 1);
    line->n_spaces = 0;
}

int text_table_flush(struct text_table *table, struct buffer *out)
{
    struct line line = {.terminal = table->terminal, .out = out, .rc = table->rc};
    size_t widths[TEXT_COLUMNS_MAX];

    assert(table->n_cells % table->n_columns == 0 || table->rc != 0);
    fit(table, widths);
    if (!table->has_titles) {
        put_titles(table, &line, widths);
        end_line(&line);
    }
    for (size_t i = 0; line.rc == 0 && i < table->n_cells; i += table->n_columns) {
        put_row(table, &line, &table->cells[i], widths);
        end_line(&line);
    }
    table->has_titles = true;
    table->n_cells = 0;
    table->text.len = 0;
    table->rc = line.rc;
    return line.rc;
}
