#include "daemon/model/defect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/utf8.h"

enum {
    ARENA_SIZE_MAX = 4 * DEFECTS_KEPT * DEFECT_TEXT_SIZE, /* twice what the texts can take */
};

void defect_list_init(struct defect_list *list)
{
    arena_init(&list->arena, ARENA_SIZE_MAX);
    list->n_defects = 0;
    list->n_found = 0;
}

void defect_list_done(struct defect_list *list)
{
    arena_done(&list->arena);
    list->n_defects = 0;
}

static char *copy_text(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, utf8_whole(text, strnlen(text, DEFECT_TEXT_SIZE - 1)));
}

void defect_add(struct defect_list *list, const char *pointer, const char *code,
                const char *detail_format, ...)
{
    char detail[DEFECT_TEXT_SIZE];
    va_list args;

    list->n_found++;
    if (defect_list_is_full(list))
        return;
    va_start(args, detail_format);
    vsnprintf(detail, sizeof(detail), detail_format, args);
    va_end(args);

    struct defect defect = {
        .pointer = copy_text(&list->arena, pointer),
        .code = code,
        .detail = copy_text(&list->arena, detail),
    };
    if (defect.pointer != NULL && defect.detail != NULL)
        list->defects[list->n_defects++] = defect;
}

void defect_list_add(struct defect_list *list, const struct defect_list *other)
{
    for (size_t i = 0; i < other->n_defects; i++)
        defect_add(list, other->defects[i].pointer, other->defects[i].code, "%s",
                   other->defects[i].detail);
    list->n_found += other->n_found - other->n_defects;
}
