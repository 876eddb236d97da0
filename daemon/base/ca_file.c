#include "daemon/base/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <unistd.h>

int ca_file_check(const char *path, struct err *err)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    X509_STORE *trusted = X509_STORE_new();
    if (trusted == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int is_loaded = X509_STORE_load_file(trusted, path);
    X509_STORE_free(trusted);
    ERR_clear_error();
    return is_loaded ? 0 : err_set(err, -EINVAL, "%s: it has no certificates (PEM)", path);
}
