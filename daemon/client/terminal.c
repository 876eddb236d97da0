#include "daemon/client/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80 }; /* of a terminal that does not tell */

/* "" for a variable that is not set: to these conventions that is the same. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

static bool is_dumb(void)
{
    const char *term = environment("TERM");

    return term[0] == '\0' || strcmp(term, "dumb") == 0;
}

static bool wants_colours(const struct terminal *terminal)
{
    const char *forced = environment("CLICOLOR_FORCE");

    if (environment("NO_COLOR")[0] != '\0')
        return false;
    if (forced[0] != '\0' && strcmp(forced, "0") != 0)
        return true;
    return terminal->can_redraw && strcmp(environment("CLICOLOR"), "0") != 0;
}

static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (locale == (locale_t)0)
        return false;
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

/* returns 0: the environment does not say, or nothing that could be meant */
static unsigned told_width(void)
{
    char *end;
    const char *columns = environment("COLUMNS");
    unsigned long width = strtoul(columns, &end, 10);

    return *end == '\0' && width <= USHRT_MAX ? (unsigned)width : 0;
}

static unsigned measured_width(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL_WIDTH;
}

void terminal_measure(struct terminal *terminal)
{
    terminal->width = told_width();
    if (terminal->width == 0 && terminal->is_terminal)
        terminal->width = measured_width(terminal->fd);
}

void terminal_init(struct terminal *terminal, int fd)
{
    *terminal = (struct terminal){.fd = fd, .is_terminal = isatty(fd) == 1};
    terminal->can_redraw = terminal->is_terminal && !is_dumb();
    terminal->has_colours = wants_colours(terminal);
    terminal->is_utf8 = locale_is_utf8();
    terminal_measure(terminal);
}

/* ECMA-48, SGR. */
static const char *const tones[N_TONES] = {
    [TONE_PLAIN] = "",        [TONE_STRONG] = "\033[1m",   [TONE_FAINT] = "\033[2m",
    [TONE_GOOD] = "\033[32m", [TONE_WARNING] = "\033[33m", [TONE_BAD] = "\033[31m",
};

const char *terminal_tone(const struct terminal *terminal, enum tone tone)
{
    return terminal->has_colours ? tones[tone] : "";
}

const char *terminal_tone_end(const struct terminal *terminal, enum tone tone)
{
    return terminal_tone(terminal, tone)[0] != '\0' ? "\033[0m" : "";
}
