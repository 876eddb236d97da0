#include "daemon/versions.h"

#include <stddef.h>

#include <ares.h>
#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <zlib.h>

#ifdef CO_SWITCH_PORTABLE
#define COROUTINE_SWITCH "portable C"
#else
#define COROUTINE_SWITCH "assembly"
#endif

static const char *curl_number(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static const char *cares_number(void)
{
    return ares_version(NULL);
}

static const char *openssl_number(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"libcurl", curl_number},
    {"libmicrohttpd", MHD_get_version},
    {"jansson", jansson_version_str},
    {"SQLite", sqlite3_libversion},
    {"c-ares", cares_number},
    {"OpenSSL", openssl_number},
    {"zlib", zlibVersion},
};

void versions_of_libraries(char out[VERSIONS_SIZE])
{
    size_t length = 0;

    for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries) && length < VERSIONS_SIZE; i++)
        length += (size_t)snprintf(out + length, VERSIONS_SIZE - length, "%s%s %s",
                                   i > 0 ? ", " : "", libraries[i].name, libraries[i].version());
}

void versions_print(FILE *out)
{
    fputs("gatherd " PACKAGE_VERSION "\n", out);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
        fprintf(out, "%s %s\n", libraries[i].name, libraries[i].version());
    fputs("coroutine switch: " COROUTINE_SWITCH "\n", out);
}
