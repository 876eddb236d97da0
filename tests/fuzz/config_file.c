/* Configurations: after a first byte that is even, as a file; else each line as one of --set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/probe_module.h"
#include "daemon/base/config_file.h"

#include "tests/fuzz/fuzz.h"

struct source {
    struct config config;
    const char *path;
    size_t n_complaints;
};

static int expect_memory(int rc)
{
    fuzz_expect(rc != -ENOMEM, "there is memory", "");
    return rc;
}

/* --- Reading --------------------------------------------------------------------------------- */

static void note_complaint(void *arg, const char *message)
{
    struct source *source = arg;
    size_t length = strlen(source->path);

    fuzz_expect(strncmp(message, source->path, length) == 0 && message[length] == ':',
                "a complaint says where", message);
    source->n_complaints++;
}

static int read_file(struct source *source, const void *bytes, size_t n_bytes)
{
    struct fuzz_file file;

    fuzz_file_open(&file, bytes, n_bytes);
    source->path = file.path;
    int rc = expect_memory(config_load_file(&source->config, file.path, note_complaint, source));
    fuzz_file_close(&file);
    fuzz_expect((rc < 0) == (source->n_complaints > 0), "what is refused is explained", "");
    return rc;
}

static void read_assignments(struct source *source, struct fuzz_input *input)
{
    while (input->n_bytes > 0) {
        char *line = fuzz_line(input);
        struct err err = {""};
        int rc = expect_memory(config_set(&source->config, line, &err));
        fuzz_expect((rc < 0) == (err.message[0] != '\0'), "what is refused is explained", line);
        free(line);
    }
}

static void source_init(struct source *source)
{
    *source = (struct source){.n_complaints = 0};
    expect_memory(config_init(&source->config));
}

/* --- Comparing ------------------------------------------------------------------------------- */

/* As it is printed, user and password are ***. */
static bool is_same_word(const char *word, const char *again)
{
    const char *scheme = strstr(word, "://"), *at = scheme != NULL ? strrchr(scheme, '@') : NULL;
    const char *rest = scheme != NULL ? again + (scheme - word) : again;

    if (at == NULL)
        return strcmp(word, again) == 0;
    return strncmp(word, again, (size_t)(scheme - word)) == 0 &&
           strncmp(rest, "://***", strlen("://***")) == 0 &&
           strcmp(rest + strlen("://***"), at) == 0;
}

static bool is_same_list(const struct string_list *list, const struct string_list *again)
{
    size_t i = 0;

    while (i < list->n && i < again->n && is_same_word(list->items[i], again->items[i]))
        i++;
    return i == list->n && i == again->n;
}

static bool is_same_value(const struct setting *setting, const void *values, const void *again)
{
    const void *value = (const char *)values + setting->offset;
    const void *other = (const char *)again + setting->offset;
    bool is_list = setting->type == SETTING_LIST || setting->type == SETTING_LINES;

    return is_list ? is_same_list(value, other) : setting_is_same(setting, values, again);
}

static void check_values(const struct setting *settings, size_t n, const void *values,
                         const void *again)
{
    for (size_t i = 0; i < n; i++)
        fuzz_expect(is_same_value(&settings[i], values, again), "a value is read as it was printed",
                    settings[i].name);
}

static void check_same(const struct config *config, const struct config *again)
{
    const struct config_probe *probe = config->probes, *other = again->probes;

    check_values(config_settings, config_n_settings, config, again);
    for (; probe != NULL && other != NULL; probe = probe->next, other = other->next) {
        fuzz_expect(strcmp(probe->name, other->name) == 0, "a module has its name", probe->name);
        check_values(config_probe_settings, config_probe_n_settings, probe, other);
    }
    fuzz_expect(probe == NULL && other == NULL, "there are as many modules", "");
}

/* --- Printing -------------------------------------------------------------------------------- */

/* Also if something was refused: each value is what it was, or what was taken. */
static void check_print(const struct config *config)
{
    struct source again;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    fuzz_expect(out != NULL && config_print(config, out) == 0 && fclose(out) == 0, "it is printed",
                "");
    source_init(&again);
    fuzz_expect(read_file(&again, text, length) == 0, "what is printed is taken", text);
    check_same(config, &again.config);
    config_done(&again.config);
    free(text);
}

/* --- What becomes of it ---------------------------------------------------------------------- */

static void check_request(const struct probe_module *module, const struct job_spec *spec)
{
    const struct config_probe *config = module->config;

    fuzz_expect(spec->n_items == 1, "a probe is one request", config->name);
    const struct fetch_options *options = job_spec_request(spec, 0)->options;
    fuzz_expect(strcmp(options->method, config->method) == 0, "it has its method", config->method);
    fuzz_expect(options->follow_redirects == (config->follow_redirects != 0),
                "it follows redirects, or does not", config->name);
    fuzz_expect(options->n_headers >= config->headers.n, "it has its headers", config->name);
}

static void check_module(const struct probe_module *module, const struct parse_settings *parse)
{
    struct defect_list defects;
    struct job_spec *spec;

    defect_list_init(&defects);
    fuzz_expect(
        probe_module_spec(module, parse, "http://target.example/", 1000000, &defects, &spec) == 0,
        "what is taken as a module can ask", module->config->name);
    check_request(module, spec);
    job_spec_free(spec);
    defect_list_done(&defects);
}

static void check_modules(const struct config *config)
{
    struct probe_modules modules;
    struct err err = {""};
    int rc = expect_memory(probe_modules_init(&modules, config, &fuzz_settings, &err));

    fuzz_expect((rc < 0) == (err.message[0] != '\0'), "what is refused is explained", "");
    for (size_t i = 0; rc == 0 && i < modules.n; i++)
        check_module(&modules.list[i], &modules.parse);
    probe_modules_done(&modules);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    struct source source;

    source_init(&source);
    if (fuzz_byte(&input) % 2 == 0)
        read_file(&source, input.bytes, input.n_bytes);
    else
        read_assignments(&source, &input);
    check_print(&source.config);
    check_modules(&source.config);
    config_done(&source.config);
    return 0;
}
