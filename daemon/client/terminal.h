/* What is at the other end of a descriptor that a person may read: a terminal, how wide it is, and
 * what it can show.
 *
 * The environment has the last word: COLUMNS says the width, of what is no terminal as well;
 * NO_COLOR takes colours away, CLICOLOR_FORCE gives them to what is no terminal; TERM=dumb is one
 * that knows neither colours nor how to write a line again.
 *
 * source     no-color.org; bixense.com/clicolors; tty_ioctl(4)
 */
#pragma once

#include <stdbool.h>

struct terminal {
    int fd;
    bool is_terminal;
    bool can_redraw; /* a line that has been written */
    bool has_colours;
    bool is_utf8;   /* it shows more than ASCII */
    unsigned width; /* in columns; 0: there is no end to a line */
};

/* How a piece of text is meant. */
enum tone { TONE_PLAIN, TONE_STRONG, TONE_FAINT, TONE_GOOD, TONE_WARNING, TONE_BAD, N_TONES };

/* Whether it is UTF-8 is what the user's locale says, whichever this program has set. */
void terminal_init(struct terminal *terminal, int fd);

/* Asks for the width again: after SIGWINCH. */
void terminal_measure(struct terminal *terminal);

/* What to write before a text of that tone; "" for a plain one, and where there are no colours. */
const char *terminal_tone(const struct terminal *terminal, enum tone tone);

/* And behind it; "" where terminal_tone() is. */
const char *terminal_tone_end(const struct terminal *terminal, enum tone tone);
