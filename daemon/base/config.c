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
static const char *const measure_names[] = {"no", "yes", NULL};
static const char *const repair_names[] = {"refuse", "start_empty", NULL};

static int check_endpoint(const char *word, struct err *err)
{
    struct endpoint endpoint;

    return endpoint_parse(word, &endpoint, err);
}

/* As browsers send it. */
static int check_origin(const char *word, struct err *err)
{
    const char *name = strstr(word, "://");

    if (name != NULL && name > word && name[3] != '\0' && strchr(name + 3, '/') == NULL)
        return 0;
    return err_set(err, -EINVAL,
                   "'%s' is not an origin such as https://tools.example or http://10.0.0.8:3000 "
                   "(without a slash at the end)",
                   word);
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
     .needs_restart = true,
     .help =
         "Where the API listens: HOST:PORT, [IPV6]:PORT or unix:/PATH; or fd:NUMBER, a socket that "
         "listens and that the daemon was started with. Sockets that systemd passes are used "
         "instead of these."},
    {LIST(api, allowed_hosts), .default_text = "",
     .help = "Names under which clients may address the API (in Host), besides loopback and the "
             "addresses it listens on. Others are refused, so that a web page cannot reach the API "
             "through a name of its own."},
    {LIST(api, allowed_origins), .check = check_origin, .default_text = "",
     .help =
         "Web origins, such as https://tools.example, whose pages may use the API from a browser."},
    {OPTIONAL_TEXT(api, tokens_file),
     .help =
         "File of the tokens that clients have to show, a line for each, as 'gatherd token new' "
         "writes it. Without one, whoever can connect may do everything, so only loopback "
         "addresses and unix sockets can be listened on. It must belong to root or to the user "
         "of the daemon, and be nothing to others (chmod o=)."},
    {COUNT(api, max_connections), .min = 1, .max = 1000000, .default_text = "1024",
     .needs_restart = true,
     .help = "Connections of clients at a time, and one more for each sixteen, up to 64, which get "
             "an answer from /healthz, /readyz and /metrics only. When there is no place left, who "
             "idles, or is slow to ask, is closed."},
    {SIZE(api, max_body_bytes), .min = 1 * KIB, .max = 4 * GIB, .default_text = "64M",
     .help =
         "Largest body of a request to the API. JSON takes up to 20 times its size in memory while "
         "it is parsed."},
    {SIZE(api, max_job_bytes), .min = 1 * KIB, .max = 1024 * GIB, .default_text = "1G",
     .help = "Largest body of a POST /v1/jobs, which is stored while it arrives and takes no "
             "memory."},
    {COUNT(api, max_items), .min = 1, .max = 100000000, .default_text = "1000000",
     .help = "Most URLs in one request to the API, repetitions counted."},
    {DURATION(api, request_timeout_ms), .min = 100, .max = 1 * HOURS, .default_text = "30s",
     .needs_restart = true,
     .help =
         "Time a client has to send a request: its head, though not more than 10 s, and again its "
         "body; of a job's body, which may be long, the time between two pieces, and the time "
         "after which it has to come at 500 bytes a second, as an answer has to be taken."},
    {DURATION(api, drain_timeout_ms), .max = 24 * HOURS, .default_text = "5s",
     .help = "Time that requests and fetches which are under way have to finish when the daemon is "
             "told "
             "to end. It then takes no new work."},
    {DURATION(api, max_wait_ms), .max = 24 * HOURS, .default_text = "55s",
     .help =
         "Longest time a request may wait for a job (?wait=, Prefer: wait). Less than what proxies "
         "wait for an answer, which is often a minute."},

    {COUNT(fetch, concurrency), .min = 1, .max = 100000, .default_text = "256",
     .needs_restart = true, .help = "Fetches that run at a time, of all jobs."},
    {COUNT(fetch, per_host_concurrency), .min = 1, .max = 100000, .default_text = "100",
     .needs_restart = true,
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
     .needs_restart = true, .help = "Connections that are kept open for later fetches."},
    {TEXT(fetch, user_agent), .default_text = "gatherd/" PACKAGE_VERSION,
     .help = "User-Agent of requests that have none."},
    {TEXT(fetch, ca_file), .default_text = "/etc/ssl/certs/ca-certificates.crt",
     .needs_restart = true, .help = "Certificates that are trusted (PEM)."},
    {LIST(fetch, dns_servers), .check = check_server, .default_text = "", .needs_restart = true,
     .help =
         "Name servers, as ADDRESS or ADDRESS:PORT; those of /etc/resolv.conf if none is given."},
    {DURATION(fetch, dns_timeout_ms), .min = 1, .max = 1 * HOURS, .default_text = "5s",
     .needs_restart = true, .help = "Time to resolve a name, with all attempts."},
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
     .needs_restart = true, .help = "Jobs that are kept at a time."},
    {SIZE(jobs, max_result_bytes), .min = 1 * MIB, .max = 1024 * GIB, .default_text = "512M",
     .help = "Memory for the results of all gathers."},
    {DURATION(jobs, ttl_ms), .min = 1 * SECONDS, .max = 8784 * HOURS, .default_text = "1h",
     .help = "Time a job is kept after its end."},

    {COUNT(schedules, max_schedules), .min = 1, .max = 100000, .default_text = "1000",
     .help = "Schedules of a tenant; of all clients, where there are no tokens."},

    {OPTIONAL_TEXT(store, path), .needs_restart = true,
     .help = "Directory of the database of jobs, made when missing, of this daemon alone. If not "
             "given: $STATE_DIRECTORY (set by systemd), /var/lib/gatherd for root, else "
             "$XDG_STATE_HOME/gatherd or ~/.local/state/gatherd."},
    {SIZE(store, max_bytes), .min = 16 * MIB, .max = 1024 * 1024 * GIB, .default_text = "8G",
     .needs_restart = true,
     .help = "Size of the database. When it gets larger, ended jobs are forgotten before their "
             "time, the oldest first; if there are none, new jobs are refused."},
    {SIZE(store, min_free_bytes), .max = 1024 * 1024 * GIB, .default_text = "256M",
     .needs_restart = true,
     .help = "Space on the disk that is left to others: with less than that, new jobs are refused, "
             "and those there are go on."},
    {CHOICE(store, if_damaged, enum store_repair, repair_names), .default_text = "refuse",
     .needs_restart = true,
     .help = "What to do at the start if the database is damaged: 'refuse' to start and say how to "
             "save what can be saved, or 'start_empty' and keep the damaged files under another "
             "name."},

    {CHOICE(log, level, enum log_level, log_level_names), .default_text = "info",
     .help = "Least important messages that are logged."},
    {CHOICE(log, format, enum log_format, log_format_names), .default_text = "auto",
     .help =
         "How they are written: 'text' and 'json' are lines of stderr, 'journal' are entries of "
         "the journal of systemd, with fields. 'auto' is 'journal' if stderr leads there, else "
         "'text'."},
    {CHOICE(log, measure_stacks, enum stack_measure, measure_names), .default_text = "no",
     .needs_restart = true,
     .help = "Whether to measure how deep the stacks of tasks get, for /metrics and SIGUSR1; costs "
             "a system call for each fetch."},
};

const size_t config_n_settings = sizeof(config_settings) / sizeof(config_settings[0]);

static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
                  sizeof(enum log_format) == sizeof(unsigned) &&
                  sizeof(enum egress_nat64) == sizeof(unsigned) &&
                  sizeof(enum store_repair) == sizeof(unsigned),
              "choices are stored as unsigned");

static int set_defaults(struct config *config)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config_n_settings; i++)
        rc = setting_parse(&config_settings[i], config_settings[i].default_text, &config->arena,
                           config, NULL);
    return rc;
}

static int add_default_probe(struct config *config)
{
    struct config_probe *probe;

    return config_probe_get(&config->probes, CONFIG_PROBE_DEFAULT, strlen(CONFIG_PROBE_DEFAULT),
                            &config->arena, &probe, NULL);
}

int config_init(struct config *config)
{
    *config = (struct config){0};
    arena_init(&config->arena, ARENA_BYTES_MAX);
    config->set_in_line = arena_calloc(&config->arena, config_n_settings, sizeof(unsigned));
    int rc = config->set_in_line != NULL ? set_defaults(config) : -ENOMEM;
    if (rc == 0)
        rc = add_default_probe(config);
    assert(rc != -EINVAL);
    if (rc < 0)
        config_done(config);
    return rc;
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

/* "NAME.key", behind "probe.". */
static int find_probe_place(struct config *config, const char *name, size_t len,
                            struct config_place *ret_place, struct err *err)
{
    const char *dot = memchr(name, '.', len);
    struct config_probe *probe;

    if (dot == NULL)
        return err_set(err, -EINVAL, "a setting of a probe module is [probe.MODULE] and its key");
    size_t name_len = (size_t)(dot - name), key_len = len - name_len - 1;
    const struct setting *setting = config_probe_setting(dot + 1, key_len, err);
    if (setting == NULL)
        return -EINVAL;
    int rc = config_probe_get(&config->probes, name, name_len, &config->arena, &probe, err);
    if (rc == 0)
        *ret_place = (struct config_place){setting, probe,
                                           &probe->set_in_line[setting - config_probe_settings]};
    return rc;
}

int config_find_place(struct config *config, const char *name, size_t len,
                      struct config_place *ret_place, struct err *err)
{
    static const char section[] = "probe.";
    size_t section_len = strlen(section);

    if (len >= section_len && memcmp(name, section, section_len) == 0)
        return find_probe_place(config, name + section_len, len - section_len, ret_place, err);
    const struct setting *setting = config_find(name, len, err);
    if (setting == NULL)
        return -EINVAL;
    *ret_place =
        (struct config_place){setting, config, &config->set_in_line[setting - config_settings]};
    return 0;
}

int config_set(struct config *config, const char *assignment, struct err *err)
{
    const char *equals = strchr(assignment, '=');
    struct err wrong = {0};

    if (equals == NULL)
        return err_set(err, -EINVAL, "'%s' is not SECTION.KEY=VALUE", assignment);
    size_t len = (size_t)(equals - assignment);
    struct config_place place = {0};
    int rc = config_find_place(config, assignment, len, &place, &wrong);
    if (rc == 0)
        rc = setting_parse(place.setting, equals + 1, &config->arena, place.values, &wrong);
    if (rc < 0)
        return err_set(err, rc, "%.*s: %s", (int)len, assignment, wrong.message);
    return 0;
}
