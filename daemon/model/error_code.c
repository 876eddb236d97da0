#include "daemon/model/error_code.h"

#include <string.h>

#include "lib/net/http.h"

/* Those that do not come from a fetch. */
static const char *const own_codes[] = {
    "deadline_exceeded", "interrupted",        "invalid_url",        "queue_timeout",
    "redirect_blocked",  "too_many_redirects", "unsupported_scheme",
};

const char *error_code_find(const char *text)
{
    for (enum co_http_error i = CO_HTTP_OK + 1; i < CO_HTTP_N_ERRORS; i++)
        if (strcmp(co_http_error_name(i), text) == 0)
            return co_http_error_name(i);
    for (size_t i = 0; i < sizeof(own_codes) / sizeof(*own_codes); i++)
        if (strcmp(own_codes[i], text) == 0)
            return own_codes[i];
    return NULL;
}
