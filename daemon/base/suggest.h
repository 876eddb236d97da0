/* "Did you mean ...?": the candidate that is nearest to a mistyped word.
 *
 *     struct suggestion suggestion;
 *
 *     suggest_init(&suggestion, word, strlen(word));
 *     for (size_t i = 0; i < n; i++)
 *         suggest_offer(&suggestion, table[i].name);
 *     if (suggestion.best != NULL) ...
 */
#pragma once

#include <stddef.h>

struct suggestion {
    const char *best; /* a candidate that was offered; NULL if none is near enough */
    const char *word;
    size_t len;
    size_t distance; /* of best; without one, just too far */
};

/* The word is borrowed and need not end with a NUL. */
void suggest_init(struct suggestion *suggestion, const char *word, size_t len);

/* Keep the candidate, which is borrowed, if it is nearer than those before. Near means that of the
 * word's letters no more than a third were mistyped, left out, added, or swapped with a neighbour.
 * A last part that is missing, timeout for timeout_ms, counts as one letter, case as none.
 *
 * source     Damerau, A technique for computer detection and correction of spelling errors (1964),
 *            restricted to optimal string alignment */
void suggest_offer(struct suggestion *suggestion, const char *candidate);
