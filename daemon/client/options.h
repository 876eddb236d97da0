/* What a command line says, and the one table of what it may say: parsing, --help, the man page and
 * completions are made from it.
 *
 * Options may stand anywhere between words; "--" ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_TEXTS_MAX = 64 };

/* Texts of an option that may be repeated; borrowed from argv. */
struct option_texts {
    const char *items[OPTION_TEXTS_MAX];
    size_t n;
};

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON, OUTPUT_CSV };

/* All zeros and NULLs: nothing was said. */
struct options {
    bool wants_help;
    const char *server;
    const char *token_file;
    bool is_quiet;

    struct option_texts files;
    const char *input_format;
    struct option_texts headers;
    const char *method;
    const char *data;
    struct option_texts members; /* NAME=JSON */
    uint64_t repeat;
    uint64_t concurrency;
    uint64_t per_host;
    uint64_t retries;
    uint64_t timeout_ms;
    uint64_t deadline_ms;
    struct option_texts expected_statuses;
    struct option_texts expected_texts;
    bool keeps_bodies;
    bool stays; /* follows no redirects */
    bool is_insecure;
    const char *until;
    bool fails_fast;
    bool is_local;

    enum output_format format;
    bool only_failed;
    const char *outcome;
    bool follows;

    const char *status;
    struct option_texts labels; /* NAME=VALUE */
    uint64_t limit;

    const char *name;
    const char *key;
    bool waits;

    const char *config;
    bool once;
};

/* Groups of options; a command takes some. */
enum option_group {
    OPTIONS_COMMON = 1 << 0,
    OPTIONS_REQUEST = 1 << 1, /* what to fetch, and how */
    OPTIONS_GATHER = 1 << 2,  /* when to stop */
    OPTIONS_RESULTS = 1 << 3, /* the form of results */
    OPTIONS_JSON = 1 << 4,    /* JSON instead of a table */
    OPTIONS_FAILED = 1 << 5,  /* which results */
    OPTIONS_LIST = 1 << 6,    /* which jobs */
    OPTIONS_JOB = 1 << 7,     /* what a job is called */
    OPTIONS_WAIT = 1 << 8,    /* for its end */
    OPTIONS_FOLLOW = 1 << 9,  /* which results of a job */
    OPTIONS_LOCAL = 1 << 10,  /* who fetches */
    OPTIONS_CONFIG = 1 << 11,
    OPTIONS_ONCE = 1 << 12,
    OPTIONS_KEY = 1 << 13,
    OPTIONS_N_GROUPS = 14,
};

enum option_kind {
    OPTION_FLAG,     /* sets a bool */
    OPTION_FORMAT,   /* sets an enum output_format to `value` */
    OPTION_TEXT,     /* a const char * */
    OPTION_TEXTS,    /* a struct option_texts */
    OPTION_COUNT,    /* a uint64_t, from 1 */
    OPTION_DURATION, /* a uint64_t, in ms; a bare number is seconds */
};

struct option_row {
    const char *name;
    char letter; /* '\0': it has none */
    const char *argument;
    unsigned group;
    enum option_kind kind;
    size_t offset; /* in struct options */
    int value;
    const char *help;
};

extern const struct option_row option_rows[];
extern const size_t n_option_rows;

/* Titles of groups in --help and the man page, by the number of their bit. */
extern const char *const option_group_titles[OPTIONS_N_GROUPS];

/* Reads the words behind a command, and puts those that are no options first.
 *
 * command      for messages
 * groups       which options it takes
 * ret_n_words  how many of argv, from the second on, are no options
 * returns      0; -EINVAL: what is wrong has been said on stderr
 */
int options_read(const char *command, unsigned groups, int argc, char **argv,
                 struct options *ret_options, int *ret_n_words);
