/* What can be wrong with a URL: one word for programs and one sentence for people for each. */
#pragma once

enum co_url_problem {
    CO_URL_OK,
    CO_URL_TOO_LONG,
    CO_URL_CONTROL_CHARACTER,
    CO_URL_SPACE,
    CO_URL_BACKSLASH,
    CO_URL_NO_SCHEME,
    CO_URL_BYTE_ORDER_MARK,
    CO_URL_UNSUPPORTED_SCHEME,
    CO_URL_BAD_SLASHES,
    CO_URL_BAD_USERINFO,
    CO_URL_NO_HOST,
    CO_URL_BAD_HOST,
    CO_URL_BAD_IDN,
    CO_URL_EMPTY_LABEL,
    CO_URL_HOST_TOO_LONG,
    CO_URL_BAD_IPV4,
    CO_URL_BAD_IPV6,
    CO_URL_ZONE_ID,
    CO_URL_BAD_PORT,
    CO_URL_MALFORMED,
    CO_URL_N_PROBLEMS
};

/* A stable word such as "unsupported_scheme"; never changes once released. */
const char *co_url_problem_code(enum co_url_problem problem);

/* A clause that says what to change, such as "the port must be between 1 and 65535". It never
 * repeats the URL, which may hold a password. */
const char *co_url_problem_sentence(enum co_url_problem problem);
