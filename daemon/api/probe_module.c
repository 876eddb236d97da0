#include "daemon/api/probe_module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/base.h"

#include "daemon/base/json_writer.h"

/* --- The document ----------------------------------------------------------------------------- */

/* A line "NAME: VALUE". */
struct line {
    const char *name;
    size_t name_length; /* 0: it is none */
    const char *value;
};

static struct line split(const char *text)
{
    const char *colon = strchr(text, ':');

    if (colon == NULL)
        return (struct line){.name = text};
    return (struct line){text, (size_t)(colon - text), colon + 1 + strspn(colon + 1, " \t")};
}

static bool is_same_name(struct line a, struct line b)
{
    return a.name_length == b.name_length && strncasecmp(a.name, b.name, a.name_length) == 0;
}

static bool was_before(const struct string_list *lines, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (is_same_name(split(lines->items[before]), split(lines->items[i])))
            return true;
    return false;
}

/* Those of the same name are sent as they stand, one after the other. */
static void write_headers(struct json_writer *w, const struct string_list *lines)
{
    jw_key(w, "headers");
    jw_object_begin(w);
    for (size_t i = 0; i < lines->n; i++) {
        struct line line = split(lines->items[i]);
        if (was_before(lines, i))
            continue;
        jw_name(w, line.name, line.name_length);
        jw_array_begin(w);
        for (size_t same = i; same < lines->n; same++)
            if (is_same_name(split(lines->items[same]), line))
                jw_text(w, split(lines->items[same]).value);
        jw_array_end(w);
    }
    jw_object_end(w);
}

static void write_text(struct json_writer *w, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    jw_name(w, name, strlen(name));
    jw_text(w, text);
}

static void write_auth(struct json_writer *w, const struct config_probe *config)
{
    bool is_basic = config->basic_auth_user[0] != '\0';

    if (!is_basic && config->bearer_secret_ref[0] == '\0')
        return;
    jw_key(w, "auth");
    jw_object_begin(w);
    jw_key(w, "type");
    jw_text(w, is_basic ? "basic" : "bearer");
    write_text(w, "username", config->basic_auth_user);
    write_text(w, "secret_ref",
               is_basic ? config->basic_auth_secret_ref : config->bearer_secret_ref);
    jw_object_end(w);
}

static void write_tls(struct json_writer *w, const struct config_probe *config)
{
    jw_key(w, "tls");
    jw_object_begin(w);
    jw_key(w, "verify");
    jw_bool(w, !config->insecure_skip_verify);
    write_text(w, "ca_ref", config->tls_ca_ref);
    write_text(w, "client_cert_ref", config->tls_client_cert_ref);
    jw_object_end(w);
}

static void write_capture(struct json_writer *w, const struct probe_module *module,
                          uint64_t max_bytes)
{
    const struct config_probe *config = module->config;

    if (!module->needs_body)
        return;
    jw_key(w, "capture");
    jw_object_begin(w);
    jw_key(w, "body");
    jw_text(w, "full");
    jw_key(w, "max_body_bytes");
    jw_uint(w, config->max_match_bytes < max_bytes ? config->max_match_bytes : max_bytes);
    jw_object_end(w);
}

static void write_status(struct json_writer *w, const struct string_list *codes)
{
    jw_key(w, "expect");
    jw_object_begin(w);
    jw_key(w, "status");
    jw_array_begin(w);
    for (size_t i = 0; i < codes->n; i++)
        jw_text(w, codes->items[i]);
    jw_array_end(w);
    jw_object_end(w);
}

static void write_request(struct json_writer *w, const struct probe_module *module,
                          const struct parse_settings *parse, const char *url, int64_t timeout_us)
{
    static const char *const ip_versions[] = {"any", "4", "6"};
    const struct config_probe *config = module->config;

    jw_object_begin(w);
    jw_key(w, "url");
    jw_text(w, url);
    jw_key(w, "method");
    jw_text(w, config->method);
    write_headers(w, &config->headers);
    write_text(w, "body", config->body);
    jw_key(w, "timeout_ms");
    jw_ms(w, timeout_us);
    jw_key(w, "follow_redirects");
    jw_bool(w, config->follow_redirects);
    jw_key(w, "http_version");
    jw_text(w, config->enable_http2 ? "auto" : "1.1");
    jw_key(w, "ip_version");
    jw_text(w, ip_versions[config->ip_protocol]);
    write_auth(w, config);
    write_tls(w, config);
    write_text(w, "proxy", config->proxy_url);
    write_capture(w, module, parse->max_capture_bytes);
    write_status(w, &config->valid_status_codes);
    jw_object_end(w);
}

/* returns 0, -ENOMEM */
static int write_document(struct buffer *out, const struct probe_module *module,
                          const struct parse_settings *parse, const char *url, int64_t timeout_us)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object_begin(&w);
    jw_key(&w, "deadline_ms");
    jw_ms(&w, timeout_us);
    jw_key(&w, "requests");
    jw_array_begin(&w);
    write_request(&w, module, parse, url, timeout_us);
    jw_array_end(&w);
    jw_object_end(&w);
    return jw_finish(&w);
}

int probe_module_spec(const struct probe_module *module, const struct parse_settings *parse,
                      const char *url, int64_t timeout_us, struct defect_list *defects,
                      struct job_spec **ret_spec)
{
    CO_CLEANUP(buffer_done) struct buffer document;
    struct parse_refusal refusal = {.code = "invalid_request"};

    buffer_init(&document, SIZE_MAX);
    int rc = write_document(&document, module, parse, url, timeout_us);
    if (rc == 0)
        rc = job_parse(parse, PARSE_GATHER, NULL, document.data, document.len, defects, &refusal,
                       ret_spec);
    if (rc == 1 && defects->n_defects == 0)
        defect_add(defects, "", refusal.code, "%s", refusal.detail);
    return rc;
}

/* --- Versions --------------------------------------------------------------------------------- */

static unsigned version_bit(int version)
{
    return 1u << (version / 10 * 2 + version % 10);
}

/* returns 0, -EINVAL */
static int add_version(unsigned *versions, const char *name, struct err *err)
{
    static const struct {
        const char *name;
        int version;
    } known[] = {{"HTTP/1.0", 10}, {"HTTP/1.1", 11}, {"HTTP/2.0", 20}, {"HTTP/2", 20}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *versions |= version_bit(known[i].version);
            return 0;
        }
    }
    return err_set(err, -EINVAL, "valid_http_versions: '%s' is not HTTP/1.0, HTTP/1.1 or HTTP/2.0",
                   name);
}

static int read_versions(struct probe_module *module, struct err *err)
{
    const struct string_list *names = &module->config->valid_http_versions;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->n; i++)
        rc = add_version(&module->versions, names->items[i], err);
    return rc;
}

bool probe_module_takes_version(const struct probe_module *module, int version)
{
    return module->versions == 0 || (module->versions & version_bit(version)) != 0;
}

/* --- Regular expressions ---------------------------------------------------------------------- */

struct pattern_list {
    const char *key;
    const struct string_list *lines;
    bool is_header;
    bool fails_if_same;
};

static int add_patterns(struct probe_module *module, const struct pattern_list *list,
                        struct err *err)
{
    struct err why = {""};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->lines->n; i++) {
        rc = probe_pattern_init(&module->patterns[module->n_patterns], list->lines->items[i],
                                list->is_header, list->fails_if_same, &why);
        if (rc == 0)
            module->n_patterns++;
    }
    return rc == -EINVAL ? err_set(err, rc, "%s: %s", list->key, why.message) : rc;
}

static int read_patterns(struct probe_module *module, struct err *err)
{
    const struct config_probe *config = module->config;
    const struct pattern_list lists[] = {
        {"fail_if_body_matches_regexp", &config->fail_if_body_matches_regexp, false, true},
        {"fail_if_body_not_matches_regexp", &config->fail_if_body_not_matches_regexp, false, false},
        {"fail_if_header_matches", &config->fail_if_header_matches, true, true},
        {"fail_if_header_not_matches", &config->fail_if_header_not_matches, true, false},
    };
    const size_t n_lists = sizeof(lists) / sizeof(lists[0]);
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < n_lists; i++)
        n += lists[i].lines->n;
    module->patterns = calloc(n + 1, sizeof(*module->patterns));
    if (module->patterns == NULL)
        return -ENOMEM;
    for (size_t i = 0; rc == 0 && i < n_lists; i++)
        rc = add_patterns(module, &lists[i], err);
    module->needs_body =
        config->fail_if_body_matches_regexp.n + config->fail_if_body_not_matches_regexp.n > 0;
    return rc;
}

/* --- Modules ---------------------------------------------------------------------------------- */

static int check_headers(const struct string_list *lines, struct err *err)
{
    for (size_t i = 0; i < lines->n; i++)
        if (split(lines->items[i]).name_length == 0)
            return err_set(err, -EINVAL, "headers: '%s' is not NAME: VALUE", lines->items[i]);
    return 0;
}

static int check_auth(const struct config_probe *config, struct err *err)
{
    bool has_user = config->basic_auth_user[0] != '\0';
    bool has_password = config->basic_auth_secret_ref[0] != '\0';

    if (has_user != has_password)
        return err_set(err, -EINVAL,
                       "basic_auth_user and basic_auth_secret_ref go with each other");
    if (has_user && config->bearer_secret_ref[0] != '\0')
        return err_set(err, -EINVAL, "basic_auth_user and bearer_secret_ref exclude each other");
    return 0;
}

/* Whether a request can be made at all. */
static int check_document(const struct probe_module *module, const struct parse_settings *parse,
                          struct err *err)
{
    static const char request[] = "/requests/0/";
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;

    defect_list_init(&defects);
    int rc = probe_module_spec(module, parse, "http://probe.invalid/",
                               (int64_t)module->config->timeout_ms * 1000, &defects, &spec);
    if (rc <= 0 || defects.n_defects == 0)
        return rc <= 0 ? rc : -ENOMEM;
    const struct defect *defect = &defects.defects[0];
    bool is_of_request = strncmp(defect->pointer, request, strlen(request)) == 0;
    return err_set(err, -EINVAL, "%s: %s", defect->pointer + (is_of_request ? strlen(request) : 0),
                   defect->detail);
}

static int prepare(struct probe_module *module, const struct parse_settings *parse, struct err *err)
{
    return check_headers(&module->config->headers, err) ?: check_auth(module->config, err)
           ?: read_versions(module, err) ?: read_patterns(module, err)
           ?: check_document(module, parse, err);
}

static size_t count_modules(const struct config *config)
{
    size_t n = 0;

    for (const struct config_probe *probe = config->probes; probe != NULL; probe = probe->next)
        n++;
    return n;
}

int probe_modules_init(struct probe_modules *modules, const struct config *config,
                       const struct parse_settings *parse, struct err *err)
{
    *modules = (struct probe_modules){.parse = *parse};
    modules->parse.defaults.is_alone = true;
    modules->list = calloc(count_modules(config) + 1, sizeof(*modules->list));
    int rc = modules->list != NULL ? 0 : -ENOMEM;

    for (const struct config_probe *probe = config->probes; rc == 0 && probe != NULL;
         probe = probe->next) {
        struct probe_module *module = &modules->list[modules->n++];
        struct err why = {""};
        module->config = probe;
        rc = prepare(module, &modules->parse, &why);
        if (rc == -EINVAL)
            (void)err_set(err, rc, "[probe.%s] %s", probe->name, why.message);
    }
    return rc;
}

void probe_modules_done(struct probe_modules *modules)
{
    for (size_t i = 0; i < modules->n; i++) {
        for (size_t j = 0; j < modules->list[i].n_patterns; j++)
            probe_pattern_done(&modules->list[i].patterns[j]);
        free(modules->list[i].patterns);
    }
    free(modules->list);
    *modules = (struct probe_modules){.list = NULL};
}

const struct probe_module *probe_modules_find(const struct probe_modules *modules, const char *name)
{
    for (size_t i = 0; i < modules->n; i++)
        if (strcmp(modules->list[i].config->name, name) == 0)
            return &modules->list[i];
    return NULL;
}
