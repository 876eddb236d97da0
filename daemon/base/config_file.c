#include "daemon/base/config_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

enum {
    NAME_SIZE = 128, /* inih cuts sections and keys at 50 bytes */
    COMMENT_WIDTH = 80,
};

#define UTF8_BOM       "\xef\xbb\xbf"
#define DROP_IN_SUFFIX ".conf"

/* What inih does not tell is kept track of here, line by line: the number of the line, whether it
 * continues a value, and whether inih made sense of it. inih's own result is only the first line it
 * did not understand. */
struct reader {
    FILE *stream;
    const char *path;
    struct config *config;
    config_complain_fn *complain;
    void *complain_arg;
    int rc;            /* of the first complaint */
    unsigned line;     /* the current one, from 1 */
    bool after_key;    /* a key came since the section began: an indented line continues it */
    bool is_continued; /* the current line does that */
    bool awaits_value; /* it should hold a value, but inih did not pass one on yet */
};

__attribute__((format(printf, 3, 4))) static void complain(struct reader *reader, int rc,
                                                           const char *format, ...)
{
    struct err what, complaint = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(what.message, sizeof(what.message), format, args);
    va_end(args);
    if (reader->line > 0)
        (void)err_set(&complaint, rc, "%s:%u: %s", reader->path, reader->line, what.message);
    else
        (void)err_set(&complaint, rc, "%s: %s", reader->path, what.message);
    reader->complain(reader->complain_arg, complaint.message);
    if (reader->rc == 0)
        reader->rc = rc;
}

static const char *skip_blanks(const char *line)
{
    return line + strspn(line, " \t\r\n");
}

/* As inih has it, for which a comment may begin behind any blank. */
static bool is_section(const char *line)
{
    const char *end = line + strcspn(line, "]");

    for (const char *at = line; at < end; at++)
        if (isspace((unsigned char)at[0]) && at[1] == ';')
            return false;
    return *line == '[' && *end == ']';
}

static void classify(struct reader *reader, const char *line)
{
    if (reader->line == 1 && strncmp(line, UTF8_BOM, strlen(UTF8_BOM)) == 0)
        line += strlen(UTF8_BOM);
    const char *start = skip_blanks(line);

    reader->is_continued = reader->after_key && start > line;
    reader->awaits_value = *start != '\0' && strchr(";#", *start) == NULL && !is_section(start);
    if (is_section(start) && !reader->is_continued)
        reader->after_key = false;
}

static void skip_line(FILE *stream)
{
    int c;

    do
        c = getc(stream);
    while (c != '\n' && c != EOF);
}

/* inih would take the rest of a line that is too long for a line of its own. */
static void refuse_broken_line(struct reader *reader, char *line, int size)
{
    bool is_long = strlen(line) == (size_t)size - 1;

    if (strchr(line, '\n') != NULL || (feof(reader->stream) && !is_long))
        return;
    if (is_long) {
        complain(reader, -EINVAL, "this line has more than %d bytes", size - 2);
        skip_line(reader->stream);
    } else {
        complain(reader, -EINVAL, "this line contains a NUL byte");
    }
    line[0] = '\0';
}

static void complain_if_not_understood(struct reader *reader)
{
    if (reader->awaits_value)
        complain(reader, -EINVAL, "this is neither `key = value` nor [section]");
    reader->awaits_value = false;
}

/* Like fgets(). */
static char *read_line(char *line, int size, void *arg)
{
    struct reader *reader = arg;

    complain_if_not_understood(reader);
    if (fgets(line, size, reader->stream) == NULL) {
        if (ferror(reader->stream))
            complain(reader, -errno, "%s", strerror(errno));
        return NULL;
    }
    reader->line++;
    refuse_broken_line(reader, line, size);
    classify(reader, line);
    return line;
}

static int set_value(struct reader *reader, const struct config_place *place, const char *value,
                     struct err *err)
{
    struct arena *arena = &reader->config->arena;

    if (reader->is_continued)
        return setting_parse_more(place->setting, value, arena, place->values, err);
    if (*place->set_in_line > 0)
        return err_set(err, -EINVAL, "was set in line %u already", *place->set_in_line);
    *place->set_in_line = reader->line;
    return setting_parse(place->setting, value, arena, place->values, err);
}

/* Called by inih for each value, and again, with the same key, for each line that continues one. */
static int take_value(void *arg, const char *section, const char *key, const char *value)
{
    struct reader *reader = arg;
    struct err err = {0};
    char name[NAME_SIZE];

    reader->awaits_value = false;
    reader->after_key = true;
    snprintf(name, sizeof(name), "%s%s%s", section, *section != '\0' ? "." : "", key);
    struct config_place place;
    int rc = config_find_place(reader->config, name, strlen(name), &place, &err);
    if (rc == 0)
        rc = set_value(reader, &place, value, &err);
    if (rc < 0)
        complain(reader, rc, "%s: %s", name, err.message);
    return 1; /* 0 would only repeat to us what we know */
}

static int open_and_read(struct reader *reader)
{
    reader->stream = fopen(reader->path, "re");
    if (reader->stream == NULL)
        return -errno;
    (void)ini_parse_stream(read_line, reader, take_value, reader);
    fclose(reader->stream);
    return 0;
}

/* What another file has set may be set again. */
static void forget_lines(struct config *config)
{
    memset(config->set_in_line, 0, config_n_settings * sizeof(unsigned));
    for (struct config_probe *probe = config->probes; probe != NULL; probe = probe->next)
        memset(probe->set_in_line, 0, config_probe_n_settings * sizeof(unsigned));
}

int config_load_file(struct config *config, const char *path, config_complain_fn *complain_to,
                     void *arg)
{
    struct reader reader = {
        .path = path,
        .config = config,
        .complain = complain_to,
        .complain_arg = arg,
    };
    forget_lines(config);
    int rc = open_and_read(&reader);

    if (rc < 0)
        complain(&reader, rc, "%s", strerror(-rc));
    return reader.rc;
}

/* --- And those behind it ---------------------------------------------------------------------- */

static int is_drop_in(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), n_suffix = strlen(DROP_IN_SUFFIX);

    return entry->d_name[0] != '.' && length > n_suffix &&
           strcmp(entry->d_name + length - n_suffix, DROP_IN_SUFFIX) == 0;
}

/* By bytes, whatever the locale. */
static int compare_names(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int load_drop_in(struct config *config, const char *directory, const char *name,
                        config_complain_fn *complain_to, void *arg)
{
    char path[PATH_MAX + 1 + NAME_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return config_load_file(config, path, complain_to, arg);
}

static int load_directory(struct config *config, const char *directory,
                          config_complain_fn *complain_to, void *arg)
{
    struct reader reader = {.path = directory, .complain = complain_to, .complain_arg = arg};
    struct dirent **entries;
    int n = scandir(directory, &entries, is_drop_in, compare_names), first = 0;

    if (n < 0 && errno != ENOENT && errno != ENOTDIR)
        complain(&reader, -errno, "%s", strerror(errno));
    for (int i = 0; i < n; i++) {
        int rc = load_drop_in(config, directory, entries[i]->d_name, complain_to, arg);
        first = first != 0 ? first : rc;
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return reader.rc != 0 ? reader.rc : first;
}

int config_load(struct config *config, const char *path, config_complain_fn *complain_to, void *arg)
{
    char directory[PATH_MAX];
    int rc = config_load_file(config, path, complain_to, arg);

    snprintf(directory, sizeof(directory), "%s.d", path);
    int rc_behind = load_directory(config, directory, complain_to, arg);
    return rc != 0 ? rc : rc_behind;
}

/* --- Printing --------------------------------------------------------------------------------- */

/* A paragraph of comment, broken between words. */
static void print_comment(const char *text, FILE *out)
{
    int column = fprintf(out, "#");

    while (*text != '\0') {
        int len = (int)strcspn(text, " ");

        if (column + 1 + len > COMMENT_WIDTH) {
            fputs("\n", out);
            column = fprintf(out, "#");
        }
        column += fprintf(out, " %.*s", len, text);
        text += len + (text[len] == ' ');
    }
    fputs("\n", out);
}

static void print_range_and_default(const struct setting *setting, FILE *out)
{
    char range[SETTING_RANGE_SIZE];
    bool has_default = setting->default_text[0] != '\0';

    setting_format_range(setting, range);
    fprintf(out, "# %s%sdefault: %s%s\n", range, range[0] != '\0' ? "; " : "",
            has_default ? setting->default_text : "none",
            setting->needs_restart ? "; changes need a restart" : "");
}

static size_t section_len(const struct setting *setting)
{
    return strcspn(setting->name, ".");
}

static bool begins_section(const struct setting *setting)
{
    size_t len = section_len(setting) + 1;

    return setting == config_settings || strncmp(setting[-1].name, setting->name, len) != 0;
}

static void print_setting(const struct setting *setting, const void *values, FILE *out)
{
    print_comment(setting->help, out);
    print_range_and_default(setting, out);
    fprintf(out, "%s = ", setting->name + section_len(setting) + 1);
    /* One to a line, so that no line gets longer than inih can read. */
    setting_print(setting, values, "\n    ", out);
    fputs("\n\n", out);
}

static void print_probe(const struct config_probe *probe, FILE *out)
{
    fprintf(out, "[probe.%s]\n", probe->name);
    for (size_t i = 0; i < config_probe_n_settings; i++)
        print_setting(&config_probe_settings[i], probe, out);
}

int config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *setting = &config_settings[i];
        if (begins_section(setting))
            fprintf(out, "[%.*s]\n", (int)section_len(setting), setting->name);
        print_setting(setting, config, out);
    }
    for (const struct config_probe *probe = config->probes; probe != NULL; probe = probe->next)
        print_probe(probe, out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
