/* What the libcurl that is loaded does differently from others. It may be newer than its header. */
#include "lib/net/http_private.h"

#include <stdatomic.h>

static unsigned loaded_version(void)
{
    static atomic_uint version;

    if (version == 0)
        version = curl_version_info(CURLVERSION_NOW)->version_num;
    return version;
}

bool co_http_libcurl_remembers_headers(void)
{
    return loaded_version() < 0x080100;
}

bool co_http_libcurl_has_one_buffer(void)
{
    return loaded_version() >= 0x080700;
}

bool co_http_libcurl_counts_bodies(void)
{
    return loaded_version() >= 0x080700;
}
