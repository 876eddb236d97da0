#include "lib/net/url_problem.h"

#include <assert.h>

static const struct {
    const char *code;
    const char *sentence;
} problems[CO_URL_N_PROBLEMS] = {
    [CO_URL_OK] = {"ok", "nothing is wrong with the URL"},
    [CO_URL_TOO_LONG] = {"url_too_long", "a URL may have at most 8192 bytes"},
    [CO_URL_CONTROL_CHARACTER] = {"control_character",
                                  "a URL must not contain control characters or line breaks"},
    [CO_URL_SPACE] = {"space", "a URL must not contain spaces; write %20"},
    [CO_URL_BACKSLASH] = {"backslash", "a URL must not contain a backslash; write / or %5C"},
    [CO_URL_NO_SCHEME] = {"no_scheme", "a URL must begin with http:// or https://"},
    [CO_URL_BYTE_ORDER_MARK] = {"byte_order_mark", "a byte order mark comes before the URL"},
    [CO_URL_UNSUPPORTED_SCHEME] = {"unsupported_scheme",
                                   "only URLs that begin with http:// or https:// can be fetched"},
    [CO_URL_BAD_SLASHES] = {"bad_slashes", "exactly two slashes must come before the host"},
    [CO_URL_BAD_USERINFO] = {"bad_userinfo",
                             "the user name or password before the @ is not well-formed"},
    [CO_URL_NO_HOST] = {"no_host", "the URL has no host"},
    [CO_URL_BAD_HOST] = {"bad_host",
                         "a host is made of letters, digits, hyphens, underscores and dots"},
    [CO_URL_BAD_IDN] = {"bad_idn", "the host is not a valid international domain name"},
    [CO_URL_EMPTY_LABEL] = {"empty_label",
                            "the host must not begin with a dot or have two dots in a row"},
    [CO_URL_HOST_TOO_LONG] = {"host_too_long", "a host may have at most 253 characters, 63 between "
                                               "two dots"},
    [CO_URL_BAD_IPV4] = {"bad_ipv4", "a host that ends in a number must be an IPv4 address"},
    [CO_URL_BAD_IPV6] = {"bad_ipv6", "what is in brackets must be an IPv6 address"},
    [CO_URL_ZONE_ID] = {"zone_id", "an IPv6 address in a URL must not name a zone"},
    [CO_URL_BAD_PORT] = {"bad_port", "the port must be between 1 and 65535"},
    [CO_URL_MALFORMED] = {"malformed", "the URL is not well-formed"},
};

const char *co_url_problem_code(enum co_url_problem problem)
{
    assert(problem < CO_URL_N_PROBLEMS);
    return problems[problem].code;
}

const char *co_url_problem_sentence(enum co_url_problem problem)
{
    assert(problem < CO_URL_N_PROBLEMS);
    return problems[problem].sentence;
}
