#include "daemon/client/request_document.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/co/co.h"

#include "daemon/base/json_writer.h"
#include "daemon/client/input.h"
#include "daemon/client/options.h"
#include "daemon/model/json_document.h"

enum { DATA_MAX = 64 * 1024 * 1024, READ_BYTES = 64 * 1024 };

/* What goes into every request of its own, since `defaults` have no such member. */
struct each {
    struct buffer members; /* "repeat":3,"body":"..." */
    uint64_t repeat;
};

struct making {
    struct request_document *document;
    const struct options *options;
    struct each each;
    struct err *err;
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* Files are always there; for what comes from somebody else we wait where we can be canceled. */
static ssize_t read_some(void *arg, char *bytes, size_t max)
{
    int fd = *(const int *)arg;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int rc = poll(&readable, 1, 0) == 0 ? co_wait_fd(fd, CO_READABLE) : co_checkpoint();

    if (rc < 0 && rc != -EPERM)
        return rc;
    ssize_t n = read(fd, bytes, max);
    return n < 0 ? -errno : n;
}

static int open_file(const char *name, struct err *err)
{
    int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);

    return fd >= 0 ? fd : err_set(err, -EINVAL, "%s: %s", name, strerror(errno));
}

static const char *shown_name(const char *name)
{
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

int request_file_read(const char *name, struct buffer *ret_bytes, struct err *err)
{
    int fd = open_file(name, err);
    ssize_t n = fd;

    buffer_init(ret_bytes, DATA_MAX);
    while (n >= 0 && (n = buffer_reserve(ret_bytes, READ_BYTES)) == 0 &&
           (n = read_some(&fd, ret_bytes->data + ret_bytes->len, READ_BYTES)) > 0)
        ret_bytes->len += (size_t)n;
    if (fd >= 0)
        co_close(fd);
    return n < 0 ? err_set(err, (int)n, "%s: %s", shown_name(name), strerror((int)-n)) : 0;
}

/* --- What holds for all requests -------------------------------------------------------------- */

static int write_header(struct json_writer *w, const char *header, struct err *err)
{
    size_t length = strcspn(header, ":");
    const char *value = header + length;

    if (*value == '\0' || length == 0)
        return err_set(err, -EINVAL, "--header '%s' is not NAME: VALUE", header);
    value += 1 + strspn(value + 1, " \t");
    jw_name(w, header, length);
    jw_text(w, value);
    return 0;
}

static int write_headers(struct json_writer *w, const struct option_texts *headers, struct err *err)
{
    int rc = 0;

    if (headers->n == 0)
        return 0;
    jw_key(w, "headers");
    jw_object_begin(w);
    for (size_t i = 0; i < headers->n && rc == 0; i++)
        rc = write_header(w, headers->items[i], err);
    jw_object_end(w);
    return rc;
}

static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static void write_statuses(struct json_writer *w, const struct option_texts *statuses)
{
    jw_key(w, "status");
    jw_array_begin(w);
    for (size_t i = 0; i < statuses->n; i++)
        if (is_number(statuses->items[i]))
            jw_uint(w, strtoul(statuses->items[i], NULL, 10));
        else
            jw_text(w, statuses->items[i]);
    jw_array_end(w);
}

static void write_contained(struct json_writer *w, const struct option_texts *texts)
{
    jw_key(w, "body");
    jw_object_begin(w);
    jw_key(w, "contains");
    jw_array_begin(w);
    for (size_t i = 0; i < texts->n; i++)
        jw_text(w, texts->items[i]);
    jw_array_end(w);
    jw_object_end(w);
}

static void write_expect(struct json_writer *w, const struct options *options)
{
    if (options->expected_statuses.n + options->expected_texts.n == 0)
        return;
    jw_key(w, "expect");
    jw_object_begin(w);
    if (options->expected_statuses.n > 0)
        write_statuses(w, &options->expected_statuses);
    if (options->expected_texts.n > 0)
        write_contained(w, &options->expected_texts);
    jw_object_end(w);
}

/* NAME=JSON; what is no JSON is a text. */
static int write_member(struct json_writer *w, const char *member, struct err *err)
{
    size_t length = strcspn(member, "=");
    const char *value = member + length + 1;
    struct json_t *document = NULL;

    if (length == 0 || member[length] == '\0')
        return err_set(err, -EINVAL, "--set '%s' is not NAME=JSON", member);
    int rc = json_document_load(value, strlen(value), &document);
    json_document_free(document);
    jw_name(w, member, length);
    if (rc == 0)
        jw_raw(w, value, strlen(value));
    else
        jw_text(w, value);
    return rc < 0 ? rc : 0;
}

static void write_flags(struct json_writer *w, const struct options *options)
{
    if (options->stays)
        jw_literal(w, "\"follow_redirects\":false,");
    if (options->is_insecure)
        jw_literal(w, "\"tls\":{\"verify\":false},");
    if (options->keeps_bodies)
        jw_literal(w, "\"capture\":{\"body\":\"full\"},");
}

static void write_values(struct json_writer *w, const struct options *options)
{
    if (options->method != NULL) {
        jw_key(w, "method");
        jw_text(w, options->method);
    }
    if (options->timeout_ms != 0) {
        jw_key(w, "timeout_ms");
        jw_uint(w, options->timeout_ms);
    }
    if (options->retries != 0) {
        jw_key(w, "retry");
        jw_object_begin(w);
        jw_key(w, "max_attempts");
        jw_uint(w, options->retries);
        jw_object_end(w);
    }
}

static int write_defaults(struct json_writer *w, const struct options *options, struct err *err)
{
    int rc;

    jw_key(w, "defaults");
    jw_object_begin(w);
    write_flags(w, options);
    write_values(w, options);
    write_expect(w, options);
    rc = write_headers(w, &options->headers, err);
    for (size_t i = 0; i < options->members.n && rc == 0; i++)
        rc = write_member(w, options->members.items[i], err);
    jw_object_end(w);
    return rc;
}

/* --- What the batch says ---------------------------------------------------------------------- */

static void write_limits(struct json_writer *w, const struct options *options)
{
    if (options->concurrency == 0 && options->per_host == 0)
        return;
    jw_key(w, "limits");
    jw_object_begin(w);
    if (options->concurrency != 0) {
        jw_key(w, "concurrency");
        jw_uint(w, options->concurrency);
    }
    if (options->per_host != 0) {
        jw_key(w, "per_host_concurrency");
        jw_uint(w, options->per_host);
    }
    jw_object_end(w);
}

static void write_until(struct json_writer *w, const char *until)
{
    jw_key(w, "until");
    if (!is_number(until)) {
        jw_text(w, until);
        return;
    }
    jw_object_begin(w);
    jw_key(w, "successes");
    jw_uint(w, strtoul(until, NULL, 10));
    jw_object_end(w);
}

static void write_gather(struct json_writer *w, const struct options *options)
{
    if (options->until == NULL && !options->fails_fast)
        return;
    jw_key(w, "gather");
    jw_object_begin(w);
    if (options->until != NULL)
        write_until(w, options->until);
    if (options->fails_fast)
        jw_literal(w, "\"on_failure\":\"cancel_rest\",");
    jw_object_end(w);
}

static int write_labels(struct json_writer *w, const struct option_texts *labels, struct err *err)
{
    if (labels->n == 0)
        return 0;
    jw_key(w, "labels");
    jw_object_begin(w);
    for (size_t i = 0; i < labels->n; i++) {
        size_t length = strcspn(labels->items[i], "=");
        if (labels->items[i][length] == '\0')
            return err_set(err, -EINVAL, "--label '%s' is not NAME=VALUE", labels->items[i]);
        jw_name(w, labels->items[i], length);
        jw_text(w, labels->items[i] + length + 1);
    }
    jw_object_end(w);
    return 0;
}

static int write_batch(struct json_writer *w, const struct options *options, struct err *err)
{
    int rc = write_defaults(w, options, err);

    write_limits(w, options);
    write_gather(w, options);
    if (options->name != NULL) {
        jw_key(w, "name");
        jw_text(w, options->name);
    }
    if (options->deadline_ms != 0) {
        jw_key(w, "deadline_ms");
        jw_uint(w, options->deadline_ms);
    }
    return rc ?: write_labels(w, &options->labels, err);
}

/* --- Requests --------------------------------------------------------------------------------- */

static int write_data(struct json_writer *w, const char *data, struct err *err)
{
    CO_CLEANUP(buffer_done) struct buffer bytes = {0};

    if (*data != '@') {
        jw_key(w, "body");
        jw_text(w, data);
        return 0;
    }
    int rc = request_file_read(data + 1, &bytes, err);
    jw_key(w, "body_base64");
    jw_base64(w, bytes.data, bytes.len);
    return rc;
}

/* returns 0: each->members is empty, or an object without its braces that ends in a comma */
static int make_each(struct each *each, const struct options *options, struct err *err)
{
    struct json_writer w;
    int rc = 0;

    buffer_init(&each->members, SIZE_MAX);
    each->repeat = options->repeat ?: 1;
    jw_init(&w, &each->members);
    jw_object_begin(&w);
    if (options->repeat != 0) {
        jw_key(&w, "repeat");
        jw_uint(&w, options->repeat);
    }
    if (options->data != NULL)
        rc = write_data(&w, options->data, err);
    jw_object_end(&w);
    return rc ?: jw_finish(&w);
}

static bool is_plain(const struct each *each)
{
    return each->members.len == strlen("{}");
}

/* {"repeat":3} and "https://one.example/" or {"url":...} become one object. */
static void write_joined(struct json_writer *w, const struct each *each,
                         const struct input_item *item)
{
    struct buffer *out = w->out;

    (void)(buffer_append(out, each->members.data, each->members.len - 1)
               ?: buffer_append_byte(out, ','));
    if (*item->json == '{')
        (void)buffer_append(out, item->json + 1, item->length - 1);
    else
        (void)(buffer_append(out, "\"url\":", 6) ?: buffer_append(out, item->json, item->length) ?:
               buffer_append_byte(out, '}'));
    (void)buffer_append_byte(out, ',');
}

static int note_place(struct request_document *document, const char *source, unsigned long line)
{
    if (document->n_items == document->places_max) {
        size_t n = document->places_max != 0 ? 2 * document->places_max : 256;
        struct item_place *places = realloc(document->places, n * sizeof(*places));
        if (places == NULL)
            return -ENOMEM;
        document->places = places;
        document->places_max = n;
    }
    document->places[document->n_items++] = (struct item_place){source, line};
    return 0;
}

static int add_item(struct making *making, struct json_writer *w, const char *source,
                    const struct input_item *item)
{
    making->document->n_requests += making->each.repeat;
    if (is_plain(&making->each))
        jw_raw(w, item->json, item->length);
    else
        write_joined(w, &making->each, item);
    return note_place(making->document, source, item->line);
}

static int add_url(struct making *making, struct json_writer *w, const char *url)
{
    CO_CLEANUP(buffer_done) struct buffer json;
    struct json_writer quoted;

    buffer_init(&json, SIZE_MAX);
    jw_init(&quoted, &json);
    jw_text(&quoted, url);
    int rc = jw_finish(&quoted);
    const struct input_item item = {json.data, json.len, 0};
    return rc ?: add_item(making, w, url, &item);
}

static int add_input(struct making *making, struct json_writer *w, const char *name,
                     struct input *input)
{
    struct input_item item;
    int rc;

    while ((rc = input_next(input, &item)) > 0) {
        rc = add_item(making, w, name, &item);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int add_file(struct making *making, struct json_writer *w, const char *name)
{
    CO_CLEANUP(input_freep) struct input *input = NULL;
    int fd = open_file(name, making->err);
    const struct input_source source = {shown_name(name), read_some, &fd};
    const struct input_settings settings = {.format = making->options->input_format};

    if (fd < 0)
        return fd;
    int rc = input_new(&input, &source, &settings, making->err);
    if (rc == 0)
        rc = add_input(making, w, shown_name(name), input);
    co_close(fd);
    return rc;
}

static int add_all(struct making *making, struct json_writer *w, size_t n_words, char **words)
{
    const struct option_texts *files = &making->options->files;
    int rc = 0;

    jw_key(w, "requests");
    jw_array_begin(w);
    for (size_t i = 0; i < n_words && rc == 0; i++)
        rc = add_url(making, w, words[i]);
    for (size_t i = 0; i < files->n && rc == 0; i++)
        rc = add_file(making, w, files->items[i]);
    if (n_words + files->n == 0)
        rc = add_file(making, w, "-");
    jw_array_end(w);
    if (rc == 0 && making->document->n_items == 0)
        rc = err_set(making->err, -EINVAL,
                     "there is nothing to fetch: name URLs, or files of them "
                     "with -f");
    return rc;
}

static int make(struct making *making, size_t n_words, char **words)
{
    struct json_writer w;

    jw_init(&w, &making->document->json);
    jw_object_begin(&w);
    int rc = write_batch(&w, making->options, making->err) ?: add_all(making, &w, n_words, words);
    if (rc < 0)
        return rc;
    jw_object_end(&w);
    return jw_finish(&w);
}

int request_document_make(struct request_document *ret_document, const struct options *options,
                          size_t n_words, char **words, struct err *err)
{
    struct making making = {.document = ret_document, .options = options, .err = err};

    *ret_document = (struct request_document){0};
    buffer_init(&ret_document->json, SIZE_MAX);
    int rc = make_each(&making.each, options, err) ?: make(&making, n_words, words);
    buffer_done(&making.each.members);
    if (rc < 0)
        request_document_done(ret_document);
    return rc;
}

void request_document_done(struct request_document *document)
{
    buffer_done(&document->json);
    free(document->places);
    *document = (struct request_document){0};
}
