#include "daemon/base/config.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/net/address.h"
#include "lib/net/url.h"

#include "daemon/base/endpoint.h"
#include "daemon/base/suggest.h"

#define KIB     UINT64_C(1024)
#define MIB     (1024 * KIB)
#define GIB     (1024 * MIB)
#define SECONDS UINT64_C(1000) /* in milliseconds */
#define HOURS   (3600 * SECONDS)

enum {
    ARENA_BYTES_MAX = 1024 * 1024,
    ENTRIES_MAX = 256,
    TEXT_LEN_MAX = 160,
};

/* NOLINTBEGIN(bugprone-macro-parentheses): these are names of members and types.
 *
 * Name, type and place of a setting. Does not compile if the member has another type than values of
 * that kind. */
#define SETTING(section, key, type_, c_type)                                                       \
    .name = #section "." #key, .type = (type_),                                                    \
    .offset = offsetof(struct config, section.key) +                                               \
              _Generic(((struct config *)NULL)->section.key, c_type : 0)
/* NOLINTEND(bugprone-macro-parentheses) */
#define COUNT(section, key)    SETTING(section, key, SETTING_COUNT, uint64_t)
#define SIZE(section, key)     SETTING(section, key, SETTING_SIZE, uint64_t)
#define DURATION(section, key) SETTING(section, key, SETTING_DURATION, uint64_t)
#define TEXT(section, key)                                                                         \
    SETTING(section, key, SETTING_TEXT, const char *), .min = 1, .max = TEXT_LEN_MAX
#define OPTIONAL_TEXT(section, key)                                                                \
    SETTING(section, key, SETTING_TEXT, const char *), .max = TEXT_LEN_MAX, .default_text = ""
#define LIST(section, key)                                                                         \
    SETTING(section, key, SETTING_LIST, struct string_list), .max = ENTRIES_MAX
#define CHOICE(section, key, c_type, names)                                                        \
    SETTING(section, key, SETTING_CHOICE, c_type), .choices = (names)

static const char *const nat64_names[] = {"decode", "deny", NULL};
static const char *const repair_names[] = {"refuse", "start_empty", NULL};

static int check_endpoint(const char *word, struct err *err)
{
    struct endpoint endpoint;

    return endpoint_parse(word, &endpoint, err);
}

static int check_range(const char *word, struct err *err)
{
    struct co_cidr cidr;

    if (co_cidr_parse(word, &cidr) == 0)
        return 0;
    return err_set(err, -EINVAL,
                   "'%s' is not an address range such as 10.0.0.0/8, fd00::/8 or 127.0.0.1:8080 "
                   "(with all bits after the prefix 0)",
                   word);
}

static int check_server(const char *word, struct err *err)
{
    struct co_cidr cidr;

    if (co_cidr_parse(word, &cidr) == 0 && strchr(word, '/') == NULL)
        return 0;
    return err_set(err, -EINVAL, "'%s' is not ADDRESS, ADDRESS:PORT or [IPV6]:PORT", word);
}

/* No message shows the word, which may hold a password. */
static int check_proxy(const char *word, struct err *err)
{
    struct co_url url;
    int rc = co_url_parse(word, strlen(word), &url);

    if (rc < 0)
        return err_set(err, rc, "out of memory");
    if (rc > 0)
        return err_set(err, -EINVAL, "a proxy is not a URL: %s",
                       co_url_problem_sentence((enum co_url_problem)rc));
    if (strcmp(strchr(strstr(url.text, "//") + 2, '/'), "/") != 0)
        rc = err_set(err, -EINVAL, "a proxy is scheme, host and port, without a path");
    co_url_done(&url);
    return rc;
}

const struct setting config_settings[] = {
    {LIST(api, listen), .min = 1, .check = check_endpoint, .default_text = "127.0.0.1:7480",
     .help = "Where the API listens: HOST:PORT, [IPV6]:PORT or unix:/PATH."},
    {LIST(api, allowed_hosts), .default_text = "",
     .help = "Names under which clients may address the API (in Host), besides loopback and the "
             "addresses it listens on. Others are refused, so that a web page cannot reach the API "
             "through a name of its own."},
    {LIST(api, allowed_origins), .default_text = "",
     .help =
         "Web origins, such as https://tools.example, whose pages may use the API from a browser."},
    {COUNT(api, max_connections), .min = 1, .max = 1000000, .default_text = "1024",
     .help = "Connections of clients at a time."},
    {SIZE(api, max_body_bytes), .min = 1 * KIB, .max = 4 * GIB, .default_text = "64M",
     .help =
         "Largest body of a request to the API. JSON takes up to 13 times its size in memory while "
         "it is parsed."},
    {SIZE(api, max_job_bytes), .min = 1 * KIB, .max = 1024 * GIB, .default_text = "1G",
     .help = "Largest body of a POST /v1/jobs, which is stored while it arrives and takes no "
             "memory."},
    {COUNT(api, max_items), .min = 1, .max = 100000000, .default_text = "1000000",
     .help = "Most URLs in one request to the API, repetitions counted."},
    {DURATION(api, request_timeout_ms), .min = 100, .max = 1 * HOURS, .default_text = "30s",
     .help =
         "Time a client has to send a request, from its first byte to the last of the body; of a "
         "job's body, which may be long, the time between two pieces."},

    {COUNT(fetch, concurrency), .min = 1, .max = 100000, .default_text = "256",
     .help = "Fetches that run at a time, of all jobs."},
    {COUNT(fetch, per_host_concurrency), .min = 1, .max = 100000, .default_text = "100",
     .help =
         "Fetches from one host at a time, of all jobs; each may need a connection of its own. A "
         "job can ask for less."},
    {DURATION(fetch, timeout_ms), .min = 1, .max = 24 * HOURS, .default_text = "30s",
     .help = "Time for one fetch, from when it starts to the last byte, unless the request says "
             "otherwise."},
    {DURATION(fetch, connect_timeout_ms), .min = 1, .max = 24 * HOURS, .default_text = "10s",
     .help = "Time to connect, with TLS, unless the request says otherwise."},
    {COUNT(fetch, max_redirects), .max = 100, .default_text = "10",
     .help = "Redirects that are followed; a request can ask for less."},
    {SIZE(fetch, max_body_bytes), .min = 0, .max = 1024 * GIB, .default_text = "64M",
     .help =
         "Largest body of a response, after decoding. A fetch fails when it gets to be larger."},
    {SIZE(fetch, max_header_bytes), .min = 1 * KIB, .max = 16 * MIB, .default_text = "128K",
     .help = "Largest header of a response."},
    {COUNT(fetch, max_idle_connections), .max = 100000, .default_text = "256",
     .help = "Connections that are kept open for later fetches."},
    {TEXT(fetch, user_agent), .default_text = "gatherd/" PACKAGE_VERSION,
     .help = "User-Agent of requests that have none."},
    {TEXT(fetch, ca_file), .default_text = "/etc/ssl/certs/ca-certificates.crt",
     .help = "Certificates that are trusted (PEM)."},
    {LIST(fetch, dns_servers), .check = check_server, .default_text = "",
     .help =
         "Name servers, as ADDRESS or ADDRESS:PORT; those of /etc/resolv.conf if none is given."},
    {DURATION(fetch, dns_timeout_ms), .min = 1, .max = 1 * HOURS, .default_text = "5s",
     .help = "Time to resolve a name, with all attempts."},
    {COUNT(fetch, max_attempts), .min = 1, .max = 100, .default_text = "10",
     .help = "Attempts that a request can ask for, the first one counted."},
    {COUNT(fetch, max_decode_ratio), .max = 1000000, .default_text = "100",
     .help = "How many times larger than what was received a body may get by decoding, from 1 MiB "
             "on. A fetch fails when it gets to be larger; 0 is no limit."},
    {OPTIONAL_TEXT(fetch, secrets_file),
     .help = "File of the secrets that requests may name, a line for each: NAME [HOST...] = VALUE. "
             "With hosts (api.example.com, *.example.com) it is sent to no others. It must belong "
             "to root or to the user of the daemon, and be nothing to others (chmod o=)."},
    {OPTIONAL_TEXT(fetch, certs_dir),
     .help = "Directory of the certificates that requests may name: NAME is the file NAME.pem."},
    {LIST(fetch, proxies), .check = check_proxy, .default_text = "",
     .help = "Proxies that requests may ask for, as http://HOST:PORT or "
             "https://USER:PASSWORD@HOST:PORT; what a request says needs no password. Printed, "
             "user and "
             "password are ***."},

    {LIST(egress, allow), .check = check_range, .default_text = "",
     .help =
         "Address ranges (CIDR) that may be connected to although they are private, loopback or "
         "otherwise special."},
    {LIST(egress, deny), .check = check_range, .default_text = "",
     .help = "Address ranges (CIDR) that must not be connected to, also where allowed above."},

    {CHOICE(egress, nat64, enum egress_nat64, nat64_names), .default_text = "decode",
     .help =
         "Addresses of a NAT64 (64:ff9b::/96 and those below): 'decode' treats them as the IPv4 "
         "addresses they stand for, 'deny' blocks them all."},
    {LIST(egress, nat64_prefixes), .check = check_range, .default_text = "",
     .help = "Prefixes of a NAT64 of this network's own, such as 2001:db8:64::/96."},

    {COUNT(jobs, max_jobs), .min = 1, .max = 10000000, .default_text = "1000",
     .help = "Jobs that are kept at a time."},
    {SIZE(jobs, max_result_bytes), .min = 1 * MIB, .max = 1024 * GIB, .default_text = "512M",
     .help = "Memory for the results of all gathers."},
    {DURATION(jobs, ttl_ms), .min = 1 * SECONDS, .max = 8784 * HOURS, .default_text = "1h",
     .help = "Time a job is kept after its end."},

    {OPTIONAL_TEXT(store, path),
     .help = "Directory of the database of jobs, made when missing, of this daemon alone. If not "
             "given: $STATE_DIRECTORY (set by systemd), /var/lib/gatherd for root, else "
             "$XDG_STATE_HOME/gatherd or ~/.local/state/gatherd."},
    {SIZE(store, max_bytes), .min = 16 * MIB, .max = 1024 * 1024 * GIB, .default_text = "8G",
     .help = "Size of the database. When it gets larger, ended jobs are forgotten before their "
             "time, the oldest first; if there are none, new jobs are refused."},
    {SIZE(store, min_free_bytes), .max = 1024 * 1024 * GIB, .default_text = "256M",
     .help = "Space on the disk that is left to others: with less than that, new jobs are refused, "
             "and those there are go on."},
    {CHOICE(store, if_damaged, enum store_repair, repair_names), .default_text = "refuse",
     .help = "What to do at the start if the database is damaged: 'refuse' to start and say how to "
             "save what can be saved, or 'start_empty' and keep the damaged files under another "
             "name."},

    {CHOICE(log, level, enum log_level, log_level_names), .default_text = "info",
     .help = "Least important messages that are logged."},
};

const size_t config_n_settings = sizeof(config_settings) / sizeof(config_settings[0]);

static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
                  sizeof(enum egress_nat64) == sizeof(unsigned) &&
                  sizeof(enum store_repair) == sizeof(unsigned),
              "choices are stored as unsigned");

int config_init(struct config *config)
{
    *config = (struct config){0};
    arena_init(&config->arena, ARENA_BYTES_MAX);
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *setting = &config_settings[i];
        int rc = setting_parse(setting, setting->default_text, &config->arena, config, NULL);

        assert(rc != -EINVAL);
        if (rc < 0) {
            config_done(config);
            return rc;
        }
    }
    return 0;
}

void config_done(struct config *config)
{
    if (config != NULL)
        arena_done(&config->arena);
}

static bool is_same(const char *name, const char *word, size_t len)
{
    return strlen(name) == len && memcmp(name, word, len) == 0;
}

static const char *key_of(const struct setting *setting)
{
    return strchr(setting->name, '.') + 1;
}

/* The right key in the wrong section, or in none. */
static const char *find_key_elsewhere(const char *name, size_t len)
{
    const char *dot = memchr(name, '.', len);
    const char *key = dot != NULL ? dot + 1 : name;

    for (size_t i = 0; i < config_n_settings; i++)
        if (is_same(key_of(&config_settings[i]), key, (size_t)(name + len - key)))
            return config_settings[i].name;
    return NULL;
}

static const char *find_similar(const char *name, size_t len)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, name, len);
    for (size_t i = 0; i < config_n_settings; i++)
        suggest_offer(&suggestion, config_settings[i].name);
    return suggestion.best;
}

const struct setting *config_find(const char *name, size_t len, struct err *err)
{
    for (size_t i = 0; i < config_n_settings; i++)
        if (is_same(config_settings[i].name, name, len))
            return &config_settings[i];

    const char *meant = find_key_elsewhere(name, len);
    if (meant == NULL)
        meant = find_similar(name, len);
    if (meant != NULL)
        (void)err_set(err, -EINVAL, "there is no such setting; did you mean %s?", meant);
    else
        (void)err_set(err, -EINVAL, "there is no such setting");
    return NULL;
}

int config_set(struct config *config, const char *assignment, struct err *err)
{
    const char *equals = strchr(assignment, '=');
    struct err wrong = {0};

    if (equals == NULL)
        return err_set(err, -EINVAL, "'%s' is not SECTION.KEY=VALUE", assignment);
    size_t len = (size_t)(equals - assignment);
    const struct setting *setting = config_find(assignment, len, &wrong);
    int rc = -EINVAL;
    if (setting != NULL)
        rc = setting_parse(setting, equals + 1, &config->arena, config, &wrong);
    if (rc < 0)
        return err_set(err, rc, "%.*s: %s", (int)len, assignment, wrong.message);
    return 0;
}
