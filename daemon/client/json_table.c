#include "daemon/client/json_table.h"

#include <stdint.h>

#include "daemon/client/json_text.h"

void json_table_cell(struct text_table *table, enum tone tone, const struct json_t *item,
                     const char *pointer)
{
    struct buffer text;

    buffer_init(&text, SIZE_MAX);
    int rc = json_text_append(&text, item, pointer);
    if (rc == 1)
        text_table_cell(table, tone, text.data, text.len);
    else
        text_table_text(table, TONE_FAINT, NULL);
    if (rc < 0)
        table->rc = rc;
    buffer_done(&text);
}

int json_table_show(struct output *output, const struct json_t *document,
                    const struct json_column *columns, size_t n_columns)
{
    struct text_column titles[TEXT_COLUMNS_MAX];
    struct text_table table;
    const struct json_t *item;
    unsigned n;

    for (size_t i = 0; i < n_columns; i++)
        titles[i] = columns[i].column;
    text_table_init(&table, titles, n_columns, &output->terminal);
    for (n = 0; (item = json_text_item(document, n)) != NULL; n++)
        for (size_t i = 0; i < n_columns; i++)
            json_table_cell(&table, TONE_PLAIN, item, columns[i].pointer);
    int rc = n > 0 ? text_table_flush(&table, &output->text) : 0;
    text_table_done(&table);
    return rc < 0 ? rc : (int)n;
}
