/* What is wrong with a client's document, and where: all of it is said at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"

enum {
    DEFECTS_KEPT = 100,
    DEFECT_TEXT_SIZE = 512, /* of a pointer, and of a detail, with the NUL */
};

struct defect {
    const char *pointer; /* JSON Pointer (RFC 6901); "" is the whole document */
    const char *code;    /* a literal for programs: "unknown_member" */
    const char *detail;  /* a sentence for people */
};

struct defect_list {
    struct arena arena;                  /* of pointers and details */
    struct defect defects[DEFECTS_KEPT]; /* the first ones found */
    size_t n_defects;
    uint64_t n_found; /* all */
};

void defect_list_init(struct defect_list *list);
void defect_list_done(struct defect_list *list);

/* Whether another one would only be counted, so that no care need be taken to describe it. */
static inline bool defect_list_is_full(const struct defect_list *list)
{
    return list->n_defects == DEFECTS_KEPT;
}

/* Adds one; the texts are copied, cut to DEFECT_TEXT_SIZE, and dropped silently (but counted) when
 * the list is full or there is no memory. */
void defect_add(struct defect_list *list, const char *pointer, const char *code,
                const char *detail_format, ...) __attribute__((format(printf, 4, 5)));

/* Adds all that are in another list. */
void defect_list_add(struct defect_list *list, const struct defect_list *other);
