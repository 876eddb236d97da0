#include "daemon/api/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void etag_of_version(const char *job_id, uint64_t version, char ret_etag[ETAG_SIZE])
{
    snprintf(ret_etag, ETAG_SIZE, "\"%s-%" PRIu64 "\"", job_id, version);
}

void etag_of_job(const struct job_record *record, char ret_etag[ETAG_SIZE])
{
    etag_of_version(record->id, job_record_version(record), ret_etag);
}

static const char *skip(const char *at, const char *characters)
{
    return at + strspn(at, characters);
}

/* The end of the tag that begins here with its quote; NULL: there is none. */
static const char *end_of_tag(const char *tag)
{
    const char *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;

    return end != NULL ? end + 1 : NULL;
}

static bool is_all(const char *list)
{
    return *list == '*' && *skip(list + 1, " \t") == '\0';
}

bool etag_is_in(const char *list, const char *etag)
{
    const char *at = skip(list, ", \t");
    size_t length = strlen(etag);

    if (is_all(at))
        return true;
    while (*at != '\0') {
        const char *tag = strncmp(at, "W/", 2) == 0 ? at + 2 : at;
        const char *end = end_of_tag(tag);
        if (end == NULL)
            return false;
        if ((size_t)(end - tag) == length && memcmp(tag, etag, length) == 0)
            return true;
        at = skip(end, ", \t");
    }
    return false;
}

bool etag_is_known(const struct http_exchange *exchange, const char *etag)
{
    const char *list = NULL;

    while ((list = http_header_next(exchange, "If-None-Match", list)) != NULL)
        if (etag_is_in(list, etag))
            return true;
    return false;
}
