/* What gatherctl says of itself, out of its tables. */
#include <stdio.h>
#include <string.h>

#include "daemon/client/commands.h"

enum { WIDTH = 79, INDENT = 2 };

/* A text from a column on, broken between words. */
static void print_wrapped(const char *text, int from)
{
    int column = from;

    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        bool is_first = column == from;
        if (!is_first && column + 1 + length > WIDTH) {
            printf("\n%*s", from, "");
            column = from;
            is_first = true;
        }
        column += printf("%s%.*s", is_first ? "" : " ", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* A term, and what it means from a column on, beside it or below. */
static void print_entry(const char *term, const char *meaning, int from)
{
    int column = printf("%*s%s", INDENT, "", term);

    if (column + 1 < from)
        printf("%*s", from - column, "");
    else
        printf("\n%*s", from, "");
    print_wrapped(meaning, from);
}

static void print_option(const struct option_row *row)
{
    char term[64];
    char letter[5] = "    ";

    if (row->letter != '\0')
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(term, sizeof(term), "%s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "",
             row->argument ?: "");
    print_entry(term, row->help, 28);
}

static bool has_options(unsigned group)
{
    for (size_t i = 0; i < n_option_rows; i++)
        if ((option_rows[i].group & group) != 0)
            return true;
    return false;
}

/* A row may be in several groups; it is shown with the first that the command takes. */
static void print_group(unsigned groups, unsigned bit)
{
    unsigned before = groups & ((1u << bit) - 1);

    if ((groups & 1u << bit) == 0 || !has_options(1u << bit))
        return;
    printf("\n%s:\n", option_group_titles[bit]);
    for (size_t i = 0; i < n_option_rows; i++)
        if ((option_rows[i].group & 1u << bit) != 0 && (option_rows[i].group & before) == 0)
            print_option(&option_rows[i]);
}

static void print_lines(const char *lines)
{
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
        printf("  %.*s\n", (int)(end - lines), lines);
}

void command_print_help(const struct command *command)
{
    printf("Usage: gatherctl %s%s%s [OPTION]...\n", command->name, *command->words ? " " : "",
           command->words);
    print_wrapped(command->about, 0);
    if (command->details != NULL) {
        putchar('\n');
        print_wrapped(command->details, 0);
    }
    for (unsigned bit = 1; bit < OPTIONS_N_GROUPS; bit++)
        print_group(command->options, bit);
    print_group(OPTIONS_COMMON, 0);
    printf("\nExamples:\n");
    print_lines(command->examples);
}

void commands_print_help(void)
{
    printf("Usage: gatherctl COMMAND [OPTION]...\n"
           "Fetches many URLs at once, by way of gatherd, and looks after its jobs.\n\n"
           "Commands:\n");
    for (size_t i = 0; i < n_commands; i++)
        print_entry(commands[i].name, commands[i].about, 14);
    printf("\nEach has more to say: gatherctl COMMAND --help\n\n"
           "Exit status: 0 all went as expected, 1 the call is wrong or was refused,\n"
           "2 some requests have failed, 3 gatherd cannot be reached, 4 the output could\n"
           "not be written, 130 interrupted.\n\n"
           "Try it:\n"
           "  gatherctl get https://one.example/ https://two.example/\n");
}
