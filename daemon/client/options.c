#include "daemon/client/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/quantity.h"
#include "daemon/base/suggest.h"

#define AT(member) offsetof(struct options, member)

const struct option_row option_rows[] = {
    {"file", 'f', "FILE", OPTIONS_REQUEST, OPTION_TEXTS, AT(files), 0,
     "read what to fetch from FILE; - is standard input"},
    {"format", 0, "urls|ndjson|json|sitemap|curl", OPTIONS_REQUEST, OPTION_TEXT, AT(input_format),
     0, "how FILE is written, instead of finding out"},
    {"method", 'X', "METHOD", OPTIONS_REQUEST, OPTION_TEXT, AT(method), 0,
     "ask with METHOD instead of GET, or POST with data"},
    {"header", 'H', "NAME: VALUE", OPTIONS_REQUEST, OPTION_TEXTS, AT(headers), 0,
     "send a header; may be repeated"},
    {"data", 'd', "TEXT", OPTIONS_REQUEST, OPTION_TEXT, AT(data), 0,
     "send TEXT as the body; @FILE sends what is in FILE"},
    {"repeat", 'n', "N", OPTIONS_REQUEST, OPTION_COUNT, AT(repeat), 0, "fetch each URL N times"},
    {"concurrency", 'c', "N", OPTIONS_REQUEST, OPTION_COUNT, AT(concurrency), 0,
     "fetch at most N at a time"},
    {"per-host", 0, "N", OPTIONS_REQUEST, OPTION_COUNT, AT(per_host), 0,
     "of those, at most N from one host"},
    {"timeout", 't', "TIME", OPTIONS_REQUEST, OPTION_DURATION, AT(timeout_ms), 0,
     "give up on an attempt after TIME: 5, 500ms, 2m"},
    {"deadline", 0, "TIME", OPTIONS_REQUEST, OPTION_DURATION, AT(deadline_ms), 0,
     "give up on all that has not ended after TIME"},
    {"retry", 0, "N", OPTIONS_REQUEST, OPTION_COUNT, AT(retries), 0,
     "attempts in all, when one fails in a way that may pass"},
    {"expect", 'e', "STATUS", OPTIONS_REQUEST, OPTION_TEXTS, AT(expected_statuses), 0,
     "what is no failure: 200, 2xx, 200-204; may be repeated; 200-399 without"},
    {"expect-body", 0, "TEXT", OPTIONS_REQUEST, OPTION_TEXTS, AT(expected_texts), 0,
     "it is a failure if the body does not have TEXT in it; may be repeated"},
    {"body", 'b', NULL, OPTIONS_REQUEST, OPTION_FLAG, AT(keeps_bodies), 0,
     "put bodies into the results"},
    {"no-follow", 0, NULL, OPTIONS_REQUEST, OPTION_FLAG, AT(stays), 0, "follow no redirects"},
    {"insecure", 'k', NULL, OPTIONS_REQUEST, OPTION_FLAG, AT(is_insecure), 0,
     "any certificate will do"},
    {"set", 0, "NAME=JSON", OPTIONS_REQUEST, OPTION_TEXTS, AT(members), 0,
     "set any other member of requests, as in POST /v1/gather; may be repeated"},

    {"until", 0, "first_success|first_completed|N", OPTIONS_GATHER, OPTION_TEXT, AT(until), 0,
     "stop then, or after N successes"},
    {"fail-fast", 0, NULL, OPTIONS_GATHER, OPTION_FLAG, AT(fails_fast), 0,
     "cancel the rest when one fails"},

    {"local", 0, NULL, OPTIONS_LOCAL, OPTION_FLAG, AT(is_local), 0,
     "fetch in this process, without gatherd: from wherever you can, also from your own network"},

    {"json", 0, NULL, OPTIONS_RESULTS | OPTIONS_JSON, OPTION_FORMAT, AT(format), OUTPUT_JSON,
     "print one JSON document"},
    {"ndjson", 0, NULL, OPTIONS_RESULTS, OPTION_FORMAT, AT(format), OUTPUT_NDJSON,
     "print a line of JSON for each result, as soon as it is there"},
    {"csv", 0, NULL, OPTIONS_RESULTS, OPTION_FORMAT, AT(format), OUTPUT_CSV,
     "print a table for spreadsheets"},

    {"failed", 0, NULL, OPTIONS_FAILED, OPTION_FLAG, AT(only_failed), 0,
     "leave out what went as expected"},
    {"outcome", 0, "OUTCOME", OPTIONS_FOLLOW, OPTION_TEXT, AT(outcome), 0,
     "only results with that outcome, such as http_error"},
    {"follow", 0, NULL, OPTIONS_FOLLOW, OPTION_FLAG, AT(follows), 0,
     "print results as they come, until the job has ended"},

    {"status", 's', "queued|running|canceling|done|canceled", OPTIONS_LIST, OPTION_TEXT, AT(status),
     0, "only jobs with that status"},
    {"label", 'l', "NAME=VALUE", OPTIONS_LIST | OPTIONS_JOB, OPTION_TEXTS, AT(labels), 0,
     "a label of the job; may be repeated"},
    {"limit", 0, "N", OPTIONS_LIST, OPTION_COUNT, AT(limit), 0, "at most N, the newest first"},

    {"name", 0, "NAME", OPTIONS_JOB, OPTION_TEXT, AT(name), 0, "what to call the job"},
    {"key", 0, "KEY", OPTIONS_JOB | OPTIONS_KEY, OPTION_TEXT, AT(key), 0,
     "make it once, however often this is called with KEY"},
    {"wait", 'w', NULL, OPTIONS_WAIT, OPTION_FLAG, AT(waits), 0, "until it has ended"},

    {"once", 0, NULL, OPTIONS_ONCE, OPTION_FLAG, AT(once), 0, "show it once, and exit"},

    {"config", 0, "FILE", OPTIONS_CONFIG, OPTION_TEXT, AT(config), 0,
     "the configuration, with FILE.d/*.conf behind it"},

    {"server", 0, "URL", OPTIONS_COMMON, OPTION_TEXT, AT(server), 0,
     "where gatherd is: http://HOST:PORT or unix:/PATH; otherwise GATHERD_SERVER, or "
     "http://127.0.0.1:7480"},
    {"token-file", 0, "FILE", OPTIONS_COMMON, OPTION_TEXT, AT(token_file), 0,
     "show the token in FILE; otherwise GATHERD_TOKEN_FILE, or GATHERD_TOKEN itself"},
    {"quiet", 'q', NULL, OPTIONS_COMMON, OPTION_FLAG, AT(is_quiet), 0,
     "neither progress nor summary"},
    {"help", 'h', NULL, OPTIONS_COMMON, OPTION_FLAG, AT(wants_help), 0, "explain the command"},
};

const size_t n_option_rows = sizeof(option_rows) / sizeof(option_rows[0]);

const char *const option_group_titles[OPTIONS_N_GROUPS] = {
    "All commands",
    "Requests",
    "When to stop",
    "Form of results",
    "Form",
    "Which results",
    "Which jobs",
    "The job",
    "Waiting",
    "Which results",
    "Who fetches",
    "Which one",
    "How long to show it",
    "Sending it twice",
};

/* --- Values ----------------------------------------------------------------------------------- */

static int refuse(const char *command, const struct option_row *row, const char *value,
                  const char *what)
{
    fprintf(stderr, "gatherctl %s: --%s: '%s' is not %s\n", command, row->name, value, what);
    return -EINVAL;
}

static int add_text(const char *command, const struct option_row *row, const char *value,
                    struct option_texts *texts)
{
    if (texts->n == OPTION_TEXTS_MAX) {
        fprintf(stderr, "gatherctl %s: --%s is there more than %d times\n", command, row->name,
                OPTION_TEXTS_MAX);
        return -EINVAL;
    }
    texts->items[texts->n++] = value;
    return 0;
}

/* For a person a bare number is seconds, unlike in a configuration. */
static int read_duration(const char *text, uint64_t *ret_ms)
{
    size_t length = strlen(text);
    bool is_bare = length > 0 && strspn(text, "0123456789") == length;
    char with_unit[32];

    if (length >= sizeof(with_unit) - 1)
        return -EINVAL;
    snprintf(with_unit, sizeof(with_unit), "%s%s", text, is_bare ? "s" : "");
    return quantity_parse(QUANTITY_DURATION, with_unit, strlen(with_unit), ret_ms);
}

static int take(const char *command, const struct option_row *row, const char *value,
                struct options *options)
{
    void *at = (char *)options + row->offset;

    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return 0;
    case OPTION_FORMAT:
        *(enum output_format *)at = (enum output_format)row->value;
        return 0;
    case OPTION_TEXT:
        *(const char **)at = value;
        return 0;
    case OPTION_TEXTS:
        return add_text(command, row, value, at);
    case OPTION_COUNT:
        if (quantity_parse(QUANTITY_COUNT, value, strlen(value), at) < 0 || *(uint64_t *)at == 0)
            return refuse(command, row, value, "a number from 1 on");
        return 0;
    case OPTION_DURATION:
        if (read_duration(value, at) < 0 || *(uint64_t *)at == 0)
            return refuse(command, row, value, "a time, such as 5, 500ms or 2m");
        return 0;
    }
    return -EINVAL;
}

/* --- The command line ------------------------------------------------------------------------- */

enum { ROWS_MAX = 64 };

/* The table in the form that getopt_long(3) wants. */
struct getopt_table {
    struct option longs[ROWS_MAX + 1];
    char letters[2 * ROWS_MAX + 2];
};

static void make_table(unsigned groups, struct getopt_table *ret_table)
{
    size_t n_longs = 0, n_letters = 0;

    *ret_table = (struct getopt_table){.letters = ":"};
    n_letters = 1;
    for (size_t i = 0; i < n_option_rows && i < ROWS_MAX; i++) {
        const struct option_row *row = &option_rows[i];
        if ((row->group & groups) == 0)
            continue;
        ret_table->longs[n_longs++] = (struct option){
            row->name, row->argument != NULL ? required_argument : no_argument, NULL, 256 + (int)i};
        if (row->letter == '\0')
            continue;
        ret_table->letters[n_letters++] = row->letter;
        if (row->argument != NULL)
            ret_table->letters[n_letters++] = ':';
    }
}

static const struct option_row *row_of(unsigned groups, int option)
{
    if (option >= 256)
        return &option_rows[option - 256];
    for (size_t i = 0; i < n_option_rows; i++)
        if (option_rows[i].letter == option && (option_rows[i].group & groups) != 0)
            return &option_rows[i];
    return NULL;
}

static int complain_of_unknown(const char *command, unsigned groups, const char *word)
{
    struct suggestion suggestion;
    const char *name = word + strspn(word, "-");

    suggest_init(&suggestion, name, strcspn(name, "="));
    for (size_t i = 0; i < n_option_rows; i++)
        if ((option_rows[i].group & groups) != 0)
            suggest_offer(&suggestion, option_rows[i].name);
    fprintf(stderr, "gatherctl %s: there is no option %.*s", command, (int)strcspn(word, "="),
            word);
    if (suggestion.best != NULL)
        fprintf(stderr, "; did you mean --%s?", suggestion.best);
    fprintf(stderr, "\nTry 'gatherctl %s --help'.\n", command);
    return -EINVAL;
}

/* What getopt_long() has stumbled over: optopt is a letter, or 0 of a long option. */
static int complain(const char *command, unsigned groups, int option, char **argv)
{
    const struct option_row *row = optopt != 0 ? row_of(groups, optopt) : NULL;
    char letter[3] = {'-', (char)optopt, '\0'};

    if (row != NULL && option == ':')
        fprintf(stderr, "gatherctl %s: --%s needs %s\n", command, row->name, row->argument);
    else if (row != NULL)
        fprintf(stderr, "gatherctl %s: --%s takes no value\n", command, row->name);
    else
        return complain_of_unknown(command, groups,
                                   optopt > 0 && optopt < 256 ? letter : argv[optind - 1]);
    return -EINVAL;
}

int options_read(const char *command, unsigned groups, int argc, char **argv,
                 struct options *ret_options, int *ret_n_words)
{
    struct getopt_table table;
    int option, rc = 0;

    *ret_options = (struct options){0};
    make_table(groups, &table);
    optind = 0;
    opterr = 0;
    while (rc == 0 && (option = getopt_long(argc, argv, table.letters, table.longs, NULL)) != -1)
        rc = option == '?' || option == ':'
                 ? complain(command, groups, option, argv)
                 : take(command, row_of(groups, option), optarg, ret_options);
    if (rc < 0)
        return rc;
    *ret_n_words = argc - optind;
    memmove(argv + 1, argv + optind, (size_t)*ret_n_words * sizeof(*argv));
    return 0;
}
