/* Which options of curl mean something to gatherctl. */
#pragma once

#include "daemon/client/input_curl_line.h"
#include "daemon/client/input_curl_request.h"

struct curl_option {
    const char *name;
    char letter; /* '\0': it has none */
    bool takes_value;
    /* returns 0; negative, and with -EINVAL *ret_problem: a clause that says what is wrong */
    int (*take)(struct curl_request *request, const char *value, size_t length,
                const char **ret_problem);
};

/* NULL: there is none that would mean something here. */
const struct curl_option *curl_option_find(const struct curl_line *line);

/* "next", which ends a request. */
bool curl_option_is_next(const struct curl_line *line);

/* An option that is like it, or NULL. */
const char *curl_option_suggest(const struct curl_line *line);

/* Whether a line looks like one of a configuration: it begins with an option that is known. */
bool input_curl_is_line(struct input_line line);
