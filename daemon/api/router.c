#include "daemon/api/router.h"

#include <stdio.h>
#include <string.h>

static bool is_placeholder(const char *segment)
{
    return segment[0] == '{';
}

/* Fills in the parameters as it goes; they count only when the whole path matches. */
static bool matches_path(const char *pattern, const char *path, struct route_match *match)
{
    match->n_params = 0;
    while (*pattern == '/' && *path == '/') {
        size_t pattern_length = strcspn(++pattern, "/");
        size_t path_length = strcspn(++path, "/");

        if (is_placeholder(pattern) && path_length > 0) {
            match->params[match->n_params].text = path;
            match->params[match->n_params++].length = path_length;
        } else if (pattern_length != path_length || memcmp(pattern, path, path_length) != 0) {
            return false;
        }
        pattern += pattern_length;
        path += path_length;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool serves_method(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void append(struct route_match *match, const char *method)
{
    size_t used = strlen(match->allow);

    snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s", used > 0 ? ", " : "",
             method);
}

static void allow(struct route_match *match, const char *method)
{
    append(match, method);
    if (strcmp(method, "GET") == 0)
        append(match, "HEAD");
}

enum route_outcome route_find(const struct http_route *routes, size_t n_routes, const char *method,
                              const char *path, struct route_match *ret_match)
{
    *ret_match = (struct route_match){0};
    for (size_t i = 0; i < n_routes; i++) {
        if (!matches_path(routes[i].path, path, ret_match))
            continue;
        if (serves_method(&routes[i], method)) {
            ret_match->route = &routes[i];
            return ROUTE_FOUND;
        }
        allow(ret_match, routes[i].method);
    }
    if (ret_match->allow[0] == '\0')
        return ROUTE_NOT_FOUND;
    append(ret_match, "OPTIONS");
    return ROUTE_WRONG_METHOD;
}
