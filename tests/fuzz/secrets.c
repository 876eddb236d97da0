/* The secrets that requests may name: the whole input is their file, see secret_file.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/operator_file.h"
#include "daemon/base/secrets.h"
#include "lib/net/host.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/secret_file.h"

/* --- Where it may go ------------------------------------------------------------------------- */

static bool is_canonical(const char *host)
{
    char text[CO_HOST_MAX_LENGTH + 3];
    bool is_ipv6 = strchr(host, ':') != NULL;
    struct co_host canonical;

    snprintf(text, sizeof(text), "%s%s%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "");
    return co_host_parse(text, &canonical) == 0 && strcmp(canonical.text, host) == 0;
}

/* It is as it was written, if that is plain. */
static void check_host(const char *host, const char *word)
{
    bool is_wild = strncmp(word, "*.", 2) == 0;
    const char *plain = is_wild ? word + 2 : word;

    fuzz_expect((host[0] == '.') == is_wild, "a host is wild if it was written so", word);
    host += is_wild;
    fuzz_expect(is_canonical(host), "a host is canonical", host);
    fuzz_expect(!fuzz_matches(plain, "^[a-z]([-a-z]*[a-z])?([.][a-z]+)*$") ||
                    strcmp(host, plain) == 0,
                "a host is as it was written", word);
}

static void check_reach(const struct secret *secret, const char *host)
{
    char below[CO_HOST_MAX_LENGTH + 8];
    bool is_wild = host[0] == '.';

    snprintf(below, sizeof(below), "x%s%s", is_wild ? "" : ".", host);
    fuzz_expect(is_wild || secret_may_go_to(secret, host), "it may go to its host", host);
    fuzz_expect(!is_wild || secret_may_go_to(secret, below), "it may go to what is below", below);
}

static void check_hosts(const struct secret *secret, char *words)
{
    char *word;
    size_t n = 0;

    for (; (word = operator_file_take_word(&words)) != NULL; n++) {
        fuzz_expect(n < secret->n_hosts, "no host is left out", word);
        check_host(secret->hosts[n], word);
        check_reach(secret, secret->hosts[n]);
    }
    fuzz_expect(n == secret->n_hosts, "no host was added", secret->name);
    fuzz_expect(secret_may_go_to(secret, " ") == (n == 0), "it may go nowhere else", secret->name);
}

/* --- One line -------------------------------------------------------------------------------- */

static void check_secret(const struct secrets *secrets, char *line, unsigned number)
{
    char *value = line, *words = strsep(&value, "=");
    const char *name = operator_file_take_word(&words);

    fuzz_expect(name != NULL && value != NULL, "a secret has a name and a value", line);
    const struct secret *secret = secrets_find(secrets, name);
    fuzz_expect(secret != NULL && strcmp(secret->name, name) == 0, "a secret is found by its name",
                name);
    fuzz_expect(secret->line == number, "it is where it says", name);
    fuzz_expect(strcmp(secret->value, operator_file_trim(value)) == 0, "it has its value", name);
    check_hosts(secret, words);
}

/* --- The file -------------------------------------------------------------------------------- */

static void check_secrets(const struct secrets *secrets, const struct secret_file *file)
{
    struct fuzz_input rest = secret_file_lines(file);
    size_t n = 0;

    for (unsigned number = 1; rest.n_bytes > 0; number++) {
        char *line = fuzz_line(&rest);
        if (secret_file_counts(line)) {
            check_secret(secrets, line, number);
            n++;
        }
        free(line);
    }
    fuzz_expect(n == secrets->n_items, "each line that counts is a secret", "");
}

/* One plain line is taken, whatever its value is made of. */
static bool is_plain(const struct secret_file *file)
{
    struct fuzz_input rest = secret_file_lines(file);
    char *line = fuzz_line(&rest);
    bool matches = rest.n_bytes == 0 && fuzz_matches(line, "^[a-z]{1,64} *= *[!-~]{1,200}$");

    free(line);
    return matches && memchr(file->text.data, '\0', file->text.len) == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    const struct fuzz_input input = {bytes, n_bytes};
    struct secret_file file;
    struct secrets secrets = {.n_items = 0};
    struct err err = {""};

    secret_file_open(&file, &input);
    int rc = secrets_load(&secrets, file.file.path, &err);
    secret_file_check_refusal(rc, err.message);
    fuzz_expect(rc == 0 || !is_plain(&file), "what is plain is taken", err.message);
    if (rc == 0)
        check_secrets(&secrets, &file);
    secrets_done(&secrets);
    secret_file_close(&file);
    return 0;
}
