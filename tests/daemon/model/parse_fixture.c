#include "tests/daemon/model/parse_fixture.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/credentials.h"

#include "tests/support/intake_twin.h"

struct parsed parsed;
struct parse_settings parse_settings;

static const struct co_http_header default_headers[] = {{"User-Agent", "gatherd/test"}};

static struct credentials *credentials;
static struct co_url proxies[2];

/* The files are gone when they have been read: what is in the certificates does not matter. */
static void load_credentials(void)
{
    static const char secrets[] = "api-token = hidden\nhook_1 api.example *.b.example = hidden\n";
    char folder[] = P_tmpdir "/parse_fixture.XXXXXX", secrets_path[64], certificate_path[64];
    int fd = memfd_create("secrets", MFD_CLOEXEC);

    ck_assert_int_eq(fchmod(fd, 0600), 0);
    ck_assert_int_eq(write(fd, secrets, strlen(secrets)), (ssize_t)strlen(secrets));
    sprintf(secrets_path, "/proc/self/fd/%d", fd);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    sprintf(certificate_path, "%s/lab-ca.pem", folder);
    fclose(fopen(certificate_path, "we"));
    ck_assert_int_eq(credentials_load(&credentials, secrets_path, folder, NULL), 0);
    unlink(certificate_path);
    rmdir(folder);
    close(fd);
}

static void add_proxy(size_t i, const char *text)
{
    ck_assert_int_eq(co_url_parse(text, strlen(text), &proxies[i]), 0);
}

static void set_up(void)
{
    job_parse_init();
    setlocale(LC_CTYPE, "C.UTF-8");
    load_credentials();
    add_proxy(0, "http://operator:hidden@proxy.example:3128");
    add_proxy(1, "https://[2001:db8::1]");
    parse_settings = (struct parse_settings){
        .max_items = 1000,
        .max_arena_bytes = 64 << 20,
        .json_room = 16 << 20,
        .max_capture_bytes = 1 << 20,
        .max_redirects = 20,
        .max_attempts = 10,
        .credentials = credentials,
        .proxies = proxies,
        .n_proxies = N_ELEMENTS(proxies),
        .defaults =
            {
                .method = "GET",
                .headers = default_headers,
                .n_headers = 1,
                .timeout_us = 30000000,
                .follow_redirects = true,
                .max_redirects = 10,
                .capture_max_bytes = 65536,
            },
    };
    parsed = (struct parsed){0};
    defect_list_init(&parsed.defects);
}

static void forget(void)
{
    job_spec_free(parsed.spec);
    parsed.spec = NULL;
    defect_list_done(&parsed.defects);
}

static void tear_down(void)
{
    forget();
    credentials_free(credentials);
    for (size_t i = 0; i < N_ELEMENTS(proxies); i++)
        co_url_done(&proxies[i]);
}

TCase *parse_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_tcase(suite, tcase);
    return tcase;
}

/* --- The same as a job ------------------------------------------------------------------------ */

enum {
    TWIN_SIZE_MAX = 64 * 1024,
    TWIN_ARENA_MIN = 8 * 1024 * 1024, /* with less they run out of it at different places */
};

static const size_t slice_sizes[] = {1, 7, 4096};

enum { N_TWINS = 2 * N_ELEMENTS(slice_sizes) };

static size_t next_slice(void *arg)
{
    return *(const size_t *)arg;
}

/* What comes in slices to be stored must fare as what comes whole. */
static void check_twin(const char *content_type, const void *bytes, size_t length, size_t which)
{
    size_t size = slice_sizes[which / 2 % N_ELEMENTS(slice_sizes)];
    const struct intake_twin twin = {
        .content_type = content_type,
        .bytes = bytes,
        .length = length,
        .next_slice = next_slice,
        .arg = &size,
        .is_streamed = which % 2 == 1,
    };

    if (length > TWIN_SIZE_MAX || parse_settings.max_arena_bytes < TWIN_ARENA_MIN)
        return;
    const char *flaw = intake_twin_flaw(&parse_settings, &twin);
    ck_assert_msg(flaw == NULL, "in slices of %zu bytes%s: %s", size,
                  twin.is_streamed ? ", read at once" : "", flaw);
}

/* --- Parsing ---------------------------------------------------------------------------------- */

static void parse(const char *content_type, const void *bytes, size_t length)
{
    forget();
    defect_list_init(&parsed.defects);
    parsed.refusal = (struct parse_refusal){0};
    parsed.rc = job_parse(&parse_settings, PARSE_JOB, content_type, bytes, length, &parsed.defects,
                          &parsed.refusal, &parsed.spec);
}

void parse_bytes(const char *content_type, const void *bytes, size_t length)
{
    static size_t n_parsed;

    parse(content_type, bytes, length);
    check_twin(content_type, bytes, length, n_parsed++ % N_TWINS);
}

char *with_double_quotes(const char *text)
{
    char *copy = strdup(text);

    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

void parse_typed(const char *content_type, const char *text)
{
    char *copy = with_double_quotes(text);

    parse(content_type, copy, strlen(copy));
    for (size_t i = 0; i < N_TWINS; i++)
        check_twin(content_type, copy, strlen(copy), i);
    free(copy);
}

void parse_json(const char *text)
{
    parse_typed(NULL, text);
}

const struct job_spec *must_parse(const char *text)
{
    parse_json(text);
    ck_assert_msg(parsed.rc == 0, "%s: %d %s: %s", text, parsed.refusal.status,
                  parsed.refusal.detail,
                  parsed.defects.n_defects > 0 ? parsed.defects.defects[0].detail : "");
    return parsed.spec;
}

const struct request *must_parse_request(const char *text)
{
    return must_parse(text)->requests;
}

void must_refuse(const char *text, int status)
{
    parse_json(text);
    ck_assert_msg(parsed.rc == 1, "%s: %d", text, parsed.rc);
    ck_assert_int_eq(parsed.refusal.status, status);
}

const char *header_values(const struct fetch_options *options, const char *name)
{
    static char values[1000];
    char *end = values;

    for (size_t i = 0; i < options->n_headers; i++) {
        if (strcasecmp(options->headers[i].name, name) != 0)
            continue;
        if (end > values)
            end = stpcpy(end, "|");
        end = stpcpy(end, options->headers[i].value);
    }
    *end = '\0';
    for (size_t i = 0; i < options->n_headers; i++)
        if (strcasecmp(options->headers[i].name, name) == 0)
            return values;
    return NULL;
}

const struct defect *find_defect(const char *pointer)
{
    for (size_t i = 0; i < parsed.defects.n_defects; i++)
        if (strcmp(parsed.defects.defects[i].pointer, pointer) == 0)
            return &parsed.defects.defects[i];
    return NULL;
}

void must_find_defect(const struct expected_defect *expected)
{
    must_refuse(expected->text, 422);
    const struct defect *defect = find_defect(expected->pointer);

    ck_assert_msg(defect != NULL, "%s: nothing at %s, but at %s: %s", expected->text,
                  expected->pointer, parsed.defects.defects[0].pointer,
                  parsed.defects.defects[0].detail);
    ck_assert_str_eq(defect->code, expected->code);
    ck_assert_msg(strstr(defect->detail, expected->word) != NULL, "%s", defect->detail);
    for (size_t i = 0; i < parsed.defects.n_defects; i++)
        ck_assert_ptr_null(strstr(parsed.defects.defects[i].detail, "hidden"));
}
