/* / and /dashboard/...: the page for people, and what it is made of. It needs no token: what it
 * shows it asks for at /v1, as any client. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/api.h"
#include "daemon/api/etag.h"
#include "daemon/api/problem.h"
#include "daemon/base/sha256.h"
#include "daemon/dashboard/assets.h"

enum { TAG_BYTES = 8, TAG_SIZE = 2 * TAG_BYTES + 3 };

/* It may run and show what comes from here, and nothing that came from an origin. */
static const char *const fields[][2] = {
    {"Cache-Control", "no-cache"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
};

static const struct asset *find_asset(const char *path)
{
    static const char folder[] = "/dashboard/";
    const size_t length = sizeof(folder) - 1;

    if (strcmp(path, "/") == 0)
        return asset_find("index.html");
    return strncmp(path, folder, length) == 0 ? asset_find(path + length) : NULL;
}

/* Begun with a quote and ended with one. returns 0, -ENOMEM */
static int make_tag(const struct asset *asset, char ret_tag[TAG_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    CO_CLEANUP(sha256_done) struct sha256 sha256;
    int rc = sha256_init(&sha256);

    if (rc < 0)
        return rc;
    sha256_update(&sha256, asset->bytes, *asset->length);
    if (!sha256_finish(&sha256, digest))
        return -ENOMEM;
    ret_tag[0] = '"';
    for (size_t i = 0; i < TAG_BYTES; i++)
        snprintf(ret_tag + 1 + 2 * i, 4, "%02x\"", digest[i]);
    return 0;
}

static int add_fields(struct http_exchange *exchange, const char *tag)
{
    int rc = http_answer_header(exchange, "ETag", tag);

    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(*fields); i++)
        rc = http_answer_header(exchange, fields[i][0], fields[i][1]);
    return rc;
}

/* It is there as long as the program, and is sent where it lies. */
static void leave(void *arg)
{
    (void)arg;
}

static int answer_asset(struct http_exchange *exchange, const struct asset *asset)
{
    const struct http_body_source source = {
        .bytes = asset->bytes,
        .done = leave,
        .length = *asset->length,
    };

    return http_answer_source(exchange, 200, asset->type, &source);
}

int dashboard_get(struct http_exchange *exchange, void *arg)
{
    const struct asset *asset = find_asset(http_path(exchange));
    char tag[TAG_SIZE];

    (void)arg;
    if (asset == NULL)
        return http_answer_problem(exchange, 404, "not_found", "The dashboard has no such file.");
    int rc = make_tag(asset, tag);
    if (rc == 0)
        rc = add_fields(exchange, tag);
    if (rc < 0)
        return rc;
    return etag_is_known(exchange, tag) ? http_answer(exchange, 304, NULL, NULL)
                                        : answer_asset(exchange, asset);
}
