#include "daemon/base/tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/operator_file.h"
#include "daemon/base/quantity.h"
#include "daemon/base/secrets.h"

#define HASH_PREFIX "sha256:"

const char *const token_right_names[] = {
    [RIGHT_ADMIN] = "admin",
    [RIGHT_READ] = "read",
    [RIGHT_SUBMIT] = "submit",
    [N_RIGHTS] = NULL,
};

struct tokens {
    struct refcount refs;
    struct operator_file file; /* in which the names are */
    struct sha256 digest;
    struct token *items;
    size_t n_items;
};

/* --- The words of a line ---------------------------------------------------------------------- */

static int read_name(char *word, struct token *token, struct err *err)
{
    if (!secrets_is_name(word, strlen(word)))
        return err_set(err, -EINVAL,
                       "a name is made of 1 to 64 letters, digits and -._ and does not begin with "
                       "a dot");
    token->name = word;
    return 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

static int read_hash(char *word, struct token *token, struct err *err)
{
    const char *digits = word + strlen(HASH_PREFIX);
    int bad = strncmp(word, HASH_PREFIX, strlen(HASH_PREFIX)) != 0 ||
              strlen(digits) != (size_t)2 * SHA256_SIZE;

    for (size_t i = 0; bad == 0 && i < SHA256_SIZE; i++) {
        int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
        bad = high < 0 || low < 0;
        token->hash[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
    }
    return bad == 0 ? 0
                    : err_set(err, -EINVAL,
                              "the second word is not sha256: with 64 digits of 0-9 and a-f: the "
                              "hash of a token, never the token itself");
}

static int add_right(const char *name, struct token *token)
{
    for (size_t i = 0; i < N_RIGHTS; i++)
        if (strcmp(token_right_names[i], name) == 0) {
            token->rights |= 1U << i;
            return 0;
        }
    return -EINVAL;
}

static int read_rights(char *word, struct token *token, struct err *err)
{
    char *rest = word;
    const char *name;
    int rc = 0;

    while (rc == 0 && (name = strsep(&rest, ",")) != NULL)
        rc = add_right(name, token);
    return rc == 0 ? 0
                   : err_set(err, rc,
                             "the rights are some of submit, read and admin, with commas between "
                             "them and no blanks");
}

static int read_tenant(char *value, struct token *token, struct err *err)
{
    if (!secrets_is_name(value, strlen(value)))
        return err_set(err, -EINVAL,
                       "a tenant is named by 1 to 64 letters, digits and -._ and does not begin "
                       "with a dot");
    token->tenant = value;
    return 0;
}

static int read_quota(const char *value, uint64_t max, uint64_t *quota, struct err *err)
{
    int rc = quantity_parse(QUANTITY_COUNT, value, strlen(value), quota);

    return rc == 0 && *quota > 0 && *quota <= max
               ? 0
               : err_set(err, -EINVAL, "a quota is a number from 1 to %llu",
                         (unsigned long long)max);
}

static int read_rate(char *value, struct token *token, struct err *err)
{
    return read_quota(value, 1000000, &token->requests_per_second, err);
}

static int read_queue(char *value, struct token *token, struct err *err)
{
    return read_quota(value, 1000000000000, &token->queued_items, err);
}

static const struct {
    const char *key;
    int (*read)(char *value, struct token *token, struct err *err);
} options[] = {
    {"tenant", read_tenant},
    {"requests_per_second", read_rate},
    {"queued_items", read_queue},
};

/* given: 1 << i of those before */
static int read_option(char *word, unsigned *given, struct token *token, struct err *err)
{
    char *value = word;
    const char *key = strsep(&value, "=");

    for (size_t i = 0; value != NULL && i < sizeof(options) / sizeof(*options); i++) {
        if (strcmp(options[i].key, key) != 0)
            continue;
        if ((*given & 1U << i) != 0)
            return err_set(err, -EINVAL, "%s is there twice", options[i].key);
        *given |= 1U << i;
        return options[i].read(value, token, err);
    }
    return err_set(err, -EINVAL,
                   "behind the rights there can be tenant=NAME, requests_per_second=N and "
                   "queued_items=N, and nothing else");
}

int token_parse(char *line, struct token *ret_token, struct err *err)
{
    static int (*const words[])(char *, struct token *, struct err *) = {read_name, read_hash,
                                                                         read_rights};
    struct token token = {.tenant = ""};
    unsigned given = 0;
    char *word;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(words) / sizeof(*words); i++) {
        word = operator_file_take_word(&line);
        rc = word != NULL
                 ? words[i](word, &token, err)
                 : err_set(err, -EINVAL, "this is not NAME sha256:HASH RIGHTS [KEY=VALUE...]");
    }
    while (rc == 0 && (word = operator_file_take_word(&line)) != NULL)
        rc = read_option(word, &given, &token, err);
    if (rc == 0)
        *ret_token = token;
    return rc;
}

/* --- The file --------------------------------------------------------------------------------- */

static int refuse_twin(const struct tokens *tokens, const char *what, const struct token *twin)
{
    const struct operator_file *file = &tokens->file;

    return err_set(file->err, -EINVAL, "%s:%u: this %s was given in line %u already", file->path,
                   file->line, what, twin->line);
}

/* Of those before it. */
static int check_unique(const struct tokens *tokens, const struct token *token)
{
    for (const struct token *twin = tokens->items; twin < token; twin++) {
        if (strcmp(twin->name, token->name) == 0)
            return refuse_twin(tokens, "name", twin);
        if (memcmp(twin->hash, token->hash, SHA256_SIZE) == 0)
            return refuse_twin(tokens, "hash", twin);
    }
    return 0;
}

static int read_token(struct tokens *tokens, char *line)
{
    struct token *token = &tokens->items[tokens->n_items];
    struct err wrong = {""};

    if (tokens->n_items == TOKENS_MAX)
        return operator_file_refuse_line(&tokens->file, "there are more than 1000 tokens");
    if (token_parse(line, token, &wrong) < 0)
        return operator_file_refuse_line(&tokens->file, wrong.message);
    token->line = tokens->file.line;
    token->owner = &tokens->refs;
    int rc = check_unique(tokens, token);
    tokens->n_items += rc == 0;
    return rc;
}

static int read_tokens(struct tokens *tokens)
{
    struct operator_file *file = &tokens->file;
    char *line;
    int rc;

    while ((rc = operator_file_next_line(file, &line)) == 1) {
        rc = read_token(tokens, line);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && tokens->n_items == 0)
        return operator_file_refuse(file, -EINVAL,
                                    "there is no token in it, so nobody could use the API; "
                                    "'gatherd token new' makes one");
    return rc;
}

static int read_file(struct tokens *tokens, const char *path, struct err *err)
{
    int rc = operator_file_read(&tokens->file, "api.tokens_file", path, err);

    if (rc < 0)
        return rc;
    size_t n = operator_file_count_lines(&tokens->file);
    tokens->items = calloc(n < TOKENS_MAX ? n : TOKENS_MAX, sizeof(*tokens->items));
    if (tokens->items == NULL || sha256_init(&tokens->digest) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    return read_tokens(tokens);
}

static void really_free(struct refcount *refs)
{
    struct tokens *tokens = co_container_of(refs, struct tokens, refs);

    operator_file_done(&tokens->file);
    sha256_done(&tokens->digest);
    free(tokens->items);
    free(tokens);
}

int tokens_load(struct tokens **ret_tokens, const char *path, struct err *err)
{
    struct tokens *tokens;

    *ret_tokens = NULL;
    if (*path == '\0')
        return 0;
    tokens = calloc(1, sizeof(*tokens));
    if (tokens == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    refcount_init(&tokens->refs, really_free);
    int rc = read_file(tokens, path, err);
    if (rc < 0)
        tokens_free(tokens);
    else
        *ret_tokens = tokens;
    return rc < 0 && rc != -ENOMEM ? -EINVAL : rc; /* whatever it is, the operator can mend it */
}

void tokens_free(struct tokens *tokens)
{
    if (tokens != NULL)
        refcount_unref(&tokens->refs);
}

/* --- Replacing -------------------------------------------------------------------------------- */

static const struct token *find_name(const struct tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->n_items; i++)
        if (strcmp(tokens->items[i].name, name) == 0)
            return &tokens->items[i];
    return NULL;
}

void tokens_take_over(struct tokens *tokens, const struct tokens *others)
{
    if (tokens == NULL || others == NULL)
        return;
    for (size_t i = 0; i < tokens->n_items; i++) {
        const struct token *before = find_name(others, tokens->items[i].name);
        if (before != NULL)
            tokens->items[i].use.next = before->use.next;
    }
}

/* --- Looking up ------------------------------------------------------------------------------- */

/* In a time that does not depend on what is compared. */
static unsigned difference(const unsigned char *a, const unsigned char *b)
{
    unsigned char bits = 0;

    for (size_t i = 0; i < SHA256_SIZE; i++)
        bits |= a[i] ^ b[i];
    return bits;
}

int tokens_find(struct tokens *tokens, const char *text, struct token **ret_token)
{
    struct token *found = NULL;
    unsigned char hash[SHA256_SIZE];

    sha256_restart(&tokens->digest);
    sha256_update(&tokens->digest, text, strlen(text));
    if (!sha256_finish(&tokens->digest, hash))
        return -ENOMEM;
    for (size_t i = 0; i < tokens->n_items; i++)
        if (difference(tokens->items[i].hash, hash) == 0)
            found = &tokens->items[i];
    if (found == NULL)
        return -ENOENT;
    *ret_token = found;
    return 0;
}
