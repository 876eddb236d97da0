#include "daemon/base/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    WORD_LEN_MAX = 64, /* no name here is nearly that long */
    TOO_FAR = 255,
};

/* The cell [i][j]: how far the first i letters of one word are from the first j of the other. */
typedef unsigned char distance_table[WORD_LEN_MAX + 1][WORD_LEN_MAX + 1];

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned char smaller(unsigned a, unsigned b)
{
    return (unsigned char)(a < b ? a : b);
}

/* Of [i][j], from its neighbours: the last letters are the same or replaced, or one word has a
 * letter too many, or the last two changed places. */
static unsigned char next_distance(distance_table table, const char *a, size_t i, const char *b,
                                   size_t j)
{
    bool same = same_letter(a[i - 1], b[j - 1]);
    unsigned char nearest =
        smaller(table[i - 1][j - 1] + !same, smaller(table[i - 1][j] + 1u, table[i][j - 1] + 1u));

    if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
        nearest = smaller(nearest, table[i - 2][j - 2] + 1u);
    return nearest;
}

static size_t distance_between(const char *a, size_t len_a, const char *b, size_t len_b)
{
    distance_table table;

    for (size_t i = 0; i <= len_a; i++)
        table[i][0] = (unsigned char)i;
    for (size_t j = 0; j <= len_b; j++)
        table[0][j] = (unsigned char)j;
    for (size_t i = 1; i <= len_a; i++)
        for (size_t j = 1; j <= len_b; j++)
            table[i][j] = next_distance(table, a, i, b, j);
    return table[len_a][len_b];
}

/* Lengths that differ by too much save the work, most of the time. */
static size_t distance_to(const struct suggestion *suggestion, const char *candidate, size_t len)
{
    size_t len_difference = len > suggestion->len ? len - suggestion->len : suggestion->len - len;

    if (suggestion->len > WORD_LEN_MAX || len > WORD_LEN_MAX ||
        len_difference >= suggestion->distance)
        return TOO_FAR;
    return distance_between(suggestion->word, suggestion->len, candidate, len);
}

static void consider(struct suggestion *suggestion, const char *candidate, size_t distance)
{
    if (distance < suggestion->distance) {
        suggestion->distance = distance;
        suggestion->best = candidate;
    }
}

void suggest_init(struct suggestion *suggestion, const char *word, size_t len)
{
    size_t farthest = len < 3 ? 1 : len / 3;

    *suggestion = (struct suggestion){.word = word, .len = len, .distance = farthest + 1};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    const char *last_part = strrchr(candidate, '_');

    consider(suggestion, candidate, distance_to(suggestion, candidate, strlen(candidate)));
    if (last_part != NULL)
        consider(suggestion, candidate,
                 1 + distance_to(suggestion, candidate, (size_t)(last_part - candidate)));
}
