#include "daemon/base/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/net/host.h"

enum {
    HOSTS_MAX = 100, /* of one secret */
    FILE_SIZE_MAX = 16 * 1024 * 1024,
    ARENA_SIZE_MAX = 512 * 1024 * 1024, /* more than such a file can need */
};

#define BLANKS        " \t\r"
#define UTF8_BOM      "\xef\xbb\xbf"
#define NAME_ALPHABET "0123456789-._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* --- Lines ------------------------------------------------------------------------------------ */

/* A message never quotes what is in the file, since nobody knows what somebody has put where. */
struct reader {
    struct secrets *secrets;
    const char *path;
    unsigned line;
    struct err *err;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "out of memory");
}

static int refuse_line(const struct reader *reader, const char *what)
{
    return err_set(reader->err, -EINVAL, "%s:%u: %s", reader->path, reader->line, what);
}

bool secrets_is_name(const char *text, size_t length)
{
    return length > 0 && length <= SECRET_NAME_MAX && text[0] != '.' &&
           strspn(text, NAME_ALPHABET) >= length;
}

/* Cuts the blanks off both ends of a text that is ours to change. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t length = strlen(text);

    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

/* Takes the first word off a text. returns NULL: there is none */
static char *take_word(char **text)
{
    char *word = *text + strspn(*text, BLANKS);
    size_t length = strcspn(word, BLANKS);

    *text = word + length;
    if (length == 0)
        return NULL;
    if (word[length] != '\0') {
        word[length] = '\0';
        (*text)++;
    }
    return word;
}

/* "*.example.com" becomes ".example.com". */
static int read_host(struct reader *reader, const char *word, const char **ret_host)
{
    bool is_wild = strncmp(word, "*.", 2) == 0;
    struct co_host host;

    if (co_host_parse(is_wild ? word + 2 : word, &host) != 0 ||
        (is_wild && host.address.family != AF_UNSPEC))
        return refuse_line(reader, "a host is a name such as api.example.com (in ASCII), all names "
                                   "below one, such as *.example.com, or an IP address");
    size_t length = strlen(host.text);
    char *copy = arena_alloc(&reader->secrets->arena, length + is_wild + 1);
    if (copy == NULL)
        return out_of_memory(reader->err);
    copy[0] = '.';
    memcpy(copy + is_wild, host.text, length + 1);
    *ret_host = copy;
    return 0;
}

static int read_hosts(struct reader *reader, char *words, struct secret *secret)
{
    const char *hosts[HOSTS_MAX];
    size_t n = 0;
    char *word;

    while ((word = take_word(&words)) != NULL) {
        if (n == HOSTS_MAX)
            return refuse_line(reader, "a secret has at most 100 hosts");
        int rc = read_host(reader, word, &hosts[n++]);
        if (rc < 0)
            return rc;
    }
    const char **copy = arena_calloc(&reader->secrets->arena, n, sizeof(*copy));
    if (copy == NULL)
        return out_of_memory(reader->err);
    memcpy(copy, hosts, n * sizeof(*copy));
    secret->hosts = copy;
    secret->n_hosts = n;
    return 0;
}

static int check_value(const struct reader *reader, const char *value)
{
    size_t length = strlen(value);

    if (length == 0)
        return refuse_line(reader, "the value is missing");
    if (length > SECRET_VALUE_MAX)
        return refuse_line(reader, "the value is longer than 16 KiB");
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return refuse_line(reader, "the value has a control character");
    return 0;
}

static int read_secret(struct reader *reader, char *line)
{
    struct secrets *secrets = reader->secrets;
    struct secret *secret = &secrets->items[secrets->n_items];
    char *equals = strchr(line, '=');

    if (secrets->n_items == SECRETS_MAX)
        return refuse_line(reader, "there are more than 10000 secrets");
    if (equals == NULL)
        return refuse_line(reader, "this is not NAME [HOST...] = VALUE");
    *equals = '\0';
    *secret = (struct secret){.name = take_word(&line), .line = reader->line};
    if (secret->name == NULL || !secrets_is_name(secret->name, strlen(secret->name)))
        return refuse_line(reader, "a name is made of 1 to 64 letters, digits and -._ and does not "
                                   "begin with a dot");
    secret->value = trim(equals + 1);
    secrets->n_items++;
    return check_value(reader, secret->value) ?: read_hosts(reader, line, secret);
}

static int read_line(struct reader *reader, char *line, const char *end)
{
    if (memchr(line, '\0', (size_t)(end - line)) != NULL)
        return refuse_line(reader, "the line has a NUL character");
    line = trim(line);
    return *line == '\0' || *line == '#' ? 0 : read_secret(reader, line);
}

/* The text is cut into lines where it is. */
static int read_lines(struct reader *reader)
{
    char *line = reader->secrets->text, *end = line + reader->secrets->text_size;
    int rc = 0;

    if (strncmp(line, UTF8_BOM, strlen(UTF8_BOM)) == 0)
        line += strlen(UTF8_BOM);
    for (reader->line = 1; rc == 0 && line < end; reader->line++) {
        char *newline = memchr(line, '\n', (size_t)(end - line)) ?: end;

        *newline = '\0';
        rc = read_line(reader, line, newline);
        line = newline + 1;
    }
    return rc;
}

/* --- All of them ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct secret *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static int sort(struct reader *reader)
{
    const struct secrets *secrets = reader->secrets;

    qsort(secrets->items, secrets->n_items, sizeof(*secrets->items), compare);
    for (size_t i = 1; i < secrets->n_items; i++)
        if (strcmp(secrets->items[i - 1].name, secrets->items[i].name) == 0)
            return err_set(reader->err, -EINVAL, "%s:%u: this name was given in line %u already",
                           reader->path, secrets->items[i].line, secrets->items[i - 1].line);
    return 0;
}

static size_t count_lines(const struct secrets *secrets)
{
    size_t n = 1;

    for (size_t i = 0; i < secrets->text_size; i++)
        n += secrets->text[i] == '\n';
    return n;
}

static int read_text(struct reader *reader)
{
    struct secrets *secrets = reader->secrets;
    size_t n = count_lines(secrets);

    secrets->items =
        arena_calloc(&secrets->arena, n < SECRETS_MAX ? n : SECRETS_MAX, sizeof(*secrets->items));
    if (secrets->items == NULL)
        return out_of_memory(reader->err);
    return read_lines(reader) ?: sort(reader);
}

/* --- The file --------------------------------------------------------------------------------- */

static int refuse_file(const struct reader *reader, int rc, const char *why)
{
    return err_set(reader->err, rc, "%s: %s", reader->path, why);
}

static int check_file(const struct reader *reader, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return refuse_file(reader, -EINVAL, "this is not a file");
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return refuse_file(reader, -EPERM, "it belongs to another user, who could change it");
    if ((status->st_mode & (S_IWGRP | S_IRWXO)) != 0)
        return refuse_file(reader, -EPERM,
                           "others may read or change it; chmod g-w,o= takes that from them");
    if (status->st_size > FILE_SIZE_MAX)
        return refuse_file(reader, -EFBIG, "it is larger than 16 MiB");
    return 0;
}

/* Not by stdio, whose buffer nobody wipes. What the file has gained since it was looked at stays
 * out. */
static int read_bytes(const struct reader *reader, int fd, size_t size)
{
    struct secrets *secrets = reader->secrets;
    ssize_t n = 1;

    secrets->text = malloc(size + 1);
    if (secrets->text == NULL)
        return out_of_memory(reader->err);
    while (n > 0 && secrets->text_size < size) {
        n = read(fd, secrets->text + secrets->text_size, size - secrets->text_size);
        if (n < 0)
            return refuse_file(reader, -errno, strerror(errno));
        secrets->text_size += (size_t)n;
    }
    secrets->text[secrets->text_size] = '\0';
    return 0;
}

static int read_file(struct reader *reader)
{
    /* Opening a FIFO would wait for somebody to write to it. */
    int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        int rc = refuse_file(reader, -errno, strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    int rc = check_file(reader, &status) ?: read_bytes(reader, fd, (size_t)status.st_size);
    close(fd);
    return rc ?: read_text(reader);
}

int secrets_load(struct secrets *ret_secrets, const char *path, struct err *err)
{
    struct secrets secrets = {0};
    struct reader reader = {.secrets = &secrets, .path = path, .err = err};

    arena_init(&secrets.arena, ARENA_SIZE_MAX);
    int rc = read_file(&reader);
    if (rc < 0)
        secrets_done(&secrets);
    else
        *ret_secrets = secrets;
    return rc;
}

void secrets_done(struct secrets *secrets)
{
    if (secrets->text != NULL)
        explicit_bzero(secrets->text, secrets->text_size);
    free(secrets->text);
    arena_done(&secrets->arena);
    *secrets = (struct secrets){0};
}

/* --- Looking up ------------------------------------------------------------------------------- */

static int compare_name(const void *name, const void *item)
{
    return strcmp(name, ((const struct secret *)item)->name);
}

const struct secret *secrets_find(const struct secrets *secrets, const char *name)
{
    return secrets->n_items > 0 ? bsearch(name, secrets->items, secrets->n_items,
                                          sizeof(*secrets->items), compare_name)
                                : NULL;
}

static bool matches(const char *pattern, const char *host)
{
    size_t length = strlen(host), n = strlen(pattern);

    if (pattern[0] != '.')
        return strcmp(pattern, host) == 0;
    return length > n && strcmp(host + length - n, pattern) == 0;
}

bool secret_may_go_to(const struct secret *secret, const char *host)
{
    size_t i = 0;

    while (i < secret->n_hosts && !matches(secret->hosts[i], host))
        i++;
    return secret->n_hosts == 0 || i < secret->n_hosts;
}
