#include "lib/net/host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "lib/net/url_problem.h"

#define MAX_LABEL_LENGTH 63
#define DIGITS           "0123456789"

/* The character in lower case, or NUL if a name cannot have it. The locale has no say in this. */
static char name_character(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return '\0';
}

static int copy_label(const char *label, size_t length, char *ret_label)
{
    if (length == 0)
        return CO_URL_EMPTY_LABEL;
    if (length > MAX_LABEL_LENGTH)
        return CO_URL_HOST_TOO_LONG;
    for (size_t i = 0; i < length; i++) {
        ret_label[i] = name_character(label[i]);
        if (ret_label[i] == '\0')
            return CO_URL_BAD_HOST;
    }
    return 0;
}

static int copy_name(const char *text, char ret_name[static CO_HOST_MAX_LENGTH + 1])
{
    size_t length = strlen(text);

    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length == 0)
        return CO_URL_NO_HOST;
    if (length > CO_HOST_MAX_LENGTH)
        return CO_URL_HOST_TOO_LONG;

    size_t start = 0;
    for (;;) {
        size_t end = start + strcspn(text + start, ".");
        int problem = copy_label(text + start, end - start, ret_name + start);
        if (problem)
            return problem;
        if (end >= length)
            break;
        ret_name[end] = '.';
        start = end + 1;
    }
    ret_name[length] = '\0';
    return 0;
}

static bool ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;

    if (strncmp(last, "0x", 2) == 0)
        return last[2 + strspn(last + 2, DIGITS "abcdef")] == '\0';
    return last[strspn(last, DIGITS)] == '\0';
}

/* Nearly every address is canonical already, and the strict parser is the faster one. */
static int parse_ipv4(struct co_host *host)
{
    struct in_addr in;

    if (co_address_parse(host->text, &host->address) == 0)
        return 0;
    if (!inet_aton(host->text, &in))
        return CO_URL_BAD_IPV4;
    host->address.family = AF_INET;
    memcpy(host->address.bytes, &in, sizeof(in));
    co_address_format(&host->address, host->text);
    return 0;
}

static int parse_name(const char *text, struct co_host *ret_host)
{
    int problem = copy_name(text, ret_host->text);

    ret_host->address = (struct co_address){.family = AF_UNSPEC};
    if (problem)
        return problem;
    return ends_in_number(ret_host->text) ? parse_ipv4(ret_host) : 0;
}

static int parse_ipv6(const char *text, struct co_host *ret_host)
{
    if (co_address_parse(text, &ret_host->address) < 0)
        return CO_URL_BAD_IPV6;
    co_address_format(&ret_host->address, ret_host->text);
    return 0;
}

int co_host_parse(const char *text, struct co_host *ret_host)
{
    return text[0] == '[' ? parse_ipv6(text, ret_host) : parse_name(text, ret_host);
}
