#include "daemon/token_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/secrets.h"
#include "daemon/base/sha256.h"
#include "daemon/base/tokens.h"
#include "daemon/gatherd.h"

/* The prefix is for those who look for secrets where none should be. */
#define TOKEN_PREFIX "gth_"

enum {
    N_RANDOM_BYTES = 32,
    HEX_SIZE = 2 * N_RANDOM_BYTES + 1,
    TOKEN_SIZE = sizeof(TOKEN_PREFIX) + 2 * N_RANDOM_BYTES,
    LINE_SIZE = 1024,
};

_Static_assert((int)N_RANDOM_BYTES == (int)SHA256_SIZE, "both are written in HEX_SIZE");

static const struct option options[] = {
    {"rights", required_argument, NULL, 0},
    {"tenant", required_argument, NULL, 1},
    {"requests-per-second", required_argument, NULL, 2},
    {"queued-items", required_argument, NULL, 3},
    {NULL, 0, NULL, 0},
};

enum { RIGHTS, FIRST_KEY, N_OPTIONS = sizeof(options) / sizeof(*options) - 1 };

/* As the file has them. */
static const char *const keys[N_OPTIONS] = {NULL, "tenant", "requests_per_second", "queued_items"};

struct order {
    const char *name;
    const char *values[N_OPTIONS]; /* NULL: not given */
};

static int complain(const char *what)
{
    fprintf(stderr,
            "gatherd: %s. Usage: gatherd token new NAME --rights submit,read,admin [--tenant NAME] "
            "[--requests-per-second N] [--queued-items N]\n",
            what);
    return EXIT_STATUS_USAGE;
}

/* --- What is asked for ------------------------------------------------------------------------ */

static int read_words(int n, char **words, struct order *order)
{
    if (n == 0 || strcmp(words[0], "new") != 0)
        return complain("what can be done with tokens is 'new'");
    if (n != 2)
        return complain("a token has one NAME");
    if (!secrets_is_name(words[1], strlen(words[1])))
        return complain("a NAME is made of 1 to 64 letters, digits and -._ and does not begin with "
                        "a dot");
    if (order->values[RIGHTS] == NULL)
        return complain("the token needs --rights");
    order->name = words[1];
    return 0;
}

static int read_order(int argc, char **argv, struct order *order)
{
    int i;

    optind = 0;
    while ((i = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (i < 0 || i >= (int)N_OPTIONS)
            return complain("this is not understood");
        order->values[i] = optarg;
    }
    return read_words(argc - optind, argv + optind, order);
}

/* --- The token -------------------------------------------------------------------------------- */

static void write_hex(const unsigned char *bytes, char out[HEX_SIZE])
{
    for (size_t i = 0; i < N_RANDOM_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int make_token(char out[TOKEN_SIZE])
{
    unsigned char bytes[N_RANDOM_BYTES];

    /* So few bytes come all at once. */
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return -errno;
    memcpy(out, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
    write_hex(bytes, out + strlen(TOKEN_PREFIX));
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

static int hash_token(const char *token, char out[HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    struct sha256 sha256;
    int rc = sha256_init(&sha256);

    sha256_update(&sha256, token, strlen(token));
    if (rc == 0 && !sha256_finish(&sha256, digest))
        rc = -ENOMEM;
    sha256_done(&sha256);
    if (rc == 0)
        write_hex(digest, out);
    return rc;
}

static bool append(char line[LINE_SIZE], const char *before, const char *text)
{
    size_t used = strlen(line);

    return snprintf(line + used, LINE_SIZE - used, "%s%s", before, text) < (int)(LINE_SIZE - used);
}

/* What does not fit is not a name either. */
static bool write_line(const struct order *order, const char *hash, char out[LINE_SIZE])
{
    out[0] = '\0';
    bool fits = append(out, "", order->name) && append(out, " sha256:", hash) &&
                append(out, " ", order->values[RIGHTS]);

    for (size_t i = FIRST_KEY; i < N_OPTIONS; i++)
        if (order->values[i] != NULL)
            fits = fits && append(out, " ", keys[i]) && append(out, "=", order->values[i]);
    return fits;
}

/* By the same rules as the file. */
static int check_line(const char *line)
{
    struct token token;
    struct err err = {""};
    char copy[LINE_SIZE];

    snprintf(copy, sizeof(copy), "%s", line);
    return token_parse(copy, &token, &err) == 0 ? 0 : complain(err.message);
}

static bool print(const char *token, const char *line)
{
    bool is_printed = printf("%s\n%s\n", token, line) > 0 && fflush(stdout) == 0;

    fputs("gatherd: the first line is the token: it is shown this once. The second line is for the "
          "file of api.tokens_file, which is read when the daemon starts, and on SIGHUP.\n",
          stderr);
    return is_printed;
}

int token_command(int argc, char **argv)
{
    struct order order = {.name = NULL};
    char token[TOKEN_SIZE], hash[HEX_SIZE], line[LINE_SIZE];
    int status = read_order(argc, argv, &order);

    if (status != 0)
        return status;
    int rc = make_token(token);
    if (rc == 0)
        rc = hash_token(token, hash);
    if (rc < 0) {
        fprintf(stderr, "gatherd: no token can be made: %s\n", strerror(-rc));
        return EXIT_STATUS_FAILED;
    }
    status = write_line(&order, hash, line) ? check_line(line) : complain("this is too long");
    if (status == 0 && !print(token, line))
        status = EXIT_STATUS_FAILED;
    explicit_bzero(token, sizeof(token));
    return status;
}
