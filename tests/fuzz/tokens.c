/* The tokens of the API: the whole input is their file, see secret_file.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/tokens.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/secret_file.h"

#define BLANKS " \t\r"

enum { HASH_SIZE = 2 * SHA256_SIZE + 1 };

/* --- One line -------------------------------------------------------------------------------- */

static void format_hash(const struct token *token, char text[HASH_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", token->hash[i]);
}

static void check_name(const char *name, const char *line)
{
    fuzz_expect(fuzz_matches(name, "^[-_A-Za-z0-9][-._A-Za-z0-9]{0,63}$"), "a name is one", line);
}

static unsigned read_rights(char *words)
{
    const char *word;
    unsigned rights = 0;

    while ((word = strsep(&words, ",")) != NULL)
        for (enum token_right right = 0; right < N_RIGHTS; right++)
            rights |= (strcmp(word, token_right_names[right]) == 0) << right;
    return rights;
}

/* Those that there can be, and not twice. */
static void check_option(const struct token *token, char *word, const char *line)
{
    char *value = word;
    const char *key = strsep(&value, "=");

    fuzz_expect(value != NULL, "an option has a value", line);
    if (strcmp(key, "tenant") == 0)
        fuzz_expect(strcmp(token->tenant, value) == 0, "a tenant is named as it says", line);
    else if (strcmp(key, "requests_per_second") == 0)
        fuzz_expect(token->requests_per_second == strtoull(value, NULL, 10),
                    "a token may ask as often as it says", line);
    else
        fuzz_expect(strcmp(key, "queued_items") == 0 &&
                        token->queued_items == strtoull(value, NULL, 10),
                    "a token may queue as much as it says", line);
}

static void check_token(const struct token *token, const char *line)
{
    char *copy = strdup(line), *rest = copy, hash[HASH_SIZE];

    fuzz_expect(copy != NULL, "there is memory", "");
    char *name = strtok_r(rest, BLANKS, &rest), *shown = strtok_r(NULL, BLANKS, &rest);
    char *rights = strtok_r(NULL, BLANKS, &rest), *option;
    fuzz_expect(rights != NULL, "there are three words", line);
    check_name(name, line);
    format_hash(token, hash);
    fuzz_expect(strcmp(token->name, name) == 0, "a token has its name", line);
    fuzz_expect(strncmp(shown, "sha256:", 7) == 0 && strcmp(shown + 7, hash) == 0,
                "a token has its hash", line);
    fuzz_expect(token->rights != 0 && token->rights == read_rights(rights),
                "a token may what it says", line);
    while ((option = strtok_r(NULL, BLANKS, &rest)) != NULL)
        check_option(token, option, line);
    if (token->tenant[0] != '\0')
        check_name(token->tenant, line);
    free(copy);
}

static int check_line(const char *line)
{
    struct token token;
    struct err err = {""};
    char *words = strdup(line);

    fuzz_expect(words != NULL, "there is memory", "");
    int rc = token_parse(words, &token, &err);
    secret_file_check_refusal(rc, err.message);
    if (rc == 0)
        check_token(&token, line);
    free(words);
    return rc;
}

/* --- The file -------------------------------------------------------------------------------- */

static void check_lines(const struct secret_file *secret, bool is_taken)
{
    struct fuzz_input rest = secret_file_lines(secret);
    size_t n = 0;

    while (rest.n_bytes > 0) {
        char *line = fuzz_line(&rest);
        if (secret_file_counts(line)) {
            int rc = check_line(line);
            fuzz_expect(!is_taken || rc == 0, "each line of a file is taken", line);
            n++;
        }
        free(line);
    }
    fuzz_expect(!is_taken || n > 0, "a file has a token", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    const struct fuzz_input input = {bytes, n_bytes};
    struct secret_file secret;
    struct tokens *tokens = NULL;
    struct err err = {""};

    secret_file_open(&secret, &input);
    int rc = tokens_load(&tokens, secret.file.path, &err);
    secret_file_check_refusal(rc, err.message);
    check_lines(&secret, rc == 0);
    secret_file_close(&secret);
    tokens_free(tokens);
    return 0;
}
