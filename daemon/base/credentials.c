#include "daemon/base/credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/arena.h"

enum {
    CERTIFICATES_MAX = 10000,
    ARENA_SIZE_MAX = 64 * 1024 * 1024, /* more than so many paths can need */
};

#define SUFFIX ".pem"

struct certificate {
    const char *name;
    const char *path;
};

struct credentials {
    struct secrets secrets;
    struct certificate *certificates; /* sorted by name */
    size_t n_certificates;
    struct arena arena; /* of their texts */
};

/* --- The certificates' directory -------------------------------------------------------------- */

struct reader {
    struct credentials *credentials;
    const char *path;
    struct err *err;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "out of memory");
}

/* Reads nothing but NAME.pem as a name. returns its length; 0: it is none */
static size_t name_length(const char *file)
{
    size_t length = strlen(file), n_suffix = strlen(SUFFIX);

    if (length <= n_suffix || strcmp(file + length - n_suffix, SUFFIX) != 0)
        return 0;
    return secrets_is_name(file, length - n_suffix) ? length - n_suffix : 0;
}

/* Doubles the room when it is full, which is at every power of two. */
static struct certificate *make_room(struct credentials *credentials)
{
    size_t n = credentials->n_certificates;
    struct certificate *larger;

    if ((n & (n - 1)) != 0)
        return &credentials->certificates[n];
    larger = reallocarray(credentials->certificates, n > 0 ? 2 * n : 1, sizeof(*larger));
    if (larger == NULL)
        return NULL;
    credentials->certificates = larger;
    return &larger[n];
}

static int add_certificate(const struct reader *reader, const char *file, size_t n_name)
{
    struct credentials *credentials = reader->credentials;
    size_t size = strlen(reader->path) + strlen(file) + sizeof("/");

    if (credentials->n_certificates == CERTIFICATES_MAX)
        return err_set(reader->err, -EINVAL,
                       "fetch.certs_dir: %s: there are more than %d certificates", reader->path,
                       CERTIFICATES_MAX);
    struct certificate *certificate = make_room(credentials);
    char *path = arena_alloc(&credentials->arena, size);
    char *name = arena_copy(&credentials->arena, file, n_name);
    if (certificate == NULL || path == NULL || name == NULL)
        return out_of_memory(reader->err);
    snprintf(path, size, "%s/%s", reader->path, file);
    *certificate = (struct certificate){name, path};
    credentials->n_certificates++;
    return 0;
}

static int read_entry(const struct reader *reader, int directory, const char *file)
{
    size_t n_name = name_length(file);

    if (n_name == 0)
        return 0;
    if (faccessat(directory, file, R_OK, AT_EACCESS) < 0)
        return err_set(reader->err, -errno, "fetch.certs_dir: %s/%s: %s", reader->path, file,
                       strerror(errno));
    return add_certificate(reader, file, n_name);
}

/* returns NULL, and errno says whether that is the end */
static const struct dirent *next_entry(DIR *directory)
{
    errno = 0;
    return readdir(directory);
}

static int refuse_directory(const struct reader *reader)
{
    return err_set(reader->err, -errno, "fetch.certs_dir: %s: %s", reader->path, strerror(errno));
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct certificate *)a)->name, ((const struct certificate *)b)->name);
}

static int read_directory(const struct reader *reader)
{
    struct credentials *credentials = reader->credentials;
    const struct dirent *entry;
    DIR *directory = opendir(reader->path);
    int rc = 0;

    if (directory == NULL)
        return refuse_directory(reader);
    while (rc == 0 && (entry = next_entry(directory)) != NULL)
        rc = read_entry(reader, dirfd(directory), entry->d_name);
    if (rc == 0 && errno != 0)
        rc = refuse_directory(reader);
    closedir(directory);
    if (credentials->n_certificates > 0)
        qsort(credentials->certificates, credentials->n_certificates,
              sizeof(*credentials->certificates), compare);
    return rc;
}

/* --- Life ------------------------------------------------------------------------------------- */

int credentials_load(struct credentials **ret_credentials, const char *secrets_file,
                     const char *certificates_directory, struct err *err)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    const struct reader reader = {credentials, certificates_directory, err};
    int rc = 0;

    if (credentials == NULL)
        return out_of_memory(err);
    arena_init(&credentials->arena, ARENA_SIZE_MAX);
    if (secrets_file[0] != '\0')
        rc = secrets_load(&credentials->secrets, secrets_file, err);
    if (rc == 0 && certificates_directory[0] != '\0')
        rc = read_directory(&reader);
    if (rc < 0)
        credentials_free(credentials);
    else
        *ret_credentials = credentials;
    return rc;
}

void credentials_free(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    secrets_done(&credentials->secrets);
    free(credentials->certificates);
    arena_done(&credentials->arena);
    free(credentials);
}

/* --- Looking up ------------------------------------------------------------------------------- */

static const struct secret *find_secret(const struct credentials *credentials, const char *name)
{
    return credentials != NULL ? secrets_find(&credentials->secrets, name) : NULL;
}

const char *credentials_secret(const struct credentials *credentials, const char *name)
{
    const struct secret *secret = find_secret(credentials, name);

    return secret != NULL ? secret->value : NULL;
}

bool credentials_may_go_to(const struct credentials *credentials, const char *name,
                           const char *host)
{
    const struct secret *secret = find_secret(credentials, name);

    return secret != NULL && secret_may_go_to(secret, host);
}

const char *credentials_certificate(const struct credentials *credentials, const char *name)
{
    const struct certificate wanted = {.name = name};
    const struct certificate *found = NULL;

    if (credentials != NULL && credentials->n_certificates > 0)
        found = bsearch(&wanted, credentials->certificates, credentials->n_certificates,
                        sizeof(wanted), compare);
    return found != NULL ? found->path : NULL;
}
