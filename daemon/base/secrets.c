#include "daemon/base/secrets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/host.h"

enum {
    HOSTS_MAX = 100,                    /* of one secret */
    ARENA_SIZE_MAX = 512 * 1024 * 1024, /* more than such a file can need */
};

#define NAME_ALPHABET "0123456789-._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* --- Lines ------------------------------------------------------------------------------------ */

static int out_of_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "out of memory");
}

static int refuse_line(const struct secrets *secrets, const char *what)
{
    return operator_file_refuse_line(&secrets->file, what);
}

bool secrets_is_name(const char *text, size_t length)
{
    return length > 0 && length <= SECRET_NAME_MAX && text[0] != '.' &&
           strspn(text, NAME_ALPHABET) >= length;
}

/* "*.example.com" becomes ".example.com". */
static int read_host(struct secrets *secrets, const char *word, const char **ret_host)
{
    bool is_wild = strncmp(word, "*.", 2) == 0;
    struct co_host host;

    if (co_host_parse(is_wild ? word + 2 : word, &host) != 0 ||
        (is_wild && host.address.family != AF_UNSPEC))
        return refuse_line(secrets,
                           "a host is a name such as api.example.com (in ASCII), all names "
                           "below one, such as *.example.com, or an IP address");
    size_t length = strlen(host.text);
    char *copy = arena_alloc(&secrets->arena, length + is_wild + 1);
    if (copy == NULL)
        return out_of_memory(secrets->file.err);
    copy[0] = '.';
    memcpy(copy + is_wild, host.text, length + 1);
    *ret_host = copy;
    return 0;
}

static int read_hosts(struct secrets *secrets, char *words, struct secret *secret)
{
    const char *hosts[HOSTS_MAX];
    size_t n = 0;
    char *word;

    while ((word = operator_file_take_word(&words)) != NULL) {
        if (n == HOSTS_MAX)
            return refuse_line(secrets, "a secret has at most 100 hosts");
        int rc = read_host(secrets, word, &hosts[n++]);
        if (rc < 0)
            return rc;
    }
    const char **copy = arena_calloc(&secrets->arena, n, sizeof(*copy));
    if (copy == NULL)
        return out_of_memory(secrets->file.err);
    memcpy(copy, hosts, n * sizeof(*copy));
    secret->hosts = copy;
    secret->n_hosts = n;
    return 0;
}

static int check_value(const struct secrets *secrets, const char *value)
{
    size_t length = strlen(value);

    if (length == 0)
        return refuse_line(secrets, "the value is missing");
    if (length > SECRET_VALUE_MAX)
        return refuse_line(secrets, "the value is longer than 16 KiB");
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return refuse_line(secrets, "the value has a control character");
    return 0;
}

static int read_secret(struct secrets *secrets, char *line)
{
    struct secret *secret = &secrets->items[secrets->n_items];
    char *equals = strchr(line, '=');

    if (secrets->n_items == SECRETS_MAX)
        return refuse_line(secrets, "there are more than 10000 secrets");
    if (equals == NULL)
        return refuse_line(secrets, "this is not NAME [HOST...] = VALUE");
    *equals = '\0';
    *secret = (struct secret){.name = operator_file_take_word(&line), .line = secrets->file.line};
    if (secret->name == NULL || !secrets_is_name(secret->name, strlen(secret->name)))
        return refuse_line(secrets,
                           "a name is made of 1 to 64 letters, digits and -._ and does not "
                           "begin with a dot");
    secret->value = operator_file_trim(equals + 1);
    secrets->n_items++;
    return check_value(secrets, secret->value) ?: read_hosts(secrets, line, secret);
}

/* --- All of them ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct secret *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static int sort(struct secrets *secrets)
{
    qsort(secrets->items, secrets->n_items, sizeof(*secrets->items), compare);
    for (size_t i = 1; i < secrets->n_items; i++)
        if (strcmp(secrets->items[i - 1].name, secrets->items[i].name) == 0)
            return err_set(secrets->file.err, -EINVAL,
                           "%s: %s:%u: this name was given in line %u already",
                           secrets->file.setting, secrets->file.path, secrets->items[i].line,
                           secrets->items[i - 1].line);
    return 0;
}

static int read_text(struct secrets *secrets)
{
    size_t n = operator_file_count_lines(&secrets->file);
    char *line;

    secrets->items =
        arena_calloc(&secrets->arena, n < SECRETS_MAX ? n : SECRETS_MAX, sizeof(*secrets->items));
    if (secrets->items == NULL)
        return out_of_memory(secrets->file.err);
    int rc = 1;
    while (rc == 1 && (rc = operator_file_next_line(&secrets->file, &line)) == 1)
        rc = read_secret(secrets, line) ?: 1;
    return rc < 0 ? rc : sort(secrets);
}

int secrets_load(struct secrets *ret_secrets, const char *path, struct err *err)
{
    struct secrets secrets = {0};

    arena_init(&secrets.arena, ARENA_SIZE_MAX);
    int rc =
        operator_file_read(&secrets.file, "fetch.secrets_file", path, err) ?: read_text(&secrets);
    if (rc < 0)
        secrets_done(&secrets);
    else
        *ret_secrets = secrets;
    return rc;
}

void secrets_done(struct secrets *secrets)
{
    operator_file_done(&secrets->file);
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
